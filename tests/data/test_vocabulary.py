"""Characters become ids and ids become characters again, whatever the text."""

import json
import unicodedata
from string import ascii_lowercase

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from s2s_lib.data.vocabulary import (
    END,
    PADDING,
    START,
    UNKNOWN,
    CharVocabulary,
    code_points,
    fold_typography,
    prepare_text,
)

EVERYTHING = st.text(st.characters(exclude_categories=[]))  # lone surrogates, marks and emoji included
SAVABLE = st.text(st.characters(exclude_categories=["Cs"]))
AWKWARD = [
    "",
    "e\u0301te\u0301",
    "été",
    "\u212b",
    "👩‍👩‍👧 🇫🇷",
    "\ud83d",
    "\udc00\ud800",
    "\x00",
    "각",
    "🦦\u202f!",
]


def composed(text):
    return unicodedata.normalize("NFC", text)


def test_the_special_ids_stand_before_all_characters_in_the_order_the_course_tells():
    assert (PADDING, START, END, UNKNOWN) == (0, 1, 2, 3)
    assert CharVocabulary("z").encode("z") == [4]


@given(st.lists(EVERYTHING))
@example(["e", "\u0301"])  # would be one character, joined
@example(["e\u0301", "\u0301"])
@example(["\ud83d", "\udc00"])
def test_each_text_is_composed_by_itself(texts):
    characters, lengths = code_points(texts)
    assert lengths.tolist() == [len(composed(text)) for text in texts]
    assert [chr(character) for character in characters] == list("".join(map(composed, texts)))


@given(st.lists(st.characters(exclude_categories=[])))
def test_characters_get_ids_in_the_order_of_their_code_points(characters):
    vocabulary, in_order = CharVocabulary(characters), sorted(set(characters), key=ord)
    assert vocabulary.characters == tuple(in_order)
    assert [vocabulary.decode([i]) for i in range(4, len(vocabulary))] == in_order
    assert len(vocabulary) == 4 + len(in_order)


@given(EVERYTHING)
@example("\udbff\udc00")
def test_a_text_comes_back_from_its_ids_in_composed_form(text):
    vocabulary = CharVocabulary.from_texts([text])
    assert vocabulary.decode(vocabulary.encode(text)) == composed(text)


@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_texts_come_back_too(text):
    vocabulary = CharVocabulary.from_texts(AWKWARD)
    assert vocabulary.decode(vocabulary.encode(text)) == composed(text)


@given(st.text(st.sampled_from("aeécçoœuùA\u0301\u0300\u0327 ")))
def test_a_text_has_the_same_ids_however_its_accents_were_typed(text):
    vocabulary = CharVocabulary.from_texts([unicodedata.normalize("NFD", text)])
    ids = vocabulary.encode(text)
    assert vocabulary.encode(unicodedata.normalize("NFD", text)) == ids
    assert vocabulary.encode(composed(text)) == ids
    assert UNKNOWN not in ids


@given(EVERYTHING, EVERYTHING)
def test_a_character_never_seen_is_unknown_and_all_others_keep_their_place(seen, text):
    vocabulary = CharVocabulary.from_texts([seen])
    ids = vocabulary.encode(text)
    known = composed(seen)
    assert len(ids) == len(composed(text))
    assert [i == UNKNOWN for i in ids] == [character not in known for character in composed(text)]
    assert vocabulary.decode(ids) == "".join(c for c in composed(text) if c in known)


def test_encoding_adds_neither_start_nor_end():
    assert CharVocabulary("ab").encode("") == []
    assert CharVocabulary("ab").encode("ab") == [4, 5]


def test_decoding_stops_at_the_first_end_and_leaves_specials_out():
    vocabulary = CharVocabulary("ab")
    assert vocabulary.decode([START, 4, UNKNOWN, PADDING, 5, END, 4, END]) == "ab"


def test_decoding_takes_an_array_of_ids():
    assert CharVocabulary("ab").decode(np.array([1, 5, 4, 2, 0], dtype=np.int32)) == "ba"


@pytest.mark.parametrize("bad", [-1, 6, 99])
def test_an_id_outside_the_vocabulary_is_named(bad):
    with pytest.raises(ValueError, match=f"^id {bad} is outside this vocabulary of 6 ids$"):
        CharVocabulary("ab").decode([4, bad])


@pytest.mark.parametrize("bad", [["ab"], [""], ["a", "e\u0301"], [1], [None]])
def test_a_vocabulary_of_anything_but_single_characters_is_refused(bad):
    with pytest.raises(ValueError, match=r"single characters, not ('.*'|1|None)$"):
        CharVocabulary(bad)


@given(st.lists(SAVABLE))
def test_a_vocabulary_comes_back_from_its_json(texts):
    vocabulary = CharVocabulary.from_texts(texts)
    again = CharVocabulary.from_json(vocabulary.to_json())
    assert again == vocabulary
    assert all(again.encode(text) == vocabulary.encode(text) for text in [*texts, *AWKWARD])


def test_the_json_is_plain_ascii_that_any_program_reads():
    text = CharVocabulary("é🦦a").to_json()
    assert text.isascii()
    assert json.loads(text) == {"characters": "aé🦦"}


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "{",
        "[]",
        "{}",
        "null",
        "3",
        '"abc"',
        '{"characters": 3}',
        '{"characters": ["a"]}',
        '{"tokens": "a"}',
    ],
)
def test_json_of_something_else_is_refused_in_one_sentence(bad):
    with pytest.raises(ValueError, match=r"^not a vocabulary: .*$"):
        CharVocabulary.from_json(bad)


def test_the_order_and_repeats_of_characters_do_not_matter():
    forward, backward = CharVocabulary(ascii_lowercase), CharVocabulary(reversed(ascii_lowercase * 2))
    assert forward == backward
    assert len({forward, backward}) == 1


def test_vocabularies_of_other_characters_are_not_equal():
    assert CharVocabulary("ab") != CharVocabulary("abc")
    assert CharVocabulary("ab") != ("a", "b")


def test_a_vocabulary_of_no_texts_knows_nothing():
    vocabulary = CharVocabulary.from_texts([])
    assert len(vocabulary) == 4
    assert vocabulary.encode("ab") == [UNKNOWN, UNKNOWN]


def test_a_vocabulary_prints_its_sizes():
    assert repr(CharVocabulary("ab")) == "CharVocabulary(2 characters, 6 ids)"


# Preparing text


@given(st.text(st.sampled_from("aé'’ !\u00a0\u2009\u202f\u2003‘\t")))
def test_folding_typography_replaces_four_characters_and_no_other(text):
    slowly = "".join({"’": "'", "\u00a0": " ", "\u2009": " ", "\u202f": " "}.get(c, c) for c in text)
    assert fold_typography(text) == slowly


@pytest.mark.parametrize("fold", [False, True])
@given(st.text(st.sampled_from("aeécçœùA'’ \u00a0\u202f\u0301\u0300\u0327\u212b")))
@example("e\u0301te\u0301")
def test_a_text_is_prepared_alike_however_its_accents_were_typed(fold, text):
    prepared = prepare_text(text, fold=fold)
    for form in ("NFC", "NFD"):
        assert prepare_text(unicodedata.normalize(form, text), fold=fold) == prepared
    assert prepared == (fold_typography(composed(text)) if fold else composed(text))


@pytest.mark.parametrize("fold", [False, True])
@given(EVERYTHING)
@example("e\u200b\u0301")
def test_preparing_a_text_twice_changes_nothing(fold, text):
    once = prepare_text(text, fold=fold)
    assert prepare_text(once, fold=fold) == once


@pytest.mark.parametrize("mark", "\u00ad\u200b\u200e\u202b\u2060\u2066\ufeff")
def test_characters_that_nobody_sees_are_removed(mark):
    assert prepare_text(f"{mark}l{mark}e\u0301te{mark}\u0301{mark}") == "lété"


@pytest.mark.parametrize("text", ["می\u200cخواهم", "क्\u200dष", "👩\u200d👩\u200d👧"])
def test_joiners_that_a_script_needs_stay(text):
    assert prepare_text(text) == text


def test_typography_is_folded_only_where_asked():
    text = "Ah\u202f! L’Été\u00a0: «\u2009Où\u2009»"
    assert prepare_text(text) == text
    assert prepare_text(text, fold=True) == "Ah ! L'Été : « Où »"
