"""From a file of sentence pairs to batches of padded ids."""
