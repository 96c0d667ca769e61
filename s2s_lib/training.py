"""From a recipe to a fitted model and the record of its training (derived in notebook 04_training)."""

import hashlib
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from keras import ops
from tqdm import tqdm

from s2s_lib import models, records
from s2s_lib.vectorization import BucketedBatches
from s2s_lib.vocabulary import CharVocabulary, fold_typography

BUILDERS = {"embedding": models.build_embedding_seq2seq, "attention": models.build_attention_seq2seq}


@dataclass(frozen=True)
class Recipe:
    """All that decides how a model is trained; one recipe, one seed, one device give one model.

    ``max_length`` leaves pairs with a longer side out of training; ``fold_typography`` maps typographic
    spaces and apostrophes to plain ones first. The learning rate rises for ``warmup`` of all steps, then
    falls along a cosine. ``precision`` is a Keras dtype policy: "mixed_bfloat16" computes in half the bits and keeps
    weights in full.
    """

    corpus: str = "sample"
    num_samples: int | None = None
    model: str = "embedding"
    latent_dim: int = 256
    embedding_dim: int = 72
    dropout: float = 0.0
    batch_size: int = 64
    epochs: int = 20
    learning_rate: float = 2e-3
    warmup: float = 0.05
    clipnorm: float = 1.0
    precision: str = "float32"
    max_length: int | None = None
    fold_typography: bool = False
    seed: int = 0

    def digest(self, pairs):
        """Return a short hash that tells this recipe on these pairs from any other."""
        rows = "\n".join(pairs["source"] + "\t" + pairs["target"])
        return hashlib.sha256((json.dumps(asdict(self), sort_keys=True) + rows).encode()).hexdigest()[:16]


class Trained(NamedTuple):
    """A fitted model, the vocabularies it was fitted with, and the record of the training."""

    model: keras.Model
    source_vocabulary: CharVocabulary
    target_vocabulary: CharVocabulary
    record: dict


def train(pairs, recipe, *, checkpoint=None, score=None, progress=True):
    """Train by teacher forcing on the rows of ``pairs`` whose split is train.

    Parameters
    ----------
    pairs : pandas.DataFrame
        Columns source, target, split (from `s2s_lib.split_pairs`).
    recipe : Recipe
    checkpoint : path, optional
        File that holds the state after each epoch. A run that finds it goes on from there, and ends with the same
        weights as one never interrupted.
    score : callable, optional
        Takes a `Trained` after each epoch and returns a number, higher is better; the model of the best
        epoch is returned. Without it, that of the last epoch.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Trained
        Loss and accuracy in the record's history are over real characters and the end mark, never padding; losses
        are nats a character.

    Raises
    ------
    ValueError
        If no training pair is left, the model's name is unknown, or the checkpoint is of another recipe.
    """
    if recipe.model not in BUILDERS:
        raise ValueError(f"no model named {recipe.model!r}; there are: {', '.join(BUILDERS)}")
    parts = {name: _prepared(pairs[pairs["split"] == name], recipe) for name in ("train", "validation")}
    if parts["train"].empty:
        raise ValueError("no training pairs: the split is empty, or max_length leaves none")
    vocabularies = [CharVocabulary.from_texts(parts["train"][side]) for side in ("source", "target")]
    batches = {
        name: BucketedBatches(
            part["source"], part["target"], *vocabularies, batch_size=recipe.batch_size, seed=recipe.seed,
            shuffle=name == "train", width_multiple=8 if keras.backend.backend() == "jax" else 1,
        )
        for name, part in parts.items() if not part.empty
    }  # fmt: skip
    keras.utils.set_random_seed(recipe.seed)
    model = build(recipe, *vocabularies, precision=recipe.precision)
    compile_for_ids(model, recipe, steps=recipe.epochs * len(batches["train"]))
    record = {"recipe": asdict(recipe), "digest": recipe.digest(pairs), "parameters": model.count_params()}
    record |= {"num_train": len(parts["train"]), "num_validation": len(parts["validation"])}
    keeper = _Keeper(Trained(model, *vocabularies, record), checkpoint, score)
    batches["train"].epoch = keeper.restore()
    model.fit(
        batches["train"], validation_data=batches.get("validation"), shuffle=False, verbose=0,
        initial_epoch=batches["train"].epoch, epochs=recipe.epochs,
        callbacks=[keeper, _Bar(recipe.epochs, disable=not progress)],
    )  # fmt: skip
    trained = keeper.finish()
    if recipe.precision == "float32":
        return trained
    model = build(recipe, *vocabularies)
    model.set_weights(trained.model.get_weights())
    return trained._replace(model=model)


def build(recipe, source_vocabulary, target_vocabulary, *, precision="float32"):
    """Return the recipe's model, not yet trained, for these vocabularies."""
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        return BUILDERS[recipe.model](
            num_source_tokens=len(source_vocabulary), num_target_tokens=len(target_vocabulary),
            latent_dim=recipe.latent_dim, embedding_dim=recipe.embedding_dim, dropout=recipe.dropout,
        )  # fmt: skip
    finally:
        keras.config.set_dtype_policy(usual)


def compile_for_ids(model, recipe, *, steps):
    """Compile with Adam, a warm-up and cosine schedule over ``steps``, and loss over real characters."""
    warmup = max(1, math.ceil(recipe.warmup * steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warmup), warmup_target=recipe.learning_rate, warmup_steps=warmup
    )
    model.compile(
        optimizer=keras.optimizers.Adam(schedule, clipnorm=recipe.clipnorm),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight"),
        weighted_metrics=[
            keras.metrics.SparseCategoricalCrossentropy(name="real_loss", from_logits=True),
            keras.metrics.SparseCategoricalAccuracy(name="real_accuracy"),
        ],
    )


def _prepared(pairs, recipe):
    """Return the sentences as the recipe wants them: typography folded, long pairs left out."""
    pairs = pairs[["source", "target"]]
    if recipe.fold_typography:
        pairs = pairs.map(fold_typography)
    if recipe.max_length is not None:
        pairs = pairs[(pairs.map(len) <= recipe.max_length).all(axis=1)]
    return pairs


class _Bar(keras.callbacks.Callback):
    """One progress bar over all epochs, with the figures of the last one."""

    def __init__(self, epochs, *, disable):
        super().__init__()
        self.epochs, self.disable = epochs, disable

    def on_epoch_begin(self, epoch, logs=None):
        if not hasattr(self, "bar"):
            steps = self.params["steps"]
            self.bar = tqdm(total=self.epochs * steps, initial=epoch * steps, unit=" batches",
                            mininterval=1, disable=self.disable)  # fmt: skip

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update()

    def on_epoch_end(self, epoch, logs=None):
        self.bar.set_postfix({key: f"{value:.3f}" for key, value in logs.items() if "real" in key}, refresh=False)

    def on_train_end(self, logs=None):
        if hasattr(self, "bar"):
            self.bar.close()


class _Keeper(keras.callbacks.Callback):
    """Keep history, the best epoch and, if asked, a checkpoint after each epoch."""

    def __init__(self, trained, checkpoint, score):
        super().__init__()
        self.trained, self.score = trained, score
        self.checkpoint = Path(checkpoint) if checkpoint else None
        self.history, self.best, self.best_weights = [], -math.inf, None

    def _variables(self):
        """Return every number that training changes: weights, dropout seeds, optimizer state."""
        return [*self.trained.model.variables, *self.trained.model.optimizer.variables]

    def restore(self):
        """Load the checkpoint, if there is one; return the number of epochs it has behind it."""
        if not self.checkpoint or not self.checkpoint.exists():
            return 0
        with np.load(self.checkpoint, allow_pickle=False) as saved:
            state = json.loads(str(saved["state"]))
            if state["digest"] != self.trained.record["digest"]:
                raise ValueError(f"{self.checkpoint} belongs to another recipe; name another file, or delete it")
            for i, variable in enumerate(self._variables()):
                variable.assign(saved[f"variable_{i}"])
            self.history, self.best = state["history"], state["best"] if state["best"] is not None else -math.inf
            if self.best > -math.inf:
                count = len(self.trained.model.weights)
                self.best_weights = [saved[f"best_{i}"] for i in range(count)]
        return len(self.history)

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        row = {key: round(float(value), 5) for key, value in logs.items()}
        row["wall_seconds"] = round(time.perf_counter() - self.started[0], 2)
        row["cpu_seconds"] = round(time.process_time() - self.started[1], 2)
        if self.score:
            row["score"] = float(self.score(self.trained))
            if row["score"] > self.best:
                self.best, self.best_weights = row["score"], self.trained.model.get_weights()
        self.history.append(row)
        if self.checkpoint:
            self._save()

    def _save(self):
        state = {"digest": self.trained.record["digest"], "history": self.history}
        state["best"] = self.best if self.best_weights else None
        arrays = {f"variable_{i}": ops.convert_to_numpy(v) for i, v in enumerate(self._variables())}
        arrays |= {f"best_{i}": weight for i, weight in enumerate(self.best_weights or [])}
        with records.whole_file(self.checkpoint) as partial, partial.open("wb") as file:
            np.savez(file, state=json.dumps(state), **arrays)

    def finish(self):
        """Put the best weights into the model; return it with its finished record."""
        if self.best_weights:
            self.trained.model.set_weights(self.best_weights)
        record = self.trained.record | records.environment()
        record["history"] = {key: [row[key] for row in self.history] for key in self.history[0]}
        record["wall_seconds"] = round(sum(record["history"]["wall_seconds"]), 1)
        record["cpu_seconds"] = round(sum(record["history"]["cpu_seconds"]), 1)
        record["peak_memory_mb"] = records.peak_memory_mb()
        return self.trained._replace(record=record)
