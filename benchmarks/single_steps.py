"""Decoding as the example does it: two models, and one ``predict`` for each character."""

import keras
import numpy as np

from s2s_lib.vectorization import TARGET_END, TARGET_START


def decode_one(model, arrays):
    """Take a trained one-hot model apart; return a function from a row of ``arrays`` to its translation."""
    layer = {layer.name: layer for layer in model.layers}
    latent_dim, characters = layer["decoder_lstm"].units, arrays.target_characters
    encoder = keras.Model(layer["source"].output, layer["encoder_lstm"].output[1:])
    previous = keras.Input((None, len(characters)))
    states = [keras.Input((latent_dim,)), keras.Input((latent_dim,))]
    hidden, *after = layer["decoder_lstm"](previous, initial_state=states)
    decoder = keras.Model([previous, *states], [layer["target_softmax"](hidden), *after])
    start, limit = characters.index(TARGET_START), arrays.decoder_input.shape[1]

    def translate(row):
        carried = encoder.predict(arrays.encoder_input[row : row + 1], verbose=0)
        fed, written = start, ""
        while True:
            one_hot = np.zeros((1, 1, len(characters)), dtype="float32")
            one_hot[0, 0, fed] = 1.0
            probabilities, *carried = decoder.predict([one_hot, *carried], verbose=0)
            fed = int(probabilities[0, -1].argmax())
            if characters[fed] == TARGET_END:
                return written
            written += characters[fed]
            if len(written) > limit:
                return written

    return translate
