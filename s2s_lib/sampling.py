"""Sentences drawn by chance from a model's probabilities, with a seed (derived in notebook 05_inference).

Temperature sharpens or flattens the probabilities; top-k (Fan et al. 2018, arXiv:1805.04833) and top-p
(Holtzman et al. 2020, arXiv:1904.09751) leave the unlikely tokens out.
"""

from numbers import Integral, Real

import keras
import numpy as np
from keras import ops

from s2s_lib.decoding import stepper, write

LEAST = 1e-6  # temperature and top_p: below it float32 has no digits left


def restricted(log_probabilities, temperature=1.0, top_k=None, top_p=None):
    """Return the log-probabilities from which a token is drawn.

    First they are divided by the temperature; then the ``top_k`` likeliest tokens are kept; then, of these,
    the fewest that sum to a probability of ``top_p`` or more. What is kept sums to 1 again. Of equally likely
    tokens the lower id comes first. Padding and start are tokens like others, as in greedy decoding.

    Parameters
    ----------
    log_probabilities : float, ``(batch, num_target_tokens)``
        Of the next token.
    temperature : float
        Below 1.0 the likely tokens gain, above 1.0 the unlikely ones.
    top_k : int, optional
        None keeps all.
    top_p : float, optional
        None and 1.0 keep all.

    Returns
    -------
    float32, ``(batch, num_target_tokens)``
        Minus infinity for tokens that are left out.

    Raises
    ------
    ValueError
        If ``temperature`` is not finite and from 1e-6 up, ``top_k`` not a whole number from 1 up, or
        ``top_p`` not from 1e-6 to 1.

    Examples
    --------
    >>> log_probabilities = np.log([[0.5, 0.3, 0.15, 0.05]])
    >>> print(np.exp(restricted(log_probabilities, temperature=0.5)).round(2))
    [[0.68 0.25 0.06 0.01]]
    >>> print(np.exp(restricted(log_probabilities, top_k=2)).round(3))
    [[0.625 0.375 0.    0.   ]]
    """
    _check(temperature, top_k, top_p)
    scores = ops.cast(log_probabilities, "float32")
    scores = (scores - ops.max(scores, axis=-1, keepdims=True)) / float(temperature)
    scores = ops.log_softmax(scores, axis=-1)
    if top_k is not None:
        scores = _kept(scores, lambda ranked: ops.cumsum(ops.ones_like(ranked), axis=-1) <= float(top_k))
    if top_p is not None and top_p < 1:
        scores = _kept(scores, lambda ranked: ops.cumsum(ranked, axis=-1) - ranked < float(top_p))
    return scores


def _kept(scores, rule):
    """Keep the tokens that ``rule`` chooses from the probabilities in descending order."""
    ranked, order = ops.top_k(scores, scores.shape[-1])
    ranks = ops.argsort(order, axis=-1)
    kept = ops.take_along_axis(rule(ops.exp(ranked)), ranks, axis=-1)
    return ops.log_softmax(ops.where(kept, scores, -float("inf")), axis=-1)


def _check(temperature, top_k, top_p):
    """Say in one sentence which of the three is out of its range."""
    if not (isinstance(temperature, Real) and LEAST <= temperature < float("inf")):
        raise ValueError(f"temperature must be a finite number from {LEAST} up, not {temperature!r}")
    if top_k is not None and not (isinstance(top_k, Integral) and top_k >= 1):
        raise ValueError(f"top_k must be None or a whole number from 1 up, not {top_k!r}")
    if top_p is not None and not (isinstance(top_p, Real) and LEAST <= top_p <= 1):
        raise ValueError(f"top_p must be None or a number from {LEAST} to 1, not {top_p!r}")


def drawn(log_probabilities, numbers):
    """Return the tokens at which the running sum of the probabilities first exceeds a number.

    A token of probability zero is never drawn.

    Parameters
    ----------
    log_probabilities : float, ``(batch, num_target_tokens)``
    numbers : float, ``(batch,)``
        From 0 up to, but not including, 1.

    Returns
    -------
    int ids, ``(batch,)``

    Examples
    --------
    >>> log_probabilities = np.log([[0.5, 0.25, 0.25]] * 3)
    >>> np.asarray(drawn(log_probabilities, [0.1, 0.6, 0.8])).tolist()
    [0, 1, 2]
    """
    probabilities = ops.exp(ops.cast(log_probabilities, "float32"))
    possible, sums = probabilities > 0, ops.cumsum(probabilities, axis=-1)
    whole = ops.max(ops.where(possible, sums, 0.0), axis=-1, keepdims=True)  # 1 but for the last digits
    beyond = sums > whole * ops.cast(numbers, "float32")[:, None]
    return ops.argmax(ops.cast(ops.logical_and(possible, beyond), "int32"), axis=-1)


def random_numbers(source, *, max_length, seed):
    """Return the numbers that decide each sentence's sample, one a timestep.

    They hang on the seed and the sentence's own ids alone: not on padding, neighbours, place or backend. The
    same sentence twice gets the same numbers; other samples of it need other seeds.

    Parameters
    ----------
    source : int ids, ``(batch, source_timesteps)``
        Padding on the right.
    max_length : int
    seed : int
        From 0 up.

    Returns
    -------
    float32, ``(batch, max_length)``
        From 0 up to, but not including, 1.

    Raises
    ------
    ValueError
        If ``seed`` is not a whole number from 0 up.

    Examples
    --------
    >>> few, many = (random_numbers(np.array(ids), max_length=3, seed=1) for ids in ([[5, 4, 0]], [[7], [5]]))
    >>> few.shape, many.shape
    ((1, 3), (2, 3))
    """
    if not (isinstance(seed, Integral) and seed >= 0):
        raise ValueError(f"seed must be a whole number from 0 up, not {seed!r}")
    generators = (np.random.default_rng([seed, *np.trim_zeros(row, "b")]) for row in np.asarray(source))
    return np.array([generator.random(max_length, dtype=np.float32) for generator in generators])


class SamplingDecoder(keras.Model):
    """Sampling for a whole batch as one compiled loop: ``SamplingDecoder(...).sample(source, seed=0)``.

    Draws each token from the `restricted` probabilities and feeds it back, until every sentence has ended.
    The seed is no part of the program: one compilation serves all.

    Parameters
    ----------
    model : keras.Model
        A trained model from `s2s_lib.models`.
    start_id, end_id, max_length : int
        As in `s2s_lib.GreedyDecoder`.
    temperature, top_k, top_p
        As in `restricted`, errors too.

    Examples
    --------
    >>> from s2s_lib.models import build_embedding_seq2seq
    >>> model = build_embedding_seq2seq(num_source_tokens=9, num_target_tokens=7, latent_dim=4)
    >>> decoder = SamplingDecoder(model, start_id=1, end_id=2, max_length=5, top_p=0.9)
    >>> decoder.sample(np.array([[4, 5, 0]]), seed=3).shape
    (1, 5)
    """

    def __init__(self, model, *, start_id, end_id, max_length, temperature=1.0, top_k=None, top_p=None):
        super().__init__()
        _check(temperature, top_k, top_p)
        self.stepper, self.restriction = stepper(model), (temperature, top_k, top_p)
        self.marks = {"start_id": start_id, "end_id": end_id, "max_length": max_length}

    def build(self, input_shape):
        """Nothing to build: the layers are those of the trained model."""

    def call(self, inputs):
        """Return int32 ids ``(batch, max_length)`` for source ids and `random_numbers`."""
        source, numbers = inputs

        def choose(scores, timestep):
            return drawn(restricted(scores, *self.restriction), ops.take(numbers, timestep, axis=1))

        return write(self.stepper, source, choose, **self.marks)

    def sample(self, source, *, seed=0):
        """Return int32 ids ``(batch, max_length)``; from a sentence's end on, the end mark.

        A sentence's sample hangs on the seed and the sentence alone, as `random_numbers` do, up to the last
        digits of the model's float32 probabilities.
        """
        numbers = random_numbers(source, max_length=self.marks["max_length"], seed=seed)
        return self.predict_on_batch([source, numbers])
