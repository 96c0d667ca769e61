"""No tested sentence was seen in training, and the split is the same tomorrow, elsewhere, in any order."""

import hashlib
import os
import re
import subprocess
import sys
import unicodedata
from collections import deque
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s_lib.data.splitting import (
    components,
    multi_reference,
    normalize_sentence,
    phenomena,
    reverse_pairs,
    split_hash,
    split_pairs,
    training_subset,
)

SPLITS = ["train", "validation", "test"]


def frame_of(rows):
    return pd.DataFrame(rows, columns=["source", "target"], dtype="str")


def many_pairs(number=3000):
    """Return pairs in which sources repeat, targets repeat, and some differ in case or punctuation only."""
    rng = np.random.default_rng(0)
    sources, targets = rng.integers(number, size=number), rng.integers(number, size=number)
    marks = rng.choice([".", "!", " !", "\u202f?"], size=number)
    return frame_of(
        [(f"Otter {s}{m}", f"Loutre {t}") for s, t, m in zip(sources, targets, marks, strict=True)]
    )


# Normalization


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("The otter sleeps.", "the otter sleeps"),
        ("L’été\u00a0: il dort\u202f!", "l'été il dort"),
        ("L‘été", "l'été"),
        ("Lʼété", "l'été"),
        ("a\t b\u2009\u3000c\n", "a b c"),
        ("a - b", "a b"),
        ("« Va\u202f! »", "va"),
        ("E\u0301TE\u0301", "été"),
        ("ﬁn, ②", "fin 2"),
        ("snake_case 42 %", "snake_case 42"),
        ("ʼN ŉ", "'n 'n"),
        ("?!", "?!"),
        ("…", "..."),
        ("’", "'"),
        ("मैं कल आऊँगा।", "मैं कल आऊँगा"),  # vowel signs are marks, and tell words apart
        ("สวัสดีครับ", "สวัสดีครับ"),
        ("It is −5 °C.", "it is -5 c"),
        ("5-10", "510"),
        ("Half of it is 1/2.", "half of it is 1/2"),
        ("He paid 3.50.", "he paid 350"),  # with Latin letters the frozen split forbids a rule
        ("3.50", "3.50"),
        ("₹३.५०", "३.५०"),
        (" \u202f\t", ""),
        ("", ""),
    ],
)
def test_normalization_keeps_what_is_compared_and_no_more(text, normalized):
    assert normalize_sentence(text) == normalized


@given(st.text())
def test_normalizing_twice_changes_nothing(text):
    once = normalize_sentence(text)
    assert normalize_sentence(once) == once


@given(st.text(st.sampled_from("’´ŉİΣςﷺ \u200b\u0301\u0308!'각각_가ﬁ\u00a8\u202f\x85\x1cA")))
def test_normalizing_awkward_characters_twice_changes_nothing(text):
    once = normalize_sentence(text)
    assert normalize_sentence(once) == once


def test_normalizing_any_single_character_twice_changes_nothing():
    assigned = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) not in ("Cn", "Co")]
    once = list(map(normalize_sentence, assigned))
    assert list(map(normalize_sentence, once)) == once


@given(st.text())
def test_what_is_normalized_is_blank_only_where_the_sentence_is(text):
    assert bool(normalize_sentence(text)) == bool(text.strip())


# Components


def components_by_search(pairs):
    """Walk the graph breadth first, row by row: the slow and obvious way."""
    keys = [
        (normalize_sentence(s), normalize_sentence(t))
        for s, t in zip(pairs["source"], pairs["target"], strict=True)
    ]
    found = [-1] * len(keys)
    for start in range(len(keys)):
        queue, number = deque([start] if found[start] < 0 else []), max(found, default=-1) + 1
        while queue:
            row = queue.popleft()
            if found[row] < 0:
                found[row] = number
                queue += [i for i, key in enumerate(keys) if key[0] == keys[row][0] or key[1] == keys[row][1]]
    return found


SHORT = st.sampled_from(["a", "A!", "b", "c", "d", "e", "?!", "!?", "a b", "a\u202fb", "f", "g"])


@given(st.lists(st.tuples(SHORT, SHORT), max_size=25))
def test_components_are_those_a_breadth_first_search_finds(rows):
    assert components(frame_of(rows)).tolist() == components_by_search(frame_of(rows))


def test_a_source_and_a_target_that_look_alike_do_not_connect():
    assert components(frame_of([("Taxi!", "Un taxi."), ("A cab.", "Taxi !")])).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("one", "other"),
    [("-5", "5"), ("1/2", "12"), ("3.50", "350"), ("10:30", "1030"), ("किताब", "कताब"), ("บาน", "บ้าน")],
)
def test_sentences_that_differ_in_a_sign_a_separator_or_a_mark_are_not_the_same(one, other):
    assert components(frame_of([(one, "a"), (other, "b")])).tolist() == [0, 1]


def test_sentences_of_punctuation_alone_do_not_glue_strangers_together():
    assert components(frame_of([("?!", "a"), ("...", "b"), ("…", "c")])).tolist() == [0, 1, 1]


def test_components_of_no_pairs_are_none():
    assert components(frame_of([])).shape == (0,)


def test_a_very_long_chain_is_one_component():
    chain = [(f"s{i}", f"t{i}") for i in range(5000)] + [(f"s{i + 1}", f"t{i}") for i in range(4999)]
    assert set(components(frame_of(chain))) == {0}


# The split


def splits_of(frame):
    """Return the split of each pair as a dict; the same pair must never stand in two."""
    found = {}
    for row in frame.itertuples():
        assert found.setdefault((row.source, row.target), row.split) == row.split
    return found


def test_the_split_is_a_column_on_a_copy_with_the_same_rows_and_index():
    pairs = many_pairs(50).assign(attribution="x")[::-2]
    split = split_pairs(pairs)
    assert "split" not in pairs.columns
    pd.testing.assert_frame_equal(split.drop(columns="split"), pairs)
    assert set(split["split"]) <= set(SPLITS)


@given(st.lists(st.tuples(SHORT, SHORT), max_size=25))
def test_no_normalized_sentence_crosses_on_any_pairs(rows):
    split = split_pairs(frame_of(rows))
    for column in ("source", "target"):
        assert (split.groupby(split[column].map(normalize_sentence))["split"].nunique() <= 1).all()


def test_components_are_divided_eighty_ten_ten():
    pairs = frame_of([(f"Otter {i}", f"Loutre {i}") for i in range(10_000)])
    shares = split_pairs(pairs)["split"].value_counts(normalize=True)
    assert shares["train"] == pytest.approx(0.8, abs=0.02)
    assert shares["validation"] == pytest.approx(0.1, abs=0.02)
    assert shares["test"] == pytest.approx(0.1, abs=0.02)


def test_the_split_of_a_pair_is_the_hash_of_its_components_smallest_source():
    pairs = many_pairs(200)
    split, component = split_pairs(pairs), components(pairs)
    for number, rows in split.groupby(component):
        smallest = min(map(normalize_sentence, rows["source"]))
        fraction = int.from_bytes(hashlib.sha256(smallest.encode()).digest()) / 2**256
        expected = "train" if fraction < 0.8 else "validation" if fraction < 0.9 else "test"
        assert set(rows["split"]) == {expected}, number


@pytest.mark.parametrize("seed", range(3))
def test_another_order_and_repeated_rows_change_nothing(seed):
    pairs = many_pairs()
    shuffled = pd.concat([pairs, pairs.sample(500, random_state=seed)]).sample(frac=1, random_state=seed)
    once, again = split_pairs(pairs), split_pairs(shuffled)
    assert splits_of(once) == splits_of(again)
    assert split_hash(once) == split_hash(again)


def test_another_process_with_another_hash_seed_makes_the_same_split(tmp_path):
    path = tmp_path / "pairs.json"
    many_pairs(300).to_json(path)
    program = (
        "import sys, pandas as pd; from s2s_lib.data.splitting import split_hash, split_pairs\n"
        "print(split_hash(split_pairs(pd.read_json(sys.argv[1]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == split_hash(split_pairs(many_pairs(300)))


def test_the_split_of_fixed_pairs_is_frozen():
    """If this fails, every published score was measured on another test set."""
    expected = "53c9e72f056935ac2b8e15a44592c29bf6aceb10505455fcf06de8643c0abd3e"
    assert split_hash(split_pairs(many_pairs())) == expected


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match=r"need a column 'target', these have \['source'\]"):
        split_pairs(pd.DataFrame({"source": ["a"]}))


@pytest.mark.parametrize("missing", [None, float("nan"), 5])
def test_a_missing_sentence_is_named_by_column_and_row(missing):
    pairs = pd.DataFrame({"source": ["a", "b"], "target": ["c", missing]}, dtype=object)
    with pytest.raises(ValueError, match=r"column 'target' must hold str only, found .* in row 1"):
        split_pairs(pairs)


def test_no_pairs_split_into_nothing():
    assert split_pairs(frame_of([]))["split"].tolist() == []


# The other direction


def test_reversing_exchanges_sources_and_targets_and_nothing_else():
    pairs = frame_of([("Dive!", "Plonge !"), ("Swim!", "Nage !")]).assign(
        attribution=["x", "y"], split="test"
    )
    before = pairs.copy()
    reverse = reverse_pairs(pairs)
    pd.testing.assert_frame_equal(
        reverse[["target", "source", "attribution", "split"]].set_axis(pairs.columns, axis=1), pairs
    )
    assert reverse.columns.tolist() == pairs.columns.tolist()
    pd.testing.assert_frame_equal(reverse_pairs(reverse), pairs)
    pd.testing.assert_frame_equal(pairs, before)


def test_pairs_split_first_and_then_reversed_share_one_split():
    split = split_pairs(many_pairs())
    reverse = reverse_pairs(split)
    assert splits_of(reverse_pairs(reverse)) == splits_of(split)
    tested = set(split.loc[split["split"] == "test", "source"].map(normalize_sentence))
    learned = set(reverse.loc[reverse["split"] == "train", "target"].map(normalize_sentence))
    assert tested and not tested & learned  # what one direction is tested on, the other never learns


def test_pairs_reversed_before_they_are_split_have_another_split():
    pairs = many_pairs()
    assert splits_of(split_pairs(reverse_pairs(pairs))) != splits_of(reverse_pairs(split_pairs(pairs)))


# References and phenomena

OTTERS = pd.DataFrame(
    [
        ("Go!", "Va\u202f!", "ours; phenomena: imperative, tu/vous", "train"),
        ("I see.", "Je vois.", "ours; phenomena: tense", "train"),
        ("Go!", "Allez\u202f!", "ours; phenomena: imperative", "train"),
        ("Go!", "Va\u202f!", "ours", "train"),
        ("I don't see it.", "Je ne le vois pas.", "ours; phenomena: negation", "test"),
    ],
    columns=["source", "target", "attribution", "split"],
)


@pytest.mark.parametrize(
    ("attribution", "names"),
    [
        ("s2s_lib sample, Apache-2.0; phenomena: negation, question", {"negation", "question"}),
        ("phenomena: elision; seed 3", {"elision"}),
        ("CC-BY 2.0 (France) Attribution: tatoeba.org #1 (somebody)", set()),
        ("phenomena: ", set()),
        ("", set()),
    ],
)
def test_phenomena_are_read_from_the_attribution(attribution, names):
    assert phenomena(attribution) == names


def test_each_source_has_one_row_in_file_order_with_all_its_translations_and_phenomena():
    table = multi_reference(OTTERS)
    assert table["source"].tolist() == ["Go!", "I see.", "I don't see it."]
    references = [["Va\u202f!", "Allez\u202f!"], ["Je vois."], ["Je ne le vois pas."]]
    assert table["references"].tolist() == references
    assert table["phenomena"].tolist() == [{"imperative", "tu/vous"}, {"tense"}, {"negation"}]
    assert table["split"].tolist() == ["train", "train", "test"]


def test_pairs_without_a_split_give_a_table_without_one():
    assert "split" not in multi_reference(OTTERS.drop(columns="split"))


# The fingerprint and the parts of the training set


def test_the_hash_covers_the_test_pairs_and_nothing_else():
    split = frame_of([("b", "é"), ("a", "d"), ("b", "é"), ("x", "y")]).assign(
        split=["test", "test", "test", "train"]
    )
    expected = hashlib.sha256("a\td\nb\té\n".encode()).hexdigest()
    assert split_hash(split) == expected
    assert split_hash(split.assign(attribution="z").replace("y", "z")[::-1]) == expected
    assert split_hash(split.replace("é", "e")) != expected


def test_a_smaller_subset_is_part_of_a_larger_one_in_the_frames_order():
    split = split_pairs(many_pairs())
    small, large = (training_subset(split, number) for number in (200, 1000))
    assert len(small) == 200 and len(large) == 1000
    assert set(small.index) < set(large.index)
    assert small.index.is_monotonic_increasing
    assert set(large["split"]) == {"train"}


def test_a_subset_is_spread_over_the_whole_file():
    split = frame_of([(f"Otter {i}", f"Loutre {i}") for i in range(4000)]).assign(split="train")
    assert training_subset(split, 1000).index.to_numpy().mean() == pytest.approx(2000, abs=120)


def test_a_subset_does_not_depend_on_the_order_of_rows():
    split = split_pairs(many_pairs())
    shuffled = split.sample(frac=1, random_state=1)
    assert sorted(training_subset(split, 300).index) == sorted(training_subset(shuffled, 300).index)


def test_all_training_pairs_are_a_subset_of_themselves():
    split = split_pairs(many_pairs())
    train = split[split["split"] == "train"]
    pd.testing.assert_frame_equal(training_subset(split, len(train)), train)


@pytest.mark.parametrize("number", [0, -1, 3])
def test_a_subset_larger_than_the_training_set_or_empty_is_refused(number):
    split = frame_of([("a", "b"), ("c", "d"), ("e", "f")]).assign(split=["train", "train", "test"])
    with pytest.raises(ValueError, match="choose between 1 and 2"):
        training_subset(split, number)


# The sample and the real corpus


def assert_nothing_crosses(split, normalize):
    """Check columns of sentences, normalized all at once: one sentence on each line of a long text."""
    for column in ("source", "target"):
        normalized = normalize("\n".join(split[column])).split("\n")
        assert len(set(zip(normalized, split["split"], strict=True))) == len(set(normalized))


def each_line(text):
    return "\n".join(map(normalize_sentence, text.split("\n")))


def as_the_course_tells(text):
    """Normalize as the benchmark's description does, step by step and written apart from the library."""
    text = re.sub(r"[^\S\n]+", " ", re.sub("[’‘ʼ]", "'", text))
    return re.sub(r"^ | $", "", without_folding(text), flags=re.MULTILINE)


def without_folding(text):
    return re.sub(r"[^\w' \n]", "", unicodedata.normalize("NFKC", text).lower())


def test_no_sentence_of_the_sample_crosses_and_each_split_has_its_share(sample_pairs):
    split = split_pairs(sample_pairs)
    assert_nothing_crosses(split, each_line)
    shares = split["split"].value_counts(normalize=True)
    assert shares["train"] > 0.7 and shares["validation"] > 0.05 and shares["test"] > 0.05


@pytest.mark.parametrize("normalize", [as_the_course_tells, without_folding])
def test_no_real_sentence_crosses_however_it_is_normalized(real_split, normalize):
    assert_nothing_crosses(real_split, normalize)


def test_the_real_components_are_many_and_small(real_pairs):
    sizes = np.bincount(components(real_pairs))
    assert len(sizes) == 109_354
    assert sizes.max() == 96


def test_the_real_split_is_frozen(real_split):
    """If this fails, every published score was measured on another test set."""
    counts = real_split["split"].value_counts().to_dict()
    assert counts == {"train": 133_372, "validation": 16_714, "test": 17_044}
    assert split_hash(real_split) == "be6ac4cc959a1e3360f34ab748920cdf5d211d7b4d6e53368b15f0d1abe0870e"


def test_real_training_parts_are_nested(real_split):
    parts = [set(training_subset(real_split, number).index) for number in (2_000, 10_000, 50_000)]
    assert parts[0] < parts[1] < parts[2]
