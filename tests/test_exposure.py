"""Exposure bias and bits per character, against loops that ask the whole model one character at a time."""

import math

import numpy as np
import pytest

from s2s_lib import CharVocabulary, GreedyDecoder, id_arrays, models
from s2s_lib.exposure import bits_per_character, exposure_bias, wrong_characters
from s2s_lib.vocabulary import END, PADDING, START

BUILDERS = [models.build_embedding_seq2seq, models.build_attention_seq2seq]
SOURCES = ["ab", "bc", "abba", "ab", "cabcab"]
TARGETS = ["de", "ed", "d", "deed", "eeeddd"]
VOCABULARIES = CharVocabulary("abc"), CharVocabulary("de")
ARRAYS = id_arrays(SOURCES, TARGETS, *VOCABULARIES)
MAX_LENGTH = 12


@pytest.fixture(scope="module", params=BUILDERS, ids=lambda build: build.__name__)
def model(request):
    sizes = {"num_source_tokens": len(VOCABULARIES[0]), "num_target_tokens": len(VOCABULARIES[1])}
    model = request.param(**sizes, latent_dim=6)
    generator = np.random.default_rng(3)
    model.set_weights([generator.normal(size=weight.shape) for weight in model.get_weights()])
    return model


def decode_with(model):
    return GreedyDecoder(model, start_id=START, end_id=END, max_length=MAX_LENGTH).predict_on_batch


def probabilities(model, source, read):
    """The next character's probabilities after ``read`` target ids: one pair, no padding, no batch."""
    source = np.array([VOCABULARIES[0].encode(source)])
    logits = np.asarray(model([source, np.array([[START, *read]])]), dtype=float)[0, -1]
    return np.exp(logits) / np.exp(logits).sum()


def each_character(target):
    """The right text so far and the right next id, end mark included."""
    ids = [*VOCABULARIES[1].encode(target), END]
    return [(ids[:place], ids[place]) for place in range(len(ids))]


def test_bits_are_those_of_a_loop_over_single_characters(model):
    bits = [
        -math.log2(probabilities(model, source, read)[right])
        for source, target in zip(SOURCES, TARGETS, strict=True)
        for read, right in each_character(target)
    ]
    score = bits_per_character(model, ARRAYS)
    assert score.score == pytest.approx(sum(bits) / len(bits), rel=1e-5)
    assert len(bits) == sum(map(len, TARGETS)) + len(TARGETS)
    assert score.low <= score.score <= score.high
    assert score.n == len(set(SOURCES))


def test_bits_do_not_hang_on_batches_on_padding_or_on_the_order_of_pairs(model):
    expected = bits_per_character(model, ARRAYS).score
    wider = [np.pad(array, [(0, 0), (0, 5)]) for array in ARRAYS]
    backwards = [array[::-1] for array in ARRAYS]
    for arrays, size in ((ARRAYS, 1), (ARRAYS, 2), (type(ARRAYS)(*wider), 3), (type(ARRAYS)(*backwards), 4)):
        assert bits_per_character(model, arrays, batch_size=size).score == pytest.approx(expected, rel=1e-5)


def test_bits_are_the_training_loss_in_another_unit(model):
    import keras

    from s2s_lib.training import LossPerCharacter

    loss = LossPerCharacter(from_logits=True)
    logits = model.predict_on_batch(list(ARRAYS[:2]))
    weights = (ARRAYS.decoder_target != PADDING).astype("float32")
    loss.update_state(ARRAYS.decoder_target, keras.ops.convert_to_tensor(logits), weights)
    nats = float(loss.result())
    assert bits_per_character(model, ARRAYS).score == pytest.approx(nats / math.log(2), rel=1e-5)


def test_a_model_sure_of_what_is_wrong_pays_without_overflow(model):
    sure = models.build_embedding_seq2seq(num_source_tokens=7, num_target_tokens=6, latent_dim=4)
    weights = [0 * weight for weight in sure.get_weights()]
    weights[-1] = np.array([0, 0, 0, 2000, 0, 0], dtype="float32")  # the bias: always the unknown character
    sure.set_weights(weights)
    assert bits_per_character(sure, ARRAYS).score == pytest.approx(2000 / math.log(2))


def test_both_errors_are_those_of_a_loop_over_single_characters(model):
    forced, free = wrong_characters(model, decode_with(model), ARRAYS, batch_size=2)
    for row, (source, target) in enumerate(zip(SOURCES, TARGETS, strict=True)):
        written = []
        while len(written) < MAX_LENGTH and written[-1:] != [END]:
            written.append(int(probabilities(model, source, written).argmax()))
        written += [END] * MAX_LENGTH
        for place, (read, right) in enumerate(each_character(target)):
            assert forced[row, place] == (probabilities(model, source, read).argmax() != right)
            assert free[row, place] == (written[place] != right)
        assert not forced[row, place + 1 :].any() and not free[row, place + 1 :].any()


def test_the_two_part_only_behind_the_first_wrong_character(model):
    forced, free = wrong_characters(model, decode_with(model), ARRAYS)
    assert forced.any(axis=1).any()
    np.testing.assert_array_equal(forced.argmax(axis=1), free.argmax(axis=1))
    np.testing.assert_array_equal(forced.any(axis=1), free.any(axis=1))


def test_a_decoder_that_writes_the_target_errs_nowhere_and_one_that_stops_at_once_errs_until_the_end(model):
    answers = {tuple(VOCABULARIES[0].encode(s)): t for s, t in zip(SOURCES[1:], TARGETS[1:], strict=True)}

    def by_heart(sources):
        texts = [answers[tuple(row[row != PADDING])] for row in sources]
        width = max(map(len, texts))
        return np.array([(VOCABULARIES[1].encode(t) + [END] * width)[: width + 1] for t in texts])

    arrays = id_arrays(SOURCES[1:], TARGETS[1:], *VOCABULARIES)
    assert not wrong_characters(model, by_heart, arrays, batch_size=1)[1].any()
    silent = wrong_characters(model, lambda sources: np.full((len(sources), 1), END), arrays)[1]
    np.testing.assert_array_equal(silent.sum(axis=1), [len(target) for target in TARGETS[1:]])


def test_the_table_counts_at_each_position_the_targets_that_reach_it(model):
    forced, free = wrong_characters(model, decode_with(model), ARRAYS)
    table = exposure_bias(model, decode_with(model), ARRAYS, batch_size=3)
    for reading, wrong in (("teacher-forced", forced), ("free-running", free)):
        part = table[table["reading"] == reading]
        assert part["position"].tolist() == list(range(1, max(map(len, TARGETS)) + 2))
        for row in part.itertuples():
            reaching = [i for i, target in enumerate(TARGETS) if len(target) + 1 >= row.position]
            assert row.n == len(reaching)
            assert row.error == pytest.approx(wrong[reaching, row.position - 1].mean())
            assert 0 <= row.low <= row.error <= row.high <= 1
