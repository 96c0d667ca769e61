"""Every word of the sample has a gloss, and what is no word of it is marked."""

import re

import pytest

from s2s_lib import gloss, load_pairs
from s2s_lib.data.gloss import glosses


def test_every_word_of_the_sample_has_a_gloss():
    unknown = {text for text in load_pairs("sample")["target"] if "?" in gloss(text.replace("?", ""))}
    assert not unknown


def test_the_table_holds_words_of_the_sample_only_and_plain_english():
    words = {
        word.lower()
        for text in load_pairs("sample")["target"]
        for word in re.findall(r"\w+'?", text.replace("’", "'"))
    }
    assert set(glosses()) <= words
    assert all(re.fullmatch(r"[A-Za-zéèï (/)]+", english) for english in glosses().values())


@pytest.mark.parametrize(
    ("french", "english"),
    [
        ("La loutre n'est pas triste.", "the otter (not) is not sad."),
        ("La loutre n’est pas triste\u202f!", "the otter (not) is not sad!"),
        ("Le loutre est pas fermée.", "the otter is not closed."),
        ("l'il", "the he"),
        ("", ""),
        ("zzz 12 ?", "? 12 ?"),
    ],
)
def test_french_is_glossed_in_its_own_order(french, english):
    assert gloss(french) == english
