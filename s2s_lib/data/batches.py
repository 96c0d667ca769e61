"""Batches of similar length, the one thing that feeds ``fit`` (derived in notebook 02_vectorization)."""

from collections.abc import Iterable

import keras
import numpy as np

from s2s_lib.arguments import whole_number
from s2s_lib.data.vectorization import check_pairs, pad_pairs, ragged_ids, round_up
from s2s_lib.data.vocabulary import PADDING, CharVocabulary

# Threads that prepare batches. With one, Keras on TensorFlow leaves them to tf.data, which then sleeps for
# seconds at the end of long epochs (seen with TensorFlow 2.21); with more it makes them itself, in order.
# On JAX one must do: Keras 3.15 builds the model from the first batch there, and with more threads trains on
# what they had ready of that epoch, then on part of the next (one whole epoch is never seen).
WORKERS = 2


class BucketedBatches(keras.utils.PyDataset):
    """Batches of similar length for ``fit``: little padding, constant memory, the same on every backend.

    Each epoch sorts the pairs by target and source length (ties in random order), cuts them into batches and
    shuffles the batches, all from ``(seed, epoch)`` alone, so that a resumed training sees what an
    uninterrupted one would have seen. Pass ``shuffle=False`` to ``fit``.

    Without ``shuffle``, batches come in order of length. Widths are padded up to a multiple of
    ``width_multiple``; a backend that compiles for each shape (JAX) wants 8. ValueError unless there are
    pairs, and as many targets as sources.
    """

    def __init__(
        self,
        sources: Iterable[str],
        targets: Iterable[str],
        source_vocabulary: CharVocabulary,
        target_vocabulary: CharVocabulary,
        *,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = True,
        width_multiple: int = 1,
    ) -> None:
        super().__init__(workers=WORKERS if keras.backend.backend() == "tensorflow" else 1)
        sources, targets = list(sources), list(targets)
        check_pairs(sources, targets)
        self.source = ragged_ids(sources, source_vocabulary)
        self.target = ragged_ids(targets, target_vocabulary)
        self.batch_size = whole_number("batch_size", batch_size, at_least=1)
        self.seed, self.shuffle, self.width_multiple = seed, shuffle, width_multiple
        self.start_at(0)

    def plan_epoch(self) -> list[np.ndarray]:
        """Return the rows of each batch of this epoch."""
        generator, num_pairs = np.random.default_rng([self.seed, self.epoch]), len(self.source.lengths)
        ties = generator.random(num_pairs) if self.shuffle else np.arange(num_pairs)
        order = np.lexsort((ties, self.source.lengths, self.target.lengths))
        batches = [order[i : i + self.batch_size] for i in range(0, num_pairs, self.batch_size)]
        return [batches[i] for i in generator.permutation(len(batches))] if self.shuffle else batches

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self.batches)

    def _widths(self, index: int) -> np.ndarray:
        """Return the widths to which a batch pads sources and targets."""
        rows = self.batches[index]
        longest = self.source.lengths[rows].max(), self.target.lengths[rows].max() + 1
        return np.array([round_up(width, self.width_multiple) for width in longest])

    def __getitem__(self, index: int) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
        """Return ``((encoder_input, decoder_input), decoder_target, weights)``, weights 0.0 on padding."""
        widths = self._widths(index)
        if index == 0 and len(self) > 1:
            # Keras on TensorFlow takes from the first two batches which dimensions vary: let both differ.
            widths += self.width_multiple * (widths == self._widths(1))
        arrays = pad_pairs(
            self.source, self.target, self.batches[index], source_width=widths[0], target_width=widths[1]
        )
        weights = (arrays.decoder_target != PADDING).astype(np.float32)
        return (arrays.encoder_input, arrays.decoder_input), arrays.decoder_target, weights

    def start_at(self, epoch: int) -> None:
        """Plan the batches of the given epoch, counted from 0."""
        self.epoch = epoch
        self.batches = self.plan_epoch()

    def on_epoch_end(self) -> None:
        """Plan the next epoch's batches."""
        self.start_at(self.epoch + 1)
