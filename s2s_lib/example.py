"""The famous example's own training, with the figures it leaves out (derived in notebook 04_training)."""

import keras
from keras import ops

from s2s_lib.callbacks import EpochClock
from s2s_lib.models import build_seq2seq
from s2s_lib.vectorization import TARGET_END


class RealAccuracy(keras.metrics.CategoricalAccuracy):
    """Accuracy over real characters of one-hot targets: up to and with the end mark, padding left out.

    Parameters
    ----------
    end_index : int
        Column of the end mark in the one-hot rows.
    """

    def __init__(self, end_index, name="real_accuracy"):
        super().__init__(name=name)
        self.end_index = end_index

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count one batch of ``(batch, timesteps, num_tokens)`` arrays."""
        super().update_state(y_true, y_pred, real_positions(y_true, end_index=self.end_index))


class RealLoss(keras.metrics.CategoricalCrossentropy):
    """Cross-entropy (nats a character) over real characters of one-hot targets, padding left out."""

    def __init__(self, end_index, name="real_loss"):
        super().__init__(name=name)
        self.end_index = end_index

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count one batch of ``(batch, timesteps, num_tokens)`` arrays."""
        super().update_state(y_true, y_pred, real_positions(y_true, end_index=self.end_index))


def real_positions(one_hot_targets, *, end_index):
    """Return 1.0 at each timestep up to and with the end mark, 0.0 at the padding behind it.

    Parameters
    ----------
    one_hot_targets : tensor, ``(batch, timesteps, num_tokens)``
    end_index : int
        Column of the end mark.

    Returns
    -------
    tensor, float32, ``(batch, timesteps)``
    """
    is_end = one_hot_targets[:, :, end_index]
    ended_before = ops.cumsum(is_end, axis=1) - is_end
    return ops.cast(ended_before < 0.5, "float32")


def train_example(
    arrays, *, epochs, seed, latent_dim=256, batch_size=64, validation_split=0.2, callbacks=(), verbose=0
):
    """Fit the example's model as its authors do: RMSprop, padding counted, the tail as validation.

    Parameters
    ----------
    arrays : OneHotArrays
    epochs, seed, latent_dim, batch_size : int
    validation_split : float
        Share of the pairs, the last ones, that validation takes.
    callbacks : iterable of keras.callbacks.Callback
    verbose : int or str
        As in ``keras.Model.fit``.

    Returns
    -------
    keras.Model, dict
        The fitted model and its history, one list a figure: the example's ``loss``, ``accuracy``,
        ``val_loss``, ``val_accuracy``, the same over real characters only (``real_loss``, …), and
        ``wall_seconds`` and ``cpu_seconds`` of each epoch.
    """
    keras.utils.set_random_seed(seed)
    model = build_seq2seq(
        num_source_tokens=len(arrays.source_characters),
        num_target_tokens=len(arrays.target_characters),
        latent_dim=latent_dim,
    )
    end_index = arrays.target_characters.index(TARGET_END)
    model.compile(
        optimizer="rmsprop",
        loss="categorical_crossentropy",
        metrics=["accuracy", RealAccuracy(end_index), RealLoss(end_index)],
    )
    history = model.fit(
        [arrays.encoder_input, arrays.decoder_input],
        arrays.decoder_target,
        batch_size=batch_size,
        epochs=epochs,
        validation_split=validation_split,
        callbacks=[EpochClock(), *callbacks],
        verbose=verbose,
    ).history
    return model, {name: [round(float(value), 5) for value in values] for name, values in history.items()}
