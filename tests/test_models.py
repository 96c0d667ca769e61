"""Each model computes what its equations say, whole and step by step; a reader's own model is one of them."""

from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from keras import ops
from oracles import random_model, teacher_forced, uncompiled

import s2s_lib
from s2s_lib import BeamDecoder, Recipe, Translator, models, train, training
from s2s_lib.data.vocabulary import END, PADDING, START, UNKNOWN, CharVocabulary
from s2s_lib.example import RealAccuracy, RealLoss, build_seq2seq
from s2s_lib.models import State, build_attention_seq2seq, build_embedding_seq2seq
from s2s_lib.training import AccuracyPerCharacter, LossPerCharacter

NUM_SOURCE, NUM_TARGET, WIDTH = 9, 7, 6
SOURCE = np.array([[4, 5, 6, 0, 0], [7, 5, 0, 0, 0], [8, 4, 8, 4, 8], [6, 6, 0, 0, 0], [0, 0, 0, 0, 0]])
TARGET = np.array(
    [[4, 5, 2, 0, 0, 0], [6, 2, 0, 0, 0, 0], [5, 4, 3, 6, 6, 2], [2, 0, 0, 0, 0, 0], [4, 4, 4, 2, 0, 0]]
)
DECODER_INPUT = np.concatenate(
    [np.full((5, 1), START), np.where(TARGET == END, PADDING, TARGET)[:, :-1]], axis=1
)
VARIANTS = {
    "one_hot": {},
    "embedding": {},
    "embedding with three GRUs": {"layers": 3, "cell": "gru"},
    "attention": {},
    "attention with a GRU": {"cell": "gru"},
    "attention with two LSTMs": {"layers": 2},
}
ON_JAX_TOO = {"one_hot", "embedding with three GRUs", "attention"}  # each compiles for seconds there


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=pytest.mark.backend) if name in ON_JAX_TOO else name for name in VARIANTS
    ],
)
def model(request):
    return random_model(request.param.split()[0], **VARIANTS[request.param])


@pytest.fixture(scope="module", params=["embedding", "attention"])
def id_model(request):
    return random_model(request.param)


def answers(model, source, decoder_input):
    """Return the whole model's log-probabilities at inference, as an array."""
    if len(model.inputs[0].shape) == 3:
        one_hot = (
            np.eye(NUM_SOURCE, dtype="float32")[source],
            np.eye(NUM_TARGET, dtype="float32")[decoder_input],
        )
        return np.log(ops.convert_to_numpy(model(list(one_hot), training=False)))
    return ops.convert_to_numpy(ops.log_softmax(model([source, decoder_input], training=False)))


# Sizes and names


def test_the_example_has_717149_parameters_at_its_published_size():
    model = build_seq2seq(num_source_tokens=70, num_target_tokens=93, latent_dim=256)
    lstms = sum(4 * 256 * (tokens + 256 + 1) for tokens in (70, 93))  # four gates: input, state, bias
    assert model.count_params() == lstms + 93 * (256 + 1) == 717_149


def test_the_id_model_has_the_parameters_of_the_example_within_two_percent():
    model = build_embedding_seq2seq(num_source_tokens=70 - 1 + 4, num_target_tokens=93 - 2 + 4)
    assert abs(model.count_params() / 717_149 - 1) < 0.02


@pytest.mark.parametrize(
    ("name", "sizes", "layers"),
    [
        ("one_hot", {}, "source decoder_input encoder_lstm decoder_lstm target_softmax"),
        (
            "embedding",
            {},
            "source source_embedding source_dropout encoder_lstm decoder_input "
            "target_embedding target_dropout decoder_lstm hidden_dropout target_logits",
        ),
        (
            "attention",
            {"layers": 2, "cell": "gru"},
            "source source_embedding source_dropout source_dropout_2 encoder_gru encoder_gru_2 "
            "encoder_hidden encoder_hidden_2 decoder_input target_embedding target_dropout target_dropout_2 "
            "decoder_gru decoder_gru_2 attention hidden_and_context attentive_hidden hidden_dropout "
            "target_logits",
        ),
    ],
)
def test_every_layer_is_named_as_files_name_its_weights(name, sizes, layers):
    assert sorted(layer.name for layer in random_model(name, **sizes).layers) == sorted(layers.split())


def test_every_model_is_called_with_source_and_decoder_input_and_answers_for_each_target_timestep(model):
    assert [tensor.name for tensor in model.inputs] == ["source", "decoder_input"]
    assert model.output.shape == (None, None, NUM_TARGET)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"latent_dim": 0}, "latent_dim must be a whole number from 1 to 8,192, not 0"),
        ({"embedding_dim": 2.5}, "embedding_dim must be a whole number from 1 to 8,192, not 2.5"),
        ({"num_source_tokens": "9"}, "num_source_tokens must be a whole number from 1 to 65,000, not '9'"),
        (
            {"num_target_tokens": 10**6},
            "num_target_tokens must be a whole number from 1 to 65,000, not 1000000",
        ),
        ({"layers": 0}, "layers must be a whole number from 1 to 16, not 0"),
        ({"cell": "rnn"}, "cell must be one of 'lstm', 'gru', not 'rnn'"),
        ({"dropout": 1.0}, "dropout must be a finite number from 0 to 0.99, not 1.0"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_size_that_no_model_can_have_is_refused_in_one_sentence(sizes, message):
    for build in (build_embedding_seq2seq, build_attention_seq2seq):
        with pytest.raises(ValueError) as caught:
            build(**{"num_source_tokens": 5, "num_target_tokens": 5} | sizes)
        assert str(caught.value) == message


def test_an_odd_width_cannot_be_shared_by_two_directions():
    with pytest.raises(ValueError, match=r"^latent_dim must be even, .* not 7$"):
        build_attention_seq2seq(num_source_tokens=5, num_target_tokens=5, latent_dim=7)


@pytest.mark.parametrize("name", ["embedding", "attention"])
def test_dropout_acts_in_training_only(name):
    dropping, keeping = random_model(name, dropout=0.5), random_model(name)
    np.testing.assert_array_equal(answers(dropping, SOURCE, TARGET), answers(keeping, SOURCE, TARGET))
    trained = ops.convert_to_numpy(ops.log_softmax(dropping([SOURCE, TARGET], training=True)))
    assert np.abs(trained - answers(dropping, SOURCE, TARGET)).max() > 1e-3


# The equations, by loops


def test_a_padded_batch_is_answered_as_the_equations_answer_each_sentence_alone(model):
    expected = teacher_forced(model, SOURCE, DECODER_INPUT)
    np.testing.assert_allclose(answers(model, SOURCE, DECODER_INPUT), expected, atol=1e-5)


def test_steps_give_what_the_equations_of_the_whole_model_give(model):
    expected = teacher_forced(model, SOURCE, DECODER_INPUT)
    state = model.encode(SOURCE)
    for timestep, tokens in enumerate(DECODER_INPUT.T):
        scores, state = model.step(tokens, state)
        np.testing.assert_allclose(scores, expected[:, timestep], atol=1e-5)


# Padding, the future, the source


def test_longer_padding_changes_neither_states_nor_answers(id_model):
    wider = np.pad(SOURCE, [(0, 0), (0, 5)])
    state, other = id_model.encode(SOURCE), id_model.encode(wider)
    for ours, theirs in zip(state.recurrent, other.recurrent, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    tokens = np.full(len(SOURCE), START)
    np.testing.assert_allclose(id_model.step(tokens, state)[0], id_model.step(tokens, other)[0], atol=1e-6)
    longer = answers(id_model, wider, np.pad(DECODER_INPUT, [(0, 0), (0, 3)]))
    np.testing.assert_allclose(longer[:, :6], answers(id_model, SOURCE, DECODER_INPUT), atol=1e-6)


def test_the_one_hot_model_reads_its_padding():
    model = random_model("one_hot")
    short, padded = model.encode(SOURCE[:1, :3]), model.encode(SOURCE[:1])
    assert np.abs(np.asarray(short.recurrent[0]) - np.asarray(padded.recurrent[0])).max() > 0.01


def test_what_the_decoder_reads_later_changes_no_earlier_answer(id_model):
    changed = DECODER_INPUT.copy()
    changed[:, 4:] = UNKNOWN
    before, after = answers(id_model, SOURCE, DECODER_INPUT), answers(id_model, SOURCE, changed)
    np.testing.assert_array_equal(before[:, :4], after[:, :4])
    assert np.abs(before[:, 4:] - after[:, 4:]).max() > 0.01


def test_an_answer_depends_on_the_source(id_model):
    ours, others = (answers(id_model, source, DECODER_INPUT) for source in (SOURCE, SOURCE[::-1]))
    assert np.abs(ours - others)[[0, 1, 3, 4]].max(axis=(1, 2)).min() > 0.01


# One-hot and ids


@pytest.fixture(scope="module")
def twins():
    """Return the one-hot model, and the id model whose embeddings are the one-hot rows themselves."""
    one_hot = random_model("one_hot")
    ids = random_model("embedding", embedding_dim=NUM_SOURCE)
    for name in ("encoder_lstm", "decoder_lstm"):
        kernel, *others = one_hot.get_layer(name).get_weights()
        ids.get_layer(name).set_weights([np.pad(kernel, [(0, NUM_SOURCE - len(kernel)), (0, 0)]), *others])
    ids.get_layer("source_embedding").set_weights([np.eye(NUM_SOURCE)])
    ids.get_layer("target_embedding").set_weights([np.eye(NUM_TARGET, NUM_SOURCE)])
    ids.get_layer("target_logits").set_weights(one_hot.get_layer("target_softmax").get_weights())
    return one_hot, ids


def test_loss_and_accuracy_over_real_characters_are_the_same_from_one_hot_and_from_ids(twins):
    one_hot, ids = twins
    one_hot_figures = RealLoss(END), RealAccuracy(END)
    id_figures = LossPerCharacter(from_logits=True), AccuracyPerCharacter()
    for row, length in enumerate((SOURCE != PADDING).sum(axis=1)[:4]):  # alone: one-hot models read padding
        source, read, right = (
            SOURCE[row : row + 1, :length],
            DECODER_INPUT[row : row + 1],
            TARGET[row : row + 1],
        )
        said = np.exp(answers(one_hot, source, read))
        for figure in one_hot_figures:
            figure.update_state(np.eye(NUM_TARGET, dtype="float32")[right], said)
    logits = ids([SOURCE[:4], DECODER_INPUT[:4]])
    for figure in id_figures:
        figure.update_state(TARGET[:4], logits, (TARGET[:4] != PADDING).astype("float32"))
    for ours, theirs in zip(id_figures, one_hot_figures, strict=True):
        assert float(ours.result()) == pytest.approx(float(theirs.result()), rel=1e-5)


# A model of the reader's own


@s2s_lib.register_model("mine")
def build_mine(*, num_source_tokens, num_target_tokens, latent_dim=8):
    """Build a GRU model whose embeddings are as wide as its states."""
    source = keras.Input((None,), dtype="int32")
    decoder_input = keras.Input((None,), dtype="int32")
    source_embedding = keras.layers.Embedding(num_source_tokens, latent_dim, mask_zero=True)
    target_embedding = keras.layers.Embedding(num_target_tokens, latent_dim)
    encoder = keras.layers.GRU(latent_dim)
    decoder = keras.layers.GRU(latent_dim, return_sequences=True)
    to_logits = keras.layers.Dense(num_target_tokens)
    summary = encoder(source_embedding(source))
    hidden = decoder(target_embedding(decoder_input), initial_state=summary)
    model = keras.Model([source, decoder_input], to_logits(hidden))

    def encode(source):
        return State((encoder(source_embedding(source)),))

    def step(tokens, state):
        hidden, recurrent = decoder.cell(target_embedding(tokens), list(state.recurrent))
        return ops.log_softmax(to_logits(hidden)), State(tuple(recurrent))

    model.encode, model.step = encode, step
    return model


@s2s_lib.register_model("my class")
class MyModel(keras.Model):
    """The same as a class, with a start state that belongs to no layer, and dropout."""

    def __init__(self, *, num_source_tokens, num_target_tokens, latent_dim=8, dropout=0.0):
        super().__init__()
        self.source_embedding = keras.layers.Embedding(num_source_tokens, latent_dim, mask_zero=True)
        self.target_embedding = keras.layers.Embedding(num_target_tokens, latent_dim)
        self.dropout = keras.layers.Dropout(dropout)
        self.encoder = keras.layers.GRU(latent_dim)
        self.decoder = keras.layers.GRU(latent_dim, return_sequences=True)
        self.to_logits = keras.layers.Dense(num_target_tokens)
        self.shift = self.add_weight(shape=(latent_dim,), initializer="glorot_uniform", name="shift")

    def call(self, inputs, training=False):
        source, decoder_input = inputs
        sequence = self.dropout(self.target_embedding(decoder_input), training=training)
        return self.to_logits(self.decoder(sequence, initial_state=self.encode(source).recurrent[0]))

    def encode(self, source):
        return State((self.encoder(self.source_embedding(source)) + self.shift,))

    def step(self, tokens, state):
        hidden, recurrent = self.decoder.cell(self.target_embedding(tokens), list(state.recurrent))
        return ops.log_softmax(self.to_logits(hidden)), State(tuple(recurrent))


WORDS = {"a": "un", "ad": "né", "be": "ou", "bed": "lit", "bee": "abbé", "cab": "taxi", "cat": "chat"}
PAIRS = pd.DataFrame(list(WORDS.items()), columns=["source", "target"]).assign(split="train")
OWN = Recipe(corpus="words", latent_dim=12, epochs=5, batch_size=4, learning_rate=0.1)
SENTENCES = ["cab", "a", "bead", "tabac"]


@pytest.fixture(scope="module", params=["mine", pytest.param("my class", marks=pytest.mark.backend)])
def own(request):
    """Return a translator with a trained model of the reader's own."""
    with uncompiled():
        trained = train(PAIRS, replace(OWN, model=request.param), progress=False)
    assert trained.record["recipe"]["model"] == request.param
    return Translator(*trained[:3], {"max_target_length": 9})


def test_a_model_of_the_readers_own_is_trained_and_decoded_in_every_way(own):
    greedy = own.translate(SENTENCES)
    assert len(set(greedy)) > 1
    assert own.translate(SENTENCES, beam_width=1) == greedy == own.sample(SENTENCES, top_k=1)
    source = np.array([own.source_vocabulary.encode("cab")])
    decoder = BeamDecoder(
        own.model, start_id=START, end_id=END, max_length=10, beam_width=3, length_power=0.0
    )
    ids, ranks = decoder.predict_on_batch(source)
    for hypothesis, rank in zip(ids[0], ranks[0], strict=True):
        logs = ops.log_softmax(own.model([source, np.array([[START, *hypothesis[:-1]]])]))
        ended = (hypothesis == END).argmax() + 1 if END in hypothesis else len(hypothesis)
        total = sum(float(logs[0, i, token]) for i, token in enumerate(hypothesis[:ended]))
        assert rank == pytest.approx(total, abs=1e-4)


def test_a_model_of_the_readers_own_goes_through_a_file(own, tmp_path):
    own.save(tmp_path / "own.s2s")
    loaded = Translator.load(tmp_path / "own.s2s")
    for ours, theirs in zip(loaded.model.get_weights(), own.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert loaded.translate(SENTENCES) == own.translate(SENTENCES)
    assert loaded.translate(SENTENCES, beam_width=3) == own.translate(SENTENCES, beam_width=3)
    assert loaded.sample(SENTENCES, seed=3) == own.sample(SENTENCES, seed=3)


def test_a_recipe_that_asks_for_a_size_which_the_builder_does_not_take_is_refused():
    for wrong in ({"layers": 2}, {"cell": "gru"}, {"embedding_dim": 7}, {"dropout": 0.1}):
        (size,) = wrong
        with pytest.raises(ValueError, match=rf"^the builder of model 'mine' takes no {size}: "):
            train(PAIRS, replace(OWN, model="mine", **wrong), progress=False)


def test_a_builder_that_takes_anything_is_given_every_size_of_the_recipe():
    given = {}

    @s2s_lib.register_model("takes anything")
    def build(**sizes):
        given.update(sizes)
        return build_mine(
            num_source_tokens=sizes["num_source_tokens"], num_target_tokens=sizes["num_target_tokens"]
        )

    training.build(
        replace(OWN, model="takes anything", layers=3), CharVocabulary("ab"), CharVocabulary("cde")
    )
    assert given == {
        "num_source_tokens": 6, "num_target_tokens": 7, "latent_dim": 12, "embedding_dim": 32, "dropout": 0.0,
        "layers": 3, "cell": "lstm",
    }  # fmt: skip


@pytest.mark.parametrize(("parts", "message"), [
    ({}, "'half a model' lacks encode and step: see s2s_lib.register_model"),
    ({"encode": print}, "'half a model' lacks step: see s2s_lib.register_model"),
    ({"encode": print, "step": 3}, "'half a model' lacks step: see s2s_lib.register_model"),
], ids=str)  # fmt: skip
def test_a_builder_whose_model_lacks_encode_or_step_is_a_type_error(parts, message):
    @s2s_lib.register_model("half a model")
    def build(*, num_source_tokens, num_target_tokens):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        for name, part in parts.items():
            setattr(model, name, part)
        return model

    with pytest.raises(TypeError, match=message):
        build(num_source_tokens=4, num_target_tokens=5)


@pytest.mark.parametrize("name", ["attention", "embedding"])
def test_the_names_of_the_courses_own_models_cannot_be_taken(name):
    with pytest.raises(ValueError, match=f"^'{name}' is one of the course's own models: "):
        s2s_lib.register_model(name)


@pytest.mark.parametrize("name", ["", "  ", None, 3, build_mine])
def test_a_model_needs_a_name(name):
    with pytest.raises(ValueError, match=r"^a model needs a name, not "):
        s2s_lib.register_model(name)


def test_registering_a_name_again_replaces_the_builder_and_files_keep_the_sizes_they_were_saved_with(
    tmp_path,
):
    def register(usual):
        @s2s_lib.register_model("edited in a notebook")
        def build(*, num_source_tokens, num_target_tokens, latent_dim=usual):
            return build_mine(
                num_source_tokens=num_source_tokens,
                num_target_tokens=num_target_tokens,
                latent_dim=latent_dim,
            )

        return build(num_source_tokens=6, num_target_tokens=7)

    old = register(3)
    Translator(old, CharVocabulary("ab"), CharVocabulary("cde")).save(tmp_path / "old.s2s")
    new = register(5)
    assert new.count_params() > old.count_params()
    again = models.build("edited in a notebook", num_source_tokens=6, num_target_tokens=7)
    assert again.count_params() == new.count_params()
    loaded = Translator.load(tmp_path / "old.s2s").model
    for ours, theirs in zip(loaded.get_weights(), old.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_model_that_nobody_registered_is_refused_with_the_names_of_those_there_are():
    for use in (lambda: models.build("transformer"), lambda: Recipe(model="transformer")):
        with pytest.raises(
            ValueError, match=r"^no model named 'transformer' is registered \(attention, .*embedding"
        ):
            use()
