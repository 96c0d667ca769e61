"""The challenge set is what it says it is, and a minimal pair counts only when both its members are right."""

import hashlib
import re
from difflib import SequenceMatcher
from importlib import resources

import pandas as pd
import pytest

from s2s_lib.data.splitting import normalize_sentence, split_hash
from s2s_lib.evaluation.challenge import judge_challenge, load_challenge, score_challenge, sentences
from s2s_lib.records import load_record

PHENOMENA = [
    "negation", "question", "tu/vous", "gender agreement", "elision", "numbers", "names", "plural", "tense",
]  # fmt: skip
CHALLENGE = load_challenge()
SINGLE = sentences()
MEMBERS = list(zip(SINGLE["source"], SINGLE["references"], strict=True))
TWO = pd.DataFrame(
    {
        "phenomenon": ["tense", "names"],
        "source_a": ["She sings.", "Go, Max!"],
        "references_a": [["Elle chante."], ["Va, Max !", "Allez, Max !"]],
        "source_b": ["She sang.", "Go, Lea!"],
        "references_b": [["Elle a chanté.", "Elle chantait."], ["Va, Lea !"]],
    }
)
RIGHT = {
    "She sings.": "Elle chante.", "She sang.": "Elle chantait.",
    "Go, Max!": "Allez, Max !", "Go, Lea!": "Va, Lea !",
}  # fmt: skip


def answering(**changed):
    answers = RIGHT | changed.pop("changed", {})
    return lambda texts: [answers[text] for text in texts]


# The set


def test_there_are_two_hundred_pairs_and_twenty_of_each_phenomenon():
    counts = CHALLENGE["phenomenon"].value_counts(sort=False)
    assert list(counts.index) == PHENOMENA
    assert counts.min() >= 20
    assert len(CHALLENGE) >= 200


def test_english_is_short_and_no_sentence_comes_twice():
    sources = [normalize_sentence(source) for source, _ in MEMBERS]
    assert len(set(sources)) == len(sources)
    assert max(len(source) for source, _ in MEMBERS) <= 40


def test_sentences_are_written_as_french_and_english_write_them():
    for source, references in MEMBERS:
        assert re.fullmatch(r"[A-Z][\w' ,.-]*[.?!]", source, re.ASCII), source
        assert references and len(set(references)) == len(references)
        for text in references:
            assert re.fullmatch(r"[A-ZÀ-Ý](?:[\w' ,.-]|\d)*(?:\.|\u202f[?!])", text), text
            assert "  " not in text and " ." not in text, text
            assert text.endswith("?") == source.endswith("?"), (source, text)


def test_nothing_elides_that_should_not_and_all_elides_that_should():
    vowel = "[aeiouyàâéèêëîïôûœ]"
    for _, references in MEMBERS:
        for text in references:
            assert not re.search(rf"(?<!-)\b(je|de|le|que|ne|se|te|me) {vowel}", text, re.IGNORECASE), text
            assert not re.search(rf"\bla {vowel}", text, re.IGNORECASE), text
            assert not re.search(r"\b[jdlnstmc]'[bcdfgklmnpqrstvwxz]", text, re.IGNORECASE), text
            assert not re.search(r"\bsi ils?\b|\bde les?\b|\bà les?\b", text), text


def test_members_of_a_pair_share_most_of_their_text_and_no_reference():
    for row in CHALLENGE.itertuples():
        assert SequenceMatcher(None, row.source_a, row.source_b).ratio() > 0.5, row
        assert not set(row.references_a) & set(row.references_b), row


def test_one_member_of_each_elision_pair_elides_more():
    rows = CHALLENGE[CHALLENGE["phenomenon"] == "elision"]
    for row in rows.itertuples():
        assert row.references_a[0].count("'") > row.references_b[0].count("'"), row


def test_negation_stands_in_one_member_only():
    negative = r"\b(pas|jamais|plus|rien|[Pp]ersonne)\b"
    for row in CHALLENGE[CHALLENGE["phenomenon"] == "negation"].itertuples():
        assert not any(re.search(negative, text) for text in row.references_a), row
        assert all(re.search(negative, text) for text in row.references_b), row


def test_tu_stands_in_one_member_and_vous_in_the_other():
    for row in CHALLENGE[CHALLENGE["phenomenon"] == "tu/vous"].itertuples():
        assert not any(re.search(r"\b(vous|votre|vos)\b|ez\b", text, re.I) for text in row.references_a), row
        tu = r"\b(tu|te|t'|toi|ton|ta|tes)\b"
        assert not any(re.search(tu, text, re.I) for text in row.references_b), row
        assert all(re.search(r"vous|votre|ez\b", text, re.I) for text in row.references_b), row


def test_a_name_stands_in_all_references_and_is_all_that_differs():
    for row in CHALLENGE[CHALLENGE["phenomenon"] == "names"].itertuples():
        assert len(row.references_a) == len(row.references_b)
        words = [set(re.findall(r"\w+", text)) for text in (row.source_a, row.source_b)]
        assert len(words[0] - words[1]) == len(words[1] - words[0]) == 1, row


def test_each_member_stands_once_among_the_single_sentences_with_its_own_references():
    pairs = TWO.rename(index={0: 5, 1: 9})
    assert sentences(pairs).values.tolist() == [
        [row["phenomenon"], row[f"source_{member}"], row[f"references_{member}"]]
        for member in "ab"
        for _, row in pairs.iterrows()
    ]


# What training has shown of it


def test_the_marks_are_those_of_this_very_set():
    record = load_record("challenge_fra-eng")
    file = resources.files("s2s_lib").joinpath("resources", "challenge.tsv")
    assert record["challenge_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert len(record["seen_a"]) == len(record["seen_b"]) == len(CHALLENGE)


def test_the_marks_tell_which_sentences_stand_in_the_real_training_pairs(real_split):
    record, pairs = load_record("challenge_fra-eng"), real_split
    assert record["split_hash"] == split_hash(pairs)
    shown = {normalize_sentence(text) for text in pairs.loc[pairs["split"] == "train", "source"]}
    for member in "ab":
        sources = CHALLENGE[f"source_{member}"].map(normalize_sentence)
        assert record[f"seen_{member}"] == [source in shown for source in sources]


# Judging


def test_two_right_members_make_a_right_pair():
    scores = score_challenge(answering(), TWO)
    assert scores["phenomenon"].tolist() == ["tense", "names", "all"]
    assert scores["n"].tolist() == [1, 1, 2]
    assert (scores[["right", "member_accuracy", "contrast", "high"]] == 1).all(axis=None)


def test_one_right_member_is_not_enough():
    scores = score_challenge(answering(changed={"She sang.": "Elle chante."}), TWO).set_index("phenomenon")
    assert scores["right"].to_dict() == {"tense": 0.0, "names": 1.0, "all": 0.5}
    assert scores["member_accuracy"].to_dict() == {"tense": 0.5, "names": 1.0, "all": 0.75}
    assert scores["contrast"].to_dict() == {"tense": 0.0, "names": 1.0, "all": 0.5}


def test_wrong_members_may_still_differ():
    wrong = {"She sings.": "Il chante.", "She sang.": "Il chantait."}
    scores = score_challenge(answering(changed=wrong), TWO).set_index("phenomenon").loc["tense"]
    assert (scores["right"], scores["member_accuracy"], scores["contrast"]) == (0.0, 0.0, 1.0)


def test_typography_makes_no_contrast_and_no_error():
    same = {"Go, Max!": "Va, Lea\u202f!", "Go, Lea!": "Va, Lea !"}
    judged = judge_challenge(answering(changed=same), TWO)
    assert judged["right_b"].tolist() == [True, True]
    assert judged["contrast"].tolist() == [True, False]


def test_the_intervals_are_those_of_wilson():
    scores = score_challenge(answering(changed={"She sang.": "x"}), TWO).set_index("phenomenon")
    z, half = 1.959963984540054, scores.loc["all"]
    reach = z / (1 + z**2 / 2) * (0.25 / 2 + z**2 / 16) ** 0.5  # his formula at one hit in two
    assert (half["low"], half["high"]) == pytest.approx((0.5 - reach, 0.5 + reach))


def test_all_pairs_are_judged_unless_some_are_handed_in_and_the_set_stays_as_it_was():
    right = {source: references[-1] for source, references in MEMBERS}
    pairs = load_challenge()
    before = pairs.copy()
    assert score_challenge(lambda texts: [right[text] for text in texts])["right"].eq(1).all()
    judge_challenge(lambda texts: texts, pairs)
    pd.testing.assert_frame_equal(pairs, before)


def test_a_missing_translation_and_an_empty_set_are_named():
    with pytest.raises(ValueError, match="4 sources, but 1 translations"):
        score_challenge(lambda texts: texts[:1], TWO)
    with pytest.raises(ValueError, match="no minimal pair"):
        score_challenge(lambda texts: texts, TWO[:0])
