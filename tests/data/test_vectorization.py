"""Sentence pairs as padded ids: those of each sentence alone, framed, and padding behind them."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s_lib.data.vectorization import id_arrays, pad, pad_pairs, ragged_ids, round_up
from s2s_lib.data.vocabulary import CharVocabulary

ANYTHING = st.text(st.characters(exclude_categories=[]), max_size=8)  # lone surrogates included
LETTERS = st.text(st.sampled_from("aàz \t\n\x00👩🏽\u200d\ud83d\udc00e\u0301"), max_size=8)
TEXT = ANYTHING | LETTERS
PAIRS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6)


@given(st.lists(TEXT, max_size=8), TEXT)
def test_ids_of_many_texts_at_once_are_those_of_each_alone(texts, seen):
    vocabulary = CharVocabulary.from_texts([seen])
    ragged = ragged_ids(iter(texts), vocabulary)
    one_by_one = [vocabulary.encode(text) for text in texts]
    assert ragged.ids.tolist() == [i for ids in one_by_one for i in ids]
    assert ragged.lengths.tolist() == [len(ids) for ids in one_by_one]
    assert [ragged.ids[a:b].tolist() for a, b in pairwise(ragged.offsets)] == one_by_one


def test_ids_of_the_real_corpus_are_those_of_each_sentence_alone(real_pairs):
    texts = real_pairs["target"].iloc[::40].tolist()
    vocabulary = CharVocabulary.from_texts(texts[::3])  # so that some characters are unknown
    ragged = ragged_ids(texts, vocabulary)
    assert ragged.ids.tolist() == [i for text in texts for i in vocabulary.encode(text)]


def test_ids_are_held_in_two_bytes_a_character(sample_pairs):
    texts = sample_pairs["source"]
    ragged = ragged_ids(texts, CharVocabulary.from_texts(texts))
    assert ragged.ids.nbytes == 2 * texts.str.len().sum()


@given(
    st.lists(TEXT, min_size=1, max_size=6),
    st.lists(st.integers(0, 5), max_size=8),
    st.integers(0, 20),
    st.lists(st.integers(1, 2), max_size=2),
    st.lists(st.integers(1, 2), max_size=2),
)
def test_padded_rows_are_prefix_sentence_suffix_and_then_padding(texts, rows, width, prefix, suffix):
    vocabulary = CharVocabulary("aàz ")
    rows = np.array([row % len(texts) for row in rows], dtype=int)
    framed = [prefix + vocabulary.encode(texts[row]) + suffix for row in rows]
    wide = max([width, len(prefix) + len(suffix)] + [len(row) for row in framed])
    table = pad(ragged_ids(texts, vocabulary), rows, width=width, prefix=prefix, suffix=suffix)
    assert table.dtype == np.int32
    assert table.shape == (len(rows), wide)
    assert table.tolist() == [row + [0] * (wide - len(row)) for row in framed]


@given(PAIRS)
def test_id_arrays_frame_the_target_and_step_it_ahead(pairs):
    sources, targets = zip(*pairs, strict=True)
    source_vocabulary = CharVocabulary.from_texts(sources[::2])
    target_vocabulary = CharVocabulary.from_texts(targets[::2])
    arrays = id_arrays(sources, targets, source_vocabulary, target_vocabulary)
    assert [array.dtype for array in arrays] == [np.int32] * 3
    assert [array.shape[0] for array in arrays] == [len(pairs)] * 3
    for i, (source, target) in enumerate(pairs):
        read, answer = source_vocabulary.encode(source), target_vocabulary.encode(target)
        for row, ids in [
            (arrays.encoder_input[i], read),
            (arrays.decoder_input[i], [1, *answer]),
            (arrays.decoder_target[i], [*answer, 2]),
        ]:
            assert row.tolist() == ids + [0] * (len(row) - len(ids))


def test_id_arrays_are_no_wider_than_the_longest_sentence_needs():
    vocabulary = CharVocabulary("ab")
    arrays = id_arrays(["ab", "b"], ["a", "aba"], vocabulary, vocabulary)
    assert [array.shape for array in arrays] == [(2, 2), (2, 4), (2, 4)]


def test_chosen_rows_may_be_made_wider_than_they_are():
    vocabulary = CharVocabulary("ab")
    source, target = ragged_ids(["ab", "b", ""], vocabulary), ragged_ids(["a", "bab", "b"], vocabulary)
    arrays = pad_pairs(source, target, np.array([2, 0]), source_width=3, target_width=4)
    assert arrays.encoder_input.tolist() == [[0, 0, 0], [4, 5, 0]]
    assert arrays.decoder_input.tolist() == [[1, 5, 0, 0], [1, 4, 0, 0]]
    assert arrays.decoder_target.tolist() == [[5, 2, 0, 0], [4, 2, 0, 0]]


def test_lists_of_unequal_length_are_refused_and_both_lengths_told():
    with pytest.raises(ValueError, match=r"^2 sources but 1 targets: "):
        id_arrays(["a", "a"], ["a"], CharVocabulary("a"), CharVocabulary("a"))


def test_no_pairs_at_all_are_refused():
    with pytest.raises(ValueError, match=r"^no sentence pairs to vectorize$"):
        id_arrays([], [], CharVocabulary("a"), CharVocabulary("a"))


@given(st.integers(0, 500), st.integers(1, 20))
def test_rounding_up_gives_the_least_multiple_that_is_no_smaller(number, multiple):
    rounded = round_up(number, multiple)
    assert rounded % multiple == 0
    assert number <= rounded < number + multiple
