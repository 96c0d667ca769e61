"""Shipping the real corpus' translator: trained, chosen on validation sources, scored as it ships."""

import json

import pytest

from s2s_lib import Recipe, Translator, load_pairs, multi_reference, split_hash, split_pairs
from tools import ship_fra_eng

TINY = Recipe(num_samples=300, latent_dim=8, embedding_dim=4, epochs=2, max_length=30, seed=1)
BEAMS = [{"beam_width": width, "length_power": 1.0} for width in (1, 2)]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """Train and ship a tiny translator of the sample; return pairs, scores, record and file."""
    folder = tmp_path_factory.mktemp("package")
    for name in ("data", "records", "work"):
        (folder / name).mkdir()
    pairs = split_pairs(load_pairs("sample", num_samples=TINY.num_samples))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ship_fra_eng, "RECIPE", TINY)
        patch.setattr(ship_fra_eng, "BEAMS", BEAMS)
        patch.setattr(ship_fra_eng, "NUM_VALIDATION_SOURCES", 10)
        patch.setattr(ship_fra_eng, "LIMITS", {"max_source_length": 40, "max_target_length": 20})
        ship_fra_eng.fit(pairs, folder / "work")
        scores = ship_fra_eng.ship(pairs, folder / "work", package=folder)
    record = json.loads((folder / "records" / "fra-eng.json").read_text(encoding="utf-8"))
    return pairs, scores, record, folder / "data" / "fra-eng.s2s"


def test_the_test_set_is_scored_whole_and_both_ways(shipped):
    pairs, scores, record, _ = shipped
    assert record["scores"] == scores
    for way in ("greedy", "beam"):
        assert scores[way]["chrf"]["n"] == len(multi_reference(pairs[pairs["split"] == "test"]))
        assert scores[way]["split_hash"] == split_hash(pairs)


def test_it_decodes_as_did_best_on_validation_sources(shipped):
    _, _, record, file = shipped
    tried = record["decodings_tried_on_validation"]
    best = max(tried, key=lambda config: config["chrf"] + config["bleu"])
    assert len(tried) == len(BEAMS)
    assert record["decoding"] == {name: best[name] for name in BEAMS[0]}
    assert {name: Translator.load(file).config[name] for name in BEAMS[0]} == record["decoding"]


def test_the_record_is_that_of_the_training(shipped):
    _, _, record, file = shipped
    assert record["digest"] == Translator.load(file).config["record"]["digest"]
    assert len(record["history"]["score"]) == TINY.epochs
