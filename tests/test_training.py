"""One recipe gives one model, whatever happens on the way: killed, resumed, scored, in mixed precision."""

import json
import math
import multiprocessing
import os
import signal
from dataclasses import fields, replace
from itertools import chain
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from oracles import uncompiled

from s2s_lib import training
from s2s_lib.data.splitting import reverse_pairs
from s2s_lib.data.vocabulary import CharVocabulary, prepare_text
from s2s_lib.training import Checkpoint, EpochClock, Recipe, train, training_variables

WORDS = {
    "a": "un", "ad": "né", "be": "ou", "bed": "lit", "bee": "abbé", "cab": "taxi", "cat": "chat",
    "dab": "tac", "ace": "as", "dad": "papa", "bead": "âme", "quiz": "œuf", "jug": "ça",
}  # fmt: skip
PAIRS = pd.DataFrame(list(WORDS.items()), columns=["source", "target"]).assign(
    split=["train"] * 8 + ["validation"] * 3 + ["test"] * 2
)
RECIPE = Recipe(
    corpus="words",
    model="embedding",
    latent_dim=6,
    embedding_dim=4,
    dropout=0.3,
    batch_size=3,
    epochs=4,
    seed=5,
)
PLAIN = replace(RECIPE, dropout=0.0, epochs=1)
STILL = 1e-30  # a learning rate that moves no float32 weight
TRAINING = PAIRS[:8]
SCORES = [1.0, 3.0, 2.0, 0.0]  # the second epoch is the best


@pytest.fixture
def eager():
    with uncompiled():
        yield


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
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, other)


def figures_by_hand(trained, rows, *, fold=False):
    """Return loss (nats a character) and accuracy over real characters, one pair at a time, no padding."""
    losses, hits = [], []
    for source, target in zip(rows["source"], rows["target"], strict=True):
        ids = [*trained.target_vocabulary.encode(prepare_text(target, fold=fold)), 2]
        source = np.array([trained.source_vocabulary.encode(prepare_text(source, fold=fold))])
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


def train_until_killed(checkpoint):
    """Train in a process that dies in the middle of the third epoch, as by a power cut."""
    watch = Watch(SCORES)

    def die(batch, logs):
        if len(watch.weights) == 2 and batch == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=die)
    train(PAIRS, RECIPE, checkpoint=checkpoint, score=watch, callbacks=[callback], progress=False)


def test_a_run_killed_in_mid_epoch_and_started_again_ends_with_the_same_bits_as_one_never_killed(
    whole, tmp_path
):
    checkpoint = tmp_path / "state.npz"
    process = multiprocessing.get_context("spawn").Process(target=train_until_killed, args=(checkpoint,))
    process.start()
    process.join(timeout=300)
    assert process.exitcode == -signal.SIGKILL
    watch = Watch(SCORES[2:])  # two epochs are done, two are left
    resumed = train(PAIRS, RECIPE, checkpoint=checkpoint, score=watch, progress=False)
    trained, uninterrupted = whole
    assert_same_bits(chain(*watch.weights), chain(*uninterrupted.weights[2:]))
    assert_same_bits(resumed.model.get_weights(), trained.model.get_weights())
    clocks = {"wall_seconds", "cpu_seconds"}
    ours, theirs = resumed.record["history"], trained.record["history"]
    assert {name: ours[name] for name in ours.keys() - clocks} == {
        name: theirs[name] for name in theirs.keys() - clocks
    }
    assert set(os.listdir(tmp_path)) == {"state.npz", "state.npz.previous"}


def test_a_run_stopped_between_two_epochs_and_started_again_gives_the_same_bits(eager, tmp_path):
    recipe = replace(RECIPE, epochs=2)
    uninterrupted, resumed = Watch(SCORES), Watch(SCORES[1:])
    train(TRAINING, recipe, score=uninterrupted, progress=False)
    with pytest.raises(KeyboardInterrupt):
        train(TRAINING, recipe, checkpoint=tmp_path / "state", score=Watch(SCORES, die_at=1), progress=False)
    train(TRAINING, recipe, checkpoint=tmp_path / "state", score=resumed, progress=False)
    assert_same_bits(*resumed.weights, uninterrupted.weights[1])


def test_a_finished_run_started_again_is_read_and_not_trained(eager, tmp_path):
    watch = Watch([0])
    train(TRAINING, PLAIN, score=watch, progress=False)
    first = train(TRAINING, PLAIN, checkpoint=tmp_path / "state", progress=False)
    again = train(TRAINING, PLAIN, checkpoint=tmp_path / "state", progress=False)
    assert_same_bits(first.model.get_weights(), watch.weights[-1])  # one seed, one model
    assert_same_bits(again.model.get_weights(), watch.weights[-1])
    assert again.record["history"] == first.record["history"]
    other = train(TRAINING, replace(PLAIN, seed=6), progress=False).model.get_weights()
    assert any((a != b).any() for a, b in zip(other, watch.weights[-1], strict=True))


# What is learned from


@pytest.mark.backend
def test_losses_and_accuracies_are_those_over_real_characters_that_numpy_finds_pair_by_pair(eager):
    recipe = replace(PLAIN, learning_rate=STILL)  # so that the model stays as it was while measured
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
    recipe = replace(PLAIN, max_length=5, fold_typography=True, learning_rate=STILL)
    trained = train(pairs, recipe, progress=False)
    assert trained.source_vocabulary == CharVocabulary("gol'a")
    assert trained.target_vocabulary == CharVocabulary("va !l':")
    assert (trained.record["num_train"], trained.record["num_validation"]) == (2, 1)
    loss, _ = figures_by_hand(trained, pairs[:2], fold=True)
    assert trained.record["history"]["real_loss"] == pytest.approx([loss], abs=2e-5)


def test_a_mixed_precision_recipe_computes_in_half_the_bits_and_returns_a_float32_model(eager):
    recipe = replace(PLAIN, precision="mixed_bfloat16")
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


def test_a_reversed_recipe_learns_the_same_pairs_the_other_way_round(eager):
    ahead, back = (train(PAIRS, replace(PLAIN, reverse=reverse), progress=False) for reverse in (False, True))
    assert back.source_vocabulary == ahead.target_vocabulary
    assert back.target_vocabulary == ahead.source_vocabulary
    counts = [(trained.record["num_train"], trained.record["num_validation"]) for trained in (ahead, back)]
    assert counts == [(8, 3), (8, 3)]
    by_hand = train(reverse_pairs(PAIRS), PLAIN, progress=False)
    assert_same_bits(back.model.get_weights(), by_hand.model.get_weights())
    assert back.record["digest"] == replace(PLAIN, reverse=True).digest(PAIRS) != ahead.record["digest"]


# What is refused


def test_a_checkpoint_of_another_recipe_is_refused_by_name_and_left_alone(tmp_path):
    file = tmp_path / "mine.npz"
    checkpoint_of_one_epoch(file)
    before = file.read_bytes()
    with pytest.raises(ValueError, match=r"mine\.npz belongs to another recipe"):
        train(PAIRS, RECIPE, checkpoint=file, progress=False)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("pairs", "recipe"),
    [
        (PAIRS[PAIRS["split"] != "train"], RECIPE),
        (PAIRS[:0], RECIPE),
        (PAIRS[1:], replace(RECIPE, max_length=1)),
    ],
)
def test_no_training_rows_are_an_error(pairs, recipe):
    with pytest.raises(ValueError, match="no training pairs"):
        train(pairs, recipe)


WRONG = {
    "corpus": ["", None, 3],
    "num_samples": [0, -1, 2.5, "300"],
    "model": ["transformer", None, "", ["attention"]],
    "latent_dim": [0, -1, 2.5, "8", None, True],
    "embedding_dim": [0, 8.0],
    "dropout": [-0.1, 1.0, math.nan, "0.1", None],
    "batch_size": [0, -1, None],
    "epochs": [0, -3, 1.5, math.inf],
    "learning_rate": [0, 0.0, -1e-3, math.inf, math.nan, "fast"],
    "warmup": [-0.1, 1.1],
    "clipnorm": [0, -1.0, math.nan],
    "precision": ["float16", "bfloat16", None],
    "max_length": [0, -1, 2.5],
    "fold_typography": [1, "yes", None],
    "seed": [None, -1, 0.5, 2**32, "1"],
    "layers": [0, 1.5, None],
    "cell": ["rnn", "LSTM", None],
    "reverse": [0, "fra-eng", None],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field in WRONG for value in WRONG[field]])
def test_a_recipe_that_cannot_work_is_refused_when_it_is_made_in_one_sentence(field, value):
    with pytest.raises(ValueError) as caught:
        Recipe(**{field: value})
    message = str(caught.value)
    assert field in message and repr(value) in message
    assert "\n" not in message


def test_every_field_of_a_recipe_is_checked():
    assert WRONG.keys() == {field.name for field in fields(Recipe)}


# Recipes and records


def test_a_corpus_may_be_a_path():
    recipe = Recipe(corpus=Path("data") / "own.tsv")
    assert recipe == Recipe(corpus=str(Path("data") / "own.tsv"))
    assert recipe.digest(PAIRS) == Recipe(corpus=str(Path("data") / "own.tsv")).digest(PAIRS)


def test_numbers_of_a_recipe_may_come_from_numpy():
    numbers = {
        "latent_dim": np.int64(6),
        "epochs": np.int32(4),
        "dropout": np.float32(0.5),
        "seed": np.uint8(5),
    }
    plain = {name: number.item() for name, number in numbers.items()}
    assert Recipe(**numbers).digest(PAIRS) == Recipe(**plain).digest(PAIRS)


@pytest.mark.parametrize("field", [field.name for field in fields(Recipe)])
def test_a_digest_changes_with_every_field_of_the_recipe(field):
    others = {"model": "attention", "precision": "mixed_bfloat16", "cell": "gru", "corpus": "other"}
    value = getattr(RECIPE, field)
    other = others.get(field, {bool: True, int: 99, float: 0.77, type(None): 7}.get(type(value)))
    assert replace(RECIPE, **{field: other}).digest(PAIRS) != RECIPE.digest(PAIRS)


def test_a_digest_changes_with_the_data_and_with_nothing_else():
    digest = RECIPE.digest(PAIRS)
    assert digest == replace(RECIPE).digest(PAIRS.copy())
    assert digest == RECIPE.digest(PAIRS.assign(attribution="other").set_index(PAIRS.index + 7))
    changed = PAIRS.assign(target=PAIRS["target"].replace("chat", "chien"))
    others = [PAIRS[:-1], PAIRS[::-1], changed, reverse_pairs(PAIRS)]
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


def test_a_progress_bar_counts_epochs_and_shows_figures_over_real_characters(eager, capsys):
    train(PAIRS, PLAIN, progress=True)
    out, bar = capsys.readouterr()
    assert out == ""
    assert "1/1" in bar
    assert "real_loss=" in bar and "val_real_accuracy=" in bar
    assert "seconds" not in bar


def test_callbacks_come_last_and_see_scores_seconds_and_figures(eager):
    seen = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((epoch, dict(logs)))
    )
    trained = train(PAIRS, PLAIN, callbacks=[callback], progress=False)
    [(epoch, logs)] = seen
    assert epoch == 0
    assert {"loss", "real_loss", "val_real_accuracy", "wall_seconds", "cpu_seconds"} <= logs.keys()
    assert trained.record["history"]["real_loss"] == [round(float(logs["real_loss"]), 5)]


def test_the_clock_writes_wall_and_cpu_seconds_of_the_epoch(monkeypatch):
    readings = {"perf_counter": iter([10.0, 12.5]), "process_time": iter([3.0, 7.1239])}
    for name, values in readings.items():
        monkeypatch.setattr(training.time, name, values.__next__)
    clock, logs = EpochClock(), {"loss": 1.0}
    clock.on_epoch_begin(0)
    clock.on_epoch_end(0, logs)
    assert logs == {"loss": 1.0, "wall_seconds": 2.5, "cpu_seconds": 4.124}


def small_model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1), keras.layers.Dropout(0.5)])
    model.compile(optimizer=keras.optimizers.Adam(), loss="mse")
    return model


def checkpoint_of_one_epoch(file):
    """Return a checkpoint that has watched one epoch of a small model."""
    checkpoint, model = Checkpoint("mine", file=file), small_model()
    model.run_eagerly = True
    checkpoint.set_model(model)
    model.train_on_batch(np.ones((2, 2)), np.ones((2, 1)))
    checkpoint.on_epoch_end(0, {"loss": 1.0})
    return checkpoint


@pytest.mark.backend
def test_a_checkpoint_brings_back_every_number_that_training_changes(tmp_path):
    checkpoint, model = checkpoint_of_one_epoch(tmp_path / "state.npz"), small_model()
    assert Checkpoint("mine", file=tmp_path / "state.npz").restore(model) == 1
    saved, loaded = training_variables(checkpoint.model), training_variables(model)
    assert (
        len(saved) == 2 + 1 + 2 + 2 * 2
    )  # weights, dropout seed, step and rate, two moments for each weight
    assert_same_bits(map(np.asarray, loaded), map(np.asarray, saved))


def test_without_a_file_nothing_is_restored_and_nothing_written(tmp_path):
    assert Checkpoint("mine").restore(small_model()) == 0
    assert Checkpoint("mine", file=tmp_path / "none.npz").restore(small_model()) == 0
    checkpoint_of_one_epoch(None)
    assert os.listdir(tmp_path) == []


def test_a_disk_that_fills_up_leaves_the_checkpoint_of_the_epoch_before(tmp_path, monkeypatch):
    checkpoint = checkpoint_of_one_epoch(tmp_path / "state.npz")
    before = (tmp_path / "state.npz").read_bytes()

    def fill_up(file, content):
        with file.open("wb") as stream:
            stream.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.on_epoch_end(1, {"loss": 0.5})
    assert os.listdir(tmp_path) == ["state.npz"]
    assert (tmp_path / "state.npz").read_bytes() == before


DAMAGES = {
    "cut short": lambda whole: whole[:-1],
    "changed": lambda whole: whole[:99] + bytes([whole[99] ^ 1]) + whole[100:],
    "empty": lambda whole: b"",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_gives_way_to_the_one_before_it_with_a_warning(tmp_path, damage):
    file = tmp_path / "state.npz"
    checkpoint = checkpoint_of_one_epoch(file)
    first = [np.asarray(variable).copy() for variable in training_variables(checkpoint.model)]
    checkpoint.model.train_on_batch(np.ones((2, 2)), np.ones((2, 1)))
    checkpoint.on_epoch_end(1, {"loss": 0.5})
    assert Checkpoint("mine", file=file).restore(small_model()) == 2
    file.write_bytes(damage(file.read_bytes()))
    model = small_model()
    with pytest.warns(UserWarning, match=r"state\.npz is damaged: going on from .*state\.npz\.previous$"):
        assert Checkpoint("mine", file=file).restore(model) == 1
    assert_same_bits(map(np.asarray, training_variables(model)), first)
    (tmp_path / "state.npz.previous").unlink()
    with pytest.warns(UserWarning, match=r"damaged, and there is none before it: training starts anew$"):
        assert Checkpoint("mine", file=file).restore(small_model()) == 0


def test_a_score_of_nan_is_never_the_best(eager):
    watch = Watch([math.nan, 1.0, math.nan])
    trained = train(TRAINING, replace(PLAIN, epochs=3), score=watch, progress=False)
    assert_same_bits(trained.model.get_weights(), watch.weights[1])
