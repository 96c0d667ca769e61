"""What watches a training: clocks, a progress bar, and a keeper of checkpoints (used in 04_training)."""

import json
import math
import time
from pathlib import Path

import keras
import numpy as np
from keras import ops
from tqdm import tqdm

from s2s_lib import records


class EpochClock(keras.callbacks.Callback):
    """Add wall and CPU seconds of each epoch to its logs, and so to the history."""

    def on_epoch_begin(self, epoch, logs=None):
        """Start both clocks."""
        self.started = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        """Write both readings into ``logs``."""
        wall, cpu = self.started
        logs["wall_seconds"] = round(time.perf_counter() - wall, 3)
        logs["cpu_seconds"] = round(time.process_time() - cpu, 3)


class ProgressBar(keras.callbacks.Callback):
    """One progress bar over all epochs, with the figures of the last one.

    Parameters
    ----------
    epochs : int
        Epochs in all, those before a checkpoint included.
    """

    def __init__(self, epochs):
        super().__init__()
        self.epochs, self.bar = epochs, None

    def on_epoch_begin(self, epoch, logs=None):
        """Draw the bar when the first epoch begins."""
        if self.bar is None:
            steps = self.params["steps"]
            self.bar = tqdm(total=self.epochs * steps, initial=epoch * steps, unit=" batches", mininterval=1)

    def on_train_batch_end(self, batch, logs=None):
        """Advance by one batch."""
        self.bar.update()

    def on_epoch_end(self, epoch, logs=None):
        """Show the epoch's loss and accuracy over real characters."""
        figures = {name: f"{value:.3f}" for name, value in logs.items() if "real" in name}
        self.bar.set_postfix(figures, refresh=False)

    def on_train_end(self, logs=None):
        """Leave the bar as it stands."""
        if self.bar is not None:
            self.bar.close()


class Keeper(keras.callbacks.Callback):
    """Keep the history, the weights of the best epoch and, if asked, a checkpoint after each epoch.

    The checkpoint holds every number that training changes (weights, dropout seeds, optimizer state), so
    that a run which goes on from it ends as one never interrupted.

    Parameters
    ----------
    digest : str
        Tells the recipe whose checkpoint this is.
    checkpoint : path or None
    score : callable or None
        Called without arguments after each epoch; returns a number, higher is better.
    """

    def __init__(self, digest, *, checkpoint=None, score=None):
        super().__init__()
        self.digest, self.score = digest, score
        self.checkpoint = Path(checkpoint) if checkpoint else None
        self.history, self.best_score, self.best_weights = [], -math.inf, []

    def restore(self, model):
        """Load the checkpoint into a compiled model, if there is one; return the epochs it has behind it.

        The optimizer is built first: before that it has no moments to load into.

        Raises
        ------
        ValueError
            If the checkpoint belongs to another recipe.
        """
        if not self.checkpoint or not self.checkpoint.exists():
            return 0
        with np.load(self.checkpoint, allow_pickle=False) as saved:
            state = json.loads(str(saved["state"]))
            if state["digest"] != self.digest:
                raise ValueError(f"{self.checkpoint} is of another recipe: name another file, or delete it")
            if not model.optimizer.built:
                model.optimizer.build(model.trainable_variables)
            for i, variable in enumerate(training_variables(model)):
                variable.assign(saved[f"variable_{i}"])
            self.history = state["history"]
            if self.score and self.history:
                self.best_score = max(row["score"] for row in self.history)
                self.best_weights = [saved[f"best_{i}"] for i in range(len(model.weights))]
        return len(self.history)

    def on_epoch_end(self, epoch, logs=None):
        """Score the epoch, remember the best, write the checkpoint."""
        row = {name: round(float(value), 5) for name, value in logs.items()}
        if self.score:
            row["score"] = float(self.score())
            if row["score"] > self.best_score:
                self.best_score, self.best_weights = row["score"], self.model.get_weights()
        self.history.append(row)
        if self.checkpoint:
            self.save()

    def save(self):
        """Write the checkpoint; its name only ever holds a whole one."""
        state = json.dumps({"digest": self.digest, "history": self.history})
        variables = enumerate(training_variables(self.model))
        arrays = {f"variable_{i}": ops.convert_to_numpy(variable) for i, variable in variables}
        arrays |= {f"best_{i}": weight for i, weight in enumerate(self.best_weights)}
        with records.whole_file(self.checkpoint) as partial, partial.open("wb") as file:
            np.savez(file, state=state, **arrays)

    def on_train_end(self, logs=None):
        """Put the weights of the best epoch into the model."""
        if self.best_weights:
            self.model.set_weights(self.best_weights)


def training_variables(model):
    """Return every variable that training changes: weights, dropout seeds, optimizer state."""
    return [*model.variables, *model.optimizer.variables]
