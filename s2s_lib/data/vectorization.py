"""Sentence pairs as padded ids (derived in notebook 02_vectorization)."""

from collections.abc import Iterable, Sequence, Sized
from typing import NamedTuple

import numpy as np

from s2s_lib.data.vocabulary import END, PADDING, START, UNKNOWN, CharVocabulary, code_points


class IdArrays(NamedTuple):
    """Padded int32 ids: what the encoder reads, what the decoder reads, and what it should answer."""

    encoder_input: np.ndarray
    decoder_input: np.ndarray
    decoder_target: np.ndarray


class RaggedIds(NamedTuple):
    """Ids of many sentences end to end (uint16), and where each begins: ``offsets[i]:offsets[i + 1]``."""

    ids: np.ndarray
    offsets: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Number of ids of each sentence."""
        return np.diff(self.offsets)


def check_pairs(sources: Sized, targets: Sized) -> None:
    """Raise ValueError unless there are pairs, and as many targets as sources."""
    if len(sources) != len(targets):
        raise ValueError(
            f"{len(sources)} sources but {len(targets)} targets: give one target for each source"
        )
    if not sources:
        raise ValueError("no sentence pairs to vectorize")


def round_up(number: int, multiple: int) -> int:
    """Return the least multiple that is not below ``number``.

    >>> round_up(17, 8)
    24
    """
    return -(-number // multiple) * multiple


def ragged_ids(texts: Iterable[str], vocabulary: CharVocabulary) -> RaggedIds:
    """Encode all texts at once, as ``vocabulary.encode`` does one by one: one look-up for all code points."""
    characters, lengths = code_points(texts)
    known = [ord(character) for character in vocabulary.characters]
    id_of = np.full(max(known, default=0) + 2, UNKNOWN, dtype=np.uint16)  # last: all code points beyond
    id_of[known] = np.arange(len(known)) + UNKNOWN + 1
    return RaggedIds(id_of.take(characters, mode="clip"), np.concatenate([[0], np.cumsum(lengths)]))


def pad(
    ragged: RaggedIds,
    rows: np.ndarray,
    *,
    width: int = 0,
    prefix: Sequence[int] = (),
    suffix: Sequence[int] = (),
) -> np.ndarray:
    """Return rows as int32 ``(len(rows), width)``, framed by ``prefix`` and ``suffix``, then padding.

    The width is that of the longest framed row unless a larger one is asked for.
    """
    lengths, start = ragged.lengths[rows], len(prefix)
    longest = int(lengths.max(initial=0)) + start + len(suffix)
    table = np.full((len(rows), max(longest, width)), PADDING, dtype=np.int32)
    table[:, :start] = prefix
    for line, row, length in zip(table, rows, lengths, strict=True):
        end = start + length
        line[start:end] = ragged.ids[ragged.offsets[row] : ragged.offsets[row + 1]]
        line[end : end + len(suffix)] = suffix
    return table


def pad_pairs(
    source: RaggedIds, target: RaggedIds, rows: np.ndarray, *, source_width: int = 0, target_width: int = 0
) -> IdArrays:
    """Return the `IdArrays` of the given rows, at least as wide as asked for."""
    return IdArrays(
        encoder_input=pad(source, rows, width=source_width),
        decoder_input=pad(target, rows, width=target_width, prefix=[START]),
        decoder_target=pad(target, rows, width=target_width, suffix=[END]),
    )


def id_arrays(
    sources: Iterable[str],
    targets: Iterable[str],
    source_vocabulary: CharVocabulary,
    target_vocabulary: CharVocabulary,
) -> IdArrays:
    """Vectorize sentence pairs as padded ids; ValueError unless there are pairs, as many targets as sources.

    ``encoder_input`` is ``(num_pairs, source_timesteps)``; ``decoder_input``, which opens with the start
    mark, and ``decoder_target``, one timestep ahead and closed by the end mark, are ``(num_pairs,
    target_timesteps)``. Padding (id 0) stands only on the right.

    >>> arrays = id_arrays(["ab", "b"], ["cd", "dcd"], CharVocabulary("ab"), CharVocabulary("cd"))
    >>> arrays.decoder_input.tolist()
    [[1, 4, 5, 0], [1, 5, 4, 5]]
    >>> arrays.decoder_target.tolist()
    [[4, 5, 2, 0], [5, 4, 5, 2]]
    """
    sources, targets = list(sources), list(targets)
    check_pairs(sources, targets)
    ragged = ragged_ids(sources, source_vocabulary), ragged_ids(targets, target_vocabulary)
    return pad_pairs(*ragged, np.arange(len(sources)))
