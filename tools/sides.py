"""What each process of `tools.bench` does: one measurement of one side, one line of JSON for each turn.

Each side is a process of its own, so that its memory and processor time are its own. It says that it is
ready, then waits for a line on standard input before each turn: so two sides can alternate.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

if __name__ == "__main__" and os.environ.get("KERAS_BACKEND") != "jax":
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

MARK = "@bench "
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


# ---- turns ----
def say(**figures: Any) -> None:
    """Hand one line of figures to the process that started this one, on standard output."""
    print(MARK + json.dumps(figures), flush=True)


def told_to_go_on() -> bool:
    """Wait for a line; return whether it says to go on."""
    return sys.stdin.readline().strip() == "go"


class Turn(keras.callbacks.Callback):
    """Reports each epoch, waits for the next turn, and stops when told to."""

    def __init__(self, score: Callable[[keras.Model], float | None] | None = None) -> None:
        super().__init__()
        self.score = score

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Say what the epoch cost and reached."""
        chrf = {"chrf": self.score(self.model)} if self.score else {}
        say(**{name: float(value) for name, value in logs.items()}, **chrf)
        self.model.stop_training = not told_to_go_on()


# ---- training ----
def pairs_of(corpus: str, num_samples: int | None, *, split: str = "tail") -> pd.DataFrame:
    """Return pairs with a split: "tail", the example's own, where the file's tail validates; or "honest"."""
    pairs = load_pairs(corpus, num_samples=num_samples)
    if split == "honest":
        return split_pairs(pairs)
    cut = len(pairs) - int(0.2 * len(pairs))
    return pairs.assign(split=["train"] * cut + ["validation"] * (len(pairs) - cut))


def train_the_example(
    *, corpus: str, num_samples: int, split: str, epochs: int, file: str | None = None
) -> None:
    """Fit the example's model as its authors do; keep it if a file is named."""
    pairs = pairs_of(corpus, num_samples, split=split)
    parts = [pairs[pairs["split"] == name] for name in ("train", "validation")]
    arrays = example.one_hot_arrays(*([*parts[0][side], *parts[1][side]] for side in ("source", "target")))
    validation_split = (len(parts[1]) - 0.5) / len(arrays.encoder_input)  # Keras then takes the second part
    test = multi_reference(pairs[pairs["split"] == "test"])
    score = None if test.empty else EpochScore(test, lambda model: fast_translate(model, arrays))
    say(ready=True)
    if told_to_go_on():
        model, _ = example.train_example(
            arrays, epochs=epochs, seed=SEED, validation_split=validation_split, callbacks=[Turn(score)]
        )
        if file:
            model.save(file)
    say(peak_rss_mb=records.peak_memory_mb())


def fast_translate(model: keras.Model, arrays: OneHotArrays) -> Translate:
    """Return the compiled loop of decoding with the example's model, for large batches of one shape."""
    translator = example.ExampleTranslator.of(model, arrays)
    translator.decoder.compile(jit_compile=True)
    return lambda sources: translator.translate(sources, batch_size=DECODED_AT_ONCE)


def train_ours(*, corpus: str, num_samples: int | None, split: str, precision: str = "float32") -> None:
    """Fit the library's model on ids, by the recipe of the split."""
    pairs = pairs_of(corpus, num_samples, split=split)
    recipe = replace(RECIPES[split], corpus=corpus, num_samples=num_samples, seed=SEED, precision=precision)

    def start(trained: Trained) -> Translate:
        from s2s_lib.translator import Translator

        return Translator(*trained[:3], {"fold_typography": recipe.fold_typography}).translate

    test = multi_reference(pairs[pairs["split"] == "test"])
    score = None if test.empty else EpochScore(test, start)
    turn = Turn(score and (lambda model: score.value))  # of this epoch: `train` scores before it calls back
    say(ready=True)
    if told_to_go_on():
        with fused_lstm():  # on PyTorch; elsewhere nothing changes
            train(pairs, recipe, score=score, progress=False, callbacks=[turn])
    say(peak_rss_mb=records.peak_memory_mb())


# ---- vectorization, decoding, matrix products ----
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


def vectorize(*, corpus: str, num_samples: int) -> None:
    """Time, by turns, the example's loop and our ids."""
    pairs = load_pairs(corpus, num_samples=num_samples)
    sources, targets = list(pairs["source"]), list(pairs["target"])

    def ours() -> None:
        id_arrays(sources, targets, CharVocabulary.from_texts(sources), CharVocabulary.from_texts(targets))

    seconds: dict[str, list[float]] = {"example": [], "ours": []}
    for _ in range(5):
        for name, function in (("example", lambda: loop_of_the_example(sources, targets)), ("ours", ours)):
            started = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - started)
    say(**{name: float(np.median(values)) for name, values in seconds.items()})


def decode_one(model: keras.Model, arrays: OneHotArrays) -> Callable[[int], str]:
    """Return the example's own way to decode a row of ``arrays``: one ``predict`` for each character."""
    layer = {layer.name: layer for layer in model.layers}
    latent_dim, characters = layer["decoder_lstm"].units, arrays.target_characters
    encoder = keras.Model(layer["source"].output, layer["encoder_lstm"].output[1:])
    previous = keras.Input((None, len(characters)))
    states = [keras.Input((latent_dim,)), keras.Input((latent_dim,))]
    hidden, *after = layer["decoder_lstm"](previous, initial_state=states)
    decoder = keras.Model([previous, *states], [layer["target_softmax"](hidden), *after])
    start, limit = characters.index(example.TARGET_START), arrays.decoder_input.shape[1]

    def translate(row: int) -> str:
        carried = encoder.predict(arrays.encoder_input[row : row + 1], verbose=0)
        fed, written = start, ""
        while True:
            one_hot = np.zeros((1, 1, len(characters)), dtype="float32")
            one_hot[0, 0, fed] = 1.0
            probabilities, *carried = decoder.predict([one_hot, *carried], verbose=0)
            fed = int(probabilities[0, -1].argmax())
            if characters[fed] == example.TARGET_END:
                return written
            written += characters[fed]
            if len(written) > limit:
                return written

    return translate


def unseen_sources(pairs: pd.DataFrame, arrays: OneHotArrays, corpus: str) -> list[str]:
    """Return unique sources that the model can read but never saw in training, those of ``pairs`` first."""
    seen, known = set(pairs.loc[pairs["split"] == "train", "source"]), set(arrays.source_characters)
    width = arrays.encoder_input.shape[1]
    held_out = pairs.loc[pairs["split"] == "validation", "source"]
    every = dict.fromkeys([*held_out, *load_pairs(corpus)["source"]])
    return [text for text in every if text not in seen and len(text) <= width and known.issuperset(text)]


@contextmanager
def clocks(seconds: list[float]) -> Iterator[None]:
    """Append the wall and the CPU seconds that the context takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    seconds += [time.perf_counter() - wall, time.process_time() - cpu]


def decode(*, corpus: str, num_samples: int, file: str, most: int) -> None:
    """Decode unseen sources with one set of weights: ``most`` by the example's loop, all by ours."""
    pairs = pairs_of(corpus, num_samples)
    arrays = example.one_hot_arrays(pairs["source"], pairs["target"])
    model = example.from_keras(file, pairs["source"], pairs["target"]).model
    sources = unseen_sources(pairs, arrays, corpus)
    translate = fast_translate(model, arrays)
    translate(sources)  # compiles
    ours: list[float] = []
    theirs: list[float] = []
    with clocks(ours):
        translations = dict(zip(sources, translate(sources), strict=True))
    held_out = pairs[pairs["split"] == "validation"].drop_duplicates("source")
    held_out = held_out[held_out["source"].isin(translations)]
    chosen = held_out.iloc[np.random.default_rng(SEED).permutation(len(held_out))[:most]]
    one_by_one = decode_one(model, arrays)
    one_by_one(chosen.index[0])  # compiles
    with clocks(theirs):
        written = [one_by_one(row) for row in chosen.index]
    say(
        sentences_per_second={"example": len(chosen) / theirs[0], "ours": len(sources) / ours[0]},
        cpu_seconds_per_sentence={"example": theirs[1] / len(chosen), "ours": ours[1] / len(sources)},
        sentences={"example": len(chosen), "ours": len(sources)},
        batch_size={"example": 1, "ours": DECODED_AT_ONCE},
        identical=float(np.mean([translations[source] for source in chosen["source"]] == np.array(written))),
    )


def matmul() -> None:
    """Measure a 2048 × 2048 matrix product by Keras' backend, in FLOP per second of wall time."""
    size = 2048
    matrix = keras.ops.convert_to_tensor(np.random.default_rng(SEED).random((size, size), dtype=np.float32))
    rates = []
    for _ in range(12):
        started = time.perf_counter()
        np.asarray(keras.ops.matmul(matrix, matrix))
        rates.append(2 * size**3 / (time.perf_counter() - started))
    say(flops=max(rates))


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
    with (
        mock.patch.object(training, "BucketedBatches", batches),
        mock.patch.object(training, "compile_for_ids", compile_model),
    ):
        yield


def train_variant(*, variant: str, corpus: str, num_samples: int, epochs: int | None) -> None:
    """Train one variant on the example's split; say what its epochs cost and reached."""
    given = {"corpus": corpus, "num_samples": num_samples, "seed": SEED, "epochs": epochs or PLAIN.epochs}
    change = VARIANTS[variant]
    with taken_back(change):
        recipe = replace(PLAIN, **given | change.get("recipe", {}))
        history = train(pairs_of(corpus, num_samples), recipe, progress=False).record["history"]
    columns = history["cpu_seconds"], history["val_real_loss"]
    epochs_said = [{"cpu_seconds": cost, "val_real_loss": loss} for cost, loss in zip(*columns, strict=True)]
    say(epochs=epochs_said, environment=records.environment())


MEASUREMENTS: dict[str, Callable[..., None]] = {
    function.__name__: function
    for function in (train_the_example, train_ours, train_variant, vectorize, decode, matmul)
}

if __name__ == "__main__":
    MEASUREMENTS[sys.argv[1]](**json.loads(sys.argv[2]))
