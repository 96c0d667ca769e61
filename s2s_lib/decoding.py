"""From source ids to target ids, one timestep after another (05_inference, 08_beam_and_sampling).

Every decoder uses just two functions of a model: ``encode(source) -> State`` and
``step(tokens, state) -> (log_probabilities, State)``. One loop calls them until every sentence has ended;
greedy decoding and sampling differ in what they choose, beam search in what it keeps.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from s2s_lib.arguments import real_number, whole_number
from s2s_lib.data.vocabulary import PADDING
from s2s_lib.models import State, Tensor

IMPOSSIBLE = -1e9  # a score below that of every real hypothesis
LEAST = 1e-6  # temperature and top_p: below it float32 has no digits left
MAX_BEAM_WIDTH = 100
MAX_LENGTH = 2_000


class Decoder(keras.Model):
    """Decoding of a whole batch as one compiled loop: ``decoder.predict(source)`` or ``predict_on_batch``.

    ``model`` is a trained one with ``encode`` and ``step``, ``start_id`` and ``end_id`` are the ids of the
    marks, and a sentence is cut off after ``max_length`` timesteps. For many batches of one shape,
    ``decoder.compile(jit_compile=True)`` lets XLA compile the loop: faster, but anew for each other shape.
    """

    def __init__(self, model: keras.Model, *, start_id: int, end_id: int, max_length: int) -> None:
        super().__init__()
        self.model, self.start_id, self.end_id = model, start_id, end_id
        self.max_length = whole_number("max_length", max_length, at_least=1, at_most=MAX_LENGTH)

    def build(self, input_shape: Any) -> None:
        """Do nothing: the layers are those of the trained model."""

    def choose(self, scores: Tensor, timestep: Tensor, *given: Tensor) -> Tensor:
        """Return the next tokens, int ``(batch,)``, from log-probabilities ``(batch, num_target_tokens)``."""
        raise NotImplementedError("a decoder says how to choose")

    def call(self, source: Tensor) -> Tensor:
        """Return int32 ids ``(batch, max_length)`` of padded source ids, end marks after the end."""
        return self.generate(source)

    def generate(self, source: Tensor, *given: Tensor) -> Tensor:
        """Encode, then step, choose and feed back; ``given`` is handed to `choose` at every timestep."""
        state = self.model.encode(source)
        last = ops.cast(ops.full_like(source[:, 0], self.start_id), "int32")
        written = ops.full((ops.shape(source)[0], self.max_length), self.end_id, dtype="int32")

        def advance(timestep: Tensor, last: Tensor, written: Tensor, recurrent: Tensor) -> tuple[Tensor, ...]:
            scores, after = self.model.step(last, State(recurrent, state.memory))
            chosen = ops.cast(self.choose(scores, timestep, *given), "int32")
            chosen = ops.where(ops.equal(last, self.end_id), self.end_id, chosen)
            written = ops.slice_update(written, (0, timestep), chosen[:, None])
            return timestep + 1, chosen, written, after.recurrent

        return self.loop(advance, last, written, state.recurrent)[2]

    def loop(self, advance: Callable[..., tuple[Tensor, ...]], last: Tensor, *others: Any) -> Any:
        """Call ``advance(timestep, last, *others)`` for the next ones, until all sentences have ended."""

        def unfinished(timestep: Tensor, last: Tensor, *others: Tensor) -> Tensor:
            return ops.logical_and(timestep < self.max_length, ops.any(ops.not_equal(last, self.end_id)))

        return ops.while_loop(unfinished, advance, (0, last, *others))


class GreedyDecoder(Decoder):
    """Take the likeliest token at each timestep; parameters as in `Decoder`.

    >>> from s2s_lib import build_embedding_seq2seq
    >>> model = build_embedding_seq2seq(num_source_tokens=9, num_target_tokens=7, latent_dim=4)
    >>> decoder = GreedyDecoder(model, start_id=1, end_id=2, max_length=5)
    >>> decoder.predict(np.array([[4, 5, 0]]), verbose=0).shape
    (1, 5)
    """

    def choose(self, scores: Tensor, timestep: Tensor, *given: Tensor) -> Tensor:
        """Return the tokens of the highest scores; of equal ones, the lower id."""
        return ops.argmax(scores, axis=-1)


class SamplingDecoder(Decoder):
    """Draw each token from the probabilities, with a seed: ``SamplingDecoder(...).sample(source, seed=0)``.

    Temperature sharpens or flattens the probabilities; top-k (Fan et al. 2018, arXiv:1805.04833) and top-p
    (Holtzman et al. 2020, arXiv:1904.09751) leave unlikely tokens out: see `restrict`, also for errors. One
    compilation serves all seeds.

    >>> from s2s_lib import build_embedding_seq2seq
    >>> model = build_embedding_seq2seq(num_source_tokens=9, num_target_tokens=7, latent_dim=4)
    >>> decoder = SamplingDecoder(model, start_id=1, end_id=2, max_length=5, top_p=0.9)
    >>> decoder.sample(np.array([[4, 5, 0]]), seed=3).shape
    (1, 5)
    """

    def __init__(
        self,
        model: keras.Model,
        *,
        start_id: int,
        end_id: int,
        max_length: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
    ) -> None:
        super().__init__(model, start_id=start_id, end_id=end_id, max_length=max_length)
        _check_restriction(temperature, top_k, top_p)
        self.temperature, self.top_k, self.top_p = temperature, top_k, top_p

    def choose(self, scores: Tensor, timestep: Tensor, *given: Tensor) -> Tensor:
        """Return tokens drawn by this timestep's column of ``given[0]``, from `random_numbers`."""
        restricted = restrict(scores, temperature=self.temperature, top_k=self.top_k, top_p=self.top_p)
        return draw(restricted, ops.take(given[0], timestep, axis=1))

    def call(self, inputs: Any) -> Tensor:
        """Return int32 ids ``(batch, max_length)`` for source ids and `random_numbers`."""
        return self.generate(*inputs)

    def sample(self, source: np.ndarray, *, seed: int = 0) -> np.ndarray:
        """Return int32 ids ``(batch, max_length)``; after a sentence's end, end marks.

        A sentence's sample depends only on the seed and the sentence, not on the other sentences in the
        batch, up to the last digits of the model's float32 probabilities.
        """
        numbers = random_numbers(source, max_length=self.max_length, seed=seed)
        sampled: np.ndarray = self.predict_on_batch([source, numbers])
        return sampled


class BeamDecoder(Decoder):
    """Beam search: extend several hypotheses at once, keep the best.

    Each timestep extends every hypothesis by every token and keeps the ``beam_width`` best, ranked by
    log-probability over length to the power of ``length_power`` (Wu et al. 2016, arXiv:1609.08144, section 7,
    in its plain form). A hypothesis that has ended is frozen: it keeps its score and its length, and stays
    only while it ranks among the best. A ``length_power`` of 0.0 ranks by probability alone, which favours
    short sentences; 1.0 ranks by the mean log-probability per token. A ``beam_width`` of 1 decodes greedily.
    """

    def __init__(
        self,
        model: keras.Model,
        *,
        start_id: int,
        end_id: int,
        max_length: int,
        beam_width: int,
        length_power: float = 1.0,
    ) -> None:
        super().__init__(model, start_id=start_id, end_id=end_id, max_length=max_length)
        self.beam_width = whole_number("beam_width", beam_width, at_least=1, at_most=MAX_BEAM_WIDTH)
        self.length_power = real_number("length_power", length_power, at_most=10.0)

    def call(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """Return ids and ranks, best hypothesis first; the end mark counts in log-probability and length.

        int32 ``(batch, beam_width, max_length)`` and float32 ``(batch, beam_width)``.
        """
        width, batch = self.beam_width, ops.shape(source)[0]
        state = self.model.encode(source)

        def advance(
            timestep: Tensor, last: Tensor, written: Tensor, scores: Tensor, lengths: Tensor, recurrent: Any
        ) -> tuple[Tensor, ...]:
            following, after = self.model.step(ops.reshape(last, (-1,)), State(recurrent, state.memory))
            following = ops.reshape(ops.cast(following, "float32"), (batch, width, following.shape[-1]))
            parents, tokens, scores, lengths = self.extend(following, last, scores, lengths)
            written = ops.take_along_axis(written, parents[:, :, None], axis=1)
            written = ops.slice_update(written, (0, 0, timestep), tokens[:, :, None])
            recurrent = tuple(self._of_parents(part, parents) for part in after.recurrent)
            return timestep + 1, tokens, written, scores, lengths, recurrent

        _, _, written, scores, lengths, _ = self.loop(
            advance,
            ops.full((batch, width), self.start_id, dtype="int32"),
            ops.full((batch, width, self.max_length), self.end_id, dtype="int32"),
            # All hypotheses start alike: let only the first one count, or the beam fills with copies of it.
            ops.tile(ops.convert_to_tensor([[0.0] + [IMPOSSIBLE] * (width - 1)]), (batch, 1)),
            ops.zeros((batch, width)),
            tuple(ops.repeat(part, width, axis=0) for part in state.recurrent),
        )
        return written, scores / lengths**self.length_power

    def extend(self, following: Tensor, last: Tensor, scores: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        """Choose the best extensions: their parents, tokens, new scores and new lengths.

        ``following`` holds log-probabilities of the next token, float32 ``(batch, beam_width,
        num_target_tokens)``; ``last``, ``scores``, ``lengths`` and all results are ``(batch, beam_width)``.
        """
        num_tokens = following.shape[-1]
        ended = ops.equal(last, self.end_id)[:, :, None]
        only_end = ops.where(ops.equal(ops.arange(num_tokens), self.end_id), 0.0, IMPOSSIBLE)
        totals = scores[:, :, None] + ops.where(ended, only_end, following)
        grown = lengths[:, :, None] + ops.where(ended, 0.0, 1.0)
        ranks = ops.reshape(totals / grown**self.length_power, (ops.shape(last)[0], -1))
        chosen = ops.top_k(ranks, self.beam_width)[1]  # places in the table of hypotheses times tokens
        parents = chosen // num_tokens
        scores = ops.take_along_axis(ops.reshape(totals, ops.shape(ranks)), chosen, axis=1)
        lengths = ops.take_along_axis(grown[:, :, 0], parents, axis=1)
        return parents, ops.cast(chosen % num_tokens, "int32"), scores, lengths

    def _of_parents(self, part: Tensor, parents: Tensor) -> Tensor:
        """Give each hypothesis the recurrent state of its parent, ``(batch * beam_width, ...)``."""
        first = (
            ops.arange(ops.shape(parents)[0], dtype=parents.dtype) * self.beam_width
        )  # row of each sentence
        return ops.take(part, ops.reshape(first[:, None] + parents, (-1,)), axis=0)


# ---- sampling, step by step ----
def restrict(
    log_probabilities: Tensor,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Tensor:
    """Return the log-probabilities from which a token is drawn.

    First they are divided by the temperature; then the ``top_k`` likeliest tokens are kept; then, of these,
    the fewest that sum to a probability of ``top_p`` or more. What is kept sums to 1 again. Of equally likely
    tokens the lower id comes first. Padding and start are tokens like others, as in greedy decoding.

    Both are float32 ``(batch, num_target_tokens)``; tokens that are left out get minus infinity. ValueError
    unless ``temperature`` is from 1e-6 up, ``top_k`` from 1 up, and ``top_p`` from 1e-6 to 1.

    >>> log_probabilities = np.log([[0.5, 0.3, 0.15, 0.05]])
    >>> print(np.exp(restrict(log_probabilities, temperature=0.5)).round(2))
    [[0.68 0.25 0.06 0.01]]
    >>> print(np.exp(restrict(log_probabilities, top_k=2)).round(3))
    [[0.625 0.375 0.    0.   ]]
    """
    _check_restriction(temperature, top_k, top_p)
    scores = ops.cast(log_probabilities, "float32")
    scores = (scores - ops.max(scores, axis=-1, keepdims=True)) / float(temperature)
    scores = ops.log_softmax(scores, axis=-1)
    if top_k is not None:
        scores = _keep(scores, lambda ranked: ops.cumsum(ops.ones_like(ranked), axis=-1) <= float(top_k))
    if top_p is not None and top_p < 1:
        scores = _keep(scores, lambda ranked: ops.cumsum(ranked, axis=-1) - ranked < float(top_p))
    return scores


def _keep(scores: Tensor, rule: Callable[[Tensor], Tensor]) -> Tensor:
    """Keep the tokens that ``rule`` chooses from the probabilities in descending order."""
    ranked, order = ops.top_k(scores, scores.shape[-1])
    ranks = ops.argsort(order, axis=-1)
    kept = ops.take_along_axis(rule(ops.exp(ranked)), ranks, axis=-1)
    return ops.log_softmax(ops.where(kept, scores, -float("inf")), axis=-1)


def _check_restriction(temperature: float, top_k: int | None, top_p: float | None) -> None:
    real_number("temperature", temperature, at_least=LEAST)
    if top_k is not None:
        whole_number("top_k", top_k, at_least=1)
    if top_p is not None:
        real_number("top_p", top_p, at_least=LEAST, at_most=1.0)


def draw(log_probabilities: Tensor, numbers: Tensor) -> Tensor:
    """Return the tokens, int ``(batch,)``, at which the running sum of probabilities first exceeds a number.

    Log-probabilities are ``(batch, num_target_tokens)``, numbers ``(batch,)``, from 0 up to but not including
    1. A token of probability zero is never drawn.

    >>> log_probabilities = np.log([[0.5, 0.25, 0.25]] * 3)
    >>> np.asarray(draw(log_probabilities, [0.1, 0.6, 0.8])).tolist()
    [0, 1, 2]
    """
    probabilities = ops.exp(ops.cast(log_probabilities, "float32"))
    possible, sums = probabilities > 0, ops.cumsum(probabilities, axis=-1)
    whole = ops.max(ops.where(possible, sums, 0.0), axis=-1, keepdims=True)  # 1 but for the last digits
    beyond = sums > whole * ops.cast(numbers, "float32")[:, None]
    return ops.argmax(ops.cast(ops.logical_and(possible, beyond), "int32"), axis=-1)


def random_numbers(source: np.ndarray, *, max_length: int, seed: int) -> np.ndarray:
    """Return the numbers that decide a sentence's sample, float32 ``(batch, max_length)``, in [0, 1).

    They depend only on the seed and the sentence's own ids (int ``(batch, source_timesteps)``, padded on the
    right), not on padding, other sentences or backend. Other samples of a sentence need other seeds.

    The generator works in integers of 32 bits, so that any language can repeat it in a few lines. A key
    starts at 0; the seed's 32-bit words, lowest first, then the ids are mixed in: ``key = mix(key ^ word)``.
    The number at timestep t, counted from 1, is the upper 24 bits of ``mix(key + t)``, over 2**24. ValueError
    unless the seed is a whole number from 0 up.

    >>> print(random_numbers(np.array([[5, 4, 0]]), max_length=3, seed=1).round(4))
    [[0.0148 0.6464 0.5647]]
    """
    seed, source = whole_number("seed", seed, at_least=0), np.asarray(source)
    words = [(seed >> shift) & 0xFFFFFFFF for shift in range(0, max(1, seed.bit_length()), 32)]
    keys = np.zeros(len(source), np.uint32)
    for word in words:
        keys = _mix(keys ^ np.uint32(word))
    for column in source.T.astype(np.uint32):
        keys = np.where(column == PADDING, keys, _mix(keys ^ column))
    mixed = _mix(keys[:, None] + np.arange(1, max_length + 1, dtype=np.uint32))
    return (mixed >> np.uint32(8)).astype(np.float32) / np.float32(2**24)


def _mix(numbers: np.ndarray) -> np.ndarray:
    """Scatter uint32 numbers: the step and the mixing of splitmix32, modulo 2**32.

    After G. Steele, D. Lea and C. Flood (2014), "Fast splittable pseudorandom number generators", OOPSLA;
    the two multipliers for 32 bits are those found by C. Wellons' search (triple32/lowbias32 family).
    """
    numbers = numbers + np.uint32(0x9E3779B9)
    numbers = (numbers ^ (numbers >> np.uint32(16))) * np.uint32(0x21F0AAAD)
    numbers = (numbers ^ (numbers >> np.uint32(15))) * np.uint32(0x735A2D97)
    return numbers ^ (numbers >> np.uint32(15))


def map_by_length(
    function: Callable[[np.ndarray], Iterable[Any]], lengths: Sequence[int] | np.ndarray, *, batch_size: int
) -> list[Any]:
    """Call ``function`` on batches of row numbers sorted by length; return results in the order of the rows.

    >>> map_by_length(lambda rows: [f"row {row}" for row in rows], [3, 1, 2], batch_size=2)
    ['row 0', 'row 1', 'row 2']
    """
    whole_number("batch_size", batch_size, at_least=1)
    order = np.argsort(lengths, kind="stable")
    results: list[Any] = [None] * len(order)
    for begin in range(0, len(order), batch_size):
        rows = order[begin : begin + batch_size]
        for row, result in zip(rows, function(rows), strict=True):
            results[row] = result
    return results
