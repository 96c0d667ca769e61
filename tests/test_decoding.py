"""A batch is decoded as loops decode its sentences alone, and as scripts in readable strings foretell."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from oracles import (
    SCRIPT_MARKS,
    Automaton,
    Script,
    beam_by_brute_force,
    greedy_by_hand,
    log_probability,
    random_model,
    teacher_forced,
)

from s2s_lib.data.vocabulary import END, START
from s2s_lib.decoding import (
    IMPOSSIBLE,
    BeamDecoder,
    GreedyDecoder,
    SamplingDecoder,
    draw,
    map_by_length,
    random_numbers,
    restrict,
)
from s2s_lib.models import State

SOURCE = np.array([[4, 5, 6, 0, 0], [7, 5, 0, 0, 0], [8, 4, 8, 4, 8], [6, 6, 0, 0, 0], [5, 7, 4, 3, 0]])
MARKS = {"start_id": START, "end_id": END, "max_length": 10}
VARIANTS = [  # with these weights some of the sentences end soon, some late, some never
    ("one_hot", {"seed": 53}),
    ("embedding", {"seed": 200}),
    ("attention", {"seed": 99}),
    ("embedding", {"seed": 3, "layers": 2, "cell": "gru"}),
    ("attention", {"seed": 184, "layers": 2}),
]


def name_of(variant):
    return "-".join(map(str, [variant[0], *variant[1].values()]))


@pytest.fixture(scope="module", params=VARIANTS, ids=name_of)
def model(request):
    name, options = request.param
    return random_model(name, **options)


@pytest.fixture(scope="module", params=VARIANTS[1:3], ids=name_of)
def id_model(request):
    name, options = request.param
    return random_model(name, **options)


# Greedy decoding


@pytest.mark.backend
def test_a_batch_compiled_or_not_is_decoded_as_a_plain_loop_decodes_its_sentences_alone(model):
    expected = [greedy_by_hand(model, row, **MARKS) for row in SOURCE]
    ends = {row.index(END) if END in row else None for row in expected}
    assert len(ends) > 3 and None in ends
    decoder = GreedyDecoder(model, **MARKS)
    assert np.asarray(decoder(SOURCE)).tolist() == expected
    assert decoder.predict_on_batch(SOURCE).tolist() == expected


def test_batches_of_any_size_are_decoded_alike(id_model):
    decoder = GreedyDecoder(id_model, **MARKS)
    expected = np.asarray(decoder(SOURCE))
    np.testing.assert_array_equal(decoder.predict(SOURCE, batch_size=2, verbose=0), expected)
    np.testing.assert_array_equal(decoder(np.pad(SOURCE, [(0, 0), (0, 6)])), expected)


def test_the_limit_cuts_off_what_a_longer_limit_would_let_go_on(id_model):
    long = np.asarray(GreedyDecoder(id_model, **MARKS)(SOURCE))
    for limit in (1, 3):
        short = np.asarray(GreedyDecoder(id_model, **MARKS | {"max_length": limit})(SOURCE))
        np.testing.assert_array_equal(short, long[:, :limit])


# When each row stops, in readable strings


def follow(scripts, decoder_of=GreedyDecoder, **options):
    """Return a decoder's answer to scripts, the timesteps it took, and the tape of each hypothesis."""
    decoder, ended = decoder_of(Script(scripts), **SCRIPT_MARKS, **options), []
    loop = decoder.loop
    decoder.loop = lambda *args: ended.append(loop(*args)) or ended[0]
    answer = decoder(np.arange(len(scripts))[:, None])
    timesteps, *_, (_, tape) = ended[0]
    return answer, int(timesteps), [Script.text(row) for row in np.asarray(tape)]


def follow_greedily(scripts, *, max_length):
    ids, timesteps, tape = follow(scripts, max_length=max_length)
    return [Script.text(row) for row in ids], timesteps, tape


@pytest.mark.backend
def test_each_row_stops_at_its_own_end_and_the_batch_with_the_last_one():
    texts, timesteps, tape = follow_greedily(["la loutre$", "elle$", "$", "il dort$"], max_length=15)
    assert texts == ["la loutre$$$$$$", "elle$$$$$$$$$$$", "$" * 15, "il dort$$$$$$$$"]
    assert timesteps == len("la loutre$")
    assert tape == ["^la loutre", "^elle$$$$$", "^$$$$$$$$$", "^il dort$$"]  # what was fed to each row


@pytest.mark.backend
def test_a_sentence_that_never_ends_is_cut_at_the_limit():
    texts, timesteps, tape = follow_greedily(["la lou", "elle$"], max_length=10)
    assert texts == ["la louzzzz", "elle$$$$$$"]
    assert timesteps == 10
    assert tape == ["^la louzzz", "^elle$$$$$"]


@settings(max_examples=20)
@given(
    texts=st.lists(st.text("ab z$", max_size=8), min_size=1, max_size=5),
    max_length=st.integers(min_value=1, max_value=10),
)
def test_every_row_is_its_text_up_to_its_end_then_end_marks_only(texts, max_length):
    rows, timesteps, _ = follow_greedily(
        [text.partition("$")[0] + "$" * ("$" in text) for text in texts], max_length=max_length
    )
    ends = [(text + "z" * 99)[:max_length].partition("$")[0] for text in texts]
    assert rows == [end.ljust(max_length, "$") for end in ends]
    assert timesteps == min(max_length, max(map(len, ends)) + 1)


# Beam search, in readable strings


@pytest.mark.backend
def test_a_beam_finds_the_likelier_text_whose_first_letter_greedy_decoding_passes_by():
    scripts = [{"la loutre$": 0.25, "le chat$": 0.35, "elle$": 0.4}, "il dort$", {"$": 0.1, "oui$": 0.9}]
    greedy, _, _ = follow_greedily(scripts, max_length=12)
    assert [text.rstrip("$") for text in greedy] == ["le chat", "il dort", "oui"]
    (ids, ranks), timesteps, tape = follow(
        scripts, BeamDecoder, max_length=12, beam_width=3, length_power=0.0
    )
    texts = [[Script.text(row).rstrip("$") for row in hypotheses] for hypotheses in np.asarray(ids)]
    assert texts[0] == ["elle", "le chat", "la loutre"]
    assert [best for best, *_ in texts] == ["elle", "il dort", "oui"]
    np.testing.assert_allclose(np.exp(ranks[0]), [0.4, 0.35, 0.25], atol=1e-5)
    np.testing.assert_allclose(np.exp(np.asarray(ranks)[1:, 0]), [1.0, 0.9], atol=1e-5)
    assert timesteps == len("la loutre$")
    # Each hypothesis was continued from the state of its own beginning, and an ended one was fed end marks.
    fed = [("^" + text).ljust(timesteps, "$")[:timesteps] for text in texts[0]]
    assert tape[:3] == fed


def test_a_hypothesis_that_has_ended_waits_with_its_score_for_a_longer_one_to_overtake_it():
    scripts = [{"a$": 0.6, "bcdefg$": 0.4}]
    for power, expected in [(0.0, ["a$", "bcdefg$"]), (1.0, ["bcdefg$", "a$"])]:
        (ids, ranks), *_ = follow(scripts, BeamDecoder, max_length=8, beam_width=2, length_power=power)
        assert [Script.text(row).rstrip("$") + "$" for row in np.asarray(ids)[0]] == expected
        logs = {"a$": math.log(0.6), "bcdefg$": math.log(0.4)}
        np.testing.assert_allclose(
            ranks[0], [logs[text] / len(text) ** power for text in expected], atol=1e-5
        )


def test_a_recurrent_state_of_any_rank_follows_its_hypothesis():
    class Folded(Script):
        """Keeps its node as a number and its tape folded into rows of four."""

        def encode(self, source):
            return self.fold(super().encode(source))

        def step(self, tokens, state):
            node, tape = state.recurrent
            scores, after = super().step(tokens, State((node[:, None], ops.reshape(tape, (-1, self.tape)))))
            return scores, self.fold(after)

        def fold(self, state):
            nodes, tape = state.recurrent
            return State((nodes[:, 0], ops.reshape(tape, (-1, self.tape // 4, 4))))

    scripts = [{"la loutre$": 0.25, "le chat$": 0.35, "elle$": 0.4}, {"il$": 0.6, "oui$": 0.4}]
    options = {"max_length": 12, "beam_width": 3, "length_power": 0.0}
    plain, folded = (
        BeamDecoder(kind(scripts), **SCRIPT_MARKS, **options)(np.array([[0], [1]]))
        for kind in (Script, Folded)
    )
    np.testing.assert_array_equal(folded[0], plain[0])


def test_a_step_of_the_beam_keeps_the_score_and_length_of_an_ended_hypothesis():
    decoder = BeamDecoder(None, **MARKS, beam_width=2)
    following = np.log(np.full((1, 2, 5), 1 / 5, dtype="float32"))
    last = np.array([[END, 4]], dtype="int32")
    scores, lengths = np.array([[-1.0, -4.0]], dtype="float32"), np.array([[2.0, 2.0]], dtype="float32")
    parents, tokens, after, grown = (np.asarray(x) for x in decoder.extend(following, last, scores, lengths))
    assert (parents[0, 0], tokens[0, 0], after[0, 0], grown[0, 0]) == (0, END, -1.0, 2.0)
    assert parents[0, 1] == 1 and grown[0, 1] == 3.0
    assert after[0, 1] == pytest.approx(-4.0 - np.log(5)) and after[0, 1] > IMPOSSIBLE


# Beam search, against brute force


BEAM_VARIANTS = [
    ("embedding", {}),
    ("attention", {}),
    ("embedding", {"layers": 2}),
    ("attention", {"layers": 3, "cell": "gru"}),
]


@pytest.fixture(scope="module", params=BEAM_VARIANTS, ids=name_of)
def tiny(request):
    """Return a model of five target tokens, which make 85 hypotheses of up to three timesteps."""
    name, sizes = request.param
    return random_model(name, seed=3, num_target_tokens=5, **sizes)


@pytest.mark.backend
def test_a_beam_of_full_width_finds_what_brute_force_finds(tiny):
    marks, power = MARKS | {"max_length": 3}, 0.7
    decoder = BeamDecoder(tiny, **marks, beam_width=85, length_power=power)
    ids, ranks = map(np.asarray, decoder(SOURCE[:3]))
    for row, source in enumerate(SOURCE[:3]):
        found = beam_by_brute_force(tiny, source, **marks, length_power=power)
        expected = [[*tokens, *[END] * (3 - len(tokens))] for _, tokens in found]
        assert ids[row].tolist()[:10] == expected[:10]
        assert sorted(ids[row].tolist()) == sorted(expected)
        np.testing.assert_allclose(ranks[row], [rank for rank, _ in found], atol=1e-4)


def test_ranks_of_a_narrow_beam_are_teacher_forced_log_probabilities_and_no_hypothesis_is_listed_twice(tiny):
    decoder = BeamDecoder(tiny, **MARKS | {"max_length": 7}, beam_width=4, length_power=0.0)
    ids, scores = map(np.asarray, decoder(SOURCE))
    for source, hypotheses, ranks in zip(SOURCE, ids.tolist(), scores, strict=True):
        whole = [row[: row.index(END) + 1] if END in row else row for row in hypotheses]
        expected = [log_probability(tiny, source, tokens, start_id=START) for tokens in whole]
        np.testing.assert_allclose(ranks, expected, atol=1e-3)
        assert len(set(map(tuple, whole))) == 4
        assert ranks.tolist() == sorted(ranks, reverse=True)


def test_a_batch_gives_what_single_sentences_give(id_model):
    decoder = BeamDecoder(id_model, **MARKS, beam_width=3)
    together, _ = decoder(SOURCE)
    for source, expected in zip(SOURCE, np.asarray(together), strict=True):
        np.testing.assert_array_equal(decoder(source[None])[0][0], expected)


def test_a_beam_of_one_is_greedy_decoding(id_model):
    beam, _ = BeamDecoder(id_model, **MARKS, beam_width=1)(SOURCE)
    np.testing.assert_array_equal(np.asarray(beam)[:, 0], GreedyDecoder(id_model, **MARKS)(SOURCE))


@pytest.mark.parametrize(
    ("decoder_of", "wrong", "message"),
    [
        (GreedyDecoder, {"max_length": 0}, "max_length must be a whole number from 1 to"),
        (GreedyDecoder, {"max_length": 2.0}, "max_length must be a whole number from 1 to"),
        (BeamDecoder, {"beam_width": 0}, "beam_width must be a whole number from 1 to"),
        (BeamDecoder, {"beam_width": 2.5}, "beam_width must be a whole number from 1 to"),
        (BeamDecoder, {"beam_width": "3"}, "beam_width must be a whole number from 1 to"),
        (BeamDecoder, {"beam_width": True}, "beam_width must be a whole number from 1 to"),
        (BeamDecoder, {"beam_width": 10**6}, "beam_width must be a whole number from 1 to"),
        (
            BeamDecoder,
            {"beam_width": 2, "length_power": -1},
            "length_power must be a finite number from 0 to",
        ),
        (
            BeamDecoder,
            {"beam_width": 2, "length_power": math.nan},
            "length_power must be a finite number from",
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_a_decoder_cannot_work_with_is_refused_in_one_sentence(decoder_of, wrong, message):
    *_, value = wrong.values()
    with pytest.raises(ValueError, match=rf"^{message} [^\n]+, not {value!r}$"):
        decoder_of(None, **MARKS | wrong)


# What may be drawn


SCORE = st.integers(-30, 30).map(lambda n: n / 4)  # often some are equal
TABLES = st.lists(st.lists(SCORE, min_size=7, max_size=7), min_size=8, max_size=8)
RESTRICTIONS = st.tuples(st.floats(0.1, 5), st.none() | st.integers(1, 9), st.none() | st.floats(1e-6, 1))
NUMBERS = st.lists(st.floats(0, 1 - 2**-24, width=32), min_size=8, max_size=8)


def log_softmax(scores):
    scores = np.asarray(scores, dtype=float)
    return scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))


def restricted(scores, temperature=1.0, top_k=None, top_p=None):
    return np.asarray(restrict(scores, temperature=temperature, top_k=top_k, top_p=top_p))


def probabilities_by_hand(log_probabilities, temperature=1.0, top_k=None, top_p=None):
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


@pytest.mark.backend
@settings(max_examples=30)
@given(table=TABLES, restriction=RESTRICTIONS)
def test_restricted_probabilities_are_those_found_by_hand_token_by_token(table, restriction):
    temperature, top_k, top_p = restriction
    found = restricted(log_softmax(table), temperature, top_k, top_p)
    for row, scores in zip(found, table, strict=True):
        expected = probabilities_by_hand(scores, *restriction)
        near = [] if top_p in (None, 1) else [top_p - 1e-5, top_p + 1e-5]
        if any(probabilities_by_hand(scores, temperature, top_k, other) != expected for other in near):
            continue  # the last digits decide
        assert (row > -np.inf).tolist() == [probability > 0 for probability in expected]
        np.testing.assert_allclose(np.exp(row), expected, atol=1e-5)


@settings(max_examples=30)
@given(table=TABLES, temperature=st.floats(0.1, 5), top_p=st.floats(1e-6, 1))
def test_top_p_keeps_the_smallest_set_that_holds_the_mass(table, temperature, top_p):
    found = restricted(table, temperature, top_p=top_p)
    for row, probabilities in zip(found, np.exp(log_softmax(np.array(table) / temperature)), strict=True):
        kept = np.sort(probabilities[row > -np.inf])
        assert kept.sum() >= top_p - 1e-5
        assert kept[1:].sum() < top_p + 1e-5
        assert kept.min() >= probabilities[row == -np.inf].max(initial=0) - 1e-6
        assert np.exp(row).sum() == pytest.approx(1, abs=1e-5)


@settings(max_examples=10)
@given(table=TABLES, top_k=st.integers(1, 9))
def test_top_k_keeps_k_tokens_and_of_equals_those_of_lower_id(table, top_k):
    expected = np.argsort(np.negative(table), axis=-1, kind="stable")[:, :top_k]
    for row, kept in zip(restricted(table, top_k=top_k), expected, strict=True):
        assert np.flatnonzero(row > -np.inf).tolist() == sorted(kept)


def test_without_restriction_nothing_changes():
    log_probabilities = log_softmax(np.random.default_rng(0).normal(size=(50, 6)))
    for nothing in [{}, {"top_p": 1.0}, {"top_k": 6}, {"temperature": 1}]:
        np.testing.assert_allclose(restricted(log_probabilities, **nothing), log_probabilities, atol=1e-5)


@settings(max_examples=10)
@given(table=TABLES, least=st.sampled_from([{"top_k": 1}, {"top_p": 1e-6}]), numbers=NUMBERS)
def test_the_narrowest_restriction_leaves_the_token_that_greedy_decoding_takes(table, least, numbers):
    assert (
        np.asarray(draw(restricted(table, **least), numbers)).tolist() == np.argmax(table, axis=-1).tolist()
    )


@settings(max_examples=10)
@given(table=TABLES, numbers=NUMBERS)
def test_a_temperature_near_zero_leaves_only_the_likeliest_tokens(table, numbers):
    drawn = np.asarray(draw(restricted(table, 1e-6), numbers))
    assert [scores[token] for scores, token in zip(table, drawn, strict=True)] == np.max(
        table, axis=-1
    ).tolist()


def test_a_high_temperature_makes_all_tokens_alike():
    np.testing.assert_allclose(np.exp(restricted([[0.0, -5.0, -20.0, 3.0]], 1e9)), 0.25, atol=1e-6)


def test_a_token_of_probability_zero_stays_one_at_any_temperature():
    for temperature in (1e-6, 1.0, 1e9):
        found = restricted([[-np.inf, 0.0, -np.inf, -1.0]], temperature)[0]
        assert (found[[0, 2]] == -np.inf).all() and np.exp(found).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("temperature", [0, -1, 1e-7, math.inf, math.nan, "warm", None, 1j, True]),
        ("top_k", [0, -3, 2.5, "3", math.nan]),
        ("top_p", [0, -0.5, 1.01, 1e-7, math.nan, "0.9"]),
    ],
)
def test_a_restriction_out_of_range_is_refused_in_one_sentence_that_names_it(name, values):
    for value in values:
        for use in (
            lambda **restriction: restrict([[0.0, 1.0]], **restriction),
            lambda **restriction: SamplingDecoder(None, **MARKS, **restriction),
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


@pytest.mark.backend
@settings(max_examples=30)
@given(
    weights=st.lists(st.lists(st.integers(0, 5), min_size=7, max_size=7).filter(any), min_size=8, max_size=8),
    numbers=st.lists(
        st.sampled_from([0.0, 1 - 2**-24]) | st.floats(0, 1 - 2**-24, width=32), min_size=8, max_size=8
    ),
)
def test_the_token_drawn_is_where_the_running_sum_passes_the_number_and_never_an_impossible_one(
    weights, numbers
):
    probabilities = np.array(weights) / np.sum(weights, axis=-1, keepdims=True)
    with np.errstate(divide="ignore"):
        tokens = np.asarray(draw(np.log(probabilities), numbers))
    for row, number, token in zip(probabilities, numbers, tokens, strict=True):
        assert row[token] > 0
        sums = np.cumsum(row)
        assert sums[token] - row[token] - 1e-5 <= number <= sums[token] + 1e-5


# Sampled sentences


@pytest.mark.backend
def test_a_batch_compiled_or_not_is_sampled_as_a_plain_loop_samples_its_sentences_alone(id_model):
    restriction = {"temperature": 1.5, "top_k": 6, "top_p": 0.95}
    decoder = SamplingDecoder(id_model, **MARKS, **restriction)
    numbers = random_numbers(SOURCE, max_length=10, seed=7)
    expected = []
    for source, own_numbers in zip(SOURCE, numbers, strict=True):
        tokens = [START]
        for number in own_numbers:
            scores = teacher_forced(id_model, [source], [tokens])[0, -1]
            drawn = np.searchsorted(
                np.cumsum(probabilities_by_hand(scores, **restriction)), number, side="right"
            )
            tokens.append(END if tokens[-1] == END else int(drawn))
        expected.append(tokens[1:])
    assert any(END in tokens for tokens in expected)
    assert decoder.sample(SOURCE, seed=7).tolist() == expected
    assert np.asarray(decoder([SOURCE, numbers])).tolist() == expected


@pytest.mark.parametrize("restriction", [{"top_k": 1}, {"temperature": 1e-6}, {"top_p": 1e-6}], ids=str)
def test_sampling_at_its_narrowest_is_greedy_decoding(restriction):
    model = random_model("attention", seed=99)
    greedy = np.asarray(GreedyDecoder(model, **MARKS)(SOURCE))
    decoder = SamplingDecoder(model, **MARKS, **restriction)
    for seed in range(3):
        numbers = random_numbers(SOURCE, max_length=10, seed=seed)
        np.testing.assert_array_equal(decoder([SOURCE, numbers]), greedy)


def test_the_same_seed_gives_the_same_sample_of_a_sentence_in_any_company(id_model):
    decoder = SamplingDecoder(id_model, **MARKS, temperature=2.0)
    together = decoder.sample(SOURCE, seed=3)
    for rows in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 2, 0, 0, 1], [1], [4]):
        np.testing.assert_array_equal(decoder.sample(SOURCE[rows], seed=3), together[rows])
    np.testing.assert_array_equal(decoder.sample(np.pad(SOURCE, [(0, 0), (0, 6)]), seed=3), together)
    again = SamplingDecoder(id_model, **MARKS, temperature=2.0).sample(SOURCE, seed=3)
    np.testing.assert_array_equal(again, together)
    assert len({str(decoder.sample(SOURCE, seed=seed).tolist()) for seed in range(6)}) == 6


CHAIN = log_softmax(np.random.default_rng(0).normal(size=(5, 5)) * 1.5)  # of the next token, after each


@pytest.mark.parametrize("restriction", [(0.6, None, None), (2.0, 3, None), (1.3, 4, 0.8)], ids=str)
def test_frequencies_of_many_samples_are_the_products_of_restricted_probabilities(restriction):
    number = 20_000
    chain = Automaton([START] * number, [range(5)] * 5, CHAIN)  # the node is the last token
    names = dict(zip(("temperature", "top_k", "top_p"), restriction, strict=True))
    decoder = SamplingDecoder(chain, **MARKS | {"max_length": 3}, **names)
    samples = decoder.sample(np.arange(number)[:, None], seed=11)
    after = np.array([probabilities_by_hand(row, *restriction) for row in CHAIN])
    after[END] = np.eye(5)[END]
    sequences = itertools.product(range(5), repeat=3)
    expected = np.array([after[START, a] * after[a, b] * after[b, c] for a, b, c in sequences])
    found = np.bincount(samples @ [25, 5, 1], minlength=125) / number
    assert (found[expected == 0] == 0).all()
    np.testing.assert_array_less(np.abs(found - expected), 5 * np.sqrt(expected / number) + 1e-9)
    chi_square = np.sum((found - expected) ** 2 / np.maximum(expected, 1e-12)) * number
    assert chi_square < 200  # at most 124 degrees of freedom


# Random numbers


def random_numbers_by_hand(ids, *, max_length, seed):
    """Return one sentence's numbers, by the documented generator in plain integers."""

    def mix(number):
        number = (number + 0x9E3779B9) & 0xFFFFFFFF
        number = (number ^ number >> 16) * 0x21F0AAAD & 0xFFFFFFFF
        number = (number ^ number >> 15) * 0x735A2D97 & 0xFFFFFFFF
        return number ^ number >> 15

    key, words = 0, [seed & 0xFFFFFFFF]
    while seed := seed >> 32:
        words.append(seed & 0xFFFFFFFF)
    for word in [*words, *ids]:
        key = mix(key ^ word)
    return [(mix(key + t) >> 8) / 2**24 for t in range(1, max_length + 1)]


@given(
    sentences=st.lists(st.lists(st.integers(1, 65_535), max_size=6), min_size=1, max_size=4),
    seed=st.integers(0, 9) | st.integers(0, 2**100) | st.sampled_from([2**32 - 1, 2**32, 2**64]),
    padding=st.integers(0, 3),
)
def test_random_numbers_are_those_of_the_documented_generator_in_plain_integers(sentences, seed, padding):
    width = max(map(len, sentences)) + padding
    source = np.array([[*ids, *[0] * (width - len(ids))] for ids in sentences], dtype="int32")
    numbers = random_numbers(source, max_length=5, seed=seed)
    assert numbers.dtype == np.float32
    assert numbers.tolist() == [random_numbers_by_hand(ids, max_length=5, seed=seed) for ids in sentences]


def test_random_numbers_are_spread_evenly_and_differ_between_sentences_timesteps_and_seeds():
    sentences = np.array(list(itertools.product(range(1, 6), repeat=4)))
    numbers = random_numbers(sentences, max_length=20, seed=0)
    assert numbers.min() >= 0 and numbers.max() < 1 and len(np.unique(numbers[:, 0])) == len(sentences)
    counts = np.histogram(numbers, bins=10, range=(0, 1))[0]
    np.testing.assert_allclose(counts, numbers.size / 10, atol=5 * np.sqrt(numbers.size * 0.09))
    for one, other in [(numbers[:-1], numbers[1:]), (numbers[:, :-1], numbers[:, 1:])]:
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.05
    assert not (random_numbers(sentences, max_length=20, seed=1) == numbers).all(axis=1).any()


@pytest.mark.parametrize("seed", [-1, 0.5, None, "1", True])
def test_a_seed_that_is_no_whole_number_is_refused_in_one_sentence(seed):
    with pytest.raises(ValueError, match=f"^seed must be a whole number from 0 up, not {seed!r}$"):
        random_numbers(SOURCE, max_length=2, seed=seed)


# Batches of similar length


@given(
    lengths=st.lists(st.integers(min_value=0, max_value=9), max_size=12),
    batch_size=st.integers(min_value=1, max_value=5),
)
def test_results_come_in_the_given_order_though_batches_are_sorted_by_length(lengths, batch_size):
    batches = []

    def name(rows):
        batches.append([lengths[row] for row in rows])
        return [f"row {row}" for row in rows]

    results = map_by_length(name, lengths, batch_size=batch_size)
    assert results == [f"row {row}" for row in range(len(lengths))]
    assert [length for batch in batches for length in batch] == sorted(lengths)
    assert all(0 < len(batch) <= batch_size for batch in batches)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, "3", None])
def test_a_batch_size_that_holds_no_row_is_refused(batch_size):
    with pytest.raises(ValueError, match=r"^batch_size must be a whole number from 1 up, not "):
        map_by_length(list, [1, 2], batch_size=batch_size)
