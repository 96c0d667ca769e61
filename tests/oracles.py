"""What several test files compare with: models by loops, models that follow a script, brute force."""

import itertools
import re
from contextlib import contextmanager

import keras
import numpy as np
import pytest
from keras import ops

from s2s_lib import models, training
from s2s_lib.example import build_seq2seq
from s2s_lib.models import State

# ---- the one factory of small models ----


def random_model(name, *, seed=0, scale=1.0, **sizes):
    """Return a small model whose every weight is random: "one_hot", or a registered one.

    At a scale of 1 the weights are large: each sentence becomes a story of its own, and few scores are near
    each other. The same seed gives the same weights on every backend.
    """
    sizes = {"num_source_tokens": 9, "num_target_tokens": 7, "latent_dim": 6} | sizes
    if name == "one_hot":
        model = build_seq2seq(**sizes)
    else:
        model = models.build(name, **{"embedding_dim": 5} | sizes)
    generator = np.random.default_rng(seed)
    model.set_weights([generator.normal(0, scale, weight.shape) for weight in model.get_weights()])
    return model


@contextmanager
def uncompiled():
    """Train step by step: nothing this small is worth the seconds that compiling takes (but on JAX it is)."""
    compile_for_ids = training.compile_for_ids

    def compile_eagerly(model, recipe, *, steps):
        compile_for_ids(model, recipe, steps=steps)
        model.run_eagerly = keras.backend.backend() == "tensorflow"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "compile_for_ids", compile_eagerly)
        yield


# ---- the one teacher-forced model, by loops ----


def teacher_forced(model, source, decoder_input):
    """Return log-probabilities ``(batch, target_timesteps, num_target_tokens)`` from the weights alone.

    One sentence and one character at a time, in float64 and without Keras. Padding of the source is cut off
    first, except for the one-hot model, to which it is a character like others.
    """
    weights = {layer.name: [w.astype(float) for w in layer.get_weights()] for layer in model.layers}
    return np.array([_one_pair(weights, *pair) for pair in zip(source, decoder_input, strict=True)])


def _one_pair(weights, source, decoder_input):
    if "source_embedding" in weights:
        source = np.trim_zeros(source, "b")
        sequence, decoder_input = (
            weights[f"{side}_embedding"][0][ids]
            for side, ids in (("source", source), ("target", decoder_input))
        )
    else:
        tokens = [len(weights[f"{side}_lstm"][0]) for side in ("encoder", "decoder")]
        sequence, decoder_input = np.eye(tokens[0])[source], np.eye(tokens[1])[decoder_input]
    states = []
    for layer in _layers(weights, "encoder"):
        if len(layer) == 6:  # two directions
            forward, last_forward = read(layer[:3], sequence)
            backward, last_backward = read(layer[3:], sequence[::-1])
            sequence = np.concatenate([forward, backward[::-1]], axis=1)
            states.append([np.concatenate(pair) for pair in zip(last_forward, last_backward, strict=True)])
        else:
            sequence, last = read(layer, sequence)
            states.append(last)
    hidden = decoder_input
    for layer, initial in zip(_layers(weights, "decoder"), states, strict=True):
        hidden, _ = read(layer, hidden, initial)
    if "attentive_hidden" in weights:
        context = softmax(hidden @ sequence.T) @ sequence
        kernel, bias = weights["attentive_hidden"]
        hidden = np.tanh(np.concatenate([hidden, context], axis=1) @ kernel + bias)
    kernel, bias = weights["target_logits" if "target_logits" in weights else "target_softmax"]
    return np.log(softmax(hidden @ kernel + bias))


def _layers(weights, part):
    return [weights[name] for name in sorted(weights) if re.match(f"{part}_(lstm|gru)", name)]


def read(layer, sequence, states=None):
    """Return the hidden state of an LSTM or a GRU after each row of a sequence, and its last states."""
    kernel, recurrent, bias = layer
    width = len(recurrent)
    is_lstm = kernel.shape[1] == 4 * width
    hidden, *cell = states or [np.zeros(width)] * (1 + is_lstm)
    answers = []
    for row in sequence:
        if is_lstm:
            entry, forget, candidate, output = np.split(row @ kernel + hidden @ recurrent + bias, 4)
            cell = [sigmoid(forget) * cell[0] + sigmoid(entry) * np.tanh(candidate)]
            hidden = sigmoid(output) * np.tanh(cell[0])
        else:
            update, reset, candidate = np.split(row @ kernel + bias[0], 3)
            own_update, own_reset, own_candidate = np.split(hidden @ recurrent + bias[1], 3)
            candidate = np.tanh(candidate + sigmoid(reset + own_reset) * own_candidate)
            kept = sigmoid(update + own_update)
            hidden = kept * hidden + (1 - kept) * candidate
        answers.append(hidden)
    return np.array(answers).reshape(-1, width), [hidden, *cell]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    if not x.size:  # an empty source: nothing to look back at
        return x
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


# ---- decoding as a beginner would, and by brute force ----


def greedy_by_hand(model, source, *, start_id, end_id, max_length):
    """Return the ids of one sentence: the whole model again for each character, end marks after the end."""
    tokens = [start_id]
    while tokens[-1] != end_id and len(tokens) <= max_length:
        tokens.append(int(teacher_forced(model, [source], [tokens])[0, -1].argmax()))
    return tokens[1:] + [end_id] * (max_length + 1 - len(tokens))


def every_hypothesis(num_tokens, *, end_id, max_length):
    """Yield each sequence of tokens that ends, or is cut off, within the limit."""
    for tokens in itertools.product(range(num_tokens), repeat=max_length):
        length = tokens.index(end_id) + 1 if end_id in tokens else max_length
        if all(token == end_id for token in tokens[length:]):
            yield list(tokens[:length])


def log_probability(model, source, tokens, *, start_id):
    """Return the log-probability of a whole target, from one pass of the teacher-forced model."""
    (scores,) = teacher_forced(model, [source], [[start_id, *tokens[:-1]]])
    return sum(row[token] for row, token in zip(scores, tokens, strict=True))


def beam_by_brute_force(model, source, *, start_id, end_id, max_length, length_power):
    """Return every hypothesis of one sentence as ``(rank, tokens)``, best first."""
    num_tokens = model.outputs[0].shape[-1]
    found = []
    for tokens in every_hypothesis(num_tokens, end_id=end_id, max_length=max_length):
        total = log_probability(model, source, tokens, start_id=start_id)
        found.append((total / len(tokens) ** length_power, tokens))
    return sorted(found, reverse=True)


# ---- models that follow a script ----


class Automaton:
    """A model made of tables: the node it is at decides how likely each token is, the token the next node.

    ``begin[source[:, 0]]`` is the node of each row before the start mark is fed to it. The last tokens that
    were fed to a row stand on a tape in its recurrent state.
    """

    tape = 24

    def __init__(self, begin, following, log_probabilities):
        self.begin, self.following = np.array(begin, "int32"), np.array(following, "int32")
        self.log_probabilities = np.array(log_probabilities, "float32")

    def encode(self, source):
        nodes = ops.take(ops.convert_to_tensor(self.begin), source[:, :1])
        return State((nodes, ops.tile(ops.zeros_like(nodes) - 1, (1, self.tape))))

    def step(self, tokens, state):
        nodes, tape = state.recurrent
        tokens = ops.cast(tokens, "int32")[:, None]
        places = nodes * self.following.shape[1] + tokens
        nodes = ops.take(ops.convert_to_tensor(self.following.ravel()), places)
        scores = ops.take(ops.convert_to_tensor(self.log_probabilities), nodes[:, 0], axis=0)
        return scores, State((nodes, ops.concatenate([tape[:, 1:], tokens], axis=1)))


LETTERS = "^$abcdefghijklmnopqrstuvwxyz "  # "^" starts, "$" ends
UNLIKELY = -30.0
SCRIPT_MARKS = {"start_id": LETTERS.index("^"), "end_id": LETTERS.index("$")}


class Script(Automaton):
    """A model that writes the given texts, readable characters for tokens; source ids are row numbers.

    A row's script is a text, or a dict of texts and their probabilities: the next character is then as likely
    as all texts that go on with it. After its text a row writes "z" for ever.
    """

    def __init__(self, scripts):
        nodes = {}  # of each row and beginning of a text
        weights, following = [], []

        def node(row, beginning):
            if (row, beginning) not in nodes:
                nodes[row, beginning] = len(nodes)
                weights.append(np.zeros(len(LETTERS)))
                following.append({})
            return nodes[row, beginning]

        for row, texts in enumerate(scripts):
            for text, probability in (texts if isinstance(texts, dict) else {texts: 1.0}).items():
                for i, letter in enumerate(text):
                    here = node(row, text[:i])
                    weights[here][LETTERS.index(letter)] += probability
                    following[here][LETTERS.index(letter)] = node(row, text[: i + 1])
                node(row, text)
        table = np.array(
            [[after.get(i, here) for i in range(len(LETTERS))] for here, after in enumerate(following)]
        )
        table[:, LETTERS.index("^")] = np.arange(len(table))
        weights = np.array(weights)
        weights[weights.sum(axis=1) == 0, LETTERS.index("z")] = 1.0
        with np.errstate(divide="ignore"):
            scores = np.log(weights / weights.sum(axis=1, keepdims=True))
        super().__init__([nodes[row, ""] for row in range(len(scripts))], table, np.maximum(scores, UNLIKELY))

    @staticmethod
    def text(tokens):
        """Return tokens as text; places of the tape that nothing was written on stay out."""
        return "".join(LETTERS[token] for token in np.asarray(tokens) if token >= 0)
