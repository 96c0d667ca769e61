"""What `tools.bench` measures of each side: the famous example, and ours.

Each measurement runs in a process of its own, so that its memory and processor time are its own. ``turns`` is
that process's end of a pipe: it says what it measured, and waits for True before each epoch, so that two
trainings can alternate.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any
from unittest import mock

if multiprocessing.current_process().name != "MainProcess" and os.environ.get("KERAS_BACKEND") != "jax":
    # TensorFlow imports JAX where it is installed, for our tests: 100 MB that neither side needs.
    sys.modules["jax"] = None  # type: ignore[assignment]

import keras
import numpy as np
import pandas as pd

from s2s_lib import example, records, training
from s2s_lib.data.batches import BucketedBatches
from s2s_lib.data.corpus import load_pairs
from s2s_lib.data.splitting import multi_reference, split_pairs
from s2s_lib.data.vectorization import id_arrays
from s2s_lib.data.vocabulary import CharVocabulary
from s2s_lib.example import OneHotArrays
from s2s_lib.training import Recipe, Trained, train
from tools.fused_lstm import fused_lstm
from tools.shared import EpochScore, Translate

SEED = 1
DECODED_AT_ONCE = 1024  # sentences in a batch of ours
# As large as the example's model (within 2 %), the same layers; ids instead of one-hot rows.
PLAIN = Recipe(
    model="embedding", latent_dim=256, embedding_dim=72, batch_size=128, epochs=16, learning_rate=4e-3,
    dropout=0.2,
)  # fmt: skip
# No larger than the example's model, with attention. Both were chosen on validation pairs.
ATTENTIVE = Recipe(
    model="attention", latent_dim=240, embedding_dim=64, batch_size=64, epochs=24, learning_rate=2e-3,
    dropout=0.3, fold_typography=True,
)  # fmt: skip
RECIPES = {"tail": PLAIN, "honest": ATTENTIVE}
# What each variant of PLAIN changes: fields of the recipe, how batches are made, how the model is compiled.
VARIANTS: dict[str, dict[str, Any]] = {
    "our recipe": {},
    "a batch of 64": {"recipe": {"batch_size": 64}},
    "a batch of 256": {"recipe": {"batch_size": 256}},
    "batches of any lengths": {"mixed_lengths": True},
    "the example's optimizer": {"optimizer": True},
    "a constant learning rate": {"constant_rate": True},
    "no gradient clipping": {"recipe": {"clipnorm": None}},
    "no dropout": {"recipe": {"dropout": 0.0}},
    "ten steps a call": {"steps_per_execution": 10},
    "bfloat16": {"recipe": {"precision": "mixed_bfloat16"}},
}


def pairs_of(corpus: str, num_samples: int | None, split: str = "tail") -> pd.DataFrame:
    """Return pairs with a split: "tail", the example's own, where the file's tail validates; or "honest"."""
    pairs = load_pairs(corpus, num_samples=num_samples)
    if split == "honest":
        return split_pairs(pairs)
    cut = len(pairs) - int(0.2 * len(pairs))
    return pairs.assign(split=["train"] * cut + ["validation"] * (len(pairs) - cut))


# ---- training ----
class Turn(keras.callbacks.Callback):
    """Reports each epoch, waits for the next turn, and stops when told to."""

    def __init__(self, turns: Connection, score: Callable[[keras.Model], float | None] | None) -> None:
        super().__init__()
        self.turns, self.score = turns, score

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Say what the epoch cost and reached."""
        chrf = {"chrf": self.score(self.model)} if self.score else {}
        self.turns.send({name: float(value) for name, value in logs.items()} | chrf)
        self.model.stop_training = not self.turns.recv()


def train_example(
    turns: Connection, *, corpus: str, num_samples: int, split: str, epochs: int, file: str | None = None
) -> None:
    """Fit the example's model as its authors do; keep it if a file is named."""
    pairs = pairs_of(corpus, num_samples, split)
    arrays, validation_split = example_arrays(pairs)
    test = multi_reference(pairs[pairs["split"] == "test"])
    score = None if test.empty else EpochScore(test, lambda model: fast_translate(model, arrays))
    turns.send("ready")
    turns.recv()
    model, _ = example.train_example(
        arrays, epochs=epochs, seed=SEED, validation_split=validation_split, callbacks=[Turn(turns, score)]
    )
    if file:
        model.save(file)
    turns.send(records.peak_memory_mb())


def example_arrays(pairs: pd.DataFrame, *, known_only: bool = False) -> tuple[OneHotArrays, float]:
    """Return the example's arrays, training pairs first, and its ``validation_split`` that takes the others.

    ``known_only`` leaves out of validation pairs the characters that training pairs lack.
    """
    parts, texts = [pairs[pairs["split"] == name] for name in ("train", "validation")], []
    for side in ("source", "target"):
        learned, held_out = (list(part[side]) for part in parts)
        known = set().union(*learned, *([] if known_only else held_out))
        texts.append([*learned, *("".join(filter(known.__contains__, text)) for text in held_out)])
    return example.one_hot_arrays(*texts), (len(parts[1]) - 0.5) / len(texts[0])


def fast_translate(model: keras.Model, arrays: OneHotArrays) -> Translate:
    """Return the compiled loop of decoding with the example's model, for large batches of one shape."""
    translator = example.ExampleTranslator.of(model, arrays)
    translator.decoder.compile(jit_compile=True)
    return lambda sources: translator.translate(sources, batch_size=DECODED_AT_ONCE)


def train_ours(
    turns: Connection, *, corpus: str, num_samples: int | None, split: str, precision: str = "float32"
) -> None:
    """Fit the library's model on ids, by the recipe of the split."""
    pairs = pairs_of(corpus, num_samples, split)
    recipe = replace(RECIPES[split], corpus=corpus, num_samples=num_samples, seed=SEED, precision=precision)
    test = multi_reference(pairs[pairs["split"] == "test"])

    def start(trained: Trained) -> Translate:
        from s2s_lib.translator import Translator

        return Translator(*trained[:3], {"fold_typography": recipe.fold_typography}).translate

    score = None if test.empty else EpochScore(test, start)
    # `train` scores an epoch before it calls back.
    turn = Turn(turns, score and (lambda model: score.value))
    turns.send("ready")
    turns.recv()
    with fused_lstm():  # on PyTorch; elsewhere nothing changes
        train(pairs, recipe, score=score, progress=False, callbacks=[turn])
    turns.send(records.peak_memory_mb())


# ---- vectorization, decoding, matrix products ----
def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return what a function returns, and the wall and CPU seconds that it takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def loop_of_the_example(sources: Sequence[str], targets: Sequence[str]) -> tuple[np.ndarray, ...]:
    """Fill the example's three arrays one character at a time, as its script does."""
    framed = ["\t" + target + "\n" for target in targets]
    inputs, outputs = (sorted({" "}.union(*texts)) for texts in (sources, framed))
    input_index, output_index = ({c: i for i, c in enumerate(chars)} for chars in (inputs, outputs))
    width, target_width = max(map(len, sources)), max(map(len, framed))
    encoder = np.zeros((len(sources), width, len(inputs)), dtype="float32")
    decoder, wanted = (np.zeros((len(sources), target_width, len(outputs)), dtype="float32") for _ in "ab")
    for row, (source, target) in enumerate(zip(sources, framed, strict=True)):
        for t, character in enumerate(source):
            encoder[row, t, input_index[character]] = 1.0
        encoder[row, len(source) :, input_index[" "]] = 1.0
        for t, character in enumerate(target):
            decoder[row, t, output_index[character]] = 1.0
            if t:
                wanted[row, t - 1, output_index[character]] = 1.0
        decoder[row, len(target) :, output_index[" "]] = 1.0
        wanted[row, len(target) - 1 :, output_index[" "]] = 1.0
    return encoder, decoder, wanted


def vectorize(turns: Connection, *, corpus: str, num_samples: int) -> None:
    """Time, by turns, the example's loop and our ids."""
    pairs = load_pairs(corpus, num_samples=num_samples)
    sources, targets = list(pairs["source"]), list(pairs["target"])
    make = CharVocabulary.from_texts
    ways: dict[str, Callable[[], Any]] = {
        "example": lambda: loop_of_the_example(sources, targets),
        "ours": lambda: id_arrays(sources, targets, make(sources), make(targets)),
    }
    runs = [{name: timed(way)[1] for name, way in ways.items()} for _ in range(5)]
    turns.send({name: float(np.median([run[name] for run in runs])) for name in ways})


def decode_one(model: keras.Model, arrays: OneHotArrays) -> Callable[[int], str]:
    """Return the example's own way to decode a row of ``arrays``: one ``predict`` for each character."""
    layer = {layer.name: layer for layer in model.layers}
    latent_dim, characters = layer["decoder_lstm"].units, arrays.target_characters
    encoder = keras.Model(layer["source"].output, layer["encoder_lstm"].output[1:])
    previous = keras.Input((None, len(characters)))
    states = [keras.Input((latent_dim,)), keras.Input((latent_dim,))]
    hidden, *after = layer["decoder_lstm"](previous, initial_state=states)
    decoder = keras.Model([previous, *states], [layer["target_softmax"](hidden), *after])

    def translate(row: int) -> str:
        carried = encoder.predict(arrays.encoder_input[row : row + 1], verbose=0)
        written = example.TARGET_START
        while len(written) <= arrays.decoder_input.shape[1] + 1:
            one_hot = np.zeros((1, 1, len(characters)), dtype="float32")
            one_hot[0, 0, characters.index(written[-1])] = 1.0
            probabilities, *carried = decoder.predict([one_hot, *carried], verbose=0)
            written += characters[int(probabilities[0, -1].argmax())]
            if written[-1] == example.TARGET_END:
                break
        return written[1:].removesuffix(example.TARGET_END)

    return translate


def unseen_sources(pairs: pd.DataFrame, arrays: OneHotArrays, corpus: str) -> list[str]:
    """Return unique sources that the model can read but never saw in training, those of ``pairs`` first."""
    seen, known = set(pairs.loc[pairs["split"] == "train", "source"]), set(arrays.source_characters)
    width = arrays.encoder_input.shape[1]
    held_out = pairs.loc[pairs["split"] == "validation", "source"]
    every = dict.fromkeys([*held_out, *load_pairs(corpus)["source"]])
    return [text for text in every if text not in seen and len(text) <= width and known.issuperset(text)]


def decode(turns: Connection, *, corpus: str, num_samples: int, file: str, most: int) -> None:
    """Decode unseen sources with one set of weights: ``most`` by the example's loop, all by ours."""
    pairs = pairs_of(corpus, num_samples)
    arrays = example.one_hot_arrays(pairs["source"], pairs["target"])
    model = example.from_keras(file, pairs["source"], pairs["target"]).model
    sources = unseen_sources(pairs, arrays, corpus)
    translate, one_by_one = fast_translate(model, arrays), decode_one(model, arrays)
    held_out = pairs[pairs["split"] == "validation"].drop_duplicates("source")
    held_out = held_out[held_out["source"].isin(sources)]
    chosen = held_out.iloc[np.random.default_rng(SEED).permutation(len(held_out))[:most]]
    translate(sources), one_by_one(chosen.index[0])  # compiles
    found = {
        "example": timed(lambda: list(map(one_by_one, chosen.index))),
        "ours": timed(lambda: translate(sources)),
    }
    ours = dict(zip(sources, found["ours"][0], strict=True))
    same = [ours[source] == text for source, text in zip(chosen["source"], found["example"][0], strict=True)]
    turns.send(
        {
            "sentences_per_second": {name: len(texts) / wall for name, (texts, wall, _) in found.items()},
            "cpu_seconds_per_sentence": {name: cpu / len(texts) for name, (texts, _, cpu) in found.items()},
            "sentences": {name: len(texts) for name, (texts, _, _) in found.items()},
            "batch_size": {"example": 1, "ours": DECODED_AT_ONCE},
            "identical": float(np.mean(same)),
        }
    )


def matmul(turns: Connection) -> None:
    """Measure a 2048 × 2048 matrix product by Keras' backend, in FLOP per second of wall time."""
    size = 2048
    matrix = keras.ops.convert_to_tensor(np.random.default_rng(SEED).random((size, size), dtype=np.float32))
    seconds = [timed(lambda: np.asarray(keras.ops.matmul(matrix, matrix)))[1] for _ in range(12)]
    turns.send(2 * size**3 / min(seconds))


# ---- choices ----
class MixedBatches(BucketedBatches):
    """Batches in random order, whatever the lengths, as a plain shuffle gives them."""

    def plan_epoch(self) -> list[np.ndarray]:
        """Return the rows of each batch of this epoch."""
        rows = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.source.lengths))
        return np.split(rows, range(self.batch_size, len(rows), self.batch_size))


@contextmanager
def taken_back(change: dict[str, Any]) -> Iterator[None]:
    """Let `s2s_lib.training.train` differ by ``change``, one of `VARIANTS`, within the context."""
    usual = training.compile_for_ids

    def compile_model(model: keras.Model, recipe: Recipe, *, steps: int) -> None:
        usual(model, recipe, steps=steps)
        if change.get("optimizer"):
            model.optimizer = keras.optimizers.RMSprop()
        if change.get("constant_rate"):
            model.optimizer = keras.optimizers.Adam(recipe.learning_rate, clipnorm=recipe.clipnorm)
        model.steps_per_execution = change.get("steps_per_execution", 1)

    batches = MixedBatches if change.get("mixed_lengths") else BucketedBatches
    with mock.patch.multiple(training, BucketedBatches=batches, compile_for_ids=compile_model):
        yield


def train_variant(
    turns: Connection, *, variant: str, corpus: str, num_samples: int, epochs: int | None
) -> None:
    """Train one variant on the example's split; say what its epochs cost and reached."""
    change = VARIANTS[variant]
    recipe = replace(PLAIN, corpus=corpus, num_samples=num_samples, seed=SEED, **change.get("recipe", {}))
    with taken_back(change):
        trained = train(
            pairs_of(corpus, num_samples), replace(recipe, epochs=epochs or recipe.epochs), progress=False
        )
    names = "cpu_seconds", "val_real_loss"
    columns = (trained.record["history"][name] for name in names)
    turns.send(
        {
            "epochs": [dict(zip(names, epoch, strict=True)) for epoch in zip(*columns, strict=True)],
            "environment": records.environment(),
        }
    )
