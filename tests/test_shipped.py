"""The translator of the real corpus that ships: it is the one its record and its model card speak of."""

import pytest

from s2s_lib import bundle, records
from s2s_lib.analysis import multi_reference
from s2s_lib.metrics import chrf
from s2s_lib.splitting import split_hash, split_pairs
from s2s_lib.translator import Translator


@pytest.fixture(scope="module")
def record():
    return records.load_record("fra-eng")


@pytest.fixture(scope="module")
def translator():
    return Translator.load("fra-eng")


def test_the_file_is_small():
    assert bundle.shipped("fra-eng").stat().st_size <= 8e6


def test_the_record_is_that_of_this_translator(translator, record):
    assert translator.config["record"]["digest"] == record["digest"]
    assert {name: translator.config[name] for name in record["decoding"]} == record["decoding"]
    assert translator.model.count_params() == record["parameters"]


def test_it_answers_and_leaves_blanks_blank(translator):
    answers = translator.translate(["The otter sleeps.", " ", "I know."])
    assert answers[1] == "" and all(answers[::2])


def test_it_decodes_by_beam_unless_told_otherwise(translator, record):
    width = record["decoding"]["beam_width"]
    assert translator.translate(["I know."]) == translator.translate(["I know."], beam_width=width)


def test_on_part_of_the_frozen_test_set_it_scores_as_recorded(translator, record, real_pairs):
    pairs = split_pairs(real_pairs)
    assert split_hash(pairs) == record["scores"]["beam"]["split_hash"]
    test = multi_reference(pairs[pairs["split"] == "test"])
    assert len(test) == record["scores"]["beam"]["exact"]["n"]
    part = test.sample(300, random_state=0)
    score = chrf(translator.translate(list(part["source"]), beam_width=1), list(part["references"]))
    recorded = record["scores"]["greedy"]["chrf"]
    assert score.low <= recorded["high"] and score.high >= recorded["low"]
