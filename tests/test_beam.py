"""Beam search against brute force, greedy decoding and the teacher-forced model."""

import itertools

import keras
import numpy as np
import pytest

from s2s_lib.beam import IMPOSSIBLE, BeamDecoder
from s2s_lib.decoding import GreedyDecoder
from s2s_lib.models import build_attention_seq2seq, build_embedding_seq2seq
from s2s_lib.vocabulary import END, START

NUM_TOKENS, MAX_LENGTH = 5, 3
MARKS = {"start_id": START, "end_id": END, "max_length": MAX_LENGTH}
SOURCE = np.array([[4, 5, 4, 0], [5, 0, 0, 0], [4, 4, 5, 5]])


@pytest.fixture(scope="module", params=[build_embedding_seq2seq, build_attention_seq2seq])
def model(request):
    """Return an untrained model with strong opinions, so that few scores are near each other."""
    keras.utils.set_random_seed(3)
    model = request.param(num_source_tokens=6, num_target_tokens=NUM_TOKENS, latent_dim=8, embedding_dim=4)
    for weight in model.weights:
        weight.assign(weight * 5)
    return model


def log_probabilities(model, source, hypotheses):
    """Sum the teacher-forced model's log-probabilities of each hypothesis: one pass, no loop of decoding."""
    width = max(map(len, hypotheses))
    tokens = np.array([[*hypothesis, *[END] * (width - len(hypothesis))] for hypothesis in hypotheses])
    fed = np.concatenate([np.full((len(tokens), 1), START), tokens[:, :-1]], axis=1)
    logits = np.asarray(model([np.repeat(source[None], len(tokens), axis=0), fed])).astype(np.float64)
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    chosen = np.take_along_axis(logs, tokens[:, :, None], axis=-1)[:, :, 0]
    return [row[: len(hypothesis)].sum() for row, hypothesis in zip(chosen, hypotheses, strict=True)]


def every_hypothesis():
    """Yield every token sequence that ends, or is cut off, within the limit."""
    for tokens in itertools.product(range(NUM_TOKENS), repeat=MAX_LENGTH):
        length = tokens.index(END) + 1 if END in tokens else MAX_LENGTH
        if all(token == END for token in tokens[length:]):
            yield tokens[:length]


@pytest.mark.parametrize("power", [0.0, 0.7])
def test_a_beam_of_full_width_finds_what_brute_force_finds(model, power):
    decoder = BeamDecoder(model, **MARKS, beam_width=NUM_TOKENS**MAX_LENGTH, length_power=power)
    ids, ranks = decoder.predict(SOURCE, verbose=0)
    for row, source in enumerate(SOURCE):
        hypotheses = list(every_hypothesis())
        sums = log_probabilities(model, source, hypotheses)
        found = {t: total / len(t) ** power for t, total in zip(hypotheses, sums, strict=True)}
        best = sorted(found, key=found.get, reverse=True)
        expected = [[*tokens, *[END] * (MAX_LENGTH - len(tokens))] for tokens in best]
        assert ids[row, :10].tolist() == expected[:10]
        np.testing.assert_allclose(ranks[row, : len(best)], [found[t] for t in best], atol=1e-4)


def test_a_beam_of_one_is_greedy_decoding(model):
    greedy = GreedyDecoder(model, **MARKS | {"max_length": 12}).predict(SOURCE, verbose=0)
    beam, _ = BeamDecoder(model, **MARKS | {"max_length": 12}, beam_width=1).predict(SOURCE, verbose=0)
    np.testing.assert_array_equal(beam[:, 0], greedy)


def test_a_score_is_the_teacher_forced_log_probability(model):
    decoder = BeamDecoder(model, **MARKS | {"max_length": 9}, beam_width=4, length_power=0.0)
    ids, scores = decoder.predict(SOURCE, verbose=0)
    for row, source in enumerate(SOURCE):
        ends = [tokens.index(END) + 1 if END in tokens else len(tokens) for tokens in ids[row].tolist()]
        hypotheses = [tokens[:end] for tokens, end in zip(ids[row].tolist(), ends, strict=True)]
        np.testing.assert_allclose(scores[row], log_probabilities(model, source, hypotheses), atol=1e-3)


def test_a_batch_gives_what_single_sentences_give(model):
    decoder = BeamDecoder(model, **MARKS | {"max_length": 7}, beam_width=3)
    together, _ = decoder.predict(SOURCE, verbose=0)
    alone = [decoder.predict(source[None], verbose=0)[0][0] for source in SOURCE]
    np.testing.assert_array_equal(together, alone)


def test_a_hypothesis_that_has_ended_keeps_its_score_and_length(model):
    decoder = BeamDecoder(model, **MARKS, beam_width=2)
    following = np.log(np.full((1, 2, NUM_TOKENS), 1 / NUM_TOKENS, dtype="float32"))
    last = np.array([[END, 4]], dtype="int32")
    scores, lengths = np.array([[-1.0, -4.0]], dtype="float32"), np.array([[2.0, 2.0]], dtype="float32")
    parents, tokens, after, grown = (np.asarray(x) for x in decoder.best(following, last, scores, lengths))
    assert (parents[0, 0], tokens[0, 0], after[0, 0], grown[0, 0]) == (0, END, -1.0, 2.0)
    assert parents[0, 1] == 1 and grown[0, 1] == 3.0
    assert after[0, 1] == pytest.approx(-4.0 - np.log(NUM_TOKENS)) and after[0, 1] > IMPOSSIBLE


def test_no_hypothesis_is_listed_twice(model):
    ids, _ = BeamDecoder(model, **MARKS | {"max_length": 6}, beam_width=4).predict(SOURCE, verbose=0)
    for hypotheses in ids.tolist():
        assert len({tuple(tokens) for tokens in hypotheses}) == 4


def test_a_beam_below_one_is_refused(model):
    with pytest.raises(ValueError, match="at least 1, not 0"):
        BeamDecoder(model, **MARKS, beam_width=0)
