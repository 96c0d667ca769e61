"""Shipping: an older file keeps its very weights, a ship chooses how to decode on validation sources."""

import json
import zipfile
from io import BytesIO

import keras
import numpy as np
import pytest

from s2s_lib import Translator, records
from tools import ship


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
