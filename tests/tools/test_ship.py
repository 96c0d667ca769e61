"""Shipping: an older file keeps its very weights, a ship chooses how to decode on validation sources."""

import json
import zipfile
from io import BytesIO

import keras
import numpy as np
import pytest

from s2s_lib import Recipe, Translator, load_pairs, multi_reference, records, split_hash, split_pairs
from tools import ship

pytestmark = pytest.mark.filterwarnings("ignore:.*unknown to the model:UserWarning")  # tiny vocabularies


@pytest.fixture(scope="module")
def old_file(tmp_path_factory):
    """Return the shipped sample translator in the format that held a Keras graph."""
    translator = Translator.load("sample")
    file = tmp_path_factory.mktemp("old") / "old.s2s"
    weights = BytesIO()
    arrays = {
        f"{layer.name}/{i}": weight.astype(np.float16)
        for layer in translator.model.layers
        for i, weight in enumerate(layer.get_weights())
    }
    np.savez(weights, **arrays)
    settings = translator.settings
    config = {"format": "s2s-translator-1", "fold_typography": settings.fold_typography}
    config |= {name: getattr(settings, name) for name in ("max_source_length", "max_target_length", "record")}
    parts = {
        "config.json": json.dumps(config),
        "source_vocabulary.json": translator.source_vocabulary.to_json(),
        "target_vocabulary.json": translator.target_vocabulary.to_json(),
        "model.json": json.dumps(keras.saving.serialize_keras_object(translator.model)),
        "weights.npz": weights.getvalue(),
    }
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file


def test_an_older_file_is_converted_with_the_very_same_weights(old_file, tmp_path):
    with pytest.raises(ValueError, match=r"python -m tools\.ship convert"):
        Translator.load(old_file)
    ship.main(["convert", str(old_file), str(tmp_path / "new.s2s")])
    new, shipped = Translator.load(tmp_path / "new.s2s"), Translator.load("sample")
    for ours, theirs in zip(new.model.get_weights(), shipped.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert new.settings == shipped.settings


def test_a_file_of_the_present_format_is_not_converted(tmp_path):
    Translator.load("sample").save(tmp_path / "new.s2s")
    with pytest.raises(ValueError, match=r"new\.s2s is not a translator file of the format"):
        ship.convert(tmp_path / "new.s2s", tmp_path / "newer.s2s")
    assert not (tmp_path / "newer.s2s").exists()


def test_shipped_files_and_records_belong_together():
    for name in ("sample", "fra-eng"):
        record = records.load_record(name)
        assert Translator.load(name).settings.record["digest"] == record["digest"]


# Train, then ship


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Train and ship a tiny translator of the sample; return its pairs, its record and its file."""
    folder = tmp_path_factory.mktemp("package")
    recipe = Recipe(latent_dim=8, embedding_dim=4, epochs=2, max_length=30, seed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ship, "RECIPE", recipe)
        patch.setattr(ship, "BEAMS", [{"beam_width": width, "length_power": 1.0} for width in (1, 2)])
        patch.setattr(ship, "LIMITS", {"max_source_length": 40, "max_target_length": 20})
        patch.setattr(ship, "load_pairs", lambda corpus: load_pairs(corpus, num_samples=300))
        patch.setattr(ship, "RESOURCES", folder)
        patch.setattr(ship, "RECORDS", folder / "records")
        for what in ("train", "ship"):
            ship.main([what, "--work", str(folder / "work")])
    record = json.loads((folder / "records" / "fra-eng.json").read_text(encoding="utf-8"))
    return split_pairs(load_pairs("sample", num_samples=300)), record, folder / "fra-eng.s2s"


def test_the_test_set_is_scored_whole_and_both_ways(tiny):
    pairs, record, _ = tiny
    for way in ("greedy", "beam"):
        assert record["scores"][way]["chrf"]["n"] == len(multi_reference(pairs[pairs["split"] == "test"]))
        assert record["scores"][way]["split_hash"] == split_hash(pairs)


def test_it_decodes_as_did_best_on_validation_sources(tiny):
    _, record, file = tiny
    tried = record["decodings_tried_on_validation"]
    best = max(tried, key=lambda way: way["chrf"] + way["bleu"])
    assert len(tried) == 2
    settings = Translator.load(file).settings
    assert record["decoding"] == {name: best[name] for name in ("beam_width", "length_power")}
    assert record["decoding"] == {name: getattr(settings, name) for name in record["decoding"]}


def test_the_record_is_that_of_the_training_and_of_its_limits(tiny):
    _, record, file = tiny
    assert record["digest"] == Translator.load(file).settings.record["digest"]
    assert len(record["history"]["score"]) == 2 and record["max_target_length"] == 20
    assert {"versions", "device", "wall_seconds", "cpu_seconds"} <= record.keys()
