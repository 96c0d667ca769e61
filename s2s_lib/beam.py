"""Beam search: several hypotheses at once, the best one kept (derived in notebook 07_attention)."""

import keras
from keras import ops

from s2s_lib.decoding import State, stepper

IMPOSSIBLE = -1e9


class BeamDecoder(keras.Model):
    """Beam search of a whole batch as one compiled loop: ``BeamDecoder(...).predict(source)``.

    Each timestep extends every hypothesis by every token and keeps the ``beam_width`` best, ranked by
    log-probability over length to the power of ``length_power`` (Wu et al. 2016, arXiv:1609.08144, section 7,
    in its plain form). A hypothesis that has ended is frozen: it keeps its score and its length, and stays
    only while it ranks among the best.

    Parameters
    ----------
    model : keras.Model
        A trained model from `s2s_lib.models`.
    start_id, end_id : int
        Ids of the start and end marks.
    max_length : int
        Timesteps after which a sentence is cut off.
    beam_width : int
        Hypotheses kept; 1 is greedy decoding.
    length_power : float
        0.0 ranks by probability alone, which favours short sentences; 1.0 by the mean log-probability of a
        token.

    Raises
    ------
    ValueError
        If ``beam_width`` is below 1.
    """

    def __init__(self, model, *, start_id, end_id, max_length, beam_width, length_power=1.0):
        super().__init__()
        if beam_width < 1:
            raise ValueError(f"beam_width must be at least 1, not {beam_width}")
        self.stepper, self.start_id, self.end_id = stepper(model), start_id, end_id
        self.max_length, self.beam_width, self.length_power = max_length, beam_width, length_power

    def build(self, input_shape):
        """Nothing to build: the layers are those of the trained model."""

    def call(self, source):
        """Return ids and ranks, best hypothesis first.

        Returns
        -------
        ids : int32, ``(batch, beam_width, max_length)``
            From a sentence's end on, the end mark.
        ranks : float32, ``(batch, beam_width)``
            Log-probability over length to the power of ``length_power``; the end mark counts.
        """
        width, batch = self.beam_width, ops.shape(source)[0]
        state = self.stepper.encode(source)
        start = (
            0,
            ops.full((batch, width, self.max_length), self.end_id, dtype="int32"),
            ops.full((batch, width), self.start_id, dtype="int32"),
            ops.tile(ops.convert_to_tensor([[0.0] + [IMPOSSIBLE] * (width - 1)]), (batch, 1)),
            ops.zeros((batch, width)),
            tuple(ops.repeat(part, width, axis=0) for part in state.recurrent),
        )

        def unfinished(timestep, written, last, scores, lengths, recurrent):
            return ops.logical_and(timestep < self.max_length, ops.any(ops.not_equal(last, self.end_id)))

        def advance(timestep, written, last, scores, lengths, recurrent):
            following, after = self.stepper.step(ops.reshape(last, (-1,)), State(recurrent, state.memory))
            following = ops.reshape(ops.cast(following, "float32"), (batch, width, following.shape[-1]))
            parents, tokens, scores, lengths = self.best(following, last, scores, lengths)
            written = ops.take_along_axis(written, parents[:, :, None], axis=1)
            written = ops.slice_update(written, (0, 0, timestep), tokens[:, :, None])
            recurrent = tuple(_follow(part, parents, batch, width) for part in after.recurrent)
            return timestep + 1, written, tokens, scores, lengths, recurrent

        _, written, _, scores, lengths, _ = ops.while_loop(unfinished, advance, start)
        return written, scores / lengths**self.length_power

    def best(self, following, last, scores, lengths):
        """Choose the best extensions of all hypotheses.

        Parameters
        ----------
        following : float32, ``(batch, beam_width, num_target_tokens)``
            Log-probabilities of the next token.
        last, scores, lengths : ``(batch, beam_width)``
            Last tokens, summed log-probabilities and lengths so far.

        Returns
        -------
        parents, tokens, scores, lengths : ``(batch, beam_width)``
            Which hypothesis each of the best extends, by which token, and what it comes to.
        """
        num_tokens = following.shape[-1]
        ended = ops.equal(last, self.end_id)[:, :, None]
        only_end = ops.where(ops.equal(ops.arange(num_tokens), self.end_id), 0.0, IMPOSSIBLE)
        totals = scores[:, :, None] + ops.where(ended, only_end, following)
        grown = lengths[:, :, None] + ops.where(ended, 0.0, 1.0)
        ranks = ops.reshape(totals / grown**self.length_power, (ops.shape(last)[0], -1))
        chosen = ops.top_k(ranks, self.beam_width)[1]
        parents = chosen // num_tokens
        scores = ops.take_along_axis(ops.reshape(totals, ops.shape(ranks)), chosen, axis=1)
        lengths = ops.take_along_axis(grown[:, :, 0], parents, axis=1)
        return parents, ops.cast(chosen % num_tokens, "int32"), scores, lengths


def _follow(part, parents, batch, width):
    """Give each kept hypothesis the recurrent state ``(batch * width, latent_dim)`` of its parent."""
    dim = part.shape[-1]
    by_hypothesis = ops.reshape(part, (batch, width, dim))
    followed = ops.take_along_axis(by_hypothesis, parents[:, :, None], axis=1)
    return ops.reshape(followed, (batch * width, dim))
