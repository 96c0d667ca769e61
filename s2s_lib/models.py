"""Each model whole: its layers, its ``encode`` and its ``step`` (derived in 03_model and 07_attention).

In training every model is called the same way, ``model([source, decoder_input])``, and returns logits
``(batch, target_timesteps, num_target_tokens)``. Every decoder in this course uses just two functions of it:
``model.encode(source) -> State`` and ``model.step(tokens, state) -> (log_probabilities, State)``.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, NamedTuple, TypeVar, cast

import keras
import numpy as np
from keras import ops

from s2s_lib.arguments import one_of, real_number, whole_number
from s2s_lib.data.vocabulary import PADDING

Tensor = Any  # of whichever backend Keras runs on
Builder = TypeVar("Builder", bound=Callable[..., keras.Model])
CELLS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
# The largest sizes of a model, far beyond what a laptop can train: a file may ask for no more.
MOST = {
    "num_source_tokens": 65_000,
    "num_target_tokens": 65_000,
    "latent_dim": 8_192,
    "embedding_dim": 8_192,
    "layers": 16,
}
STATES = ("hidden", "cell")  # of an LSTM layer; a GRU layer has the first only

_builders: dict[str, Callable[..., keras.Model]] = {}


class State(NamedTuple):
    """What decoding carries from one timestep to the next.

    ``recurrent`` holds the decoder's states, each ``(batch, latent_dim)``: hidden and cell state of each LSTM
    layer, say. ``memory`` is what the decoder looks back at and never changes: ``()``, or the encoder's
    ``(values, mask)``, ``(batch, source_timesteps, ...)``. In beam search the hypotheses of a sentence share
    its row of ``memory``; ``recurrent`` then has ``beam_width`` rows for each sentence, side by side.
    """

    recurrent: tuple[Tensor, ...]
    memory: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class Specification:
    """How to build a model again: the name of its builder, and the sizes it was built with."""

    name: str
    sizes: dict[str, Any]


def register_model(name: str) -> Callable[[Builder], Builder]:
    """Register a builder of your own: then ``Recipe(model=name)``, every decoder and every file know it.

    The builder, a function or a class, takes by keyword ``num_source_tokens``, ``num_target_tokens`` and
    those sizes of a `Recipe` that it uses: ``latent_dim``, ``embedding_dim``, ``dropout``, ``layers``,
    ``cell``. It returns a `keras.Model` from ids ``[source, decoder_input]`` to logits that also has

    - ``encode(source) -> State``, for int ids ``(batch, source_timesteps)`` with padding on the right, and
    - ``step(tokens, state) -> (log_probabilities, State)``, from the last tokens, int ids ``(batch,)``, to
      log-probabilities of the next token, ``(batch, num_target_tokens)``, and the next state.

    Registering a name again replaces its builder. ValueError if the name is one of the course's own models,
    or, when a model is built, if a size is out of range; TypeError if it lacks ``encode`` or ``step``.
    """
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"a model needs a name, not {name!r}")
    if name in _builders and _builders[name].__module__ == __name__:
        raise ValueError(f"{name!r} is one of the course's own models: register yours under another name")

    def register(builder: Builder) -> Builder:
        usual = {size: parameter.default for size, parameter in _parameters(builder).items()}
        usual = {size: value for size, value in usual.items() if value is not inspect.Parameter.empty}

        @wraps(builder)
        def build_and_specify(**sizes: Any) -> keras.Model:
            specification = Specification(name, usual | sizes)
            _check_sizes(specification.sizes)
            model = builder(**sizes)
            missing = [part for part in ("encode", "step") if not callable(getattr(model, part, None))]
            if missing:
                raise TypeError(f"model {name!r} lacks {' and '.join(missing)}: see s2s_lib.register_model")
            if not model.built:  # a class of your own may wait for its first call to make weights
                model([np.zeros((1, 1), np.int32)] * 2)
            model.specification = specification
            return model

        _builders[name] = build_and_specify
        return cast(Builder, build_and_specify)

    return register


def builder_of(name: str) -> Callable[..., keras.Model]:
    """Return the registered builder of that name, or raise ValueError saying how to register one."""
    if not isinstance(name, str) or name not in _builders:
        raise ValueError(
            f"no model named {name!r} is registered ({', '.join(sorted(_builders))} are): "
            f"import the module that calls @s2s_lib.register_model({name!r}) first"
        )
    return _builders[name]


def build(name: str, **sizes: Any) -> keras.Model:
    """Build a registered model; ValueError if there is none, TypeError if it does not take a size."""
    return builder_of(name)(**sizes)


def identity(name: str) -> dict[str, str]:
    """Return what tells a builder of your own from an earlier version of it; nothing for the course's own."""
    builder = inspect.unwrap(builder_of(name))
    if builder.__module__ == __name__:
        return {}
    try:
        return {"builder": inspect.getsource(builder)}
    except (OSError, TypeError):  # typed at a prompt
        return {"builder": builder.__qualname__}


def takes_size(name: str, size: str) -> bool:
    """Tell whether the registered builder takes a size of that name."""
    parameters = _parameters(inspect.unwrap(builder_of(name))).values()
    return any(parameter.name == size or parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)


def _parameters(builder: Any) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(builder.__init__ if inspect.isclass(builder) else builder).parameters


def _check_sizes(sizes: Mapping[str, Any]) -> None:
    """Raise ValueError in one sentence for a size that no model of this course can have."""
    for name, most in MOST.items():
        if name in sizes:
            whole_number(name, sizes[name], at_least=1, at_most=most)
    if "dropout" in sizes:
        real_number("dropout", sizes["dropout"], at_most=0.99)
    if "cell" in sizes:
        one_of("cell", sizes["cell"], CELLS)


# ---- the course's own models ----
@register_model("embedding")
def build_embedding_seq2seq(
    *,
    num_source_tokens: int,
    num_target_tokens: int,
    latent_dim: int = 256,
    embedding_dim: int = 72,
    dropout: float = 0.0,
    layers: int = 1,
    cell: str = "lstm",
) -> keras.Model:
    """Build the famous example's model on ids: embeddings replace one-hot rows, and padding is masked.

    The encoder's last states are all that the decoder gets to know of the source.

    Parameters
    ----------
    num_source_tokens, num_target_tokens
        Sizes of the vocabularies; id 0 is padding.
    latent_dim, embedding_dim
        Width of all recurrent layers, and of both embeddings.
    dropout
        Share of embedding and hidden values dropped in training.
    layers, cell
        Number of recurrent layers of encoder and decoder each, and their kind, "lstm" or "gru".

    Returns
    -------
    keras.Model
        Inputs int32 ``(batch, source_timesteps)`` and ``(batch, target_timesteps)``, output logits
        ``(batch, target_timesteps, num_target_tokens)``; with ``encode`` and ``step``; not compiled.

    Raises
    ------
    ValueError
        If a size is out of range.

    Examples
    --------
    >>> model = build_embedding_seq2seq(num_source_tokens=9, num_target_tokens=11, latent_dim=4)
    >>> model.output.shape
    (None, None, 11)
    """
    source = keras.Input((None,), dtype="int32", name="source")
    sequence = keras.layers.Embedding(
        num_source_tokens, embedding_dim, mask_zero=True, name="source_embedding"
    )(source)
    states: list[Tensor] = []
    for i in range(layers):
        sequence = keras.layers.Dropout(dropout, name=_numbered("source_dropout", i))(sequence)
        sequence, *last = CELLS[cell](
            latent_dim,
            return_sequences=i < layers - 1,
            return_state=True,
            name=_numbered(f"encoder_{cell}", i),
        )(sequence)
        states += last
    encoder = keras.Model(source, states, name="encoder")

    decoder = _Decoder(num_target_tokens, latent_dim, embedding_dim, dropout, layers, cell)
    decoder_input = keras.Input((None,), dtype="int32", name="decoder_input")
    hidden = decoder.read(decoder_input, states)
    hidden = keras.layers.Dropout(dropout, name="hidden_dropout")(hidden)
    to_logits = keras.layers.Dense(num_target_tokens, dtype="float32", name="target_logits")
    model = keras.Model([source, decoder_input], to_logits(hidden), name="embedding_seq2seq")

    def encode(source: Tensor) -> State:
        return State(tuple(keras.tree.flatten(encoder(source))))

    def step(tokens: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, recurrent = decoder.step(tokens, state.recurrent)
        return ops.log_softmax(to_logits(hidden)), State(recurrent)

    model.encode, model.step = encode, step
    return model


@register_model("attention")
def build_attention_seq2seq(
    *,
    num_source_tokens: int,
    num_target_tokens: int,
    latent_dim: int = 256,
    embedding_dim: int = 72,
    dropout: float = 0.0,
    layers: int = 1,
    cell: str = "lstm",
) -> keras.Model:
    """Build a model whose decoder looks back: at each timestep it weighs all states of the encoder.

    A bidirectional encoder keeps one state for each source character. The decoder's hidden state asks
    (dot score of Luong, Pham and Manning 2015, arXiv:1508.04025, section 3.1), a softmax over the source
    turns scores into weights, and the weighted mean joins the hidden state before the output.

    Parameters, return value and errors are those of `build_embedding_seq2seq`; each direction of the encoder
    is half as wide as the decoder, so ``latent_dim`` must be even.
    """
    if latent_dim % 2:
        raise ValueError(f"latent_dim must be even, to be shared by two directions, not {latent_dim}")
    source = keras.Input((None,), dtype="int32", name="source")
    sequence = keras.layers.Embedding(
        num_source_tokens, embedding_dim, mask_zero=True, name="source_embedding"
    )(source)
    states: list[Tensor] = []
    for i in range(layers):
        sequence = keras.layers.Dropout(dropout, name=_numbered("source_dropout", i))(sequence)
        one_way = CELLS[cell](latent_dim // 2, return_sequences=True, return_state=True, name=cell)
        both_ways = keras.layers.Bidirectional(one_way, name=_numbered(f"encoder_{cell}", i))
        sequence, *last = both_ways(sequence)
        middle = len(last) // 2  # states of the forward layer, then those of the backward layer
        for kind, forward, backward in zip(STATES, last[:middle], last[middle:], strict=False):
            join = keras.layers.Concatenate(name=_numbered(f"encoder_{kind}", i))
            states.append(join([forward, backward]))
    encoder = keras.Model(source, [sequence, *states], name="encoder")

    decoder = _Decoder(num_target_tokens, latent_dim, embedding_dim, dropout, layers, cell)
    decoder_input = keras.Input((None,), dtype="int32", name="decoder_input")
    hidden = decoder.read(decoder_input, states)
    attention = keras.layers.Attention(name="attention")
    concatenate = keras.layers.Concatenate(name="hidden_and_context")
    attentive = keras.layers.Dense(latent_dim, activation="tanh", name="attentive_hidden")
    attended = attentive(concatenate([hidden, attention([hidden, sequence])]))
    attended = keras.layers.Dropout(dropout, name="hidden_dropout")(attended)
    to_logits = keras.layers.Dense(num_target_tokens, dtype="float32", name="target_logits")
    model = keras.Model([source, decoder_input], to_logits(attended), name="attention_seq2seq")

    def encode(source: Tensor) -> State:
        values, *states = encoder(source)
        return State(tuple(states), (values, ops.not_equal(source, PADDING)))

    def step(tokens: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, recurrent = decoder.step(tokens, state.recurrent)
        values, mask = state.memory
        queries = ops.reshape(
            hidden, (ops.shape(values)[0], -1, latent_dim)
        )  # hypotheses of a sentence in one row
        context = ops.reshape(attention([queries, values], mask=[None, mask]), (-1, latent_dim))
        logits = to_logits(attentive(concatenate([hidden, context])))
        return ops.log_softmax(logits), State(recurrent, state.memory)

    model.encode, model.step = encode, step
    return model


class _Decoder:
    """Target embedding and recurrent layers of a decoder: a whole sequence in training, one step in use."""

    def __init__(
        self,
        num_target_tokens: int,
        latent_dim: int,
        embedding_dim: int,
        dropout: float,
        layers: int,
        cell: str,
    ) -> None:
        # No mask: padding stands after the sentence, and a recurrent layer never sees what comes later.
        self.embedding = keras.layers.Embedding(num_target_tokens, embedding_dim, name="target_embedding")
        self.dropouts, self.layers = [], []
        for i in range(layers):
            name = _numbered(f"decoder_{cell}", i)
            self.dropouts.append(keras.layers.Dropout(dropout, name=_numbered("target_dropout", i)))
            self.layers.append(CELLS[cell](latent_dim, return_sequences=True, return_state=True, name=name))

    def _of_layer(self, i: int, states: Sequence[Tensor]) -> list[Tensor]:
        width = len(states) // len(self.layers)
        return list(states[i * width : (i + 1) * width])

    def read(self, decoder_input: Tensor, states: Sequence[Tensor]) -> Tensor:
        """Return the hidden state after each token, ``(batch, target_timesteps, latent_dim)``."""
        sequence = self.embedding(decoder_input)
        for i, layer in enumerate(self.layers):
            sequence = layer(self.dropouts[i](sequence), initial_state=self._of_layer(i, states))[0]
        return sequence

    def step(self, tokens: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the hidden state after one more token, ``(batch, latent_dim)``, and all next states."""
        hidden, after = self.embedding(tokens), []
        for i, layer in enumerate(self.layers):
            hidden, following = layer.cell(hidden, self._of_layer(i, states))
            after += following
        return hidden, tuple(after)


def _numbered(name: str, i: int) -> str:
    """Return a layer's name: the first bears no number."""
    return f"{name}_{i + 1}" if i else name
