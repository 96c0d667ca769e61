"""The example's training is the authors' own code, and its extra figures count what they say they count."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2s_lib.example import (
    RealAccuracy,
    RealLoss,
    build_seq2seq,
    from_keras,
    one_hot_arrays,
    real_positions,
    train_example,
)

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


# The file that the public script saves


PUBLIC_SOURCES = ["Go.", "Dive!", "Swim!", "Go on.", "The otter sleeps."]
PUBLIC_TARGETS = ["Va !", "Plonge !", "Nage !", "Continue.", "La loutre dort."]


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    """Return a model as the public script builds and trains it, layers numbered anyhow, and its file."""
    arrays = one_hot_arrays(PUBLIC_SOURCES, PUBLIC_TARGETS)
    keras.utils.set_random_seed(0)
    for _ in range(3):
        keras.layers.LSTM(2), keras.layers.Dense(2)  # numbers move on: lstm_3, lstm_4, dense_3
    encoder_inputs = keras.Input(shape=(None, len(arrays.source_characters)))
    _, state_h, state_c = keras.layers.LSTM(24, return_state=True)(encoder_inputs)
    decoder_inputs = keras.Input(shape=(None, len(arrays.target_characters)))
    decoder_lstm = keras.layers.LSTM(24, return_sequences=True, return_state=True)
    decoder_outputs, _, _ = decoder_lstm(decoder_inputs, initial_state=[state_h, state_c])
    outputs = keras.layers.Dense(len(arrays.target_characters), activation="softmax")(decoder_outputs)
    model = keras.Model([encoder_inputs, decoder_inputs], outputs)
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="categorical_crossentropy")
    model.fit([arrays.encoder_input, arrays.decoder_input], arrays.decoder_target, epochs=60, verbose=0)
    file = tmp_path_factory.mktemp("public") / "s2s_model.keras"
    model.save(file)
    return model, arrays, file


def decode_as_the_script_does(model, arrays, row):
    """Return a translation by the script's own loop: the likeliest character at a time, until a newline."""
    written, target = "", arrays.decoder_input[row : row + 1, :1]
    while True:
        probabilities = np.asarray(model([arrays.encoder_input[row : row + 1], target]))[0, -1]
        character = arrays.target_characters[probabilities.argmax()]
        if character == "\n" or len(written) > arrays.decoder_input.shape[1]:
            return written
        written += character
        following = np.eye(len(arrays.target_characters), dtype=np.float32)[
            None, None, probabilities.argmax()
        ]
        target = np.concatenate([target, following], axis=1)


@pytest.mark.parametrize("frame", ["{}", "\t{}\n"])
def test_a_file_of_the_public_script_translates_as_the_script_does(public, frame):
    model, arrays, file = public
    translator = from_keras(file, PUBLIC_SOURCES[::-1], [frame.format(text) for text in PUBLIC_TARGETS[::-1]])
    expected = [decode_as_the_script_does(model, arrays, row) for row in range(len(PUBLIC_SOURCES))]
    assert translator.translate(PUBLIC_SOURCES) == expected
    assert expected[0] == "Va !" and len(set(expected)) > 2
    assert translator.translate([]) == []
    assert translator.translate(["Go§."]) == expected[:1]  # characters it never saw are left out


def test_other_texts_other_models_and_other_files_are_refused_by_name(public, tmp_path):
    _, _, file = public
    with pytest.raises(ValueError, match=r"s2s_model\.keras: the model knows \d+ source and \d+ target"):
        from_keras(file, PUBLIC_SOURCES[:2], PUBLIC_TARGETS[:2])
    with pytest.raises(FileNotFoundError, match=r"none\.keras: no such file"):
        from_keras(tmp_path / "none.keras", PUBLIC_SOURCES, PUBLIC_TARGETS)
    (tmp_path / "text.keras").write_text("no model")
    with pytest.raises(ValueError, match=r"text\.keras: not a Keras model"):
        from_keras(tmp_path / "text.keras", PUBLIC_SOURCES, PUBLIC_TARGETS)
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(tmp_path / "dense.keras")
    with pytest.raises(ValueError, match=r"dense\.keras: not the example's model.*Dense"):
        from_keras(tmp_path / "dense.keras", PUBLIC_SOURCES, PUBLIC_TARGETS)


def test_one_hot_arrays_that_would_fill_the_memory_are_refused_before_they_are_made():
    texts = ["".join(map(chr, range(0x4E00, 0x4E00 + 900)))] * 1_000
    with pytest.raises(ValueError, match=r"would take \d+\.\d GB.*num_samples="):
        one_hot_arrays(texts, texts)
