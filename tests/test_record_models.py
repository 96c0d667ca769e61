"""The tool that records models: honest arrays, rows that go on where they stopped, records that merge."""

import functools
import json
from dataclasses import replace

import numpy as np
import pytest

from s2s_lib import one_hot_arrays, records, split_hash, split_pairs, training_subset
from tools import record_models
from tools.record_models import ATTENTION, ground_of

TINY = replace(ATTENTION, corpus="sample", latent_dim=4, embedding_dim=3, epochs=1)
TINY_EXAMPLE = {"latent_dim": 4, "batch_size": 32, "seed": 1}
SCORES = {"exact", "cer", "chrf", "bleu", "signature", "split_hash"}


@pytest.fixture(scope="module")
def split(sample_pairs):
    return split_pairs(sample_pairs[:400])


@pytest.fixture(scope="module")
def ground(split):
    whole = ground_of(split, num_train=40, num_validation=5)
    return whole._replace(test=whole.test[:6], max_target_length=12)


# What a row learns from


def test_a_ground_holds_the_subset_and_the_sampled_validation_sources_alone(split, ground):
    parts = {name: rows for name, rows in ground.pairs.groupby("split")}
    assert parts.keys() == {"train", "validation"}
    assert parts["train"].equals(training_subset(split, 40))
    assert set(parts["validation"]["source"]) == set(ground.validation["source"])
    assert len(ground.validation) == 5 and ground.split_hash == split_hash(split)


def test_a_ground_has_all_training_pairs_and_the_whole_test_set_unless_told_otherwise(split):
    whole = ground_of(split)
    for name, table in (("validation", whole.validation), ("test", whole.test)):
        assert set(table["source"]) == set(split.loc[split["split"] == name, "source"])
    assert whole.pairs["split"].value_counts()["train"] == (split["split"] == "train").sum()


def test_the_example_s_arrays_know_only_characters_of_training_pairs(ground):
    pairs = ground.pairs[["source", "target", "split"]].copy()
    row = pairs.index[pairs["split"] == "validation"][0]
    pairs.loc[row, ["source", "target"]] = ["Ω" + pairs.at[row, "source"], "Ω" + pairs.at[row, "target"]]
    arrays, validation_split = record_models.honest_arrays(pairs)
    trained = pairs[pairs["split"] == "train"]
    alone = one_hot_arrays(trained["source"], trained["target"])
    assert arrays.source_characters == alone.source_characters
    assert arrays.target_characters == alone.target_characters
    width = alone.encoder_input.shape[1]
    np.testing.assert_array_equal(arrays.encoder_input[: len(trained), :width], alone.encoder_input)
    assert int(len(pairs) * (1.0 - validation_split)) == len(trained)  # where Keras cuts


# Rows


def check_row(row, ground, *, epochs):
    assert row["epochs"] == epochs and 1 <= row["best_epoch"] <= epochs
    assert {len(curve) for curve in row["history"].values()} == {epochs}
    assert {"score", "cpu_seconds", "val_real_loss"} <= row["history"].keys()
    assert row["num_train"] == 40 and row["parameters"] > 0
    assert row["scores"].keys() == SCORES
    assert row["scores"]["chrf"]["n"] == len(ground.test)
    assert {"versions", "device", "wall_seconds", "cpu_seconds"} <= row.keys()
    json.dumps(row, allow_nan=False)


def test_a_row_of_the_library_is_trained_and_scored(ground):
    check_row(record_models.library_row(ground, TINY), ground, epochs=1)


def test_the_example_s_row_goes_on_from_its_checkpoint(ground, tmp_path):
    checkpoint = tmp_path / "example.npz"
    first = record_models.example_row(ground, epochs=1, checkpoint=checkpoint, **TINY_EXAMPLE)
    check_row(first, ground, epochs=1)
    second = record_models.example_row(ground, epochs=2, checkpoint=checkpoint, **TINY_EXAMPLE)
    check_row(second, ground, epochs=2)
    assert second["history"]["loss"][0] == first["history"]["loss"][0]
    again = record_models.example_row(ground, epochs=2, checkpoint=checkpoint, **TINY_EXAMPLE)
    assert again["history"] == second["history"] and again["scores"] == second["scores"]


def test_the_shipped_row_is_what_the_shipped_translator_s_record_says():
    record, row = records.load_record("fra-eng"), record_models.shipped_row()
    assert row["scores"] == record["scores"]["greedy"]
    assert {name: row[name] for name in ("digest", "parameters", "num_train", "cpu_seconds")}.items() <= (
        record.items()
    )


# Records


@pytest.fixture
def of_the_sample(monkeypatch):
    makers = functools.partial(record_models.row_makers, num_samples=400, corpus="sample")
    monkeypatch.setattr(record_models, "row_makers", makers)


def test_a_row_asked_for_is_merged_into_its_record_alone(of_the_sample, tmp_path, capsys):
    command = ["--work", str(tmp_path / "work"), "--records", str(tmp_path), "--only"]
    record_models.main([*command, "nearest"])
    assert [path.name for path in tmp_path.glob("*.json")] == ["models_10000.json"]
    record = json.loads((tmp_path / "models_10000.json").read_text())
    assert record.keys() >= {"what", "command", "device", "versions", "rows"}
    assert list(record["rows"]) == ["nearest"] and record["rows"]["nearest"]["scores"].keys() == SCORES
    assert "models_10000: nearest" in capsys.readouterr().out
    record_models.main([*command, "all"])
    curve = json.loads((tmp_path / "data_curve.json").read_text())
    assert curve["rows"]["all"] == record_models.shipped_row()


def test_rows_keep_their_order_and_a_new_one_replaces_the_old(tmp_path):
    path, order = tmp_path / "record.json", ["a", "b", "c"]
    for name, value in (("c", 1), ("a", 2), ("c", 3)):
        record_models.merge(path, "what", {name: {"value": value}}, order=order)
    assert list(json.loads(path.read_text())["rows"].items()) == [("a", {"value": 2}), ("c", {"value": 3})]
    assert record_models.missing_rows(path, order) == ["b"]
    assert record_models.missing_rows(tmp_path / "none.json", order) == order


def test_a_row_that_is_not_known_is_refused_and_the_known_ones_listed(tmp_path, capsys):
    with pytest.raises(SystemExit):
        record_models.main(["--work", str(tmp_path), "--only", "nonsense"])
    assert "attention_1" in capsys.readouterr().err


def shipped_rows(name):
    path = record_models.RECORDS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else {}


@pytest.mark.parametrize("name", ["models_10000", "data_curve"])
def test_the_rows_of_a_shipped_record_were_scored_on_one_test_set(name):
    rows = shipped_rows(name)
    assert rows.keys() <= record_models.row_makers()[name][1].keys()
    assert len({row["scores"]["split_hash"] for row in rows.values()}) <= 1
    assert len({row["scores"]["chrf"]["n"] for row in rows.values()}) <= 1


def test_the_last_row_of_the_shipped_curve_is_up_to_date():
    rows = shipped_rows("data_curve")
    assert not rows or rows["all"] == record_models.shipped_row()  # else: record_models.py --only all
