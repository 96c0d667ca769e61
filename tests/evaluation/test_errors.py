"""Errors are counted as plain loops count them, in slices that say what they hold."""

import random
import unicodedata

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2s_lib.evaluation import errors
from s2s_lib.evaluation.metrics import character_error_rate, exact_match, wilson_interval

PAIRS = pd.DataFrame(
    [
        ("Go!", "Va\u202f!"),
        ("I see.", "Je vois."),
        ("Go!", "Allez\u202f!"),
        ("I don't see.", "Je ne vois pas."),
    ],
    columns=["source", "target"],
)
few_examples = settings(max_examples=40)
short = st.text("abé '", max_size=10)


def table_of(*rows):
    sources, hypotheses, references = zip(*rows, strict=True)
    return errors.error_table(sources, hypotheses, references)


@few_examples
@given(
    st.lists(st.tuples(short, st.sampled_from("abc"), st.lists(short, min_size=1, max_size=3)), min_size=1)
)
def test_the_error_table_agrees_with_the_scores(rows):
    rows = [(source, hypothesis, [text + "." for text in texts]) for source, hypothesis, texts in rows]
    table = table_of(*rows)
    references = [texts for _, _, texts in rows]
    hypotheses = table["hypothesis"].tolist()
    assert table["exact"].mean() == pytest.approx(exact_match(hypotheses, references).value)
    overall = table["edits"].sum() / table["nearest_reference"].str.len().sum()
    assert overall == character_error_rate(hypotheses, references).value


def test_the_error_table_compares_texts_as_they_are_scored():
    table = table_of(("Go!", "Va !", ["Va\u202f!", "Pars !"]))
    assert table.to_dict("records") == [
        {
            "source": "Go!",
            "hypothesis": "Va !",
            "nearest_reference": "Va !",
            "exact": True,
            "edits": 0,
            "cer": 0.0,
            "source_length": 3,
        }
    ]


def test_sentences_are_measured_alike_however_their_accents_were_typed():
    composed = ["L'été à Paris", "L'ete", "L'été…", "Été"]
    decomposed = [unicodedata.normalize("NFD", text) for text in composed]
    one, other = (
        table_of((source, text, references)) for source, text, *references in (composed, decomposed)
    )
    pd.testing.assert_frame_equal(one.drop(columns="source"), other.drop(columns="source"))
    assert one["source_length"].tolist() == [13]


def test_unequal_lengths_are_named():
    with pytest.raises(ValueError, match="2 sources, 1 hypotheses and 1 lists of references"):
        errors.error_table(["a", "b"], ["a"], [["a"]])


def test_slices_count_score_and_sort_as_a_plain_loop_does():
    generator = random.Random(0)
    rows = [("x" * generator.randint(1, 20), generator.choice("ab"), ["a"]) for _ in range(60)]
    table = table_of(*rows)
    names = [generator.choice(["left", "right"]) for _ in rows]
    scores = errors.score_by(table, names)
    assert scores["slice"].tolist() == ["left", "right"]
    for _, row in scores.iterrows():
        part = [
            hypothesis for (_, hypothesis, _), name in zip(rows, names, strict=True) if name == row["slice"]
        ]
        assert (row["n"], row["exact"]) == (len(part), part.count("a") / len(part))
        assert (row["low"], row["high"]) == wilson_interval(part.count("a"), len(part))
        assert row["cer"] == part.count("b") / len(part)
    assert errors.score_by(table, "source_length")["n"].sum() == len(rows)


def test_slices_follow_rows_not_index_labels():
    table = table_of(("a", "x", ["x"]), ("b", "y", ["x"])).set_index(pd.Index([5, 5]))
    scores = errors.score_by(table, pd.Series(["one", "two"], index=[0, 1]))
    assert scores["exact"].tolist() == [1.0, 0.0]


def test_lengths_fall_into_their_slices_with_both_ends_told():
    table = table_of(*((("x" * n), "a", ["a"]) for n in (1, 10, 11, 20)))
    assert errors.by_length(table, [0, 10, 20, 30])[["slice", "n"]].values.tolist() == [
        ["1–10", 2],
        ["11–20", 2],
    ]
    with pytest.raises(ValueError, match="20 characters lies outside"):
        errors.by_length(table, [0, 15])


def test_a_sentence_counts_under_each_of_its_phenomena():
    table = table_of(("a", "a", ["a"]), ("b", "x", ["a"]), ("c", "a", ["a"]))
    found = [frozenset({"negation", "question"}), frozenset({"negation"}), frozenset()]
    scores = errors.by_phenomenon(table, found)
    assert scores[["slice", "n", "exact"]].values.tolist() == [
        ["negation", 2, 0.5],
        ["none", 1, 1.0],
        ["question", 1, 1.0],
    ]


def test_novelty_tells_seen_sentences_and_words_from_new_ones():
    table = errors.novelty(["go", "I see the otter.", "Otters?", "...", "I GO!"], PAIRS[:3])
    assert table["seen_source"].tolist() == [True, False, False, False, False]
    assert table["unseen_words"].tolist() == [0, 2, 1, 1, 0]
    assert table["share_seen"].tolist() == [1.0, 0.5, 0.0, 0.0, 1.0]
    assert table["rarest_count"].tolist() == [1, 0, 0, 0, 1]


def test_slices_by_novelty_stand_in_order_of_the_rarest_words_count():
    counts = pd.DataFrame({"rarest_count": [100, 0, 9, 10, 99, 1]})
    table = table_of(*(("a", "a", ["a"]) for _ in range(6)))
    scores = errors.by_novelty(table, counts)
    assert scores[["slice", "n"]].values.tolist() == [["none", 1], ["1–9", 2], ["10–99", 2], ["100+", 1]]


@few_examples
@given(st.lists(st.tuples(short, short.map(lambda text: text + ".")), min_size=1))
def test_confusions_sum_to_the_edits_and_explain_the_lengths(rows):
    table = table_of(*(("a", hypothesis, [reference]) for hypothesis, reference in rows))
    confusions = errors.character_confusions(table)
    assert confusions["count"].sum() == table["edits"].sum()
    grown = sum((row.hypothesis_char != "") * row.count_ - (row.reference_char != "") * row.count_
                for row in confusions.rename(columns={"count": "count_"}).itertuples())  # fmt: skip
    assert grown == table["hypothesis"].str.len().sum() - table["nearest_reference"].str.len().sum()
    assert (confusions["reference_char"] != confusions["hypothesis_char"]).all()


def test_confusions_name_replaced_left_out_and_added_characters():
    table = table_of(
        ("a", "dors", ["dort"]), ("b", "dors", ["dort"]), ("c", "duna", ["dune"]), ("d", "dot", ["dort"])
    )
    table = pd.concat([table, table_of(("e", "dorts", ["dort"]))])
    assert errors.character_confusions(table).values.tolist() == [
        ["t", "s", 2],
        ["", "s", 1],
        ["e", "a", 1],
        ["r", "", 1],
    ]


def test_a_copied_training_target_is_found_with_no_edits():
    nearest = errors.nearest_training_target(["Va !", "Je voie."], PAIRS)
    assert nearest.values.tolist() == [["Va !", "Va !", 0], ["Je voie.", "Je vois.", 1]]


def test_each_kind_of_failure_is_named():
    reference = ["Je ne le vois pas ici."]
    rows = [
        ("Je ne le vois pas ici.", "exact"),
        ("Je ne la vois pas ici.", "near"),
        ("Je ne le ne le ne le ne.", "repeats"),
        ("la la la la la", "repeats"),
        ("Je ne", "stops early"),
        ("", "stops early"),
        ("Tu es une loutre grise.", "other"),
    ]
    kinds = errors.failure_kinds(table_of(*(("a", hypothesis, reference) for hypothesis, _ in rows)))
    assert kinds.tolist() == [kind for _, kind in rows]
    assert kinds.cat.ordered
