"""What the decoder does after right text and after its own: exposure bias (derived in 09_scores).

In training the decoder reads the right characters so far (teacher forcing); in use it reads its own.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd

from s2s_lib.data.vectorization import IdArrays, round_up
from s2s_lib.data.vocabulary import END, PADDING
from s2s_lib.decoding import map_by_length
from s2s_lib.evaluation.metrics import Score, bootstrap, wilson_interval


def teacher_forced_logits(model: keras.Model, arrays: IdArrays, rows: np.ndarray) -> np.ndarray:
    """Return logits float64 ``(len(rows), timesteps, num_target_tokens)`` of a model on ids.

    Timesteps reach to the longest target of these rows, or a little further.
    """
    inputs = [_narrow(arrays.encoder_input[rows]), _narrow(arrays.decoder_input[rows])]
    return np.asarray(model.predict_on_batch(inputs), dtype=np.float64)


def bits_per_character(
    model: keras.Model, arrays: IdArrays, *, batch_size: int = 128, seed: int = 0
) -> Score:
    """Return how many bits the model needs for a right character: the mean of −log2 of its probability.

    Real characters and the end mark count, each alike; padding does not. A character outside the vocabulary
    counts as the unknown token that the model reads. The text before each character is the right one. ``n``
    is the number of unique sources, which the bootstrap draws with all their targets.

    >>> from s2s_lib import CharVocabulary, build_embedding_seq2seq, id_arrays
    >>> model = build_embedding_seq2seq(num_source_tokens=6, num_target_tokens=8, latent_dim=4)
    >>> model.set_weights([0 * weight for weight in model.get_weights()])  # all eight alike: three bits
    >>> arrays = id_arrays(["ab", "b"], ["cd", "dcd"], CharVocabulary("ab"), CharVocabulary("cdef"))
    >>> round(bits_per_character(model, arrays).value, 6)
    3.0
    """

    def bits_and_characters(rows: np.ndarray) -> np.ndarray:
        logits = teacher_forced_logits(model, arrays, rows)
        target = _narrow(arrays.decoder_target[rows])
        nats = keras.ops.convert_to_numpy(
            keras.losses.sparse_categorical_crossentropy(target, logits.astype("float32"), from_logits=True)
        )
        real = target != PADDING
        return np.stack([(nats * real).sum(axis=1) / np.log(2), real.sum(axis=1)], axis=1)

    statistics = np.array(_over_batches(bits_and_characters, arrays, batch_size))
    _, source = np.unique(arrays.encoder_input, axis=0, return_inverse=True)
    sums = [np.bincount(source.ravel(), weights=column) for column in statistics.T]
    return bootstrap(np.stack(sums, axis=1), lambda total: total[0] / total[1], seed=seed)


def wrong_characters(
    model: keras.Model, decode: Callable[[np.ndarray], Any], arrays: IdArrays, *, batch_size: int = 128
) -> tuple[np.ndarray, np.ndarray]:
    """Tell whether each target character is predicted wrongly, teacher-forced and free-running.

    ``decode`` turns source ids into target ids ``(batch, timesteps)``, like ``Translator.decoder(1)``. Two
    bool arrays ``(num_pairs, target_timesteps)``, False on padding. Teacher-forced: the likeliest character
    after the right text so far is another one. Free-running: the decoder wrote another one at this place.
    """
    target = arrays.decoder_target

    def predict(rows: np.ndarray) -> np.ndarray:
        both = np.full((2, len(rows), target.shape[1]), END)
        found = teacher_forced_logits(model, arrays, rows).argmax(axis=-1)
        written = np.asarray(decode(_narrow(arrays.encoder_input[rows])))
        for table, ids in zip(both, (found, written), strict=True):
            ids = ids[:, : target.shape[1]]
            table[:, : ids.shape[1]] = ids
        return both.swapaxes(0, 1)

    both = np.array(_over_batches(predict, arrays, batch_size))
    wrong = (both != target[:, None]) & (target != PADDING)[:, None]
    return wrong[:, 0], wrong[:, 1]


def exposure_bias(
    model: keras.Model, decode: Callable[[np.ndarray], Any], arrays: IdArrays, *, batch_size: int = 128
) -> pd.DataFrame:
    """Set the error at each position side by side: after right text, and after the model's own.

    Up to its first wrong character a greedy decoder has read what teacher forcing reads, so the curves differ
    only after the first mistake; one inserted character shifts all later positions. So free-running error
    tells how far two texts agree place by place, and no more than that.

    Two rows for each position: ``position`` (int, from 1; a sentence's last is its end mark), ``reading``
    ("teacher-forced" or "free-running"), ``n`` (targets that reach so far), ``error`` (share of wrong
    characters), ``low`` and ``high`` (its 95 % Wilson interval). Parameters as in `wrong_characters`.
    """
    forced, free = wrong_characters(model, decode, arrays, batch_size=batch_size)
    n = (arrays.decoder_target != PADDING).sum(axis=0)
    reached = n > 0
    tables = []
    for reading, wrong in {"teacher-forced": forced, "free-running": free}.items():
        hits = wrong.sum(axis=0)[reached]
        low, high = wilson_interval(hits, n[reached])
        table = {"position": np.flatnonzero(reached) + 1, "reading": reading, "n": n[reached]}
        tables.append(pd.DataFrame(table | {"error": hits / n[reached], "low": low, "high": high}))
    return pd.concat(tables, ignore_index=True)


def _narrow(ids: np.ndarray) -> np.ndarray:
    """Return padded ids no wider than the longest row needs, up to a multiple of 8: few shapes to compile."""
    width = round_up(max(1, int((ids != PADDING).sum(axis=1).max())), 8)
    return np.pad(ids[:, :width], [(0, 0), (0, max(0, width - ids.shape[1]))])


def _over_batches(
    function: Callable[[np.ndarray], Sequence[Any] | np.ndarray], arrays: IdArrays, batch_size: int
) -> list[Any]:
    """Return what ``function`` gives for each row, called with rows of similar length."""
    lengths = (arrays.decoder_target != PADDING).sum(axis=1)
    return map_by_length(function, lengths, batch_size=batch_size)
