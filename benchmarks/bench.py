"""The famous example beside ours, in one run: `make bench` calls this.

    python benchmarks/bench.py --corpus fra-eng --num-samples 10000 --epochs 60

Both sides train on the same pairs (the file's tail is left out as validation), one epoch in turn. Ratios are ours over the
example's. Every measured part runs in a process of its own, so that peak memory is its own.
"""

import argparse
import json
import multiprocessing
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NUM_DECODED_BY_LOOP, NUM_DECODED, DECODE_BATCH, SEED = 200, 4000, 256, 0


def load(corpus, num_samples):
    """Return the pairs and where the validation tail begins."""
    from s2s_lib import load_pairs

    pairs = load_pairs(corpus, num_samples=num_samples)
    return pairs, len(pairs) - int(0.2 * len(pairs))


def timed(function, *, repeats=1):
    """Return the least wall and CPU seconds of ``repeats`` calls, and the last result."""
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        result = function()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus), result


def vectorizing(corpus, num_samples):
    """Time the example's double loop against our ids."""
    import numpy as np

    from s2s_lib.vectorization import ragged_ids
    from s2s_lib.vocabulary import CharVocabulary

    pairs, _ = load(corpus, num_samples)
    sources, targets = list(pairs["source"]), ["\t" + target + "\n" for target in pairs["target"]]

    def example():
        tables = [sorted({" "}.union(*texts)) for texts in (sources, targets)]
        index = [{character: i for i, character in enumerate(table)} for table in tables]
        longest = [max(map(len, texts)) for texts in (sources, targets)]
        shapes = [(len(sources), longest[side], len(tables[side])) for side in (0, 1, 1)]
        encoder, decoder, ahead = (np.zeros(shape, dtype="float32") for shape in shapes)
        for i, (source, target) in enumerate(zip(sources, targets, strict=True)):
            for t, character in enumerate(source.ljust(longest[0])):
                encoder[i, t, index[0][character]] = 1.0
            for t, character in enumerate(target.ljust(longest[1])):
                decoder[i, t, index[1][character]] = 1.0
                if t > 0:
                    ahead[i, t - 1, index[1][character]] = 1.0
            ahead[i, longest[1] - 1, index[1][" "]] = 1.0

    def ours():
        for texts in (pairs["source"], pairs["target"]):
            ragged_ids(texts, CharVocabulary.from_texts(texts))

    return {"example": timed(example, repeats=3)[:2], "ours": timed(ours, repeats=3)[:2]}


def example_training(corpus, num_samples, epochs, turns, weights):
    """Train the example epoch by epoch, taking turns; leave its weights for the decoding part."""
    import keras

    from s2s_lib import records
    from s2s_lib.example import train_example
    from s2s_lib.vectorization import one_hot_arrays

    pairs, _ = load(corpus, num_samples)
    arrays = one_hot_arrays(pairs["source"], pairs["target"])
    best = keras.callbacks.ModelCheckpoint(weights, save_best_only=True, monitor="val_real_loss")
    model, history = train_example(arrays, epochs=epochs, seed=SEED, callbacks=[turns, best])
    return {"history": history, "parameters": model.count_params(), "peak_rss_mb": records.peak_memory_mb()}


def our_recipe(corpus, num_samples, epochs):
    """Return the recipe that stands beside the example: same layers, ids in place of one-hot rows."""
    from s2s_lib import Recipe

    return Recipe(
        corpus=corpus, num_samples=num_samples, model="embedding", latent_dim=256, embedding_dim=75, batch_size=128,
        learning_rate=4e-3, dropout=0.2, epochs=epochs, seed=SEED,
    )  # fmt: skip


def our_training(corpus, num_samples, epochs, turns):
    """Train ours on the same rows, taking turns."""
    from s2s_lib import training

    pairs, cut = load(corpus, num_samples)
    pairs["split"] = ["train"] * cut + ["validation"] * (len(pairs) - cut)
    trained = training.train(pairs, our_recipe(corpus, num_samples, epochs), progress=False, callbacks=[turns])
    return {name: trained.record[name] for name in ("history", "parameters", "recipe", "peak_memory_mb")}
