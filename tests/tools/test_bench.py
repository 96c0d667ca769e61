"""The bench: its arithmetic is right, its sides do what they say, and a short run fills every key."""

import json
import math
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from s2s_lib import (
    CharVocabulary,
    build_embedding_seq2seq,
    build_seq2seq,
    load_pairs,
    one_hot_arrays,
    records,
    training,
)
from s2s_lib.data.batches import BucketedBatches
from tools import bench, shared, sides

ROOT = Path(__file__).resolve().parents[2]
EPOCHS = [
    {"cpu_seconds": 2.0, "val_real_loss": 3.0, "chrf": 10.0},
    {"cpu_seconds": 1.0, "val_real_loss": 1.5, "chrf": 30.0},
    {"cpu_seconds": 4.0, "val_real_loss": 1.8, "chrf": 40.0},
]
TINY_SOURCES, TINY_TARGETS = ["Go.", "I see."], ["Va !", "Je vois."]


# Epochs


def test_time_to_quality_counts_every_epoch_up_to_the_first_that_is_good_enough():
    assert bench.cpu_until(EPOCHS, "val_real_loss", 1.8) == 3.0
    assert bench.cpu_until(EPOCHS, "chrf", 30.5) == 7.0
    assert bench.cpu_until(EPOCHS, "val_real_loss", 1.0) is None


def test_the_best_epoch_has_the_least_loss_or_the_highest_chrf():
    assert bench.best_so_far(EPOCHS, "val_real_loss") == 1
    assert bench.best_so_far(EPOCHS, "chrf") == 2


def test_training_stops_at_the_last_epoch_or_after_waiting_in_vain():
    falling = [{"loss": 1.0 / (i + 1)} for i in range(20)]
    stuck = [{"loss": 1.0}, *({"loss": 2.0} for _ in range(bench.PATIENCE))]
    assert not bench.waited_long_enough(falling, 30, "loss")
    assert bench.waited_long_enough(falling, 20, "loss")
    assert bench.waited_long_enough(stuck, 30, "loss")
    assert not bench.waited_long_enough(stuck[:-1], 30, "loss")


def test_what_an_epoch_costs_leaves_out_the_first_which_compiles_if_there_are_others():
    assert bench.per_epoch(EPOCHS, "cpu_seconds") == 2.5
    assert bench.per_epoch(EPOCHS[:1], "cpu_seconds") == 2.0


def test_a_ratio_with_a_side_that_never_got_there_is_none():
    assert bench.ratio({"ours": 1.0, "example": 4.0, "goal": 2.0}) == 0.25
    assert bench.ratio({"ours": None, "example": 4.0}) is None


def test_useful_work_is_that_of_the_model_s_matrices_on_real_timesteps():
    pairs = load_pairs("sample", num_samples=50)
    vocabularies = [CharVocabulary.from_texts(pairs[side][:40]) for side in ("source", "target")]
    model = build_embedding_seq2seq(
        num_source_tokens=len(vocabularies[0]),
        num_target_tokens=len(vocabularies[1]),
        latent_dim=sides.PLAIN.latent_dim,
        embedding_dim=sides.PLAIN.embedding_dim,
    )
    size = Counter()
    for layer in model.layers:
        size[layer.name] = sum(math.prod(w.shape) for w in layer.trainable_weights if len(w.shape) == 2)
    expected = 0
    for row, (source, target) in enumerate(zip(pairs["source"], pairs["target"], strict=True)):
        encoder = len(source) * size["encoder_lstm"]
        decoder = (len(target) + 1) * (size["decoder_lstm"] + size["target_logits"])
        expected += (6 if row < 40 else 2) * (encoder + decoder)
    assert bench.useful_flops(corpus="sample", num_samples=50) == expected > 0


# Processes


class FakeSide:
    """Counts the epochs that it is told to train, and writes into a common log."""

    def __init__(self, name, log):
        self.name, self.log, self.epochs = name, log, []

    def hear(self):
        self.log.append(f"{self.name} ready")

    def train_epoch(self):
        self.epochs.append({})
        self.log.append(f"{self.name} {len(self.epochs)}")

    def stop(self):
        self.log.append(f"{self.name} stops")


def test_sides_train_by_turns_and_a_finished_one_leaves_the_others_to_go_on():
    log = []
    lengths = {"a": 1, "b": 3}
    competitors = [FakeSide(name, log) for name in lengths]
    bench.take_turns(competitors, done=lambda side: len(side.epochs) == lengths[side.name])
    assert log == ["a ready", "b ready", "a 1", "a stops", "b 1", "b 2", "b 3", "b stops"]


def test_a_process_that_ends_without_an_answer_is_an_error_that_names_it():
    with pytest.raises(RuntimeError, match=r"print ended without an answer \(exit code 0\)"):
        bench.measure(print)


# Sides


def test_the_bench_s_sides_have_names_in_tables_and_pictures():
    assert {"example", "ours", "torch", *bench.OURS_ON_TORCH} == set(records.SIDES)


def test_our_model_is_as_large_as_the_example_s_within_two_percent():
    sizes = {"latent_dim": sides.PLAIN.latent_dim, "num_source_tokens": 70, "num_target_tokens": 93}
    ours = build_embedding_seq2seq(**sizes, embedding_dim=sides.PLAIN.embedding_dim).count_params()
    assert ours / build_seq2seq(**sizes).count_params() == pytest.approx(1, abs=0.02)


def test_the_example_s_loop_over_characters_gives_the_arrays_of_the_library():
    filled = sides.loop_of_the_example(TINY_SOURCES, TINY_TARGETS)
    for mine, theirs in zip(filled, one_hot_arrays(TINY_SOURCES, TINY_TARGETS), strict=False):
        np.testing.assert_array_equal(mine, theirs)


def test_the_example_s_arrays_put_training_first_and_keras_cuts_behind_it():
    pairs = sides.pairs_of("sample", 100, "honest")
    part = pairs["split"].value_counts()
    arrays, validation_split = sides.example_arrays(pairs)
    assert len(arrays.encoder_input) == part["train"] + part["validation"]
    assert int(len(arrays.encoder_input) * (1.0 - validation_split)) == part["train"]
    first = pairs.loc[pairs["split"] == "train", "source"].iloc[0]
    assert [arrays.source_characters[i] for i in arrays.encoder_input[0].argmax(-1)][: len(first)] == [*first]


def test_characters_that_training_lacks_are_left_out_only_where_asked():
    pairs = sides.pairs_of("sample", 50)
    pairs.loc[45, ["source", "target"]] = ["Ω.", "Ω !"]
    every, known = (sides.example_arrays(pairs, known_only=flag)[0] for flag in (False, True))
    for table in ("source_characters", "target_characters"):
        assert "Ω" in getattr(every, table)
        assert "Ω" not in getattr(known, table)
    trained = pairs[pairs["split"] == "train"]
    alone = one_hot_arrays(trained["source"], trained["target"])
    assert known[3:] == alone[3:]
    width = alone.encoder_input.shape[1]
    np.testing.assert_array_equal(known.encoder_input[: len(trained), :width], alone.encoder_input)


def test_one_character_at_a_time_writes_what_the_compiled_loop_writes():
    keras.utils.set_random_seed(3)
    arrays = one_hot_arrays(TINY_SOURCES, TINY_TARGETS)
    model = build_seq2seq(
        num_source_tokens=len(arrays.source_characters),
        num_target_tokens=len(arrays.target_characters),
        latent_dim=6,
    )
    model.set_weights([3 * weight for weight in model.get_weights()])
    one_by_one = sides.decode_one(model, arrays)
    together = sides.fast_translate(model, arrays)(TINY_SOURCES)
    assert [one_by_one(row) for row in range(2)] == together
    assert all(together)


def test_what_is_decoded_was_never_trained_on_and_fits_the_model():
    pairs = sides.pairs_of("sample", 900)
    arrays = one_hot_arrays(pairs["source"], pairs["target"])
    sources = sides.unseen_sources(pairs, arrays, "sample")
    held_out = pairs.loc[pairs["split"] == "validation", "source"]
    trained = set(pairs.loc[pairs["split"] == "train", "source"])
    assert len(sources) == len(set(sources)) > held_out.nunique()
    assert not set(sources) & trained
    assert max(map(len, sources)) <= arrays.encoder_input.shape[1]
    assert set().union(*sources) <= set(arrays.source_characters)
    assert set(held_out) - trained <= set(sources)


# Choices


def compiled(change):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    with sides.taken_back(change):
        training.compile_for_ids(model, training.Recipe(learning_rate=0.5, clipnorm=1.0), steps=10)
    return model


def batches(change):
    sources = ["a" * n for n in range(1, 41)]
    vocabulary = CharVocabulary.from_texts(sources)
    with sides.taken_back(change):
        return training.BucketedBatches(sources, sources, vocabulary, vocabulary, batch_size=8, seed=1)


def test_nothing_taken_back_is_the_library_s_own_training():
    usual = compiled({})
    assert isinstance(usual.optimizer, keras.optimizers.Adam)
    assert usual.optimizer.clipnorm == 1.0
    assert usual.steps_per_execution == 1
    assert type(batches({})) is BucketedBatches


def test_what_is_taken_back_is_given_again_afterwards():
    before = training.BucketedBatches, training.compile_for_ids
    with sides.taken_back({"mixed_lengths": True, "optimizer": True}):
        assert training.BucketedBatches is not before[0] and training.compile_for_ids is not before[1]
    assert (training.BucketedBatches, training.compile_for_ids) == before


def test_optimizer_rate_and_steps_are_those_that_the_variant_names():
    rms = compiled({"optimizer": True}).optimizer
    assert isinstance(rms, keras.optimizers.RMSprop)
    assert float(rms.learning_rate) == pytest.approx(1e-3)
    constant = compiled({"constant_rate": True}).optimizer
    assert float(constant.learning_rate) == 0.5 and constant.clipnorm == 1.0
    assert float(compiled({}).optimizer.learning_rate) < 0.5  # it is warming up
    assert compiled({"steps_per_execution": 10}).steps_per_execution == 10


def test_mixed_batches_hold_every_pair_once_and_other_pairs_in_each_epoch():
    mixed = batches({"mixed_lengths": True})
    first = np.concatenate(mixed.batches)
    assert sorted(first) == list(range(40))
    assert [len(rows) for rows in mixed.batches] == [8] * 5
    mixed.on_epoch_end()
    assert sorted(np.concatenate(mixed.batches)) == list(range(40))
    assert not np.array_equal(np.concatenate(mixed.batches), first)


def test_mixed_batches_are_padded_more_than_those_of_like_length():
    padding = [
        np.mean(np.concatenate([(found[i][2] == 0).ravel() for i in range(len(found))]))
        for found in (batches({"mixed_lengths": True}), batches({}))
    ]
    assert padding[0] > 2 * padding[1]


def test_every_recipe_of_a_variant_can_be_made():
    for variant, change in sides.VARIANTS.items():
        recipe = replace(sides.PLAIN, **change.get("recipe", {}))
        assert (recipe != sides.PLAIN) == ("recipe" in change), variant


# Records that ship


def test_the_recorded_bench_is_of_a_whole_run_and_its_ratios_follow_from_its_curves():
    record = records.load_record("bench")
    assert (record["corpus"], record["num_samples"], record["short_form"]) == ("fra-eng", 10_000, False)
    measured = record["measured"]
    cpu = measured["train_cpu_seconds_per_epoch"]
    assert record["train_cpu_ratio"] == pytest.approx(cpu["ours"] / cpu["example"], abs=1e-3)
    for split, reached, key in (
        ("tail", measured["cpu_seconds_to_least_loss"], "val_real_loss"),
        ("honest", measured["cpu_seconds_to_best_chrf"], "chrf"),
    ):
        history = measured["histories"][split]
        assert reached["goal"] == history["example"][bench.best_so_far(history["example"], key)][key]
        for side in ("example", "ours"):
            assert reached[side] == bench.cpu_until(history[side], key, reached["goal"])


def test_the_recorded_choices_are_those_of_whole_runs_against_the_goal_of_the_bench():
    record = records.load_record("choices")
    assert [*record["rows"]] == [*sides.VARIANTS]
    assert (record["corpus"], record["num_samples"], record["short_form"]) == ("fra-eng", 10_000, False)
    assert record["goal"] == records.load_record("bench")["measured"]["cpu_seconds_to_least_loss"]["goal"]
    for row in record["rows"].values():
        assert len(row["epochs"]) == sides.PLAIN.epochs
        computed = bench.choice_row(record["goal"], epochs=row["epochs"], environment={})
        assert computed.items() <= row.items()


# Command line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "'0' is not a whole number from 1 on"),
        (["--num-samples", "many"], "'many' is not a whole number from 1 on"),
        (["--corpus", "sample", "--num-samples", "40"], "has no test pair: give more by --num-samples"),
        (["choice"], "invalid choice: 'choice'"),
    ],
)
def test_a_wrong_argument_is_one_sentence(arguments, message, capsys):
    with pytest.raises(SystemExit) as error:
        bench.main(arguments)
    assert error.value.code == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("usage: python -m tools.bench")
    assert message in said[-1]


# Whole runs


@pytest.mark.slow
def test_a_short_run_says_so_fills_every_key_and_decodes_alike_on_both_sides(tmp_path):
    file = tmp_path / "new" / "bench.json"
    arguments = ["--corpus", "sample", "--num-samples", "120", "--epochs", "1", "--json", str(file)]
    command = [sys.executable, "-m", "tools.bench", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    record, shipped = json.loads(file.read_text(encoding="utf-8")), records.load_record("bench")
    assert record.keys() == shipped.keys()
    assert record["measured"].keys() == shipped["measured"].keys()
    assert json.loads(done.stdout) == {name: record[name] for name in record if name != "measured"}
    assert record["command"] == f"python -m tools.bench {' '.join(arguments)}"
    assert record["short_form"] and "SHORT" in record["what"] and record["epochs_at_most"] == 1
    assert record["decode_identical"] == 1.0
    for name in ("train_cpu_ratio", "train_wall_ratio", "vectorize_speedup", "decode_speedup"):
        assert math.isfinite(record[name]) and record[name] > 0
    assert 0 < record["useful_flops_fraction"] < 1
    assert all(200 < record["peak_rss_mb"][side] < 4000 for side in ("example", "ours"))
    for split, key in (("tail", "val_real_loss"), ("honest", "chrf")):
        for side in ("example", "ours"):
            (epoch,) = record["measured"]["histories"][split][side]
            assert math.isfinite(epoch[key]) and epoch["cpu_seconds"] > 0


@pytest.mark.slow
def test_a_variant_is_trained_in_a_process_of_its_own_and_its_row_recorded(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sides, "VARIANTS", {"a batch of 64": sides.VARIANTS["a batch of 64"]})
    file = tmp_path / "choices.json"
    arguments = [
        "choices",
        "--corpus",
        "sample",
        "--num-samples",
        "100",
        "--epochs",
        "2",
        "--json",
        str(file),
    ]
    bench.main(arguments)
    record = json.loads(file.read_text(encoding="utf-8"))
    (row,) = record["rows"].values()
    losses = [epoch["val_real_loss"] for epoch in row["epochs"]]
    assert len(losses) == 2 and row["least_val_real_loss"] == min(losses)
    assert row["cpu_seconds_per_epoch"] == row["epochs"][1]["cpu_seconds"] > 0
    assert record["short_form"] and {"versions", "device"} <= record.keys() & row.keys()
    assert "choices: a batch of 64" in capsys.readouterr().out
    bench.main(arguments)  # nothing is missing, so nothing is trained
    assert json.loads(file.read_text(encoding="utf-8")) == record
    assert capsys.readouterr().out == ""


# What tools share


def test_rows_keep_their_order_are_made_once_and_made_anew_where_asked(tmp_path):
    path, made = tmp_path / "record.json", []

    def maker(name):
        return lambda: made.append(name) or {"run": len(made)}

    makers = {name: maker(name) for name in "abc"}
    head = {"what": "a test", "command": "none"}
    for only in (["c"], ["a"], None, ["a"]):
        shared.record_rows(path, head, makers, only)
    assert made == ["c", "a", "b", "a"]
    record = json.loads(path.read_text(encoding="utf-8"))
    assert list(record["rows"].items()) == [("a", {"run": 4}), ("b", {"run": 3}), ("c", {"run": 1})]
    assert record["what"] == "a test"
