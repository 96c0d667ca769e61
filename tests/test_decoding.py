"""The step-wise decoder says what the whole model says, and a batch is written as its sentences alone are."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from s2s_lib import decoding, models
from s2s_lib.beam import BeamDecoder
from s2s_lib.decoding import GreedyDecoder, State, Stepper, in_batches_of_like_length, stepper
from s2s_lib.sampling import SamplingDecoder

PROJECT = Path(__file__).resolve().parents[1]
SEEDS = {  # with these weights some of the sentences below end soon, some late, some never
    models.build_seq2seq: 53, models.build_embedding_seq2seq: 5, models.build_attention_seq2seq: 91,
}  # fmt: skip
START, END, NUM_SOURCE, NUM_TARGET, MAX_LENGTH = 1, 2, 9, 7, 10
SOURCE = np.array([[4, 5, 6, 0, 0], [7, 5, 0, 0, 0], [8, 4, 8, 4, 8], [6, 6, 0, 0, 0], [5, 7, 4, 3, 0]])


def random_model(build):
    """Return a model with weights large enough for each sentence to be a story of its own."""
    model = build(num_source_tokens=NUM_SOURCE, num_target_tokens=NUM_TARGET, latent_dim=6)
    generator = np.random.default_rng(SEEDS[build])
    model.set_weights([generator.normal(size=weight.shape) for weight in model.get_weights()])
    return model


@pytest.fixture(scope="module", params=SEEDS, ids=lambda build: build.__name__)
def model(request):
    return random_model(request.param)


def is_one_hot(model):
    return model.name == "seq2seq"


def teacher_forced(model, source, decoder_input):
    """Return the whole model's log-probabilities ``(batch, timesteps, num_target_tokens)``."""
    if is_one_hot(model):
        one_hot = np.eye(NUM_SOURCE)[source], np.eye(NUM_TARGET)[decoder_input]
        return np.log(np.asarray(model(list(one_hot))))
    logits = np.asarray(model([source, np.array(decoder_input)])).astype(float)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def written_by_loop(model, source):
    """Decode one sentence as a beginner would: the whole model again for each character."""
    tokens = [START]
    while tokens[-1] != END and len(tokens) <= MAX_LENGTH:
        tokens.append(int(teacher_forced(model, source, [tokens])[0, -1].argmax()))
    return tokens[1:]


def without_padding(model, row):
    return row[None] if is_one_hot(model) else row[None, row != 0]


def decoder_of(model, max_length=MAX_LENGTH):
    return GreedyDecoder(model, start_id=START, end_id=END, max_length=max_length)


# One step


def test_steps_give_what_the_teacher_forced_model_gives(model):
    decoder_input = np.random.default_rng(0).integers(NUM_TARGET, size=(len(SOURCE), 6))
    encode, step = stepper(model)
    state = encode(SOURCE)
    expected = teacher_forced(model, SOURCE, decoder_input)
    for timestep, tokens in enumerate(decoder_input.T):
        scores, state = step(tokens, state)
        np.testing.assert_allclose(scores, expected[:, timestep], atol=1e-5)


def test_longer_padding_of_the_source_changes_nothing(model):
    if is_one_hot(model):
        pytest.skip("to the one-hot model padding is a character like others")
    longer = np.pad(SOURCE, [(0, 0), (0, 6)])
    encode, step = stepper(model)
    tokens = np.full(len(SOURCE), START)
    np.testing.assert_allclose(step(tokens, encode(longer))[0], step(tokens, encode(SOURCE))[0], atol=1e-6)
    decoder = decoder_of(model)
    np.testing.assert_array_equal(decoder(longer), decoder(SOURCE))


def test_an_embedding_of_identity_rows_makes_the_id_model_the_one_hot_model():
    one_hot, ids = (
        random_model(models.build_seq2seq),
        models.build_embedding_seq2seq(
            num_source_tokens=NUM_SOURCE, num_target_tokens=NUM_TARGET, latent_dim=6, embedding_dim=NUM_SOURCE
        ),
    )
    identity = [np.eye(NUM_SOURCE), np.eye(NUM_TARGET, NUM_SOURCE)]
    for name in ("encoder_lstm", "decoder_lstm"):
        kernel, *others = one_hot.get_layer(name).get_weights()
        ids.get_layer(name).set_weights([np.pad(kernel, [(0, NUM_SOURCE - len(kernel)), (0, 0)]), *others])
    for name, rows in zip(("source_embedding", "target_embedding"), identity, strict=True):
        ids.get_layer(name).set_weights([rows])
    ids.get_layer("target_logits").set_weights(one_hot.get_layer("target_softmax").get_weights())
    source, decoder_input = SOURCE[2:3], [[1, 4, 5, 6]]
    np.testing.assert_allclose(
        teacher_forced(ids, source, decoder_input), teacher_forced(one_hot, source, decoder_input), atol=1e-5
    )
    np.testing.assert_array_equal(decoder_of(ids)(source), decoder_of(one_hot)(source))


# A whole batch, against a loop


def test_a_batch_compiled_or_not_is_written_as_a_plain_loop_writes_its_sentences_alone(model):
    alone = [written_by_loop(model, without_padding(model, row)) for row in SOURCE]
    assert len({tokens.index(END) if END in tokens else MAX_LENGTH for tokens in alone}) == 4
    expected = [tokens + [END] * (MAX_LENGTH - len(tokens)) for tokens in alone]
    decoder = decoder_of(model)
    assert decoder.predict(SOURCE, verbose=0).tolist() == expected
    assert decoder.predict(SOURCE, verbose=0, batch_size=2).tolist() == expected
    assert np.asarray(decoder(SOURCE)).tolist() == expected
    assert [decoder.predict_on_batch(row[None]).tolist()[0] for row in SOURCE] == expected


def test_the_limit_cuts_off_what_a_longer_limit_would_go_on_writing(model):
    long = np.asarray(decoder_of(model, max_length=12)(SOURCE))
    for limit in (1, 3):
        short = np.asarray(decoder_of(model, max_length=limit)(SOURCE))
        assert short.shape == (len(SOURCE), limit)
        np.testing.assert_array_equal(short, long[:, :limit])


# When each row stops, in readable strings


LETTERS = "^$abcdefghijklmnopqrstuvwxyz "  # "^" starts, "$" ends


class Script:
    """A fake stepper that writes the given texts, and "z" for ever after; it counts its steps.

    Source ids are row numbers. The hidden state counts the timesteps, the cell state keeps the row's number.
    """

    def __init__(self, texts):
        self.texts, self.steps = texts, 0

    def encode(self, source):
        rows = ops.cast(source[:, :1], "float32")
        return State((ops.zeros_like(rows), rows), ())

    def step(self, tokens, state):
        timestep, rows = state.recurrent
        self.steps += 1
        written = [
            (self.texts[int(row)] + "z" * 99)[int(t)]
            for t, row in zip(np.asarray(timestep)[:, 0], np.asarray(rows)[:, 0], strict=True)
        ]
        self.fed = "".join(LETTERS[int(token)] for token in tokens)
        scores = -9.0 + 8.0 * np.eye(len(LETTERS))[[LETTERS.index(letter) for letter in written]]
        return ops.convert_to_tensor(scores, "float32"), State((timestep + 1, rows), ())


def written(texts, *, max_length):
    """Return what a greedy decoder writes when the model wants to write ``texts``, and the fake model."""
    script = Script(texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "stepper", lambda model: Stepper(model.encode, model.step))
        decoder = GreedyDecoder(script, start_id=0, end_id=1, max_length=max_length)
    ids = np.asarray(decoder(np.arange(len(texts))[:, None]))
    return ["".join(LETTERS[token] for token in row) for row in ids], script


def test_each_row_stops_at_its_own_end_and_the_batch_with_the_last_one():
    rows, script = written(["la loutre$", "elle$", "$", "il dort$"], max_length=15)
    assert rows == ["la loutre$$$$$$", "elle$$$$$$$$$$$", "$" * 15, "il dort$$$$$$$$"]
    assert script.steps == len("la loutre$")
    assert script.fed == "e$$$"  # the last characters before the last step


def test_a_sentence_that_never_ends_is_cut_at_the_limit():
    rows, script = written(["la lou", "elle$"], max_length=10)
    assert rows == ["la louzzzz", "elle$$$$$$"]
    assert script.steps == 10


@settings(max_examples=30)
@given(
    texts=st.lists(st.text("ab z$", max_size=8), min_size=1, max_size=5),
    max_length=st.integers(min_value=1, max_value=10),
)
def test_every_row_is_its_text_up_to_its_end_then_end_marks_only(texts, max_length):
    rows, script = written(texts, max_length=max_length)
    ends = [(text + "z" * 99)[:max_length].partition("$")[0] for text in texts]
    assert rows == [end.ljust(max_length, "$") for end in ends]
    assert script.steps == min(max_length, max(map(len, ends)) + 1)


# The other backend


def written_and_scored(build):
    """Return the ids a random model writes, in every way if it attends, and its teacher-forced scores."""
    model = random_model(build)
    marks = {"start_id": START, "end_id": END, "max_length": MAX_LENGTH}
    said = {"greedy": GreedyDecoder(model, **marks).predict_on_batch(SOURCE).tolist()}
    if build is models.build_attention_seq2seq:
        said["beam"] = BeamDecoder(model, **marks, beam_width=3).predict_on_batch(SOURCE)[0].tolist()
        said["sampling"] = SamplingDecoder(model, **marks, top_p=0.9).sample(SOURCE, seed=1).tolist()
    return said | {"scores": teacher_forced(model, SOURCE, [[1, 4, 5]] * len(SOURCE)).tolist()}


ON_JAX = """
import json
import keras
from tests.test_decoding import SEEDS, written_and_scored
assert keras.backend.backend() == "jax"
print(json.dumps({build.__name__: written_and_scored(build) for build in SEEDS}))
"""


def test_jax_decodes_the_same_ids_from_the_same_weights():
    if keras.backend.backend() == "jax":
        pytest.skip("this is JAX already")
    done = subprocess.run(
        [sys.executable, "-c", ON_JAX], cwd=PROJECT, capture_output=True, text=True, timeout=300,
        env=os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    there = json.loads(done.stdout.splitlines()[-1])
    for build in SEEDS:
        here = written_and_scored(build)
        np.testing.assert_allclose(there[build.__name__].pop("scores"), here.pop("scores"), atol=1e-5)
        assert there[build.__name__] == here


# Batches of like length


@given(
    lengths=st.lists(st.integers(min_value=0, max_value=9), max_size=12),
    batch_size=st.integers(min_value=1, max_value=5),
)
def test_results_come_in_the_given_order_though_batches_are_sorted_by_length(lengths, batch_size):
    batches = []

    def name(rows):
        batches.append([lengths[row] for row in rows])
        return [f"row {row}" for row in rows]

    results = in_batches_of_like_length(name, len(lengths), lengths=np.array(lengths), batch_size=batch_size)
    assert results == [f"row {row}" for row in range(len(lengths))]
    assert [length for batch in batches for length in batch] == sorted(lengths)
    assert all(0 < len(batch) <= batch_size for batch in batches)
