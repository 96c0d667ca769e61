"""From a recipe to a fitted model and the record of its training (derived in notebook 04_training)."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from typing import NamedTuple

import keras
from keras import ops

from s2s_lib import models, records
from s2s_lib.batches import BucketedBatches
from s2s_lib.callbacks import EpochClock, Keeper, ProgressBar
from s2s_lib.vocabulary import CharVocabulary, fold_typography

BUILDERS = {"embedding": models.build_embedding_seq2seq, "attention": models.build_attention_seq2seq}


@dataclass(frozen=True)
class Recipe:
    """All that decides how a model is trained; one recipe, one seed, one device give one model.

    The defaults are the course's demonstration: on the sample they learn to translate in about a minute.
    ``max_length`` leaves pairs with a longer side out of training; ``fold_typography`` maps typographic
    spaces and apostrophes to plain ones first. The learning rate rises for ``warmup`` of all steps, then
    falls along a cosine. ``precision`` is a Keras dtype policy: "mixed_bfloat16" computes in half the bits
    and keeps weights in full.
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


def train(pairs, recipe, *, checkpoint=None, score=None, callbacks=(), progress=True):
    """Train by teacher forcing on the rows of ``pairs`` whose split is train.

    Parameters
    ----------
    pairs : pandas.DataFrame
        Columns source, target, split (from `s2s_lib.split_pairs`).
    recipe : Recipe
    checkpoint : path, optional
        File that holds the state after each epoch. A run that finds it goes on from there, and ends with the
        same weights as one never interrupted.
    score : callable, optional
        Takes a `Trained` after each epoch and returns a number, higher is better; the model of the best
        epoch is returned. Without it, that of the last epoch.
    callbacks : iterable of keras.callbacks.Callback
        Called after our own: the epoch's figures are in their logs.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Trained
        In the history ``real_loss`` (nats a character) and ``real_accuracy`` are over real characters
        and the end mark, each counted once; ``loss`` is the mean of batches, as Keras minimizes it.

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
    sizes = {"train": recipe.batch_size, "validation": 2 * recipe.batch_size}  # scoring keeps no gradients
    batches = {
        name: BucketedBatches(
            part["source"], part["target"], *vocabularies, batch_size=sizes[name], seed=recipe.seed,
            shuffle=name == "train", width_multiple=8 if keras.backend.backend() == "jax" else 1,
        )
        for name, part in parts.items() if not part.empty
    }  # fmt: skip
    keras.utils.set_random_seed(recipe.seed)
    model = build(recipe, *vocabularies, precision=recipe.precision)
    compile_for_ids(model, recipe, steps=recipe.epochs * len(batches["train"]))
    digest = recipe.digest(pairs)
    trained = Trained(model, *vocabularies, record={})
    keeper = Keeper(digest, checkpoint=checkpoint, score=score and (lambda: score(trained)))
    batches["train"].start_at(keeper.restore(model))
    model.fit(
        batches["train"],
        validation_data=batches.get("validation"),
        shuffle=False,
        verbose=0,
        initial_epoch=batches["train"].epoch,
        epochs=recipe.epochs,
        callbacks=[EpochClock(), keeper, *([ProgressBar(recipe.epochs)] if progress else []), *callbacks],
    )
    if recipe.precision != "float32":
        weights, model = model.get_weights(), build(recipe, *vocabularies)
        model.set_weights(weights)
    return trained._replace(model=model, record=_record(recipe, digest, model, parts, keeper.history))


def _record(recipe, digest, model, parts, history):
    """Return all there is to say of a training, as JSON values."""
    history = {name: [row[name] for row in history] for name in history[0]}
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


class PerCharacter:
    """Makes a Keras metric count every weighted character alike, however wide its batch is padded.

    Left alone, Keras averages the weights over timesteps first: characters in full batches would count more.
    """

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count one batch: ids ``(batch, timesteps)``, logits ``(batch, timesteps, num_target_tokens)``."""
        flat = None if sample_weight is None else ops.reshape(sample_weight, (-1,))
        super().update_state(ops.reshape(y_true, (-1,)), ops.reshape(y_pred, (-1, y_pred.shape[-1])), flat)


class LossPerCharacter(PerCharacter, keras.metrics.SparseCategoricalCrossentropy):
    """Cross-entropy in nats a character."""


class AccuracyPerCharacter(PerCharacter, keras.metrics.SparseCategoricalAccuracy):
    """Share of characters that are the likeliest."""


def compile_for_ids(model, recipe, *, steps):
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


def _prepared(pairs, recipe):
    """Return the sentences as the recipe wants them: typography folded, long pairs left out."""
    pairs = pairs[["source", "target"]]
    if recipe.fold_typography:
        pairs = pairs.map(fold_typography)
    if recipe.max_length is not None:
        pairs = pairs[(pairs.map(len) <= recipe.max_length).all(axis=1)]
    return pairs
