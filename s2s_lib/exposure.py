"""What the decoder does with right and with its own prefixes: exposure bias (derived in 06_error_analysis).

In training the decoder reads the right characters so far (teacher forcing); in use it reads its own.
"""

import numpy as np
import pandas as pd

from s2s_lib.analysis import wilson_interval
from s2s_lib.decoding import in_batches_of_like_length
from s2s_lib.metrics import bootstrapped
from s2s_lib.vocabulary import END, PADDING


def _narrow(ids):
    """Return padded ids no wider than the longest row needs, up to a multiple of 8: few shapes to compile."""
    width = -(-max(1, int((ids != PADDING).sum(axis=1).max())) // 8) * 8
    return np.pad(ids[:, :width], [(0, 0), (0, max(0, width - ids.shape[1]))])


def teacher_forced_logits(model, arrays, rows):
    """Return logits float64 ``(len(rows), timesteps, num_target_tokens)`` of some rows.

    Parameters
    ----------
    model : keras.Model
        A model on ids, from `s2s_lib.models`.
    arrays : IdArrays
    rows : array of int
        Timesteps reach to the longest target of these, or a little further.
    """
    inputs = [_narrow(arrays.encoder_input[rows]), _narrow(arrays.decoder_input[rows])]
    return np.asarray(model.predict_on_batch(inputs), dtype=np.float64)


def _over_batches(function, arrays, batch_size):
    """Return what ``function`` gives for each row, called with rows of like length."""
    lengths = (arrays.decoder_target != PADDING).sum(axis=1)
    return in_batches_of_like_length(function, len(lengths), lengths=lengths, batch_size=batch_size)


def bits_per_character(model, arrays, *, batch_size=128, seed=0):
    """Return how many bits the model needs for a right character: the mean of −log2 of its probability.

    Real characters and the end mark count, each alike; padding does not. A character outside the vocabulary
    counts as the unknown token that the model reads. The text before each character is the right one.

    Parameters
    ----------
    model : keras.Model
        A model on ids, from `s2s_lib.models`.
    arrays : IdArrays
        Of `s2s_lib.id_arrays`: one row a sentence pair.
    batch_size, seed : int

    Returns
    -------
    metrics.Score
        In bits; ``n`` is the number of unique sources, which the bootstrap draws with all their targets.

    Examples
    --------
    >>> from s2s_lib import CharVocabulary, build_embedding_seq2seq, id_arrays
    >>> model = build_embedding_seq2seq(num_source_tokens=6, num_target_tokens=8, latent_dim=4)
    >>> model.set_weights([0 * weight for weight in model.get_weights()])  # all eight alike: three bits
    >>> arrays = id_arrays(["ab", "b"], ["cd", "dcd"], CharVocabulary("ab"), CharVocabulary("cdef"))
    >>> round(bits_per_character(model, arrays).score, 6)
    3.0
    """

    def bits_and_characters(rows):
        logits = teacher_forced_logits(model, arrays, rows)
        target = _narrow(arrays.decoder_target[rows])
        highest = logits.max(axis=-1)
        log_sum = highest + np.log(np.exp(logits - highest[..., None]).sum(axis=-1))
        chosen = np.take_along_axis(logits, target[..., None], axis=-1)[..., 0]
        real = target != PADDING
        return np.stack([((log_sum - chosen) * real).sum(axis=1) / np.log(2), real.sum(axis=1)], axis=1)

    statistics = np.array(_over_batches(bits_and_characters, arrays, batch_size))
    _, source = np.unique(arrays.encoder_input, axis=0, return_inverse=True)
    sums = [np.bincount(source.ravel(), weights=column) for column in statistics.T]
    return bootstrapped(np.stack(sums, axis=1), lambda total: total[0] / total[1], seed=seed)


def wrong_characters(model, decode, arrays, *, batch_size=128):
    """Tell of each target character whether it is got wrong, teacher-forced and free-running.

    Parameters
    ----------
    model : keras.Model
        A model on ids, from `s2s_lib.models`.
    decode : callable
        Source ids to target ids ``(batch, timesteps)``, like ``Translator.decoder(1)`` or
        ``GreedyDecoder(...).predict_on_batch``.
    arrays : IdArrays
    batch_size : int

    Returns
    -------
    forced, free : bool, ``(num_pairs, target_timesteps)``
        Forced: the likeliest character after the right text so far is another one. Free: the decoder wrote
        another one at this place. False on padding.
    """
    target = arrays.decoder_target

    def predicted(rows):
        both = np.full((2, len(rows), target.shape[1]), END)
        found = teacher_forced_logits(model, arrays, rows).argmax(axis=-1)
        written = np.asarray(decode(_narrow(arrays.encoder_input[rows])))
        for table, ids in zip(both, (found, written), strict=True):
            ids = ids[:, : target.shape[1]]
            table[:, : ids.shape[1]] = ids
        return both.swapaxes(0, 1)

    both = np.array(_over_batches(predicted, arrays, batch_size))
    wrong = (both != target[:, None]) & (target != PADDING)[:, None]
    return wrong[:, 0], wrong[:, 1]


def exposure_bias(model, decode, arrays, *, batch_size=128):
    """Set the error at each position side by side: after right text, and after the model's own.

    Up to its first wrong character a greedy decoder has read what teacher forcing reads, so the two part
    only behind it. One character too many moves all that follows: free-running error says how far two texts
    agree place by place, and no more than that.

    Parameters as in `wrong_characters`.

    Returns
    -------
    DataFrame
        Two rows a position: ``position`` (int, from 1; a sentence's last is its end mark), ``reading``
        ("teacher-forced" or "free-running"), ``n`` (targets that reach so far), ``error`` (share of wrong
        characters), ``low`` and ``high`` (its 95 % Wilson interval).
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
