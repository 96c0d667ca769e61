"""Records: each kind is made from the sample in a temporary folder, and made again with the same numbers."""

import json
import unicodedata
from dataclasses import replace

import numpy as np
import pytest

from s2s_lib import (
    load_pairs,
    multi_reference,
    one_hot_arrays,
    records,
    split_hash,
    split_pairs,
    training_subset,
)
from tools import record

pytestmark = pytest.mark.filterwarnings("ignore:.*unknown to the model:UserWarning")  # tiny vocabularies
TINY = replace(record.ATTENTION, corpus="sample", latent_dim=4, embedding_dim=3, epochs=1)
TINY_EXAMPLE = {"latent_dim": 4, "batch_size": 32, "seed": 1}
SCORES = {"exact", "cer", "chrf", "bleu", "signature", "split_hash"}
OF_THE_RUN = {"wall_seconds", "cpu_seconds", "peak_memory_mb"}  # no two runs share these


def numbers(value):
    """Return a record without what no two runs share."""
    if isinstance(value, dict):
        return {name: numbers(inner) for name, inner in value.items() if name not in OF_THE_RUN}
    return value


@pytest.fixture(scope="module")
def split(sample_pairs):
    return split_pairs(sample_pairs[:400])


@pytest.fixture(scope="module")
def experiment(split):
    whole = record.experiment_on(split, 40, num_validation=5)
    return whole._replace(test=whole.test[:6], max_target_length=12)


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Return a function that runs `python -m tools.record` on the sample, and returns the records written."""
    monkeypatch.setattr(record, "CORPUS", "sample")
    monkeypatch.setattr(record, "NUM_SAMPLES", 400)
    monkeypatch.setattr(
        record, "load_pairs", lambda corpus, num_samples=None: load_pairs(corpus, num_samples=400)
    )
    monkeypatch.setattr(record, "MODELS", {"embedding": replace(TINY, model="embedding")})
    monkeypatch.setattr(record, "CURVE", {"pairs_2000": (50, TINY)})
    monkeypatch.setattr(record, "EXAMPLE", {**TINY_EXAMPLE, "epochs": 1})

    def make(*arguments):
        folder = tmp_path / "records"
        record.main([*arguments, "--records", str(folder)])
        return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}

    return make


# What a row learns from


def test_an_experiment_holds_the_subset_and_the_sampled_validation_sources_alone(split, experiment):
    parts = {name: rows for name, rows in experiment.pairs.groupby("split")}
    assert parts.keys() == {"train", "validation"}
    assert parts["train"].equals(training_subset(split, 40))
    assert set(parts["validation"]["source"]) == set(experiment.validation["source"])
    assert len(experiment.validation) == 5 and experiment.split_hash == split_hash(split)


def test_an_experiment_has_all_training_pairs_and_the_whole_test_set_unless_told_otherwise(split):
    whole = record.experiment_on(split)
    for name, table in (("validation", whole.validation), ("test", whole.test)):
        assert set(table["source"]) == set(split.loc[split["split"] == name, "source"])
    train = split[split["split"] == "train"]
    assert whole.pairs[whole.pairs["split"] == "train"].equals(train)
    assert whole.max_target_length == max(map(len, train["target"]))


# Rows


def check_row(row, experiment, *, epochs):
    assert row["epochs"] == epochs and 1 <= row["best_epoch"] <= epochs
    assert {len(curve) for curve in row["history"].values()} == {epochs}
    assert {"score", "cpu_seconds", "val_real_loss"} <= row["history"].keys()
    assert row["history"]["score"][row["best_epoch"] - 1] == max(row["history"]["score"])
    assert row["num_train"] == 40 and row["parameters"] > 0 and isinstance(row["recipe"]["seed"], int)
    assert row["scores"].keys() == SCORES and row["scores"]["chrf"]["n"] == len(experiment.test)
    assert {"versions", "device", "wall_seconds", "cpu_seconds", "peak_memory_mb"} <= row.keys()
    json.dumps(row, allow_nan=False)


def test_a_row_of_the_library_is_trained_and_scored(experiment):
    check_row(record.library_row(experiment, TINY), experiment, epochs=1)


def test_the_example_s_row_goes_on_from_its_checkpoint(experiment, tmp_path):
    checkpoint = tmp_path / "example.npz"
    first = record.example_row(experiment, checkpoint, epochs=1, **TINY_EXAMPLE)
    check_row(first, experiment, epochs=1)
    second = record.example_row(experiment, checkpoint, epochs=2, **TINY_EXAMPLE)
    check_row(second, experiment, epochs=2)
    assert second["history"]["loss"][0] == first["history"]["loss"][0]
    again = record.example_row(experiment, checkpoint, epochs=2, **TINY_EXAMPLE)
    assert again["history"] == second["history"] and again["scores"] == second["scores"]


def test_the_shipped_row_is_what_the_shipped_translator_s_record_says():
    shipped, row = records.load_record("fra-eng"), record.shipped_row()
    assert row["scores"] == shipped["scores"]["greedy"]
    names = {"digest", "parameters", "num_train", "cpu_seconds"}
    assert {name: row[name] for name in names} == {name: shipped[name] for name in names}


# Whole runs on the sample


def test_a_corpus_s_record_counts_what_a_reader_can_count(made, sample_pairs):
    (found,) = made("corpus").values()
    assert {"versions", "device", "release", "sha256"} <= found.keys()
    assert found["command"].startswith("python -m tools.record corpus --records ")
    pairs = list(zip(sample_pairs["source"][:400], sample_pairs["target"][:400], strict=True))
    counts, cut = found["first_400"], 320
    assert (counts["pairs"], counts["unique_sources"]) == (400, len({source for source, _ in pairs}))
    assert counts["target_characters"] == len(set("\t\n").union(*(target for _, target in pairs)))
    assert counts["longest_target"] == 2 + max(len(target) for _, target in pairs)
    assert sum(counts["source_lengths"]) == 400
    assert sum(int(k) * n for k, n in counts["translations_per_source"].items()) == 400
    mark = unicodedata.name("\u202f")
    assert counts["blanks_and_apostrophes"]["target"][mark] == sum(t.count("\u202f") for _, t in pairs)
    learned = {side: {pair[i] for pair in pairs[:cut]} for i, side in enumerate(("source", "target"))}
    tail = counts["leaks"]["tail"]
    assert tail["held_out_pairs"] == 80
    assert tail["source_seen"] == sum(s in learned["source"] for s, _ in pairs[cut:]) / 80
    assert tail["target_seen"] == sum(t in learned["target"] for _, t in pairs[cut:]) / 80
    assert counts["leaks"]["components"]["either_seen_plain"] == 0
    assert counts["leaks"]["random"]["source_seen"] > 0
    assert numbers(made("corpus")["corpus_fra-eng"]) == numbers(found)


def test_padding_and_bytes_are_those_of_the_arrays(sample_pairs):
    pairs = sample_pairs[:100]
    counts = record.counts(pairs)
    arrays = one_hot_arrays(pairs["source"], pairs["target"])
    assert counts["memory"]["one_hot_float32_bytes"] == sum(array.nbytes for array in arrays[:3])
    real = sum(map(len, pairs["source"])), sum(len(target) + 2 for target in pairs["target"])
    cells = [np.prod(array.shape[:2]) for array in arrays[:3]]
    assert counts["padding"]["encoder_input"] == pytest.approx(1 - real[0] / cells[0], abs=1e-5)
    assert counts["padding"]["decoder_input"] == pytest.approx(1 - real[1] / cells[1], abs=1e-5)
    assert counts["padding"]["buckets_of_64"] < counts["padding"]["all_three"]


def test_the_example_s_record_has_its_seed_its_curves_and_the_same_numbers_again(made, tmp_path):
    (first,) = made("example", "--work", str(tmp_path / "work"), "--epochs", "1").values()
    assert first["seed"] == 0 and first["epochs"] == 1
    assert {"versions", "device", "peak_memory_mb"} <= first.keys()
    assert first["wall_seconds"] > 0 and first["cpu_seconds"] > 0
    assert {len(curve) for curve in first["history"].values()} == {1}
    assert first["scores"].keys() == {"last epoch", "least validation loss"}
    assert {path.name for path in (tmp_path / "work").iterdir()} == {"last.keras", "best.keras"}
    again = made("example", "--work", str(tmp_path / "work"), "--epochs", "1")["example_10000"]
    assert numbers(again) == numbers(first)


def test_rows_of_models_are_made_where_they_lack_and_one_asked_for_is_made_anew(made, tmp_path, capsys):
    command = ["models", "--work", str(tmp_path / "work"), "--only"]
    rows = {"models": ("models_10000", "a test", ["nearest", "example", "embedding"])}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record, "ROWS", rows)
        (first,) = made(*command, "nearest").values()
        assert first.keys() >= {"what", "command", "device", "versions"} and [*first["rows"]] == ["nearest"]
        whole = made(*command[:-1])["models_10000"]
        assert capsys.readouterr().out.count("models_10000: nearest") == 1
        again = made(*command, "embedding")["models_10000"]
    assert [*whole["rows"]] == ["nearest", "example", "embedding"]
    assert whole["rows"]["nearest"] == first["rows"]["nearest"]
    assert again["rows"]["embedding"]["scores"] == whole["rows"]["embedding"]["scores"]
    assert {row["scores"]["split_hash"] for row in whole["rows"].values()} == {
        whole["rows"]["nearest"]["scores"]["split_hash"]
    }
    assert whole["command"] == "python -m tools.record models --work DIR"


def test_a_row_of_the_curve_learns_from_as_many_pairs_as_it_says(made, tmp_path):
    (found,) = made("curve", "--work", str(tmp_path), "--only", "pairs_2000", "all").values()
    assert found["rows"]["pairs_2000"]["num_train"] == 50
    assert found["rows"]["all"] == record.shipped_row()


@pytest.mark.slow
def test_the_record_of_errors_has_its_seed_and_parts_that_agree(made, sample_pairs):
    first = made("errors", "--limit", "8")
    assert first.keys() == {"challenge_fra-eng", "errors_fra-eng"}
    errors, marks = first["errors_fra-eng"], first["challenge_fra-eng"]
    assert errors["seed"] == 0 and {"versions", "device", "peak_memory_mb"} <= errors.keys()
    split = split_pairs(sample_pairs[:400])
    assert errors["n_test"] == len(multi_reference(split[split["split"] == "test"]))
    assert errors["n_decoded"] == 8 and errors["failure_kinds"]["exact"]["n"] == 8
    assert sum(row["n"] for row in errors["by_length"]) == 8
    seen = errors["challenge_by_mark"]["seen in training"]["n"]
    assert seen == sum(marks["seen_a"]) + sum(marks["seen_b"])
    assert seen + errors["challenge_by_mark"]["novel"]["n"] == 2 * len(marks["seen_a"])
    marks_alone = made("errors", "--marks-only")["challenge_fra-eng"]
    assert numbers(marks_alone) == numbers(marks)
    assert marks["command"] == "python -m tools.record errors --marks-only"


# Records that ship


@pytest.mark.parametrize(("name", "rows"), [(name, rows) for name, _, rows in record.ROWS.values()])
def test_a_shipped_record_has_every_row_all_scored_on_one_test_set(name, rows):
    found = records.load_record(name)["rows"]
    assert [*found] == rows
    assert len({row["scores"]["split_hash"] for row in found.values()}) == 1
    assert len({row["scores"]["chrf"]["n"] for row in found.values()}) == 1


def test_the_last_row_of_the_shipped_curve_is_up_to_date():
    assert records.load_record("data_curve")["rows"]["all"] == record.shipped_row()


# Command line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["models"], "say --work DIR, where models keeps weights and checkpoints"),
        (["example"], "say --work DIR, where example keeps weights and checkpoints"),
        (["curve", "--work", "WORK", "--only", "all", "more"], "no row more; there are: pairs_2000, "),
        (["errors", "--limit", "0"], "'0' is not a whole number from 1 on"),
        (["nonsense"], "invalid choice: 'nonsense'"),
    ],
)
def test_a_wrong_argument_is_one_sentence_and_nothing_is_written(arguments, message, tmp_path, capsys):
    folder = tmp_path / "records"
    given = [str(tmp_path / "work") if word == "WORK" else word for word in arguments]
    with pytest.raises(SystemExit) as error:
        record.main([*given, "--records", str(folder)])
    assert error.value.code == 2 and not folder.exists()
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("usage: python -m tools.record")
    assert message in said[-1]


def test_a_share_comes_with_its_interval_and_a_share_of_nothing_is_none():
    half = record.share(np.array([True, False] * 50))
    assert half["share"] == 0.5 and half["n"] == 100
    assert 0.5 - half["low"] == pytest.approx(half["high"] - 0.5) == pytest.approx(0.0962, abs=1e-3)
    assert record.share(np.array([], dtype=bool)) == {"share": None, "low": None, "high": None, "n": 0}
