"""The example's training is the authors' own code, and its extra figures count what they say they count."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2s_lib.example import (
    ExampleTranslator,
    RealAccuracy,
    RealLoss,
    build_seq2seq,
    from_keras,
    one_hot_arrays,
    real_positions,
    train_example,
)
from s2s_lib.training import Checkpoint

END, TOKENS = 1, 5  # column of the end mark, width of the one-hot rows


def one_hot(rows):
    return np.eye(TOKENS, dtype=np.float32)[np.array(rows)]


def real_by_loop(row):
    """Return 1.0 for each id up to and with the first end mark, 0.0 behind it."""
    answer, ended = [], False
    for token in row:
        answer.append(0.0 if ended else 1.0)
        ended = ended or token == END
    return answer


def figures_by_loops(targets, predictions, *, end=END):
    """Return loss and accuracy over real characters, one character at a time."""
    losses, hits = [], []
    for row, answers in zip(targets.argmax(-1), predictions.astype(np.float64), strict=True):
        for token, answer in zip(row, answers, strict=True):
            losses.append(-np.log(answer[token] / answer.sum()))
            hits.append(answer.argmax() == token)
            if token == end:
                break
    return np.mean(losses), np.mean(hits)


# Real positions


TOKEN = st.integers(0, TOKENS - 1)
ROWS = st.integers(1, 9).flatmap(
    lambda width: st.lists(st.lists(TOKEN, min_size=width, max_size=width), min_size=1, max_size=5)
)


@settings(max_examples=30)
@given(ROWS)
def test_positions_are_real_up_to_and_with_the_first_end_mark(rows):
    real = keras.ops.convert_to_numpy(real_positions(one_hot(rows), end_index=END))
    assert real.dtype == np.float32
    assert real.tolist() == [real_by_loop(row) for row in rows]


def test_a_blank_inside_a_sentence_is_real_and_the_same_blank_behind_its_end_is_not():
    arrays = one_hot_arrays(["Swim on.", "Go."], ["Nage encore.", "Va donc."])
    end = arrays.target_characters.index("\n")
    real = keras.ops.convert_to_numpy(real_positions(arrays.decoder_target, end_index=end))
    assert real.sum(axis=1).tolist() == [len("Nage encore.\n"), len("Va donc.\n")]


# Figures


@pytest.fixture(scope="module")
def batches():
    """Return targets and predicted probabilities of two batches, sentences of all lengths in them."""
    generator = np.random.default_rng(0)
    answer = []
    for size in (6, 3):
        rows = generator.integers(2, TOKENS, size=(size, 8))
        rows[np.arange(size), generator.integers(8, size=size)] = END
        powers = np.exp(generator.normal(size=(size, 8, TOKENS)))
        answer.append((one_hot(rows), (powers / powers.sum(-1, keepdims=True)).astype(np.float32)))
    return answer


@pytest.mark.parametrize(
    ("metric", "which", "name"), [(RealLoss, 0, "real_loss"), (RealAccuracy, 1, "real_accuracy")]
)
class TestAFigureOverRealCharacters:
    def test_is_that_of_a_plain_loop_over_all_batches(self, metric, which, name, batches):
        figure = metric(END)
        for targets, predictions in batches:
            figure.update_state(targets, predictions)
        everything = [np.concatenate(arrays) for arrays in zip(*batches, strict=True)]
        assert figure.name == name
        assert float(figure.result()) == pytest.approx(figures_by_loops(*everything)[which], rel=1e-5)

    def test_does_not_hang_on_what_is_said_behind_the_end(self, metric, which, name, batches):
        targets, predictions = batches[0]
        behind = np.array([real_by_loop(row) for row in targets.argmax(-1)]) == 0
        figures = [metric(END), metric(END)]
        figures[0].update_state(targets, predictions)
        figures[1].update_state(targets, np.where(behind[..., None], predictions[..., ::-1], predictions))
        assert behind.any()
        assert float(figures[0].result()) == float(figures[1].result())

    def test_begins_anew_after_a_reset(self, metric, which, name, batches):
        figure = metric(END)
        figure.update_state(*batches[0])
        figure.reset_state()
        figure.update_state(*batches[1])
        assert float(figure.result()) == pytest.approx(figures_by_loops(*batches[1])[which], rel=1e-5)


# Training

SOURCES = [
    f"{verb} {what}." for verb in ("See", "Take", "Bring", "Find") for what in ("it", "an otter", "me")
]
TARGETS = [
    f"{verb} {what}." for verb in ("Vois", "Prends", "Cherche", "Lis") for what in ("ça", "une loutre")
]
TARGETS = [*TARGETS, "Va.", "Nage.", "Dors.", "Viens ici."]
SETTINGS = {"epochs": 2, "latent_dim": 4, "batch_size": 4, "validation_split": 0.25}


@pytest.fixture(scope="module")
def arrays():
    return one_hot_arrays(SOURCES, TARGETS)


@pytest.fixture(scope="module")
def trained(arrays):
    return train_example(arrays, seed=3, **SETTINGS)


def test_the_history_has_the_example_s_figures_those_over_real_characters_and_seconds(trained):
    history = trained[1]
    figures = ["loss", "accuracy", "real_loss", "real_accuracy"]
    names = {*figures, *(f"val_{name}" for name in figures), "wall_seconds", "cpu_seconds"}
    assert history.keys() == names
    assert {len(values) for values in history.values()} == {2}
    assert all(isinstance(value, float) for values in history.values() for value in values)


def test_training_is_that_of_the_authors_plain_code_weight_for_weight(arrays, trained):
    model, history = trained
    keras.utils.set_random_seed(3)
    plain = build_seq2seq(
        num_source_tokens=arrays.encoder_input.shape[2],
        num_target_tokens=arrays.decoder_input.shape[2],
        latent_dim=4,
    )
    plain.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    fitted = plain.fit(
        [arrays.encoder_input, arrays.decoder_input],
        arrays.decoder_target,
        batch_size=4,
        epochs=2,
        validation_split=0.25,
        verbose=0,
    )
    for mine, theirs in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for name, values in fitted.history.items():
        assert history[name] == pytest.approx(values, abs=1e-5)


def test_validation_is_the_tail_counted_with_padding_and_without(arrays, trained):
    model, history = trained
    tail = slice(len(SOURCES) * 3 // 4, None)
    said = keras.ops.convert_to_numpy(model([arrays.encoder_input[tail], arrays.decoder_input[tail]]))
    targets = arrays.decoder_target[tail]
    end = arrays.target_characters.index("\n")
    assert (history["val_real_loss"][-1], history["val_real_accuracy"][-1]) == pytest.approx(
        figures_by_loops(targets, said, end=end), abs=1e-4
    )
    with_padding = -np.log((said * targets).sum(-1)).mean(), (said.argmax(-1) == targets.argmax(-1)).mean()
    assert (history["val_loss"][-1], history["val_accuracy"][-1]) == pytest.approx(with_padding, abs=1e-4)


def test_callbacks_are_called_and_another_seed_begins_elsewhere(arrays):
    called = []
    callback = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: called.append("begin"))
    options = SETTINGS | {"epochs": 0, "callbacks": [callback]}
    begun = [train_example(arrays, seed=seed, **options)[0] for seed in (3, 3, 4)]
    assert called == ["begin"] * 3
    weights = [model.get_weights()[0].tolist() for model in begun]
    assert weights[0] == weights[1] != weights[2]


def test_training_goes_on_from_the_epoch_that_a_checkpoint_holds(arrays, tmp_path):
    file, options = tmp_path / "example.npz", SETTINGS | {"epochs": 1}
    first, _ = train_example(arrays, seed=3, checkpoint=Checkpoint("example", file=file), **options)
    begun = []
    callback = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: begun.append(callback.model.get_weights())
    )
    resumed = Checkpoint("example", file=file)
    _, history = train_example(arrays, seed=3, checkpoint=resumed, callbacks=[callback], **SETTINGS)
    for mine, theirs in zip(*begun, first.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert len(history["loss"]) == 1
    assert [row["loss"] for row in resumed.history][1:] == history["loss"]


# The file that the public script saves


LATENT_DIM = 24
INPUT_TEXTS = ["Go.", "Dive!", "Swim!", "Go on.", "The otter sleeps."]
TARGET_TEXTS = ["Va !", "Plonge !", "Nage !", "Continue.", "La loutre dort."]


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    """Return the arrays of the public script, the file that it saves, and its own translations."""
    arrays = one_hot_arrays(INPUT_TEXTS, TARGET_TEXTS)
    num_encoder_tokens, num_decoder_tokens = len(arrays.source_characters), len(arrays.target_characters)
    keras.utils.set_random_seed(0)
    for _ in range(7):  # the numbers of the layers depend on what was built before
        keras.layers.LSTM(2), keras.layers.Dense(2)
    encoder_inputs = keras.Input(shape=(None, num_encoder_tokens))
    encoder = keras.layers.LSTM(LATENT_DIM, return_state=True)
    _, state_h, state_c = encoder(encoder_inputs)
    encoder_states = [state_h, state_c]
    decoder_inputs = keras.Input(shape=(None, num_decoder_tokens))
    decoder_lstm = keras.layers.LSTM(LATENT_DIM, return_sequences=True, return_state=True)
    decoder_outputs, _, _ = decoder_lstm(decoder_inputs, initial_state=encoder_states)
    decoder_dense = keras.layers.Dense(num_decoder_tokens, activation="softmax")
    decoder_outputs = decoder_dense(decoder_outputs)
    model = keras.Model([encoder_inputs, decoder_inputs], decoder_outputs)
    assert not {encoder.name, decoder_lstm.name, decoder_dense.name} & {"lstm", "lstm_1", "dense"}
    model.compile(optimizer=keras.optimizers.Adam(0.03), loss="categorical_crossentropy")
    model.fit([arrays.encoder_input, arrays.decoder_input], arrays.decoder_target, epochs=50, verbose=0)
    file = tmp_path_factory.mktemp("public") / "s2s_model.keras"
    model.save(file)
    return arrays, file, translate_as_the_script_does(keras.models.load_model(file), arrays)


def translate_as_the_script_does(model, arrays):
    """Return the translation of each training text by the script's own loop, one character at a time."""
    encoder_inputs = model.input[0]
    _, state_h_enc, state_c_enc = model.layers[2].output
    encoder_model = keras.Model(encoder_inputs, [state_h_enc, state_c_enc])
    decoder_inputs = model.input[1]
    decoder_states_inputs = [keras.Input(shape=(LATENT_DIM,)), keras.Input(shape=(LATENT_DIM,))]
    decoder_lstm = model.layers[3]
    decoder_outputs, state_h_dec, state_c_dec = decoder_lstm(
        decoder_inputs, initial_state=decoder_states_inputs
    )
    decoder_dense = model.layers[4]
    decoder_model = keras.Model(
        [decoder_inputs, *decoder_states_inputs], [decoder_dense(decoder_outputs), state_h_dec, state_c_dec]
    )
    num_decoder_tokens, max_decoder_seq_length = len(arrays.target_characters), arrays.decoder_input.shape[1]
    decoded_sentences = []
    for seq_index in range(len(arrays.encoder_input)):
        states_value = encoder_model.predict_on_batch(arrays.encoder_input[seq_index : seq_index + 1])
        target_seq = np.zeros((1, 1, num_decoder_tokens))
        target_seq[0, 0, arrays.target_characters.index("\t")] = 1.0
        decoded_sentence = ""
        while True:
            output_tokens, h, c = decoder_model.predict_on_batch([target_seq, *states_value])
            sampled_token_index = np.argmax(output_tokens[0, -1, :])
            sampled_char = arrays.target_characters[sampled_token_index]
            decoded_sentence += sampled_char
            if sampled_char == "\n" or len(decoded_sentence) > max_decoder_seq_length:
                break
            target_seq = np.zeros((1, 1, num_decoder_tokens))
            target_seq[0, 0, sampled_token_index] = 1.0
            states_value = [h, c]
        decoded_sentences.append(decoded_sentence)
    return decoded_sentences


@pytest.mark.parametrize("frame", [pytest.param("{}", marks=pytest.mark.backend), "\t{}\n"])
def test_a_file_of_the_public_script_translates_as_the_script_does(public, frame):
    _, file, expected = public
    translator = from_keras(file, INPUT_TEXTS[::-1], [frame.format(text) for text in TARGET_TEXTS[::-1]])
    assert translator.translate(INPUT_TEXTS) == [text.removesuffix("\n") for text in expected]
    assert len(set(expected)) > 2 and any(text.endswith("\n") for text in expected)


def test_the_example_s_translator_leaves_out_what_it_never_saw_and_what_is_too_long(public):
    arrays, file, _ = public
    translator = from_keras(file, INPUT_TEXTS, TARGET_TEXTS)
    assert translator.translate([]) == []
    assert translator.translate(["G§o."]) == translator.translate(["Go."])
    longest = INPUT_TEXTS[4]
    assert len(longest) == arrays.encoder_input.shape[1]
    assert translator.translate([longest + " on"]) == translator.translate([longest])
    with pytest.raises(TypeError, match="list of sentences, not one str"):
        translator.translate("Go.")


def test_the_example_s_translator_of_arrays_translates_as_the_one_of_the_file(public):
    arrays, file, expected = public
    model = build_seq2seq(
        num_source_tokens=len(arrays.source_characters),
        num_target_tokens=len(arrays.target_characters),
        latent_dim=LATENT_DIM,
    )
    model.set_weights(keras.models.load_model(file).get_weights())
    translations = ExampleTranslator.of(model, arrays).translate(INPUT_TEXTS, batch_size=2)
    assert translations == [text.removesuffix("\n") for text in expected]


def gru_model():
    source, target = keras.Input((None, 3)), keras.Input((None, 3))
    hidden = keras.layers.GRU(4, return_sequences=True)(target, initial_state=keras.layers.GRU(4)(source))
    return keras.Model([source, target], keras.layers.Dense(3)(hidden))


STRANGERS = {
    "Dense": lambda: keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]),
    "GRU": gru_model,
    "Lambda": lambda: keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x)]),
}


@pytest.mark.parametrize("kind", STRANGERS)
def test_another_model_is_refused_by_name(kind, tmp_path):
    file = tmp_path / "other.keras"
    STRANGERS[kind]().save(file)
    with pytest.raises(ValueError, match=rf"other\.keras: not .*{kind}") as caught:
        from_keras(file, INPUT_TEXTS, TARGET_TEXTS)
    assert "\n" not in str(caught.value)


def test_other_texts_and_other_files_are_refused_by_name(public, tmp_path):
    _, file, _ = public
    with pytest.raises(ValueError, match=r"s2s_model\.keras: the model knows \d+ source and \d+ target"):
        from_keras(file, INPUT_TEXTS[:2], TARGET_TEXTS[:2])
    with pytest.raises(ValueError, match="2 sources but 1 targets"):
        from_keras(file, INPUT_TEXTS[:2], TARGET_TEXTS[:1])
    with pytest.raises(FileNotFoundError, match=r"none\.keras: no such file"):
        from_keras(tmp_path / "none.keras", INPUT_TEXTS, TARGET_TEXTS)
    for content in (b"", b"no model", b"PK\x03\x04"):
        (tmp_path / "text.keras").write_bytes(content)
        with pytest.raises(ValueError, match=r"text\.keras: not a Keras model"):
            from_keras(tmp_path / "text.keras", INPUT_TEXTS, TARGET_TEXTS)


def test_one_hot_arrays_that_would_fill_the_memory_are_refused_before_they_are_made():
    texts = ["".join(map(chr, range(0x4E00, 0x4E00 + 900)))] * 1_000
    with pytest.raises(ValueError, match=r"would take \d+\.\d GB.*num_samples="):
        one_hot_arrays(texts, texts)
