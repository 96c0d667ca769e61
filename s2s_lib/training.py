"""From a recipe to a fitted model and the record of its training (derived in notebook 04_training)."""

import hashlib
import json
import math
import os
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pandas as pd
from keras import ops
from tqdm import tqdm
from tqdm.keras import TqdmCallback

from s2s_lib import models, records
from s2s_lib.arguments import boolean, one_of, real_number, whole_number
from s2s_lib.data.batches import BucketedBatches
from s2s_lib.data.splitting import reverse_pairs
from s2s_lib.data.vocabulary import CharVocabulary, prepare_text
from s2s_lib.models import Tensor

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
ADDED_LATER = ("layers", "cell", "reverse")  # fields that digests leave out at their defaults


@dataclass(frozen=True)
class Recipe:
    """All that decides how a model is trained; one recipe, one seed, one device give one model.

    The defaults are the course's demonstration: on the sample they learn to translate in about a minute. A
    recipe checks itself when it is made: ValueError says which value cannot work.

    ``model`` names a registered model (`s2s_lib.register_model`), whose sizes are those of
    `s2s_lib.build_embedding_seq2seq`. The learning rate rises for ``warmup`` of all steps, then falls along a
    cosine. ``precision`` is a Keras dtype policy: "mixed_bfloat16" computes in half the bits, and keeps
    weights in full. ``max_length`` leaves pairs with a longer side out of training; ``fold_typography`` maps
    typographic spaces and apostrophes to plain ones first; ``reverse`` trains from target to source language.
    """

    corpus: str = "sample"
    num_samples: int | None = None
    model: str = "attention"
    latent_dim: int = 128
    embedding_dim: int = 32
    dropout: float = 0.0
    batch_size: int = 48
    epochs: int = 12
    learning_rate: float = 1e-2
    warmup: float = 0.05
    clipnorm: float | None = 1.0
    precision: str = "float32"
    max_length: int | None = None
    fold_typography: bool = False
    seed: int = 0
    layers: int = 1
    cell: str = "lstm"
    reverse: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.corpus, str | os.PathLike) or not os.fspath(self.corpus):
            raise ValueError(f"corpus must be a name or a path, not {self.corpus!r}")
        object.__setattr__(self, "corpus", os.fspath(self.corpus))
        models.builder_of(self.model)
        checked: dict[str, Any] = {
            name: whole_number(name, getattr(self, name), at_least=1)
            for name in (
                "latent_dim",
                "embedding_dim",
                "batch_size",
                "epochs",
                "layers",
                "num_samples",
                "max_length",
            )
            if getattr(self, name) is not None or name not in ("num_samples", "max_length")
        }
        checked["seed"] = whole_number("seed", self.seed, at_least=0, at_most=2**32 - 1)
        checked["dropout"] = real_number("dropout", self.dropout, at_most=0.99)
        checked["learning_rate"] = real_number("learning_rate", self.learning_rate, above=True)
        checked["warmup"] = real_number("warmup", self.warmup, at_most=1.0)
        if self.clipnorm is not None:
            checked["clipnorm"] = real_number("clipnorm", self.clipnorm, above=True)
        for name, value in checked.items():
            object.__setattr__(self, name, value)  # a NumPy number becomes Python's own
        one_of("precision", self.precision, PRECISIONS)
        one_of("cell", self.cell, models.CELLS)
        boolean("fold_typography", self.fold_typography)
        boolean("reverse", self.reverse)

    def digest(self, pairs: pd.DataFrame) -> str:
        """Return a short hash that tells this recipe on these pairs from any other."""
        usual = {field.name: field.default for field in fields(self) if field.name in ADDED_LATER}
        values = {
            name: value for name, value in asdict(self).items() if name not in usual or value != usual[name]
        }
        values |= models.identity(self.model)
        rows = "\n".join(pairs["source"] + "\t" + pairs["target"])
        return hashlib.sha256((json.dumps(values, sort_keys=True) + rows).encode()).hexdigest()[:16]


class Trained(NamedTuple):
    """A fitted model, the vocabularies that it was fitted with, and the record of the training."""

    model: keras.Model
    source_vocabulary: CharVocabulary
    target_vocabulary: CharVocabulary
    record: dict[str, Any]


def train(
    pairs: pd.DataFrame,
    recipe: Recipe,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    score: Callable[[Trained], float] | None = None,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    start: Trained | None = None,
    progress: bool = True,
) -> Trained:
    """Train by teacher forcing on the rows of ``pairs`` whose split is train.

    Parameters
    ----------
    pairs
        Columns source, target, split (from `s2s_lib.split_pairs`), in the direction of the file: where
        ``recipe.reverse``, they are reversed here.
    checkpoint
        File that holds the state after each epoch. A run that finds it goes on from there, and ends with the
        same weights as one never interrupted.
    score
        Called after each epoch; the model of the best epoch is returned. Without it, that of the last epoch.
    callbacks
        Called after our own: the epoch's figures are in their logs.
    start
        What training starts from instead of random weights; its vocabularies stay.

    Returns
    -------
    Trained
        In the history ``real_loss`` (nats per character) and ``real_accuracy`` are over real characters
        and the end mark, each counted once; ``loss`` is the mean of batches, as Keras minimizes it.

    Raises
    ------
    ValueError
        If no training pair is left, the checkpoint belongs to another recipe, or ``start`` to another model.
    """
    digest = recipe.digest(pairs)
    if start:
        weights = b"".join(weight.tobytes() for weight in start.model.get_weights())
        digest = hashlib.sha256(digest.encode() + weights).hexdigest()[:16]
    pairs = reverse_pairs(pairs) if recipe.reverse else pairs
    parts = {name: _prepare(pairs[pairs["split"] == name], recipe) for name in ("train", "validation")}
    if parts["train"].empty:
        raise ValueError("no training pairs: the split is empty, or max_length leaves none")
    source_texts, target_texts = parts["train"]["source"], parts["train"]["target"]
    if start:
        vocabularies = start.source_vocabulary, start.target_vocabulary
    else:
        vocabularies = CharVocabulary.from_texts(source_texts), CharVocabulary.from_texts(target_texts)
    sizes = {"train": recipe.batch_size, "validation": 2 * recipe.batch_size}  # scoring keeps no gradients
    batches = {
        name: BucketedBatches(
            part["source"],
            part["target"],
            *vocabularies,
            batch_size=sizes[name],
            seed=recipe.seed,
            shuffle=name == "train",
            width_multiple=8 if keras.backend.backend() == "jax" else 1,
        )
        for name, part in parts.items()
        if not part.empty
    }
    keras.utils.set_random_seed(recipe.seed)
    model = build(recipe, *vocabularies, precision=recipe.precision)
    if start:
        if start.model.specification != model.specification:
            raise ValueError(
                f"to go on from {start.model.specification}, give its model and sizes in the recipe"
            )
        model.set_weights(start.model.get_weights())
    compile_for_ids(model, recipe, steps=recipe.epochs * len(batches["train"]))
    keeper = Checkpoint(
        digest, file=checkpoint, score=score and (lambda model: score(Trained(model, *vocabularies, {})))
    )
    batches["train"].start_at(keeper.restore(model))
    bar = [TqdmCallback(epochs=recipe.epochs, verbose=0, tqdm_class=tqdm)] if progress else []
    model.fit(
        batches["train"],
        validation_data=batches.get("validation"),
        shuffle=False,
        verbose=0,
        initial_epoch=batches["train"].epoch,
        epochs=recipe.epochs,
        callbacks=[*bar, EpochClock(), keeper, *callbacks],  # the bar first: it shows no clock
    )
    if recipe.precision != "float32":
        weights, model = model.get_weights(), build(recipe, *vocabularies)
        model.set_weights(weights)
    return Trained(model, *vocabularies, _record(recipe, digest, model, parts, keeper.history))


def build(
    recipe: Recipe,
    source_vocabulary: CharVocabulary,
    target_vocabulary: CharVocabulary,
    *,
    precision: str = "float32",
) -> keras.Model:
    """Return the recipe's model, untrained; ValueError if the recipe sets a size that it does not take."""
    usual, sizes = Recipe(), {}
    for size in ("latent_dim", "embedding_dim", "dropout", "layers", "cell"):
        if models.takes_size(recipe.model, size):
            sizes[size] = getattr(recipe, size)
        elif getattr(recipe, size) != getattr(usual, size):
            raise ValueError(
                f"the builder of model {recipe.model!r} takes no {size}: leave it out of the recipe"
            )
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        return models.build(
            recipe.model,
            num_source_tokens=len(source_vocabulary),
            num_target_tokens=len(target_vocabulary),
            **sizes,
        )
    finally:
        keras.config.set_dtype_policy(policy)


def compile_for_ids(model: keras.Model, recipe: Recipe, *, steps: int) -> None:
    """Compile with Adam, a warm-up and cosine schedule over ``steps``, and loss over real characters."""
    warmup = max(1, math.ceil(recipe.warmup * steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warmup), warmup_target=recipe.learning_rate, warmup_steps=warmup
    )
    model.compile(
        optimizer=keras.optimizers.Adam(schedule, clipnorm=recipe.clipnorm),
        loss=keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        weighted_metrics=[
            LossPerCharacter(name="real_loss", from_logits=True),
            AccuracyPerCharacter(name="real_accuracy"),
        ],
    )


def _prepare(pairs: pd.DataFrame, recipe: Recipe) -> pd.DataFrame:
    """Return the sentences as the recipe wants them: prepared, long pairs left out."""
    pairs = pairs[["source", "target"]].map(lambda text: prepare_text(text, fold=recipe.fold_typography))
    if recipe.max_length is not None:
        pairs = pairs[(pairs.map(len) <= recipe.max_length).all(axis=1)]
    return pairs


def _record(
    recipe: Recipe,
    digest: str,
    model: keras.Model,
    parts: dict[str, pd.DataFrame],
    rows: list[dict[str, float]],
) -> dict[str, Any]:
    """Return all there is to say of a training, as JSON values."""
    history = {name: [row[name] for row in rows] for name in rows[0]}
    return {
        "recipe": asdict(recipe),
        "digest": digest,
        "parameters": model.count_params(),
        "num_train": len(parts["train"]),
        "num_validation": len(parts["validation"]),
        **records.environment(),
        "wall_seconds": round(sum(history["wall_seconds"]), 1),
        "cpu_seconds": round(sum(history["cpu_seconds"]), 1),
        "peak_memory_mb": records.peak_memory_mb(),
        "history": history,
    }


# ---- figures over real characters ----
class _PerCharacter:
    """Makes a Keras metric count every weighted character alike, however wide its batch is padded.

    Left alone, Keras averages the weights over timesteps first: characters in full batches would count more.
    """

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:
        """Count one batch: ids ``(batch, timesteps)``, logits ``(batch, timesteps, num_target_tokens)``."""
        flat = None if sample_weight is None else ops.reshape(sample_weight, (-1,))
        logits = ops.reshape(y_pred, (-1, y_pred.shape[-1]))
        super().update_state(ops.reshape(y_true, (-1,)), logits, flat)  # type: ignore[misc]  # the metric's


class LossPerCharacter(_PerCharacter, keras.metrics.SparseCategoricalCrossentropy):
    """Cross-entropy in nats per character."""


class AccuracyPerCharacter(_PerCharacter, keras.metrics.SparseCategoricalAccuracy):
    """Share of characters to which the model gives the highest probability."""


# ---- callbacks ----
class EpochClock(keras.callbacks.Callback):
    """Add wall and CPU seconds of each epoch to its logs, and so to the history."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start both clocks."""
        self.started = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write both readings into ``logs``."""
        wall, cpu = self.started
        logs["wall_seconds"] = round(time.perf_counter() - wall, 3)
        logs["cpu_seconds"] = round(time.process_time() - cpu, 3)


class Checkpoint(keras.callbacks.Callback):
    """Keep the history, the weights of the best epoch and, if a file is named, the state after each epoch.

    The file holds every number that training changes (weights, dropout seeds, optimizer state), so that a run
    that goes on from it ends with the weights of one never interrupted. ``digest`` tells whose it is;
    ``score`` is called with the model after each epoch, and the epoch with the highest one is the best.
    """

    def __init__(
        self,
        digest: str,
        *,
        file: str | os.PathLike[str] | None = None,
        score: Callable[[keras.Model], float] | None = None,
    ) -> None:
        super().__init__()
        self.digest, self.score = digest, score
        self.file = Path(file) if file else None
        self.history: list[dict[str, float]] = []
        self.best_score = -math.inf
        self.best_weights: list[np.ndarray] = []

    def restore(self, model: keras.Model) -> int:
        """Load the file, if there is one, into a compiled model; return the number of epochs done.

        ValueError if it belongs to another recipe.
        """
        content = self._read()
        if content is None:
            return 0
        with np.load(BytesIO(content), allow_pickle=False) as saved:
            state = json.loads(str(saved["state"]))
            if state["digest"] != self.digest:
                raise ValueError(f"{self.file} belongs to another recipe: name another file, or delete it")
            if not model.optimizer.built:  # before that it has no moments to load into
                model.optimizer.build(model.trainable_variables)
            for i, variable in enumerate(training_variables(model)):
                variable.assign(saved[f"variable_{i}"])
            self.history = state["history"]
            if self.score and self.history:
                self.best_score = max(row["score"] for row in self.history)
                self.best_weights = [saved[f"best_{i}"] for i in range(len(model.weights))]
        return len(self.history)

    def _read(self) -> bytes | None:
        """Return the content of the file, or, if it is damaged, that of the one before it."""
        damaged = None
        for file in (self.file, previous(self.file)) if self.file else ():
            with suppress(FileNotFoundError):
                content = file.read_bytes()
                if content[:32] == hashlib.sha256(content[32:]).digest():
                    if damaged:
                        warnings.warn(f"{damaged} is damaged: going on from {file}", stacklevel=4)
                    return content[32:]
                damaged = damaged or file
        if damaged:
            warnings.warn(
                f"{damaged} is damaged, and there is none before it: training starts anew", stacklevel=4
            )
        return None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Score the epoch, keep the best weights, write the file."""
        row = {name: round(float(value), 5) for name, value in logs.items()}
        if self.score:
            row["score"] = float(self.score(self.model))
            if row["score"] > self.best_score:
                self.best_score, self.best_weights = row["score"], self.model.get_weights()
        self.history.append(row)
        if self.file:
            self.save(self.file)

    def save(self, file: Path) -> None:
        """Write the state behind its own hash, atomically; keep the file before it."""
        state = json.dumps({"digest": self.digest, "history": self.history})
        variables = enumerate(training_variables(self.model))
        arrays = {f"variable_{i}": ops.convert_to_numpy(variable) for i, variable in variables}
        arrays |= {f"best_{i}": weight for i, weight in enumerate(self.best_weights)}
        content = BytesIO()
        np.savez(content, state=state, **arrays)
        with records.atomic_write(file) as partial:
            partial.write_bytes(hashlib.sha256(content.getbuffer()).digest() + content.getbuffer())
            with suppress(FileNotFoundError):  # the first one, or another process has moved it
                os.replace(file, previous(file))

    def on_train_end(self, logs: Any = None) -> None:
        """Put the weights of the best epoch into the model."""
        if self.best_weights:
            self.model.set_weights(self.best_weights)


def previous(file: Path) -> Path:
    """Return the name under which the checkpoint before the last one is kept."""
    return file.with_name(file.name + ".previous")


def training_variables(model: keras.Model) -> list[Any]:
    """Return every variable that training changes: weights, dropout seeds, optimizer state."""
    return [*model.variables, *model.optimizer.variables]
