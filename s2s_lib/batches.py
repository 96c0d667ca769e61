"""Batches of like length, the one thing that feeds ``fit`` (derived in notebook 02_vectorization)."""

import keras
import numpy as np

from s2s_lib.vectorization import check_pairs, padded_arrays, ragged_ids
from s2s_lib.vocabulary import PADDING

# Threads that prepare batches. With one, Keras on TensorFlow leaves them to tf.data, which then sleeps for
# seconds at the end of long epochs (seen with TensorFlow 2.21); with more it makes them itself, in order.
WORKERS = 2


class BucketedBatches(keras.utils.PyDataset):
    """Batches of like length for ``fit``: little padding, constant memory, the same on every backend.

    Each epoch sorts the pairs by target and source length (ties in random order), cuts them into batches and
    shuffles the batches, all from ``(seed, epoch)`` alone, so that a resumed training sees what an
    uninterrupted one would have seen. Keras on TensorFlow takes from the first two batches which dimensions
    vary: those two are made to differ in both. Pass ``shuffle=False`` to ``fit``.

    Parameters
    ----------
    sources, targets : sequence of str
    source_vocabulary, target_vocabulary : CharVocabulary
    batch_size : int
        Pairs a batch; the last one may be smaller.
    seed : int
    shuffle : bool
        Without it, batches come in order of length.
    width_multiple : int
        Widths are padded up to a multiple of this; a backend that compiles for each shape (JAX) wants 8.

    Raises
    ------
    ValueError
        If there are no pairs, or not as many targets as sources.
    """

    def __init__(
        self, sources, targets, source_vocabulary, target_vocabulary, *, batch_size, seed=0, shuffle=True,
        width_multiple=1,
    ):  # fmt: skip
        super().__init__(workers=WORKERS)
        sources, targets = list(sources), list(targets)
        check_pairs(sources, targets)
        self.source, self.target = (
            ragged_ids(sources, source_vocabulary),
            ragged_ids(targets, target_vocabulary),
        )
        self.batch_size, self.seed, self.shuffle = batch_size, seed, shuffle
        self.width_multiple = width_multiple
        self.start_at(0)

    def _plan(self):
        """Lay down which rows make which batch in this epoch."""
        generator = np.random.default_rng([self.seed, self.epoch])
        ties = (
            generator.random(len(self.source.lengths))
            if self.shuffle
            else np.arange(len(self.source.lengths))
        )
        order = np.lexsort((ties, self.source.lengths, self.target.lengths))
        self.batches = [order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size)]
        if self.shuffle:
            self.batches = [self.batches[i] for i in generator.permutation(len(self.batches))]

    def __len__(self):
        """Return the number of batches."""
        return len(self.batches)

    def _widths(self, index):
        """Return both padded widths of a batch."""
        rows = self.batches[index]
        longest = self.source.lengths[rows].max(), self.target.lengths[rows].max() + 1
        return [int(-(-width // self.width_multiple) * self.width_multiple) for width in longest]

    def __getitem__(self, index):
        """Return ``((encoder_input, decoder_input), decoder_target, weights)``, weights 0.0 on padding."""
        widths = self._widths(index)
        if index == 0 and len(self) > 1:
            widths = [
                mine + self.width_multiple * (mine == other)
                for mine, other in zip(widths, self._widths(1), strict=True)
            ]
        arrays = padded_arrays(
            self.source, self.target, self.batches[index], source_width=widths[0], target_width=widths[1]
        )
        weights = (arrays.decoder_target != PADDING).astype(np.float32)
        return (arrays.encoder_input, arrays.decoder_input), arrays.decoder_target, weights

    def start_at(self, epoch):
        """Lay down the batches of the given epoch, counted from 0."""
        self.epoch = epoch
        self._plan()

    def on_epoch_end(self):
        """Go on to the next epoch's batches."""
        self.start_at(self.epoch + 1)
