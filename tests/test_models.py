"""Each model computes what its equations say: by hand, from ids as from one-hot, on both backends."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from s2s_lib.example import RealAccuracy, RealLoss
from s2s_lib.models import build_attention_seq2seq, build_embedding_seq2seq, build_seq2seq
from s2s_lib.vectorization import id_arrays, one_hot_arrays
from s2s_lib.vocabulary import END, START, UNKNOWN, CharVocabulary

SOURCES = ["The otter sleeps.", "Go.", "Swim!", "An otter."]
TARGETS = ["La loutre dort.", "Va\u202f!", "Nage\u202f!", "Une loutre, là."]
VOCABULARIES = CharVocabulary.from_texts(SOURCES), CharVocabulary.from_texts(TARGETS)
ID_BUILDERS = {"embedding": build_embedding_seq2seq, "attention": build_attention_seq2seq}
SIZES = {"num_source_tokens": len(VOCABULARIES[0]), "num_target_tokens": len(VOCABULARIES[1])}


def randomized(model):
    """Give every weight, biases too, a value that a mistake would show in."""
    generator = np.random.default_rng(1)
    model.set_weights([generator.normal(0, 0.5, w.shape).astype(np.float32) for w in model.get_weights()])
    return model


def built(name, **options):
    if name == "one_hot":
        return build_seq2seq(num_source_tokens=9, num_target_tokens=11, latent_dim=6)
    return ID_BUILDERS[name](**SIZES, **{"latent_dim": 6, "embedding_dim": 5, **options})


def outputs(model, *inputs):
    """Return what the model says at inference, as an array."""
    return keras.ops.convert_to_numpy(model(list(inputs), training=False))


def at_layers(model, *inputs, names):
    """Return what the named layers put out on the way, as lists of arrays."""
    tensors = [keras.tree.flatten(model.get_layer(name).output) for name in names]
    answers = keras.Model(model.inputs, tensors)(list(inputs), training=False)
    return [[keras.ops.convert_to_numpy(tensor) for tensor in answer] for answer in answers]


def encoder_states(model, source):
    """Return the last states that the encoder hands to the decoder, each ``(batch, latent_dim)``."""
    everything = model.get_layer("encoder_lstm").output
    tensors = everything[1:]  # the first is its answer for each timestep, or the last of them
    return [
        keras.ops.convert_to_numpy(t) for t in keras.Model(model.inputs[0], tensors)(source, training=False)
    ]


@pytest.fixture(scope="module")
def ids():
    return id_arrays(SOURCES, TARGETS, *VOCABULARIES)


@pytest.fixture(scope="module", params=list(ID_BUILDERS))
def id_model(request):
    return randomized(built(request.param))


def real_parts(ids):
    """Return for each pair the number of its source and its target timesteps that are no padding."""
    return [((source != 0).sum(), (target != 0).sum()) for source, target in zip(ids[0], ids[2], strict=True)]


# Sizes and names


def test_the_example_has_717149_parameters_at_its_published_size():
    model = build_seq2seq(num_source_tokens=70, num_target_tokens=93, latent_dim=256)
    lstms = sum(4 * 256 * (tokens + 256 + 1) for tokens in (70, 93))  # four gates: input, state, bias
    assert model.count_params() == lstms + 93 * (256 + 1) == 717_149


def test_the_id_model_has_the_parameters_of_the_example_within_two_percent():
    model = build_embedding_seq2seq(num_source_tokens=70 - 1 + 4, num_target_tokens=93 - 2 + 4)
    assert abs(model.count_params() / 717_149 - 1) < 0.02


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("one_hot", ["source", "decoder_input", "encoder_lstm", "decoder_lstm", "target_softmax"]),
        (
            "embedding",
            ["source", "source_embedding", "source_dropout", "encoder_lstm", "decoder_input",
             "target_embedding", "target_dropout", "decoder_lstm", "hidden_dropout", "target_logits"],
        ),
        (
            "attention",
            ["source", "source_embedding", "source_dropout", "encoder_lstm", "encoder_hidden", "encoder_cell",
             "decoder_input", "target_embedding", "target_dropout", "decoder_lstm",
             "attention", "hidden_and_context", "attentive_hidden", "hidden_dropout", "target_logits"],
        ),
    ],
)  # fmt: skip
def test_every_layer_is_named(name, layers):
    assert sorted(layer.name for layer in built(name).layers) == sorted(layers)


@pytest.mark.parametrize("name", ["one_hot", "embedding", "attention"])
def test_every_model_is_called_with_source_and_decoder_input_and_answers_for_each_target_timestep(name):
    model = built(name)
    assert [tensor.name for tensor in model.inputs] == ["source", "decoder_input"]
    assert model.output.shape == (None, None, 11 if name == "one_hot" else SIZES["num_target_tokens"])


def test_an_odd_width_cannot_be_shared_by_two_directions():
    with pytest.raises(ValueError, match=r"^latent_dim must be even, .* not 7$"):
        build_attention_seq2seq(num_source_tokens=5, num_target_tokens=5, latent_dim=7)


@pytest.mark.parametrize("name", list(ID_BUILDERS))
def test_dropout_acts_in_training_only(name, ids):
    keras.utils.set_random_seed(0)
    dropping, keeping = built(name, dropout=0.5), built(name)
    keeping.set_weights(dropping.get_weights())
    np.testing.assert_array_equal(outputs(dropping, *ids[:2]), outputs(keeping, *ids[:2]))
    trained = keras.ops.convert_to_numpy(dropping(list(ids[:2]), training=True))
    assert np.abs(trained - outputs(dropping, *ids[:2])).max() > 1e-3


# The equations, by hand


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_by_hand(inputs, hidden, cell, kernel, recurrent, bias):
    """Return all hidden states and the last cell of one sentence ``(timesteps, features)``."""
    states = []
    for row in inputs:
        input_gate, forget_gate, candidate, output_gate = np.split(
            row @ kernel + hidden @ recurrent + bias, 4
        )
        cell = sigmoid(forget_gate) * cell + sigmoid(input_gate) * np.tanh(candidate)
        hidden = sigmoid(output_gate) * np.tanh(cell)
        states.append(hidden)
    return np.array(states), cell


def softmax(x):
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def weights_of(model, name):
    return [weight.astype(np.float64) for weight in model.get_layer(name).get_weights()]


def test_the_example_computes_what_the_equations_of_an_lstm_say():
    model = randomized(built("one_hot"))
    generator = np.random.default_rng(0)
    source, decoder_input = (
        np.eye(9)[generator.integers(9, size=7)],
        np.eye(11)[generator.integers(11, size=8)],
    )
    states, cell = lstm_by_hand(source, np.zeros(6), np.zeros(6), *weights_of(model, "encoder_lstm"))
    answers, _ = lstm_by_hand(decoder_input, states[-1], cell, *weights_of(model, "decoder_lstm"))
    kernel, bias = weights_of(model, "target_softmax")
    said = outputs(model, source[None].astype("float32"), decoder_input[None].astype("float32"))
    np.testing.assert_allclose(said[0], softmax(answers @ kernel + bias), atol=1e-5)


def test_attention_is_the_mean_of_encoder_states_weighted_by_scores_over_real_characters(ids):
    model = randomized(built("attention"))
    names = ["encoder_lstm", "decoder_lstm", "attention"]
    (values, *_), (hidden, *_), (context,) = at_layers(model, *ids[:2], names=names)
    for i, (length, _) in enumerate(real_parts(ids)):
        weights = softmax(hidden[i] @ values[i, :length].T)
        np.testing.assert_allclose(context[i], weights @ values[i, :length], atol=1e-5)


# One-hot and ids


def test_a_one_hot_product_is_a_row_lookup():
    generator = np.random.default_rng(0)
    table, rows = generator.normal(size=(9, 4)).astype(np.float32), generator.integers(9, size=(3, 5))
    lookup = keras.layers.Embedding(9, 4, weights=[table])
    product = keras.ops.matmul(keras.ops.one_hot(rows, 9), table)
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(lookup(rows)), keras.ops.convert_to_numpy(product)
    )


def id_twin(model, arrays):
    """Return the embedding model whose tables times its kernels are the one-hot model's kernels."""
    width = max(map(len, VOCABULARIES))
    orthogonal = np.linalg.qr(np.random.default_rng(2).normal(size=(width, width)))[0]
    twin = built("embedding", embedding_dim=width)
    names = {START: "\t", END: "\n"}
    for side, vocabulary, characters in [
        ("source", VOCABULARIES[0], arrays.source_characters),
        ("target", VOCABULARIES[1], arrays.target_characters),
    ]:
        lstm = {"source": "encoder_lstm", "target": "decoder_lstm"}[side]
        kernel, recurrent, bias = weights_of(model, lstm)
        names_of = [names.get(i) or vocabulary.decode([i]) for i in range(len(vocabulary))]
        rows = np.array([kernel[characters.index(c)] if c in characters else 0 * kernel[0] for c in names_of])
        table = orthogonal[: len(vocabulary)]
        twin.get_layer(f"{side}_embedding").set_weights([table])
        twin.get_layer(lstm).set_weights([table.T @ rows, recurrent, bias])
    kernel, bias = weights_of(model, "target_softmax")
    columns = [arrays.target_characters.index(c) if c in arrays.target_characters else -1 for c in names_of]
    kernel, bias = np.pad(kernel, [(0, 0), (0, 1)]), np.append(bias, -1e9)  # padding, unknown: never
    twin.get_layer("target_logits").set_weights([kernel[:, columns], bias[columns]])
    return twin, columns


@pytest.fixture(scope="module")
def twins():
    arrays = one_hot_arrays(SOURCES, TARGETS)
    model = randomized(
        build_seq2seq(
            num_source_tokens=len(arrays.source_characters),
            num_target_tokens=len(arrays.target_characters),
            latent_dim=6,
        )
    )
    return model, *id_twin(model, arrays), arrays


def test_a_padded_batch_of_ids_says_what_one_hot_sentences_say_alone(twins, ids):
    model, twin, columns, arrays = twins
    logits = outputs(twin, *ids[:2])
    for i, (source_length, target_length) in enumerate(real_parts(ids)):
        alone = [
            arrays.encoder_input[i : i + 1, :source_length],
            arrays.decoder_input[i : i + 1, :target_length],
        ]
        probabilities = np.append(outputs(model, *alone)[0], np.zeros((target_length, 1)), axis=1)
        np.testing.assert_allclose(softmax(logits[i, :target_length]), probabilities[:, columns], atol=1e-5)
        for one_hot, id_state in zip(
            encoder_states(model, alone[0]), encoder_states(twin, ids[0]), strict=True
        ):
            np.testing.assert_allclose(id_state[i], one_hot[0], atol=1e-5)


def test_loss_and_accuracy_over_real_characters_are_the_same_from_one_hot_and_from_ids(twins, ids):
    model, twin, _, arrays = twins
    end = arrays.target_characters.index("\n")
    one_hot_figures = RealLoss(end), RealAccuracy(end)
    id_figures = (
        keras.metrics.SparseCategoricalCrossentropy(from_logits=True),
        keras.metrics.SparseCategoricalAccuracy(),
    )
    lengths = np.array([length for length, _ in real_parts(ids)])
    for length in lengths:  # sources of one length a batch: the one-hot model would read their padding
        rows = np.flatnonzero(lengths == length)
        said = outputs(model, arrays.encoder_input[rows, :length], arrays.decoder_input[rows])
        for figure in one_hot_figures:
            figure.update_state(arrays.decoder_target[rows], said)
    for figure in id_figures:
        figure.update_state(
            ids.decoder_target, outputs(twin, *ids[:2]), (ids.decoder_target != 0).astype("float32")
        )
    for one_hot, from_ids in zip(one_hot_figures, id_figures, strict=True):
        assert float(from_ids.result()) == pytest.approx(float(one_hot.result()), rel=1e-5)


def test_the_one_hot_model_reads_its_padding_which_the_id_models_never_do(twins):
    model, *_, arrays = twins
    short, padded = (
        encoder_states(model, arrays.encoder_input[1:2, :3]),
        encoder_states(model, arrays.encoder_input[1:2]),
    )
    assert np.abs(short[0] - padded[0]).max() > 0.01


# Padding, neighbours, the future


def test_longer_padding_changes_neither_states_nor_answers(id_model, ids):
    wider = [np.pad(ids.encoder_input, [(0, 0), (0, 5)]), np.pad(ids.decoder_input, [(0, 0), (0, 3)])]
    for state, other in zip(
        encoder_states(id_model, ids[0]), encoder_states(id_model, wider[0]), strict=True
    ):
        np.testing.assert_allclose(state, other, atol=1e-6)
    width = ids.decoder_input.shape[1]
    np.testing.assert_allclose(outputs(id_model, *ids[:2]), outputs(id_model, *wider)[:, :width], atol=1e-6)


def test_a_sentence_alone_and_unpadded_says_what_it_says_in_a_batch(id_model, ids):
    together = outputs(id_model, *ids[:2])
    for i, (source, target) in enumerate(real_parts(ids)):
        alone = outputs(
            id_model, ids.encoder_input[i : i + 1, :source], ids.decoder_input[i : i + 1, :target]
        )
        np.testing.assert_allclose(together[i, :target], alone[0], atol=1e-6)


def test_what_the_decoder_reads_later_changes_no_earlier_answer(id_model, ids):
    changed = ids.decoder_input.copy()
    changed[:, 4:] = UNKNOWN
    before, after = outputs(id_model, *ids[:2]), outputs(id_model, ids.encoder_input, changed)
    np.testing.assert_array_equal(before[:, :4], after[:, :4])
    assert np.abs(before[:, 4:] - after[:, 4:]).max() > 0.01


def test_an_answer_hangs_on_the_source(id_model, ids):
    others = ids.encoder_input[::-1]
    assert np.abs(outputs(id_model, *ids[:2]) - outputs(id_model, others, ids.decoder_input)).max() > 0.01


def test_a_source_of_padding_alone_spoils_no_number(id_model, ids):
    source = ids.encoder_input.copy()
    source[0] = 0
    said = outputs(id_model, source, ids.decoder_input)
    assert np.isfinite(said).all()
    np.testing.assert_allclose(said[1:], outputs(id_model, *ids[:2])[1:], atol=1e-6)


# Two backends, a fresh process

ON_JAX = """
import sys
import numpy as np
sys.path.insert(0, "tests")
import test_models as here

folder = sys.argv[1]
given = np.load(f"{folder}/given.npz")
assert here.keras.backend.backend() == "jax"
answers = {}
for name in here.ID_BUILDERS:
    model = here.built(name)
    model.set_weights([given[f"{name}_{i}"] for i in range(len(model.weights))])
    answers[name] = model.predict_on_batch([given["source"], given["decoder_input"]])
model = here.keras.saving.load_model(f"{folder}/one_hot.keras")
answers["one_hot"] = model.predict_on_batch([given["one_hot_source"], given["one_hot_decoder_input"]])
np.savez(f"{folder}/answers.npz", **answers)
"""


def test_jax_in_a_fresh_process_says_what_tensorflow_says_from_the_same_weights(tmp_path, ids):
    models = {name: randomized(built(name)) for name in ["one_hot", *ID_BUILDERS]}
    generator = np.random.default_rng(0)
    one_hot = [np.eye(n, dtype="float32")[generator.integers(n, size=(3, 6))] for n in (9, 11)]
    given = {"source": ids.encoder_input, "decoder_input": ids.decoder_input}
    given |= {"one_hot_source": one_hot[0], "one_hot_decoder_input": one_hot[1]}
    for name in ID_BUILDERS:
        given |= {f"{name}_{i}": weight for i, weight in enumerate(models[name].get_weights())}
    np.savez(tmp_path / "given.npz", **given)
    models["one_hot"].save(tmp_path / "one_hot.keras")
    done = subprocess.run(
        [sys.executable, "-c", ON_JAX, str(tmp_path)],
        env=os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "answers.npz") as answers:
        for name, model in models.items():
            said = outputs(model, *(one_hot if name == "one_hot" else ids[:2]))
            np.testing.assert_allclose(answers[name], said, atol=1e-5, err_msg=name)
