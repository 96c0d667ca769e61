"""Exposure bias and bits per character, against a teacher-forced model by plain loops."""

import math

import keras
import numpy as np
import pytest
from oracles import greedy_by_hand, random_model, teacher_forced

from s2s_lib.data.vectorization import id_arrays
from s2s_lib.data.vocabulary import END, PADDING, START, CharVocabulary
from s2s_lib.decoding import GreedyDecoder
from s2s_lib.evaluation.exposure import bits_per_character, exposure_bias, wrong_characters
from s2s_lib.training import LossPerCharacter

SOURCES = ["ab", "bc", "abba", "ab", "cabcab"]
TARGETS = ["de", "ed", "d", "deed", "eeeddd"]
VOCABULARIES = CharVocabulary("abc"), CharVocabulary("de")
ARRAYS = id_arrays(SOURCES, TARGETS, *VOCABULARIES)
PAIRS = list(zip(SOURCES, TARGETS, strict=True))
MAX_LENGTH = 12


@pytest.fixture(scope="module", params=[pytest.param("embedding", marks=pytest.mark.backend), "attention"])
def model(request):
    source_vocabulary, target_vocabulary = VOCABULARIES
    sizes = {"num_source_tokens": len(source_vocabulary), "num_target_tokens": len(target_vocabulary)}
    return random_model(request.param, seed=3, **sizes)


@pytest.fixture(scope="module")
def decode(model):
    return GreedyDecoder(model, start_id=START, end_id=END, max_length=MAX_LENGTH).predict_on_batch


@pytest.fixture(scope="module")
def errors(model, decode):
    """Return the wrong characters of all pairs, teacher-forced and free-running."""
    return wrong_characters(model, decode, ARRAYS)


def ids_of(source, target):
    return VOCABULARIES[0].encode(source), [*VOCABULARIES[1].encode(target), END]


def log_probabilities(model, source, target):
    """Return those of each next character after the right text so far, ``(timesteps, num_target_tokens)``."""
    source, target = ids_of(source, target)
    return teacher_forced(model, [source], [[START, *target[:-1]]])[0]


def test_bits_are_those_of_a_loop_over_single_characters(model):
    bits = [
        -scores[right] / math.log(2)
        for source, target in PAIRS
        for scores, right in zip(
            log_probabilities(model, source, target), ids_of(source, target)[1], strict=True
        )
    ]
    score = bits_per_character(model, ARRAYS)
    assert score.value == pytest.approx(sum(bits) / len(bits), rel=1e-5)
    assert len(bits) == sum(map(len, TARGETS)) + len(TARGETS)
    assert score.low <= score.value <= score.high
    assert score.n == len(set(SOURCES))


def test_bits_do_not_depend_on_batches_on_padding_or_on_the_order_of_pairs(model):
    expected = bits_per_character(model, ARRAYS).value
    wider = type(ARRAYS)(*(np.pad(array, [(0, 0), (0, 5)]) for array in ARRAYS))
    backwards = type(ARRAYS)(*(array[::-1] for array in ARRAYS))
    for arrays, size in ((wider, 5), (ARRAYS, 2), (backwards, 2)):
        assert bits_per_character(model, arrays, batch_size=size).value == pytest.approx(expected, rel=1e-5)


def test_bits_are_the_training_loss_in_another_unit(model):
    loss = LossPerCharacter(from_logits=True)
    logits = model.predict_on_batch(
        [np.pad(array, [(0, 0), (0, -array.shape[1] % 8)]) for array in ARRAYS[:2]]
    )
    logits = keras.ops.convert_to_tensor(logits[:, : ARRAYS.decoder_target.shape[1]])
    weights = (ARRAYS.decoder_target != PADDING).astype("float32")
    loss.update_state(ARRAYS.decoder_target, logits, weights)
    nats = float(loss.result())
    assert bits_per_character(model, ARRAYS).value == pytest.approx(nats / math.log(2), rel=1e-5)


class Sure:
    """A model that is sure of one token, whatever it reads."""

    def predict_on_batch(self, inputs):
        logits = np.zeros((*inputs[1].shape, len(VOCABULARIES[1])), dtype="float32")
        logits[:, :, 3] = 2000
        return logits


def test_a_model_sure_of_what_is_wrong_pays_without_overflow():
    assert bits_per_character(Sure(), ARRAYS).value == pytest.approx(2000 / math.log(2))


def test_both_errors_are_those_of_a_loop_over_single_characters(model, errors):
    forced, free = errors
    for row, (source, target) in enumerate(PAIRS):
        source_ids, target_ids = ids_of(source, target)
        likeliest = log_probabilities(model, source, target).argmax(axis=-1)
        written = greedy_by_hand(model, source_ids, start_id=START, end_id=END, max_length=MAX_LENGTH)
        for place, right in enumerate(target_ids):
            assert forced[row, place] == (likeliest[place] != right)
            assert free[row, place] == (written[place] != right)
        assert not forced[row, len(target_ids) :].any() and not free[row, len(target_ids) :].any()


def test_errors_do_not_depend_on_batches(model, decode, errors):
    np.testing.assert_array_equal(wrong_characters(model, decode, ARRAYS, batch_size=2), errors)


def test_the_two_differ_only_after_the_first_wrong_character(errors):
    forced, free = errors
    assert forced.any(axis=1).any()
    np.testing.assert_array_equal(forced.argmax(axis=1), free.argmax(axis=1))
    np.testing.assert_array_equal(forced.any(axis=1), free.any(axis=1))


def test_a_decoder_that_writes_the_target_errs_nowhere_and_one_that_stops_at_once_errs_until_the_end(model):
    answers = {tuple(VOCABULARIES[0].encode(source)): target for source, target in PAIRS[1:]}

    def by_heart(sources):
        texts = [answers[tuple(row[row != PADDING])] for row in sources]
        width = max(map(len, texts))
        return np.array([(VOCABULARIES[1].encode(text) + [END] * width)[: width + 1] for text in texts])

    arrays = id_arrays(SOURCES[1:], TARGETS[1:], *VOCABULARIES)
    assert not wrong_characters(model, by_heart, arrays, batch_size=2)[1].any()
    silent = wrong_characters(model, lambda sources: np.full((len(sources), 1), END), arrays, batch_size=2)[1]
    np.testing.assert_array_equal(silent.sum(axis=1), [len(target) for target in TARGETS[1:]])


def test_the_table_counts_at_each_position_the_targets_that_reach_it(model, decode, errors):
    forced, free = errors
    table = exposure_bias(model, decode, ARRAYS)
    for reading, wrong in (("teacher-forced", forced), ("free-running", free)):
        part = table[table["reading"] == reading]
        assert part["position"].tolist() == list(range(1, max(map(len, TARGETS)) + 2))
        for row in part.itertuples():
            reaching = [i for i, target in enumerate(TARGETS) if len(target) + 1 >= row.position]
            assert row.n == len(reaching)
            assert row.error == pytest.approx(wrong[reaching, row.position - 1].mean())
            assert 0 <= row.low <= row.error <= row.high <= 1
