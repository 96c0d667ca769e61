"""What is drawn has the restricted probabilities, and hangs on the seed and the sentence alone."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keras import ops

from s2s_lib import sampling
from s2s_lib.decoding import GreedyDecoder, State, Stepper, stepper
from s2s_lib.sampling import SamplingDecoder, drawn, random_numbers, restricted
from tests.test_decoding import END, MAX_LENGTH, SEEDS, SOURCE, START, random_model

MARKS = {"start_id": START, "end_id": END, "max_length": MAX_LENGTH}
SCORES = st.lists(st.integers(-30, 30).map(lambda n: n / 4), min_size=1, max_size=9)  # often some are equal
TEMPERATURES = st.floats(0.1, 5)
TOP_KS = st.none() | st.integers(1, 10)
TOP_PS = st.none() | st.floats(1e-6, 1)


def log_softmax(scores):
    scores = np.asarray(scores, dtype=float)
    return scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))


def probabilities_by_hand(log_probabilities, temperature, top_k, top_p):
    """Return the restricted probabilities of one row, token by token."""
    weights = [math.exp(score / temperature) for score in log_probabilities]
    likeliest_first = sorted(range(len(weights)), key=lambda token: (-log_probabilities[token], token))
    candidates, kept = likeliest_first[:top_k], []
    whole = sum(weights[token] for token in candidates)
    for token in candidates:
        if top_p in (None, 1) or sum(weights[token] for token in kept) / whole < top_p:
            kept.append(token)
    whole = sum(weights[token] for token in kept)
    return [weights[token] / whole if token in kept else 0.0 for token in range(len(weights))]


@pytest.fixture(scope="module", params=SEEDS, ids=lambda build: build.__name__)
def model(request):
    return random_model(request.param)


# What may be drawn


@given(scores=SCORES, temperature=TEMPERATURES, top_k=TOP_KS, top_p=TOP_PS)
def test_restricted_probabilities_are_those_found_by_hand_token_by_token(scores, temperature, top_k, top_p):
    expected = probabilities_by_hand(scores, temperature, top_k, top_p)
    if top_p not in (None, 1):  # not where the last digits decide
        for near in (top_p - 1e-5, top_p + 1e-5):
            assume(probabilities_by_hand(scores, temperature, top_k, near) == expected)
    found = np.asarray(restricted(log_softmax([scores]), temperature, top_k, top_p))[0]
    assert (found > -np.inf).tolist() == [probability > 0 for probability in expected]
    np.testing.assert_allclose(np.exp(found), expected, atol=1e-5)


@given(scores=SCORES, temperature=TEMPERATURES, top_p=st.floats(1e-6, 1))
def test_top_p_keeps_the_smallest_set_that_holds_the_mass(scores, temperature, top_p):
    probabilities = np.exp(log_softmax(np.array(scores) / temperature))
    found = np.asarray(restricted([scores], temperature, top_p=top_p))[0]
    kept = np.sort(probabilities[found > -np.inf])
    assert kept.sum() >= top_p - 1e-5
    assert kept[1:].sum() < top_p + 1e-5
    assert kept.min() >= probabilities[found == -np.inf].max(initial=0) - 1e-6
    assert np.exp(found).sum() == pytest.approx(1, abs=1e-5)


@settings(max_examples=30)
@given(scores=SCORES, top_k=st.integers(1, 10))
def test_top_k_keeps_k_tokens_and_of_equals_those_of_lower_id(scores, top_k):
    found = np.asarray(restricted([scores], top_k=top_k))[0]
    assert np.flatnonzero(found > -np.inf).tolist() == sorted(
        np.argsort(np.negative(scores), kind="stable")[:top_k]
    )


@settings(max_examples=30)
@given(scores=SCORES)
def test_without_restriction_nothing_changes(scores):
    log_probabilities = log_softmax([scores])
    for nothing in [{}, {"top_p": 1.0}, {"top_k": len(scores)}, {"temperature": 1}]:
        np.testing.assert_allclose(restricted(log_probabilities, **nothing), log_probabilities, atol=1e-5)


@settings(max_examples=30)
@given(scores=SCORES, least=st.sampled_from([{"top_k": 1}, {"top_p": 1e-6}]), number=st.floats(0, 0.999))
def test_the_narrowest_restriction_leaves_the_token_that_greedy_decoding_takes(scores, least, number):
    assert drawn(restricted([scores], **least), [number])[0] == np.argmax(scores)


@settings(max_examples=30)
@given(scores=SCORES, number=st.floats(0, 0.999))
def test_a_temperature_near_zero_leaves_only_the_likeliest_tokens(scores, number):
    assert scores[int(drawn(restricted([scores], 1e-6), [number])[0])] == max(scores)


def test_a_high_temperature_makes_all_tokens_alike():
    np.testing.assert_allclose(np.exp(restricted([[0.0, -5.0, -20.0, 3.0]], 1e9)), 0.25, atol=1e-6)


def test_a_token_of_probability_zero_stays_one_at_any_temperature():
    for temperature in (1e-6, 1.0, 1e9):
        found = np.asarray(restricted([[-np.inf, 0.0, -np.inf, -1.0]], temperature))[0]
        assert (found[[0, 2]] == -np.inf).all() and np.exp(found).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("temperature", [0, -1, 1e-7, math.inf, math.nan, "warm", None, 1j]),
        ("top_k", [0, -3, 2.5, "3", math.nan]),
        ("top_p", [0, -0.5, 1.01, 1e-7, math.nan, "0.9"]),
    ],
)
def test_what_is_out_of_range_is_refused_in_one_sentence_that_names_it(model, name, values):
    for value in values:
        for use in (
            lambda **restriction: restricted([[0.0, 1.0]], **restriction),
            lambda **restriction: SamplingDecoder(model, **MARKS, **restriction),
        ):
            with pytest.raises(ValueError, match=rf"^{name} must be [^\n]*, not ") as caught:
                use(**{name: value})
            assert repr(value) in str(caught.value)


def test_numbers_from_numpy_are_numbers():
    options = {"temperature": np.float32(0.5), "top_k": np.int64(2), "top_p": np.float64(0.9)}
    plain = {name: number.item() for name, number in options.items()}
    scores = [[0.0, 1.0, 2.0]]
    np.testing.assert_array_equal(restricted(scores, **options), restricted(scores, **plain))


# One token


@given(
    weights=st.lists(st.integers(0, 5), min_size=1, max_size=9).filter(any),
    number=st.sampled_from([0.0, 1 - 2**-24]) | st.floats(0, 1 - 2**-24, width=32),
)
def test_the_token_drawn_is_where_the_running_sum_passes_the_number_and_never_an_impossible_one(
    weights, number
):
    probabilities = np.array(weights) / sum(weights)
    with np.errstate(divide="ignore"):
        token = int(drawn(np.log(probabilities)[None], [number])[0])
    assert probabilities[token] > 0
    sums = np.cumsum(probabilities)
    assert sums[token] - probabilities[token] - 1e-5 <= number <= sums[token] + 1e-5


# Whole sentences


@pytest.mark.parametrize("restriction", [{"top_k": 1}, {"temperature": 1e-6}, {"top_p": 1e-6}], ids=str)
def test_sampling_at_its_narrowest_is_greedy_decoding(model, restriction):
    greedy = GreedyDecoder(model, **MARKS).predict_on_batch(SOURCE)
    decoder = SamplingDecoder(model, **MARKS, **restriction)
    for seed in range(3):
        np.testing.assert_array_equal(decoder.sample(SOURCE, seed=seed), greedy)


def test_a_batch_compiled_or_not_is_drawn_as_a_plain_loop_draws_its_sentences_alone(model):
    restriction = (1.5, 6, 0.95)
    decoder = SamplingDecoder(model, **MARKS, temperature=1.5, top_k=6, top_p=0.95)
    numbers = random_numbers(SOURCE, max_length=MAX_LENGTH, seed=7)
    expected, (encode, step) = [], stepper(model)
    for row, own_numbers in zip(SOURCE, numbers, strict=True):
        tokens, state = [START], encode(row[None])
        for number in own_numbers:
            scores, state = step(np.array(tokens[-1:]), state)
            probabilities = probabilities_by_hand(np.asarray(scores, dtype=float)[0], *restriction)
            drawn_token = int(np.searchsorted(np.cumsum(probabilities), number, side="right"))
            tokens.append(END if tokens[-1] == END else drawn_token)
        expected.append(tokens[1:])
    assert any(END in tokens for tokens in expected)
    assert decoder.sample(SOURCE, seed=7).tolist() == expected
    assert np.asarray(decoder([SOURCE, numbers])).tolist() == expected
    assert decoder.predict([SOURCE, numbers], batch_size=2, verbose=0).tolist() == expected


def test_the_same_seed_gives_the_same_sample_of_a_sentence_in_any_company(model):
    decoder = SamplingDecoder(model, **MARKS, temperature=2.0)
    together = decoder.sample(SOURCE, seed=3)
    np.testing.assert_array_equal(decoder.sample(SOURCE, seed=3), together)
    np.testing.assert_array_equal(decoder.sample(SOURCE[::-1], seed=3), together[::-1])
    np.testing.assert_array_equal(
        np.concatenate([decoder.sample(row[None], seed=3) for row in SOURCE]), together
    )
    np.testing.assert_array_equal(decoder.sample(SOURCE[[2, 2, 0]], seed=3), together[[2, 2, 0]])
    if model.name != "seq2seq":  # to the one-hot model padding is a character like others
        np.testing.assert_array_equal(decoder.sample(np.pad(SOURCE, [(0, 0), (0, 6)]), seed=3), together)
    again = SamplingDecoder(model, **MARKS, temperature=2.0).sample(SOURCE, seed=3)
    np.testing.assert_array_equal(again, together)
    others = [decoder.sample(SOURCE, seed=seed).tolist() for seed in range(6)]
    assert len({str(other) for other in others}) == 6


def test_random_numbers_hang_on_seed_and_sentence_alone_and_are_spread_evenly():
    sentences = np.array(list(itertools.product(range(1, 6), repeat=4)))
    numbers = random_numbers(sentences, max_length=20, seed=0)
    assert (numbers.shape, numbers.dtype) == ((len(sentences), 20), np.float32)
    assert numbers.min() >= 0 and numbers.max() < 1 and len(np.unique(numbers[:, 0])) == len(sentences)
    counts = np.histogram(numbers, bins=10, range=(0, 1))[0]
    np.testing.assert_allclose(counts, numbers.size / 10, atol=5 * np.sqrt(numbers.size * 0.09))
    assert abs(np.corrcoef(numbers[:-1].ravel(), numbers[1:].ravel())[0, 1]) < 0.05
    padded = np.pad(sentences[::-1], [(0, 0), (0, 3)])
    np.testing.assert_array_equal(random_numbers(padded, max_length=20, seed=0)[::-1], numbers)
    np.testing.assert_array_equal(random_numbers(sentences, max_length=5, seed=0), numbers[:, :5])
    assert not (random_numbers(sentences, max_length=20, seed=1) == numbers).all(axis=1).any()


@pytest.mark.parametrize("seed", [-1, 0.5, None, "1"])
def test_a_seed_that_is_no_whole_number_is_refused_in_one_sentence(seed):
    with pytest.raises(ValueError, match=f"^seed must be a whole number from 0 up, not {seed!r}$"):
        random_numbers(SOURCE, max_length=2, seed=seed)


# Many samples, against the probabilities

CHAIN = log_softmax(np.random.default_rng(0).normal(size=(5, 5)) * 1.5)  # of the next token, after each


class Chain:
    """A fake stepper whose next token hangs on the last one only."""

    def encode(self, source):
        return State((ops.zeros((ops.shape(source)[0], 1)),), ())

    def step(self, tokens, state):
        return ops.take(ops.convert_to_tensor(CHAIN, "float32"), tokens, axis=0), state


@pytest.mark.parametrize(
    "restriction",
    [(1.0, None, None), (0.6, None, None), (2.0, 3, None), (1.3, None, 0.7), (1.3, 4, 0.8)],
    ids=str,
)
def test_frequencies_of_many_samples_are_the_products_of_restricted_probabilities(monkeypatch, restriction):
    monkeypatch.setattr(sampling, "stepper", lambda chain: Stepper(chain.encode, chain.step))
    names = dict(zip(("temperature", "top_k", "top_p"), restriction, strict=True))
    decoder = SamplingDecoder(Chain(), start_id=START, end_id=END, max_length=3, **names)
    number = 20_000
    samples = decoder.sample(np.arange(number)[:, None], seed=11)
    after = np.array([probabilities_by_hand(row, *restriction) for row in CHAIN])
    after[END] = np.eye(5)[END]
    sequences = list(itertools.product(range(5), repeat=3))
    expected = np.array([after[START, a] * after[a, b] * after[b, c] for a, b, c in sequences])
    found = np.bincount(samples @ [25, 5, 1], minlength=125) / number
    assert (found[expected == 0] == 0).all()
    np.testing.assert_array_less(np.abs(found - expected), 5 * np.sqrt(expected / number) + 1e-9)
    assert (
        np.sum((found - expected) ** 2 / np.maximum(expected, 1e-12)) * number < 200
    )  # chi-square, df <= 124
