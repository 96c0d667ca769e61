"""The exercises of notebook 02_vectorization."""

from collections.abc import Sequence

import numpy as np

from s2s_lib.checks.exercise import Exercise
from s2s_lib.data.vocabulary import CharVocabulary


def decoder_strings(target: str, length: int) -> tuple[str, str]:
    """Return what the decoder reads and should answer, padded."""
    return ("\t" + target + "\n").ljust(length), (target + "\n").ljust(length)


def rebuilt_text(target_ids: Sequence[int], vocabulary: CharVocabulary) -> str:
    """Return what ids mean with a table that holds one character more."""
    return CharVocabulary([*vocabulary.characters, "#"]).decode(target_ids)


def largest_size(lengths: np.ndarray, sizes: Sequence[int], *, ordered: bool = True) -> int:
    """Return the largest batch size with less than 2 % padding; 0 if there is none."""
    rows = np.sort(lengths) if ordered else np.asarray(lengths)
    good = [0]
    for size in sizes:
        batches = [rows[i : i + size] for i in range(0, len(rows), size)]
        if 1 - rows.sum() / sum(len(batch) * batch.max() for batch in batches) < 0.02:
            good.append(size)
    return max(good)


def some_lengths() -> list[tuple[np.ndarray, list[int]]]:
    """Return lengths of sentences, in no order, that allow different batch sizes."""
    dice, sizes = np.random.default_rng(0), [16, 32, 64, 128, 256, 512, 1024]
    return [(dice.integers(5, highest, 3000), sizes) for highest in (15, 40, 90)]


EXERCISES = {
    "02.4": Exercise(
        kind="do",
        minutes=5,
        look="Compare with the two printed rows above: which mark stands where?",
        cases=lambda: [("Va.", 8), ("Il dort.", 10)],
        expected=decoder_strings,
        mistakes={
            "no offset": (
                lambda target, length: (decoder_strings(target, length)[0],) * 2,
                "Both are the same: the answer to what is read must be the next character.",
            ),
            "reversed": (
                lambda target, length: decoder_strings(target, length)[::-1],
                "The offset has the wrong direction: the tab belongs to what is read.",
            ),
            "no padding": (
                lambda target, length: tuple(text.rstrip(" ") for text in decoder_strings(target, length)),
                "The marks are right, but both must have the given length: fill up with spaces.",
            ),
        },
        right="Each answer stands above the character that is read one timestep later.",
    ),
    "02.5": Exercise(
        kind="do",
        minutes=5,
        look="For ids of shape (2, 3) and rows of 4 numbers the result has shape (2, 3, 4).",
        cases=lambda: [
            (np.array([2, 0, 2]), np.arange(12.0).reshape(3, 4)),
            (np.array([[1, 0, 2], [2, 2, 1]]), np.arange(12.0).reshape(3, 4)),
        ],
        expected=lambda ids, matrix: matrix[ids],
        mistakes={
            "columns": (lambda ids, matrix: matrix[:, ids], "These are columns: the id is a row's number."),
            "flat": (
                lambda ids, matrix: matrix[np.ravel(ids)],
                "The rows are right, but the shape of the ids is lost: index with them as they are.",
            ),
        },
        right="This is what an Embedding layer does.",
    ),
    "02.6": Exercise(
        kind="do",
        minutes=5,
        look="Build the table with CharVocabulary([*target_vocabulary.characters, '#']), then decode.",
        expected=rebuilt_text,
        mistakes={
            "old table": (
                lambda target_ids, vocabulary: vocabulary.decode(target_ids),
                "That is the old table: decode the old ids with the new one.",
            ),
            "new ids": (
                lambda target_ids, vocabulary: vocabulary.decode(target_ids) + " ",
                "You have encoded anew: the ids stay as the old table made them.",
            ),
            "ids": (
                lambda target_ids, vocabulary: CharVocabulary([*vocabulary.characters, "#"]).encode(
                    vocabulary.decode(target_ids)
                ),
                "These are ids: the text that target_ids become is asked for.",
            ),
        },
        right="Every id beyond the newcomer means its neighbor now, and nothing raised an error.",
    ),
    "02.7": Exercise(
        kind="stretch",
        minutes=10,
        look="A batch has its size times its longest length cells; padding is what no character fills.",
        cases=some_lengths,
        expected=largest_size,
        mistakes={
            "unsorted": (
                lambda lengths, sizes: largest_size(lengths, sizes, ordered=False),
                "Nothing was sorted: sentences of like length must become neighbors first.",
            ),
            "smallest": (
                lambda lengths, sizes: min(sizes),
                "The smallest size pads least: find the largest.",
            ),
        },
        right="Fewer, larger batches cost little padding as long as lengths are alike.",
    ),
}
