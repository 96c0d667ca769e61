"""The translators that ship are those that their records speak of, and score as recorded."""

import re

import pytest

from s2s_lib.bundle import shipped
from s2s_lib.data.splitting import multi_reference, split_hash, split_pairs
from s2s_lib.evaluation.metrics import chrf, evaluate
from s2s_lib.records import load_record
from s2s_lib.training import Recipe
from s2s_lib.translator import Translator

NAMES = ["sample", "fra-eng"]


@pytest.fixture(scope="module")
def translators():
    return {name: Translator.load(name) for name in NAMES}


@pytest.fixture(scope="module")
def demonstration_pairs(sample_pairs):
    """Return the part of the sample that the demonstration is trained on, with its split."""
    return split_pairs(sample_pairs[: load_record("sample")["recipe"]["num_samples"]])


def references_of(split):
    """Return the sources of the test part with their references."""
    return multi_reference(split[split["split"] == "test"])


@pytest.mark.parametrize(("name", "megabytes"), [("sample", 0.5), ("fra-eng", 8)])
def test_the_file_is_small(name, megabytes):
    assert shipped(name).stat().st_size <= megabytes * 1e6


@pytest.mark.parametrize("name", NAMES)
def test_the_record_is_that_of_this_translator(translators, name):
    record, settings = load_record(name), translators[name].settings
    assert settings.record["digest"] == record["digest"]
    assert settings.record["recipe"] == record["recipe"]
    assert translators[name].model.count_params() == record["parameters"]
    assert (settings.source_language, settings.target_language) == ("English", "French")
    for setting, value in record.get("decoding", {}).items():
        assert getattr(settings, setting) == value


def test_a_recipe_still_has_the_digest_that_it_was_recorded_under(demonstration_pairs, real_split):
    """If this fails, nobody's trained translators are found again, and what ships is trained anew."""
    for name, pairs in (("sample", demonstration_pairs), ("fra-eng", real_split)):
        record = load_record(name)
        assert Recipe(**record["recipe"]).digest(pairs) == record["digest"]


def test_the_sample_s_translator_has_the_recorded_scores(translators, demonstration_pairs):
    record = load_record("sample")
    test = references_of(demonstration_pairs)
    hypotheses = translators["sample"].translate(list(test["source"]))
    found = evaluate(hypotheses, list(test["references"])).to_json()
    for name in ("exact", "cer", "chrf", "bleu"):  # other hardware has other last digits
        assert found[name] == pytest.approx(record["scores"][name], rel=0.01)
    signatures = found["signature"], record["scores"]["signature"]
    assert len({re.sub(r"version:[\d.]+", "", signature) for signature in signatures}) == 1


def test_on_part_of_the_frozen_test_set_the_real_translator_scores_as_recorded(translators, real_split):
    scores = load_record("fra-eng")["scores"]
    assert {of["split_hash"] for of in scores.values()} == {split_hash(real_split)}
    test = references_of(real_split)
    assert {of["exact"]["n"] for of in scores.values()} == {len(test)}
    part = test.sample(300, random_state=0)
    hypotheses = translators["fra-eng"].translate(list(part["source"]), beam_width=1)
    score, recorded = chrf(hypotheses, list(part["references"])), scores["greedy"]["chrf"]
    assert score.low <= recorded["high"] and score.high >= recorded["low"]


def test_the_real_translator_answers_by_beam_unless_told_otherwise_and_leaves_blanks_blank(translators):
    translator, width = translators["fra-eng"], load_record("fra-eng")["decoding"]["beam_width"]
    sources = ["The otter sleeps.", " ", "I know."]
    answers = translator.translate(sources)
    assert answers[1] == "" and all(answers[::2])
    assert translator.translate(sources, beam_width=width) == answers
