"""From source ids to target ids, one timestep after another (derived in notebook 05_inference).

Every way of decoding knows two functions only: ``encode(source) -> State`` and
``step(tokens, state) -> (log_probabilities, State)``.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from s2s_lib.vocabulary import PADDING


class State(NamedTuple):
    """What decoding carries from one timestep to the next.

    Attributes
    ----------
    recurrent : tuple
        Hidden and cell state of the decoder, each float ``(batch, latent_dim)``.
    memory : tuple
        What the decoder may look back at and never changes: ``()`` or ``(values, mask)`` of the
        encoder, each ``(batch, source_timesteps, ...)``. Several hypotheses of a sentence share its row:
        ``recurrent`` has a multiple of ``batch`` rows then, those of a sentence next to each other.
    """

    recurrent: tuple
    memory: tuple


class Stepper(NamedTuple):
    """The two functions that all decoding is made of.

    Attributes
    ----------
    encode : callable
        int ids ``(batch, source_timesteps)``, padding on the right, to a `State`.
    step : callable
        int ids ``(batch,)`` of the last tokens and a `State`, to log-probabilities of the next token
        ``(batch, num_target_tokens)`` and the next `State`.
    """

    encode: Callable
    step: Callable


def stepper(model):
    """Take a trained model apart, by the names of its layers, into ``encode`` and ``step``.

    Parameters
    ----------
    model : keras.Model
        From any builder in `s2s_lib.models`. For the one-hot model ids are columns of its one-hot rows.

    Returns
    -------
    Stepper
    """
    layer = {layer.name: layer for layer in model.layers}
    cell = layer["decoder_lstm"].cell

    def encode(source):
        if "source_embedding" not in layer:
            embedded = ops.one_hot(source, layer["encoder_lstm"].cell.kernel.shape[0])
            return State(tuple(layer["encoder_lstm"](embedded)[1:]), ())
        mask = ops.not_equal(source, PADDING)
        encoded = layer["encoder_lstm"](layer["source_embedding"](source), mask=mask)
        if "attention" not in layer:
            return State(tuple(encoded[1:]), ())
        values, *states = encoded
        recurrent = ops.concatenate(states[0::2], axis=-1), ops.concatenate(states[1::2], axis=-1)
        return State(recurrent, (values, mask))

    def step(tokens, state):
        if "target_embedding" in layer:
            embedded = layer["target_embedding"](tokens)
        else:
            embedded = ops.one_hot(tokens, cell.kernel.shape[0])
        hidden, recurrent = cell(embedded, list(state.recurrent))
        if "target_softmax" in layer:
            return ops.log(layer["target_softmax"](hidden)), State(tuple(recurrent), ())
        if "attention" in layer:
            hidden = _look_back(layer, hidden, state.memory)
        return ops.log_softmax(layer["target_logits"](hidden)), State(tuple(recurrent), state.memory)

    return Stepper(encode, step)


def _look_back(layer, hidden, memory):
    """Return the attentive hidden state ``(rows, latent_dim)`` of one timestep."""
    values, mask = memory
    queries = ops.reshape(hidden, (ops.shape(values)[0], -1, hidden.shape[-1]))
    context = layer["attention"]([queries, values], mask=[None, mask])
    context = ops.reshape(context, (-1, values.shape[-1]))
    return layer["attentive_hidden"](ops.concatenate([hidden, context], axis=-1))


class GreedyDecoder(keras.Model):
    """Greedy decoding of a whole batch as one compiled loop: ``GreedyDecoder(...).predict(source)``.

    Takes the likeliest token at each timestep, feeds it back, and stops once every sentence has ended. For
    many batches of one shape, ``decoder.compile(jit_compile=True)`` has the loop compiled by XLA: faster, but
    compiled anew for each other shape.

    Parameters
    ----------
    model : keras.Model
        A trained model from `s2s_lib.models`.
    start_id, end_id : int
        Ids of the start and end marks.
    max_length : int
        Timesteps after which a sentence is cut off.

    Examples
    --------
    >>> from s2s_lib.models import build_embedding_seq2seq
    >>> model = build_embedding_seq2seq(num_source_tokens=9, num_target_tokens=7, latent_dim=4)
    >>> decoder = GreedyDecoder(model, start_id=1, end_id=2, max_length=5)
    >>> decoder.predict(np.array([[4, 5, 0]]), verbose=0).shape
    (1, 5)
    """

    def __init__(self, model, *, start_id, end_id, max_length):
        super().__init__()
        self.stepper = stepper(model)
        self.marks = {"start_id": start_id, "end_id": end_id, "max_length": max_length}

    def build(self, input_shape):
        """Nothing to build: the layers are those of the trained model."""

    def call(self, source):
        """Return int32 ids ``(batch, max_length)``; from a sentence's end on, the end mark."""
        return write(self.stepper, source, likeliest, **self.marks)


def likeliest(scores, timestep):
    """Choose the token of the highest score, int ``(batch,)``; of equals, the one of the lower id."""
    return ops.argmax(scores, axis=-1)


def write(stepper, source, choose, *, start_id, end_id, max_length):
    """Write a whole batch: encode, step, choose, feed back, until every sentence has ended.

    Parameters
    ----------
    stepper : Stepper
    source : int ids, ``(batch, source_timesteps)``
    choose : callable
        Log-probabilities ``(batch, num_target_tokens)`` and the timestep, to int ids ``(batch,)``.
    start_id, end_id, max_length : int
        As in `GreedyDecoder`.

    Returns
    -------
    int32 ids, ``(batch, max_length)``
        From a sentence's end on, the end mark.
    """
    state = stepper.encode(source)
    last = ops.full_like(source[:, 0], start_id)
    written = ops.full((ops.shape(source)[0], max_length), end_id, dtype="int32")

    def unfinished(timestep, last, written, recurrent):
        return ops.logical_and(timestep < max_length, ops.any(ops.not_equal(last, end_id)))

    def advance(timestep, last, written, recurrent):
        scores, after = stepper.step(last, State(recurrent, state.memory))
        chosen = ops.cast(choose(scores, timestep), "int32")
        chosen = ops.where(ops.equal(last, end_id), end_id, chosen)
        written = ops.slice_update(written, (0, timestep), chosen[:, None])
        return timestep + 1, chosen, written, after.recurrent

    start = (0, ops.cast(last, "int32"), written, state.recurrent)
    return ops.while_loop(unfinished, advance, start)[2]


def in_batches_of_like_length(function, rows, *, lengths, batch_size):
    """Apply ``function`` to index arrays of rows sorted by length; return its results in the given order.

    Parameters
    ----------
    function : callable
        Takes an int array of row numbers, returns one result a row.
    rows : int
        Number of rows.
    lengths : array of int, ``(rows,)``
    batch_size : int

    Returns
    -------
    list
    """
    order = np.argsort(lengths, kind="stable")
    results = [None] * rows
    for begin in range(0, rows, batch_size):
        chosen = order[begin : begin + batch_size]
        for row, result in zip(chosen, function(chosen), strict=True):
            results[row] = result
    return results
