"""Encoder and decoder as named Keras layers (derived in notebooks 03_model and 07_attention).

Every model here is called the same way, ``model([source, decoder_input])``, and returns for each target
timestep one figure for each target token, ``(batch, target_timesteps, num_target_tokens)``: the example's
model its probability, the models on ids its logit.
"""

import keras
from keras import layers


def _inputs(*, one_hot_sizes=None):
    """Return the source and decoder inputs: one-hot rows of the given sizes, or integer ids."""
    if one_hot_sizes:
        source_size, target_size = one_hot_sizes
        return (
            keras.Input((None, source_size), name="source"),
            keras.Input((None, target_size), name="decoder_input"),
        )
    return (
        keras.Input((None,), dtype="int32", name="source"),
        keras.Input((None,), dtype="int32", name="decoder_input"),
    )


def build_seq2seq(*, num_source_tokens, num_target_tokens, latent_dim=256):
    """Build the famous example's model: one-hot characters, an encoder LSTM, a decoder LSTM, a softmax.

    The encoder's two last states (hidden and cell) are all that the decoder gets to know of the source.

    Parameters
    ----------
    num_source_tokens, num_target_tokens : int
        Width of the one-hot rows.
    latent_dim : int
        Width of both LSTMs and of each state.

    Returns
    -------
    keras.Model
        Inputs float ``(batch, source_timesteps, num_source_tokens)`` and
        ``(batch, target_timesteps, num_target_tokens)``; not compiled.

    Examples
    --------
    >>> build_seq2seq(num_source_tokens=70, num_target_tokens=93, latent_dim=256).count_params()
    717149
    """
    source, decoder_input = _inputs(one_hot_sizes=(num_source_tokens, num_target_tokens))
    _, state_h, state_c = layers.LSTM(latent_dim, return_state=True, name="encoder_lstm")(source)
    hidden, _, _ = layers.LSTM(latent_dim, return_sequences=True, return_state=True, name="decoder_lstm")(
        decoder_input, initial_state=[state_h, state_c]
    )
    probabilities = layers.Dense(num_target_tokens, activation="softmax", name="target_softmax")(hidden)
    return keras.Model([source, decoder_input], probabilities, name="seq2seq")


def build_embedding_seq2seq(
    *, num_source_tokens, num_target_tokens, latent_dim=256, embedding_dim=72, dropout=0.0
):
    """Build the example's model on ids: embeddings stand where one-hot rows stood, and padding is masked.

    Parameters
    ----------
    num_source_tokens, num_target_tokens : int
        Sizes of the vocabularies; id 0 is padding.
    latent_dim, embedding_dim : int
        Width of both LSTMs, and of both embeddings.
    dropout : float
        Share of embedding and hidden values dropped in training.

    Returns
    -------
    keras.Model
        Inputs int32 ``(batch, source_timesteps)`` and ``(batch, target_timesteps)``, output logits
        ``(batch, target_timesteps, num_target_tokens)``; not compiled.

    Examples
    --------
    >>> model = build_embedding_seq2seq(num_source_tokens=9, num_target_tokens=11, latent_dim=4)
    >>> model.output.shape
    (None, None, 11)
    """
    source, decoder_input = _inputs()
    embedded = layers.Embedding(num_source_tokens, embedding_dim, mask_zero=True, name="source_embedding")(
        source
    )
    embedded = layers.Dropout(dropout, name="source_dropout")(embedded)
    _, state_h, state_c = layers.LSTM(latent_dim, return_state=True, name="encoder_lstm")(embedded)
    hidden = _decoder_hidden(
        decoder_input, [state_h, state_c], num_target_tokens, latent_dim, embedding_dim, dropout
    )
    hidden = layers.Dropout(dropout, name="hidden_dropout")(hidden)
    logits = layers.Dense(num_target_tokens, dtype="float32", name="target_logits")(hidden)
    return keras.Model([source, decoder_input], logits, name="embedding_seq2seq")


def build_attention_seq2seq(
    *, num_source_tokens, num_target_tokens, latent_dim=256, embedding_dim=72, dropout=0.0
):
    """Build a model whose decoder looks back: at each timestep it weighs all states of the encoder.

    A bidirectional encoder keeps one state for each source character. The decoder's hidden state asks
    (dot score of Luong, Pham and Manning 2015, arXiv:1508.04025, section 3.1), a softmax over the source
    turns scores into weights, and the weighted mean joins the hidden state before the output.

    Parameters and return value as in `build_embedding_seq2seq`; each direction of the encoder is half as wide
    as the decoder, so ``latent_dim`` must be even.

    Raises
    ------
    ValueError
        If ``latent_dim`` is odd.
    """
    if latent_dim % 2:
        raise ValueError(f"latent_dim must be even, to be shared by two directions, not {latent_dim}")
    source, decoder_input = _inputs()
    embedded = layers.Embedding(num_source_tokens, embedding_dim, mask_zero=True, name="source_embedding")(
        source
    )
    embedded = layers.Dropout(dropout, name="source_dropout")(embedded)
    encoder = layers.LSTM(latent_dim // 2, return_sequences=True, return_state=True, name="lstm")
    values, forward_h, forward_c, backward_h, backward_c = layers.Bidirectional(encoder, name="encoder_lstm")(
        embedded
    )
    state_h = layers.Concatenate(name="encoder_hidden")([forward_h, backward_h])
    state_c = layers.Concatenate(name="encoder_cell")([forward_c, backward_c])
    hidden = _decoder_hidden(
        decoder_input, [state_h, state_c], num_target_tokens, latent_dim, embedding_dim, dropout
    )
    context = layers.Attention(name="attention")([hidden, values])
    joined = layers.Concatenate(name="hidden_and_context")([hidden, context])
    attentive = layers.Dense(latent_dim, activation="tanh", name="attentive_hidden")(joined)
    attentive = layers.Dropout(dropout, name="hidden_dropout")(attentive)
    logits = layers.Dense(num_target_tokens, dtype="float32", name="target_logits")(attentive)
    return keras.Model([source, decoder_input], logits, name="attention_seq2seq")


def _decoder_hidden(decoder_input, states, num_target_tokens, latent_dim, embedding_dim, dropout):
    """Return the decoder LSTM's hidden states for the embedded target so far, started from ``states``.

    No mask here: padding stands behind the sentence, and a recurrent layer never sees what comes after.
    """
    embedded = layers.Embedding(num_target_tokens, embedding_dim, name="target_embedding")(decoder_input)
    embedded = layers.Dropout(dropout, name="target_dropout")(embedded)
    return layers.LSTM(latent_dim, return_sequences=True, return_state=True, name="decoder_lstm")(
        embedded, initial_state=states
    )[0]
