"""The famous example whole: arrays, model, training, translating (from 02_vectorization on).

It stands beside the library's own walk, as its authors wrote it in 2017: one-hot characters, two LSTMs,
RMSprop, padding counted in the loss.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from s2s_lib.data.vectorization import check_pairs
from s2s_lib.decoding import GreedyDecoder, map_by_length
from s2s_lib.models import State, Tensor
from s2s_lib.training import Checkpoint, EpochClock

TARGET_START, TARGET_END, ONE_HOT_PADDING = "\t", "\n", " "
MAX_ONE_HOT_BYTES = 3 * 10**9


# ---- arrays ----
class OneHotArrays(NamedTuple):
    """The example's three float32 arrays, and the two character tables that their columns follow.

    ``encoder_input`` is ``(num_pairs, source_timesteps, num_source_tokens)``, the other two are
    ``(num_pairs, target_timesteps, num_target_tokens)``.
    """

    encoder_input: np.ndarray
    decoder_input: np.ndarray
    decoder_target: np.ndarray
    source_characters: tuple[str, ...]
    target_characters: tuple[str, ...]


def one_hot_arrays(sources: Iterable[str], targets: Iterable[str]) -> OneHotArrays:
    r"""Vectorize sentence pairs exactly as the famous example does, without its loop over characters.

    Targets are framed by a tab (start) and a newline (end). ``decoder_target`` is ``decoder_input`` moved
    one timestep ahead. All rows are padded with the space character, which joins a table that lacks it.
    Tables are sorted by code point. ValueError unless there are pairs, and as many targets as sources.

    >>> arrays = one_hot_arrays(["Go."], ["Va !"])
    >>> arrays.encoder_input.shape, arrays.decoder_input.shape
    ((1, 3, 4), (1, 6, 6))
    >>> [arrays.target_characters[i] for i in arrays.decoder_target[0].argmax(axis=-1)]
    ['V', 'a', ' ', '!', '\n', ' ']
    """
    sources, framed = list(sources), [TARGET_START + target + TARGET_END for target in targets]
    check_pairs(sources, framed)
    encoder = _code_points(sources, width=max(1, *map(len, sources)))
    decoder = _code_points(framed, width=max(map(len, framed)))
    ahead = np.full_like(decoder, ord(ONE_HOT_PADDING))
    ahead[:, :-1] = decoder[:, 1:]
    source_characters, target_characters = _characters(sources), _characters(framed)
    source_cells = len(sources) * encoder.shape[1] * len(source_characters)
    size = 4 * (source_cells + 2 * len(framed) * decoder.shape[1] * len(target_characters))
    if size > MAX_ONE_HOT_BYTES:
        raise ValueError(
            f"one-hot arrays of these {len(sources):,} pairs would take {size / 1e9:.1f} GB, more than "
            f"{MAX_ONE_HOT_BYTES / 1e9:.0f}: take fewer or shorter pairs (num_samples=), or s2s_lib.id_arrays"
        )
    return OneHotArrays(
        encoder_input=_one_hot(encoder, source_characters),
        decoder_input=_one_hot(decoder, target_characters),
        decoder_target=_one_hot(ahead, target_characters),
        source_characters=source_characters,
        target_characters=target_characters,
    )


def _characters(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the characters of texts and the padding, sorted by code point."""
    return tuple(sorted(set(ONE_HOT_PADDING).union(*texts)))


def _code_points(texts: Sequence[str], *, width: int) -> np.ndarray:
    """Return ``texts`` as code points ``(num_texts, width)``, padded with spaces."""
    padded = [text.ljust(width, ONE_HOT_PADDING) for text in texts]
    return np.array(padded, dtype=f"<U{width}").view(np.uint32).reshape(len(padded), width)


def _one_hot(code_points: np.ndarray, characters: Sequence[str]) -> np.ndarray:
    """Return ``(num_texts, timesteps, num_characters)`` float32 rows, a single 1 in each."""
    table = np.array([ord(character) for character in characters], dtype=np.uint32)
    rows = np.zeros((code_points.size, len(table)), dtype=np.float32)
    rows[np.arange(code_points.size), np.searchsorted(table, code_points.ravel())] = 1.0
    return rows.reshape(*code_points.shape, len(table))


# ---- model ----
def build_seq2seq(*, num_source_tokens: int, num_target_tokens: int, latent_dim: int = 256) -> keras.Model:
    """Build the famous example's model: one-hot characters, an encoder LSTM, a decoder LSTM, a softmax.

    The encoder's last two states (hidden and cell) are all that the decoder gets to know of the source.
    Inputs are float ``(batch, source_timesteps, num_source_tokens)`` and ``(batch, target_timesteps,
    num_target_tokens)``, the output is the probability of each next character; not compiled. ``encode`` and
    ``step`` take ids, the columns of the one-hot rows.

    >>> build_seq2seq(num_source_tokens=70, num_target_tokens=93, latent_dim=256).count_params()
    717149
    """
    source = keras.Input((None, num_source_tokens), name="source")
    decoder_input = keras.Input((None, num_target_tokens), name="decoder_input")
    encoder = keras.layers.LSTM(latent_dim, return_state=True, name="encoder_lstm")
    decoder = keras.layers.LSTM(latent_dim, return_sequences=True, return_state=True, name="decoder_lstm")
    softmax = keras.layers.Dense(num_target_tokens, activation="softmax", name="target_softmax")
    _, *states = encoder(source)
    hidden, _, _ = decoder(decoder_input, initial_state=states)
    model = keras.Model([source, decoder_input], softmax(hidden), name="seq2seq")
    return _with_encode_and_step(model, encoder, decoder, softmax)


def _with_encode_and_step(
    model: keras.Model, encoder: keras.layers.LSTM, decoder: keras.layers.LSTM, softmax: keras.layers.Dense
) -> keras.Model:
    """Give a model of these layers the two functions that every decoder uses."""

    def encode(source: Tensor) -> State:
        return State(tuple(encoder(ops.one_hot(source, encoder.cell.kernel.shape[0]))[1:]))

    def step(tokens: Tensor, state: State) -> tuple[Tensor, State]:
        one_hot = ops.one_hot(tokens, decoder.cell.kernel.shape[0])
        hidden, recurrent = decoder.cell(one_hot, list(state.recurrent))
        return ops.log(softmax(hidden)), State(tuple(recurrent))

    model.encode, model.step = encode, step
    return model


# ---- training ----
def real_positions(one_hot_targets: Tensor, *, end_index: int) -> Tensor:
    """Return 1.0 at each timestep up to and including the end mark, 0.0 at the padding after it.

    From ``(batch, timesteps, num_tokens)`` to float32 ``(batch, timesteps)``; ``end_index`` is the end mark's
    column.
    """
    is_end = one_hot_targets[:, :, end_index]
    ended_before = ops.cumsum(is_end, axis=1) - is_end
    return ops.cast(ended_before < 0.5, "float32")


class RealAccuracy(keras.metrics.CategoricalAccuracy):
    """Accuracy over real characters of one-hot targets: up to and including the end mark, no padding."""

    def __init__(self, end_index: int, name: str = "real_accuracy") -> None:
        super().__init__(name=name)
        self.end_index = end_index

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:
        """Count one batch of ``(batch, timesteps, num_tokens)`` arrays."""
        super().update_state(y_true, y_pred, real_positions(y_true, end_index=self.end_index))


class RealLoss(keras.metrics.CategoricalCrossentropy):
    """Cross-entropy (nats per character) over real characters of one-hot targets, no padding."""

    def __init__(self, end_index: int, name: str = "real_loss") -> None:
        super().__init__(name=name)
        self.end_index = end_index

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:
        """Count one batch of ``(batch, timesteps, num_tokens)`` arrays."""
        super().update_state(y_true, y_pred, real_positions(y_true, end_index=self.end_index))


def train_example(
    arrays: OneHotArrays,
    *,
    epochs: int,
    seed: int,
    latent_dim: int = 256,
    batch_size: int = 64,
    validation_split: float = 0.2,
    checkpoint: Checkpoint | None = None,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    verbose: int | str = 0,
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Fit the example's model as its authors do: RMSprop, padding counted, the file's tail as validation.

    ``validation_split`` is the share of pairs, the last ones, used for validation. Training goes on from the
    epoch that ``checkpoint`` holds, which keeps the state after each further epoch; ``callbacks`` are called
    after it. Returns the model and its history, one list for each figure: the example's ``loss``,
    ``accuracy``, ``val_loss``, ``val_accuracy``, the same over real characters only (``real_loss``, …), and
    ``wall_seconds`` and ``cpu_seconds`` of each epoch.
    """
    keras.utils.set_random_seed(seed)
    model = build_seq2seq(
        num_source_tokens=len(arrays.source_characters),
        num_target_tokens=len(arrays.target_characters),
        latent_dim=latent_dim,
    )
    end_index = arrays.target_characters.index(TARGET_END)
    model.compile(
        optimizer="rmsprop",
        loss="categorical_crossentropy",
        metrics=["accuracy", RealAccuracy(end_index), RealLoss(end_index)],
    )
    history = model.fit(
        [arrays.encoder_input, arrays.decoder_input],
        arrays.decoder_target,
        batch_size=batch_size,
        epochs=epochs,
        initial_epoch=checkpoint.restore(model) if checkpoint else 0,
        validation_split=validation_split,
        callbacks=[EpochClock(), *([checkpoint] if checkpoint else []), *callbacks],
        verbose=verbose,
    ).history
    return model, {name: [round(float(value), 5) for value in values] for name, values in history.items()}


# ---- translating ----
class ExampleTranslator:
    """Translates with the example's one-hot model, greedily, as the script's own loop does, only faster.

    The characters are those of the one-hot columns, in order. Sources are padded with spaces to
    ``max_source_length``, as in the training arrays; translations end after ``max_target_length`` characters.
    ValueError if the model knows other numbers of characters.
    """

    def __init__(
        self,
        model: keras.Model,
        source_characters: Sequence[str],
        target_characters: Sequence[str],
        *,
        max_source_length: int,
        max_target_length: int,
    ) -> None:
        known = model.inputs[0].shape[-1], model.outputs[0].shape[-1]
        if known != (len(source_characters), len(target_characters)):
            raise ValueError(
                f"the model knows {known[0]} source and {known[1]} target characters, the texts hold "
                f"{len(source_characters)} and {len(target_characters)}: give the texts it was trained on"
            )
        self.model, self.max_source_length = model, max_source_length
        self.target_characters = tuple(target_characters)
        self.column = {character: i for i, character in enumerate(source_characters)}
        self.end = self.target_characters.index(TARGET_END)
        self.decoder = GreedyDecoder(
            model,
            start_id=self.target_characters.index(TARGET_START),
            end_id=self.end,
            max_length=max_target_length + 1,
        )

    @classmethod
    def of(cls, model: keras.Model, arrays: OneHotArrays) -> "ExampleTranslator":
        """Return the translator of a model trained on these arrays."""
        lengths = {"max_source_length": arrays.encoder_input.shape[1]}
        lengths["max_target_length"] = arrays.decoder_input.shape[1]
        return cls(model, arrays.source_characters, arrays.target_characters, **lengths)

    def translate(self, sentences: Sequence[str], *, batch_size: int = 128) -> list[str]:
        """Translate each sentence; unseen characters are left out, long sentences are cut."""
        if isinstance(sentences, str):
            raise TypeError('give a list of sentences, not one str: ["…"]')
        if not len(sentences):
            return []
        known = [
            "".join(filter(self.column.__contains__, text))[: self.max_source_length] for text in sentences
        ]
        padded = [text.ljust(self.max_source_length, ONE_HOT_PADDING) for text in known]
        columns = np.array(
            [[self.column[character] for character in text] for text in padded], dtype=np.int32
        )

        def decode(rows: np.ndarray) -> list[str]:
            written = self.decoder.predict_on_batch(columns[rows])
            return [
                "".join(self.target_characters[i] for i in row[: (row != self.end).sum()]) for row in written
            ]

        return map_by_length(decode, [len(text) for text in sentences], batch_size=batch_size)


def from_keras(
    path: str | os.PathLike[str], sources: Iterable[str], targets: Iterable[str]
) -> ExampleTranslator:
    """Read the ``.keras`` file that the public script saves, whatever the numbers in its layers' names.

    The file holds no characters: they come from ``sources`` and ``targets``, exactly the texts that the
    script was trained on, in any order, with or without its tab and newline. Keras' safe mode stays on, so a
    file that holds code is refused. Returns an object with ``translate(list of str)``. ValueError names the
    file if it is no such model, or was trained on other texts; FileNotFoundError if there is none.
    """
    path, sources, targets = Path(path), list(sources), list(targets)
    check_pairs(sources, targets)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; give the .keras file that the script saved")
    try:
        saved = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise ValueError(
            f"{path}: not a Keras model that can be read ({' '.join(str(error).split())[:200]})"
        ) from error
    layers = getattr(saved, "layers", [])
    lstms = [layer for layer in layers if isinstance(layer, keras.layers.LSTM)]
    encoders = [layer for layer in lstms if not layer.return_sequences]
    decoders = [layer for layer in lstms if layer.return_sequences]
    softmaxes = [layer for layer in layers if isinstance(layer, keras.layers.Dense)]
    if not len(encoders) == len(decoders) == len(softmaxes) == 1 or encoders[0].units != decoders[0].units:
        found = ", ".join(type(layer).__name__ for layer in layers) or "none"
        raise ValueError(
            f"{path}: not the example's model, whose layers are an encoder LSTM, a decoder LSTM that returns "
            f"sequences, and a Dense layer; these are {found}"
        )
    framed = [
        text if text[:1] + text[-1:] == TARGET_START + TARGET_END else f"\t{text}\n" for text in targets
    ]
    source_characters, target_characters = _characters(sources), _characters(framed)
    model = build_seq2seq(
        num_source_tokens=encoders[0].cell.kernel.shape[0],
        num_target_tokens=decoders[0].cell.kernel.shape[0],
        latent_dim=encoders[0].units,
    )
    try:
        model.set_weights([w for layer in (*encoders, *decoders, *softmaxes) for w in layer.get_weights()])
        return ExampleTranslator(
            model,
            source_characters,
            target_characters,
            max_source_length=max(map(len, sources)),
            max_target_length=max(map(len, framed)),
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
