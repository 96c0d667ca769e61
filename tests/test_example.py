"""The example's training is the authors' own code, and its extra figures count what they say they count."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2s_lib.example import RealAccuracy, RealLoss, real_positions, train_example
from s2s_lib.models import build_seq2seq
from s2s_lib.vectorization import one_hot_arrays

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
