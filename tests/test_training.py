"""One recipe gives one model, whatever happens on the way: killed, resumed, scored, in mixed precision."""

import dataclasses
import itertools
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from s2s_lib import callbacks, training
from s2s_lib.batches import BucketedBatches
from s2s_lib.callbacks import EpochClock, Keeper, ProgressBar, training_variables
from s2s_lib.training import Recipe, train
from s2s_lib.vocabulary import CharVocabulary

PROJECT = Path(__file__).resolve().parents[1]
WORDS = {
    "a": "un", "ad": "né", "be": "ou", "bed": "lit", "bee": "abbé", "cab": "taxi", "cat": "chat",
    "dab": "tac", "ace": "as", "dad": "papa", "bead": "âme", "quiz": "œuf", "jug": "ça",
}  # fmt: skip
PAIRS = pd.DataFrame(list(WORDS.items()), columns=["source", "target"]).assign(
    split=["train"] * 8 + ["validation"] * 3 + ["test"] * 2
)
RECIPE = Recipe(corpus="words", latent_dim=6, embedding_dim=4, dropout=0.3, batch_size=3, epochs=4, seed=5)
PLAIN = dataclasses.replace(RECIPE, model="embedding", dropout=0.0, epochs=1)
TRAINING = PAIRS[:8]
SCORES = [1.0, 3.0, 2.0, 0.0]  # the second epoch is the best


@pytest.fixture
def eager(monkeypatch):
    """Run training step by step: nothing this small is worth the seconds that compiling takes."""
    compile_for_ids = training.compile_for_ids

    def compile_eagerly(model, recipe, *, steps):
        compile_for_ids(model, recipe, steps=steps)
        model.run_eagerly = True

    monkeypatch.setattr(training, "compile_for_ids", compile_eagerly)


class Watch:
    """A score that remembers the weights after each epoch and gives the figures it was told to."""

    def __init__(self, scores, die_at=None):
        self.scores, self.weights, self.die_at = iter(scores), [], die_at

    def __call__(self, trained):
        if len(self.weights) == self.die_at:
            raise KeyboardInterrupt
        self.weights.append(trained.model.get_weights())
        return next(self.scores)


def assert_same_bits(ours, theirs):
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, other)


def flat(lists):
    return list(itertools.chain.from_iterable(lists))


def figures_by_hand(trained, rows, *, fold=str):
    """Return loss (nats a character) and accuracy over real characters, one pair at a time, no padding."""
    losses, hits = [], []
    for source, target in zip(rows["source"], rows["target"], strict=True):
        ids = [*trained.target_vocabulary.encode(fold(target)), 2]
        source = np.array([trained.source_vocabulary.encode(fold(source))])
        logits = np.asarray(trained.model([source, np.array([[1, *ids[:-1]]])]))[0].astype(float)
        for row, token in zip(logits, ids, strict=True):
            losses.append(math.log(sum(math.exp(logit) for logit in row)) - row[token])
            hits.append(row.argmax() == token)
    return np.mean(losses), np.mean(hits)


# One recipe, one model


@pytest.fixture(scope="module")
def whole():
    """Train without interruption, watched."""
    watch = Watch(SCORES)
    return train(PAIRS, RECIPE, score=watch, progress=False), watch


def test_the_model_returned_is_that_of_the_epoch_which_the_score_likes_best(whole):
    trained, watch = whole
    assert_same_bits(trained.model.get_weights(), watch.weights[1])
    assert trained.record["history"]["score"] == SCORES
    assert any((a != b).any() for a, b in zip(watch.weights[1], watch.weights[3], strict=True))


KILLED_IN_THE_THIRD_EPOCH = """
import os, signal, sys
from tests.test_training import PAIRS, RECIPE, SCORES, EpochClock, Watch, train

watch = Watch(SCORES)

def die(self, batch, logs=None):
    if len(watch.weights) == 2 and batch == 1:
        os.kill(os.getpid(), signal.SIGKILL)

EpochClock.on_train_batch_end = die
train(PAIRS, RECIPE, checkpoint=sys.argv[1], score=watch, progress=False)
"""


def test_a_run_killed_in_mid_epoch_and_started_again_ends_with_the_same_bits_as_one_never_killed(
    whole, tmp_path
):
    checkpoint = tmp_path / "state.npz"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_IN_THE_THIRD_EPOCH, checkpoint],
        cwd=PROJECT, env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with np.load(checkpoint) as saved:
        assert len(json.loads(str(saved["state"]))["history"]) == 2
    watch = Watch(SCORES[2:])
    resumed = train(PAIRS, RECIPE, checkpoint=checkpoint, score=watch, progress=False)
    trained, uninterrupted = whole
    assert_same_bits(flat(watch.weights), flat(uninterrupted.weights[2:]))
    assert_same_bits(resumed.model.get_weights(), trained.model.get_weights())
    clocks = {"wall_seconds", "cpu_seconds"}
    ours, theirs = resumed.record["history"], trained.record["history"]
    assert {name: ours[name] for name in ours.keys() - clocks} == {
        name: theirs[name] for name in theirs.keys() - clocks
    }
    assert os.listdir(tmp_path) == ["state.npz"]


def test_a_run_stopped_between_two_epochs_and_started_again_gives_the_same_bits(eager, tmp_path):
    recipe = dataclasses.replace(PLAIN, dropout=0.3, epochs=3)
    uninterrupted, resumed = Watch(SCORES), Watch(SCORES[2:])
    train(TRAINING, recipe, score=uninterrupted, progress=False)
    with pytest.raises(KeyboardInterrupt):
        train(TRAINING, recipe, checkpoint=tmp_path / "state", score=Watch(SCORES, die_at=2), progress=False)
    train(TRAINING, recipe, checkpoint=tmp_path / "state", score=resumed, progress=False)
    assert_same_bits(*resumed.weights, uninterrupted.weights[2])


def test_a_finished_run_started_again_is_read_and_not_trained(eager, tmp_path):
    watch = Watch([0])
    train(TRAINING, PLAIN, score=watch, progress=False)
    first = train(TRAINING, PLAIN, checkpoint=tmp_path / "state", progress=False)
    again = train(TRAINING, PLAIN, checkpoint=tmp_path / "state", progress=False)
    assert_same_bits(first.model.get_weights(), watch.weights[-1])  # one seed, one model
    assert_same_bits(again.model.get_weights(), watch.weights[-1])
    assert again.record["history"] == first.record["history"]
    other = train(TRAINING, dataclasses.replace(PLAIN, seed=6), progress=False).model.get_weights()
    assert any((a != b).any() for a, b in zip(other, watch.weights[-1], strict=True))


# What is learned from


def test_losses_and_accuracies_are_those_over_real_characters_that_numpy_finds_pair_by_pair(eager):
    recipe = dataclasses.replace(PLAIN, learning_rate=0.0)  # so that the model stays as it was while measured
    trained = train(PAIRS, recipe, progress=False)
    history = trained.record["history"]
    for prefix, split in (("", "train"), ("val_", "validation")):
        loss, accuracy = figures_by_hand(trained, PAIRS[PAIRS["split"] == split])
        assert history[f"{prefix}real_loss"] == pytest.approx([loss] * recipe.epochs, abs=2e-5)
        assert history[f"{prefix}real_accuracy"] == pytest.approx([accuracy] * recipe.epochs, abs=2e-5)


def test_the_last_validation_loss_of_a_trained_model_is_the_one_computed_by_hand(whole):
    trained, watch = whole
    model = training.build(RECIPE, trained.source_vocabulary, trained.target_vocabulary)
    model.set_weights(watch.weights[-1])
    loss, accuracy = figures_by_hand(trained._replace(model=model), PAIRS[PAIRS["split"] == "validation"])
    assert trained.record["history"]["val_real_loss"][-1] == pytest.approx(loss, abs=2e-5)
    assert trained.record["history"]["val_real_accuracy"][-1] == pytest.approx(accuracy, abs=2e-5)


def test_vocabularies_hold_the_characters_of_training_rows_only(whole):
    trained, _ = whole
    learned = PAIRS[PAIRS["split"] == "train"]
    assert trained.source_vocabulary == CharVocabulary("".join(learned["source"]))
    assert trained.target_vocabulary == CharVocabulary("".join(learned["target"]))
    assert not set("zjgœâ") & {
        *trained.source_vocabulary.characters, *trained.target_vocabulary.characters
    }  # fmt: skip


def test_long_pairs_are_left_out_and_typography_is_folded_where_the_recipe_says_so(eager):
    rows = [
        ("go", "va\u202f!", "train"), ("l\u2019a", "l\u2019a\u00a0:", "train"),
        ("much too long", "x", "train"), ("x", "also too long", "train"), ("ok", "d\u2019ac", "validation"),
    ]  # fmt: skip
    pairs = pd.DataFrame(rows, columns=["source", "target", "split"])
    recipe = dataclasses.replace(PLAIN, max_length=5, fold_typography=True, learning_rate=0.0)
    trained = train(pairs, recipe, progress=False)
    assert trained.source_vocabulary == CharVocabulary("gol'a")
    assert trained.target_vocabulary == CharVocabulary("va !l':")
    assert (trained.record["num_train"], trained.record["num_validation"]) == (2, 1)
    loss, _ = figures_by_hand(
        trained, pairs[:2], fold=lambda text: text.translate({8239: 32, 160: 32, 8217: 39})
    )
    assert trained.record["history"]["real_loss"] == pytest.approx([loss], abs=2e-5)


def test_a_mixed_precision_recipe_computes_in_half_the_bits_and_returns_a_float32_model(eager):
    recipe = dataclasses.replace(PLAIN, precision="mixed_bfloat16")
    seen = []

    def score(trained):
        seen.append((trained.model.get_layer("decoder_lstm").compute_dtype, trained.model.get_weights()))
        return 0

    trained = train(TRAINING, recipe, score=score, progress=False)
    [(dtype, weights)] = seen
    assert dtype == "bfloat16"
    assert {layer.compute_dtype for layer in trained.model.layers} == {"float32"}
    assert {weight.dtype for weight in trained.model.weights} == {"float32"}
    assert_same_bits(trained.model.get_weights(), weights)
    assert keras.config.dtype_policy().name == "float32"


# What is refused


def test_a_checkpoint_of_another_recipe_is_refused_by_name_and_left_alone(tmp_path):
    checkpoint = tmp_path / "mine.npz"
    np.savez(checkpoint, state=json.dumps({"digest": RECIPE.digest(PAIRS), "history": []}))
    before = checkpoint.read_bytes()
    with pytest.raises(ValueError, match=r"mine\.npz is of another recipe"):
        train(PAIRS, dataclasses.replace(RECIPE, seed=6), checkpoint=checkpoint, progress=False)
    assert checkpoint.read_bytes() == before


def test_an_unknown_model_is_named_beside_those_there_are():
    with pytest.raises(ValueError, match=r"no model named 'transformer'; there are: embedding, attention"):
        train(PAIRS, dataclasses.replace(RECIPE, model="transformer"))


@pytest.mark.parametrize(
    ("pairs", "recipe"),
    [
        (PAIRS[PAIRS["split"] != "train"], RECIPE),
        (PAIRS[:0], RECIPE),
        (PAIRS, dataclasses.replace(RECIPE, max_length=0)),
    ],
)
def test_no_training_rows_are_an_error(pairs, recipe):
    with pytest.raises(ValueError, match="no training pairs"):
        train(pairs, recipe)


# Recipes and records


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Recipe)])
def test_a_digest_changes_with_every_field_of_the_recipe(field):
    value = getattr(RECIPE, field)
    other = {bool: True, int: 99, float: 0.77, str: "other", type(None): 7}[type(value)]
    assert dataclasses.replace(RECIPE, **{field: other}).digest(PAIRS) != RECIPE.digest(PAIRS)


def test_a_digest_changes_with_the_data_and_with_nothing_else():
    digest = RECIPE.digest(PAIRS)
    assert digest == dataclasses.replace(RECIPE).digest(PAIRS.copy())
    assert digest == RECIPE.digest(PAIRS.assign(attribution="other").set_index(PAIRS.index + 7))
    changed = PAIRS.assign(target=PAIRS["target"].replace("chat", "chien"))
    others = [
        PAIRS[:-1],
        PAIRS[::-1],
        changed,
        PAIRS.rename(columns={"source": "target", "target": "source"}),
    ]
    assert len({digest, *(RECIPE.digest(other) for other in others)}) == 5


def test_a_record_is_json_that_tells_recipe_data_machine_and_history(whole):
    trained, _ = whole
    record = json.loads(json.dumps(trained.record))
    assert Recipe(**record["recipe"]) == RECIPE
    assert record["digest"] == RECIPE.digest(PAIRS)
    assert (record["num_train"], record["num_validation"]) == (8, 3)
    assert record["parameters"] == sum(weight.size for weight in trained.model.get_weights())
    assert {len(figures) for figures in record["history"].values()} == {RECIPE.epochs}
    assert record["wall_seconds"] == pytest.approx(sum(record["history"]["wall_seconds"]), abs=0.06)
    assert record["versions"]["keras"] == keras.__version__


# What watches a training


def test_a_training_is_silent_without_a_progress_bar(eager, capsys):
    trained = train(TRAINING, PLAIN, progress=False)
    assert capsys.readouterr() == ("", "")
    assert trained.record["num_validation"] == 0
    assert "val_loss" not in trained.record["history"]


def test_a_progress_bar_counts_batches_and_shows_figures_over_real_characters(eager, capsys):
    train(PAIRS, PLAIN, progress=True)
    out, bar = capsys.readouterr()
    assert out == ""
    assert "3/3" in bar
    assert "real_loss=" in bar
    assert "val_real_accuracy=" in bar


def test_the_progress_bar_of_a_resumed_run_begins_where_the_checkpoint_stood(capsys):
    bar = ProgressBar(epochs=4)
    bar.set_params({"steps": 10})
    bar.on_epoch_begin(3)
    for batch in range(10):
        bar.on_train_batch_end(batch)
    bar.on_epoch_end(3, {"real_loss": 1.23456, "cpu_seconds": 9.0})
    bar.on_train_end()
    drawn = capsys.readouterr().err
    assert " 30/40 " in drawn
    assert " 40/40 " in drawn
    assert "real_loss=1.235" in drawn
    assert "seconds" not in drawn


def test_a_progress_bar_that_never_began_ends_quietly(capsys):
    ProgressBar(epochs=1).on_train_end()
    assert capsys.readouterr() == ("", "")


def test_the_clock_writes_wall_and_cpu_seconds_of_the_epoch(monkeypatch):
    readings = {"perf_counter": iter([10.0, 12.5]), "process_time": iter([3.0, 7.1239])}
    for name, values in readings.items():
        monkeypatch.setattr(callbacks.time, name, values.__next__)
    clock, logs = EpochClock(), {"loss": 1.0}
    clock.on_epoch_begin(0)
    clock.on_epoch_end(0, logs)
    assert logs == {"loss": 1.0, "wall_seconds": 2.5, "cpu_seconds": 4.124}


def small_model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1), keras.layers.Dropout(0.5)])
    model.compile(optimizer=keras.optimizers.Adam(), loss="mse")
    return model


def kept(checkpoint):
    """Return a keeper that has watched one epoch of a small model."""
    keeper, model = Keeper("mine", checkpoint=checkpoint), small_model()
    model.run_eagerly = True
    keeper.set_model(model)
    model.train_on_batch(np.ones((2, 2)), np.ones((2, 1)))
    keeper.on_epoch_end(0, {"loss": 1.0})
    return keeper


def test_a_checkpoint_brings_back_every_number_that_training_changes(tmp_path):
    keeper, model = kept(tmp_path / "state.npz"), small_model()
    assert Keeper("mine", checkpoint=tmp_path / "state.npz").restore(model) == 1
    saved, loaded = training_variables(keeper.model), training_variables(model)
    assert len(saved) == 2 + 1 + 2 + 2 * 2  # weights, dropout seed, step and rate, two moments a weight
    assert_same_bits(
        [np.asarray(variable) for variable in loaded], [np.asarray(variable) for variable in saved]
    )


def test_without_a_checkpoint_nothing_is_restored_and_nothing_written(tmp_path):
    assert Keeper("mine").restore(small_model()) == 0
    assert Keeper("mine", checkpoint=tmp_path / "none.npz").restore(small_model()) == 0
    kept(None)
    assert os.listdir(tmp_path) == []


def test_a_disk_that_fills_up_leaves_the_checkpoint_of_the_epoch_before(tmp_path, monkeypatch):
    keeper = kept(tmp_path / "state.npz")
    before = (tmp_path / "state.npz").read_bytes()

    def fill_up(file, **arrays):
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", fill_up)
    with pytest.raises(OSError, match="No space left"):
        keeper.on_epoch_end(1, {"loss": 0.5})
    assert os.listdir(tmp_path) == ["state.npz"]
    assert (tmp_path / "state.npz").read_bytes() == before


def test_batches_of_a_resumed_epoch_are_those_the_uninterrupted_run_would_have_seen():
    rows = PAIRS["source"], PAIRS["target"]
    vocabularies = [CharVocabulary.from_texts(texts) for texts in rows]
    straight, resumed = (BucketedBatches(*rows, *vocabularies, batch_size=3, seed=1) for _ in range(2))
    for _ in range(3):
        straight.on_epoch_end()
    resumed.start_at(3)
    for index in range(len(straight)):
        for ours, theirs in zip(
            keras.tree.flatten(resumed[index]), keras.tree.flatten(straight[index]), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)
