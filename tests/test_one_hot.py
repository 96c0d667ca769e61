"""One-hot arrays are those of the example's plain loops, bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s_lib.data.vectorization import id_arrays
from s2s_lib.data.vocabulary import CharVocabulary
from s2s_lib.example import one_hot_arrays

ANYTHING = st.text(st.characters(exclude_categories=[]), max_size=8)  # lone surrogates included
LETTERS = st.text(st.sampled_from("aàz \t\n\x00👩🏽\u200d\ud83d\udc00e\u0301"), max_size=8)
TEXT = ANYTHING | LETTERS
PAIRS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6)


def one_hot_by_loops(sources, targets):
    """The example's description, one character at a time: returns three arrays and two tables."""
    framed = ["\t" + target + "\n" for target in targets]
    tables = []
    for texts in (sources, framed):
        seen = {" "}
        for text in texts:
            for character in text:
                seen.add(character)
        tables.append(sorted(seen, key=ord))
    source_width = max([1] + [len(text) for text in sources])
    target_width = max([len(text) for text in framed])
    encoder_input = np.zeros((len(sources), source_width, len(tables[0])), dtype="float32")
    decoder_input = np.zeros((len(sources), target_width, len(tables[1])), dtype="float32")
    decoder_target = np.zeros((len(sources), target_width, len(tables[1])), dtype="float32")
    places = [{character: place for place, character in enumerate(table)} for table in tables]
    for i, (source, target) in enumerate(zip(sources, framed, strict=True)):
        for t in range(source_width):
            encoder_input[i, t, places[0][source[t] if t < len(source) else " "]] = 1.0
        for t in range(target_width):
            decoder_input[i, t, places[1][target[t] if t < len(target) else " "]] = 1.0
            decoder_target[i, t, places[1][target[t + 1] if t + 1 < len(target) else " "]] = 1.0
    return encoder_input, decoder_input, decoder_target, tuple(tables[0]), tuple(tables[1])


def assert_bit_for_bit(arrays, expected):
    for mine, theirs in zip(arrays[:3], expected[:3], strict=True):
        assert mine.dtype == np.float32
        assert mine.shape == theirs.shape
        assert np.array_equal(mine.view(np.uint32), theirs.view(np.uint32))
    assert arrays[3:] == expected[3:]


@given(PAIRS)
def test_one_hot_arrays_are_those_of_the_double_loop_bit_for_bit(pairs):
    sources, targets = zip(*pairs, strict=True)
    assert_bit_for_bit(one_hot_arrays(sources, targets), one_hot_by_loops(sources, targets))


def test_one_hot_arrays_of_the_sample_are_those_of_the_double_loop_bit_for_bit(sample_pairs):
    some = sample_pairs.iloc[:: len(sample_pairs) // 500]
    sources, targets = some["source"].tolist(), some["target"].tolist()
    assert_bit_for_bit(one_hot_arrays(sources, targets), one_hot_by_loops(sources, targets))


def test_one_hot_arrays_of_the_real_corpus_have_the_published_tables_and_shapes(real_pairs):
    first = real_pairs.iloc[:10_000]
    arrays = one_hot_arrays(first["source"], first["target"])
    assert arrays.encoder_input.shape == (10_000, 16, 70)
    assert arrays.decoder_input.shape == arrays.decoder_target.shape == (10_000, 59, 93)
    assert (len(arrays.source_characters), len(arrays.target_characters)) == (70, 93)
    some = first[::10]
    arrays = one_hot_arrays(some["source"], some["target"])
    assert_bit_for_bit(arrays, one_hot_by_loops(some["source"].tolist(), some["target"].tolist()))


def test_the_target_is_the_decoder_input_one_step_ahead():
    arrays = one_hot_arrays(["Go on.", "Go."], ["Continue !", "Va !"])
    np.testing.assert_array_equal(arrays.decoder_target[:, :-1], arrays.decoder_input[:, 1:])
    read = ["".join(arrays.target_characters[i] for i in row.argmax(-1)) for row in arrays.decoder_target]
    assert read == ["Continue !\n ", "Va !\n       "]


def test_a_space_joins_a_table_that_lacks_it_for_padding_needs_one():
    arrays = one_hot_arrays(["ab", "b"], ["c", "cd"])
    assert arrays.source_characters == (" ", "a", "b")
    assert arrays.target_characters == ("\t", "\n", " ", "c", "d")
    assert arrays.encoder_input[1].tolist() == [[0, 0, 1], [1, 0, 0]]


def test_sentences_may_come_in_any_kind_of_sequence(sample_pairs):
    some = sample_pairs.head(20)
    assert_bit_for_bit(
        one_hot_arrays(some["source"], iter(some["target"])),
        one_hot_arrays(tuple(some["source"]), some["target"].to_numpy()),
    )


def test_lists_of_unequal_length_are_refused_and_both_lengths_told():
    with pytest.raises(ValueError, match=r"^2 sources but 1 targets: "):
        one_hot_arrays(["a", "a"], ["a"])


def test_no_pairs_at_all_are_refused():
    with pytest.raises(ValueError, match=r"^no sentence pairs to vectorize$"):
        one_hot_arrays([], [])


def test_ids_and_one_hot_arrays_say_the_same_of_the_sample(sample_pairs):
    some = sample_pairs.iloc[::100]
    one_hot = one_hot_arrays(some["source"], some["target"])
    vocabularies = [CharVocabulary.from_texts(some[side]) for side in ("source", "target")]
    ids = id_arrays(some["source"], some["target"], *vocabularies)
    names = ["", "\t", "\n", "?", *vocabularies[1].characters]
    for row, one_hot_row in zip(ids.decoder_target, one_hot.decoder_target, strict=True):
        read = "".join(one_hot.target_characters[i] for i in one_hot_row.argmax(-1))
        said = "".join(names[i] for i in row)
        assert said == read[: len(said)]
        assert read[len(said) :].strip(" ") == ""
