"""Train and score what two records hold: three kinds of model on 10,000 pairs, and one kind on ever more.

    python tools/record_models.py --work /tmp/models --only attention_1 pairs_2000

A row is trained and merged into its record at once; without ``--only``, every row that its record lacks. The
work folder, outside the checkout, keeps a checkpoint after each epoch: the same command goes on from there.
Every row decodes greedily and is scored at that epoch which translated the validation sources best by chrF.

Some 10 to 25 CPU minutes a row of models_10000, an hour for pairs_50000; nearest and all train nothing.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from s2s_lib import (
    Recipe,
    load_pairs,
    multi_reference,
    records,
    split_hash,
    split_pairs,
    train,
    training_subset,
)
from s2s_lib.callbacks import EpochClock, Keeper
from s2s_lib.evaluate import score
from s2s_lib.example import train_example
from s2s_lib.metrics import nearest_source_translation
from s2s_lib.vectorization import one_hot_arrays

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))  # a program started by its path finds only what stands beside it

from tools.fused_lstm import fused_lstm  # noqa: E402
from tools.ship_fra_eng import NUM_VALIDATION_SOURCES, chrf_on, translator_of  # noqa: E402

RECORDS = ROOT / "s2s_lib" / "records"
ATTENTION = Recipe(
    corpus="fra-eng", model="attention", latent_dim=256, embedding_dim=64, dropout=0.3, batch_size=64,
    epochs=30, learning_rate=2e-3, fold_typography=True, seed=1,
)  # fmt: skip
EXAMPLE = {"latent_dim": 256, "batch_size": 64, "epochs": 50, "seed": 1}
CURVE_EPOCHS = {2_000: 60, 10_000: 30, 50_000: 12}  # fewer passes over more pairs


class Ground(NamedTuple):
    """What a row learns from and is judged by.

    Attributes
    ----------
    pairs : pandas.DataFrame
        Training and validation pairs: columns source, target, split.
    validation, test : pandas.DataFrame
        One row a source, with its references.
    split_hash : str
        The fingerprint of the split's whole test set.
    max_target_length : int
        Characters after which a translation is cut.
    """

    pairs: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame
    split_hash: str
    max_target_length: int


def ground_of(split, *, num_train=None, num_validation=NUM_VALIDATION_SOURCES):
    """Return the ground of a split: its training pairs, or ``num_train`` of them, and its whole test set."""
    parts = {name: split[split["split"] == name] for name in ("train", "validation", "test")}
    tables = {name: multi_reference(parts[name]) for name in ("validation", "test")}
    validation = tables["validation"]
    validation = validation.sample(min(num_validation, len(validation)), random_state=0)
    learned = training_subset(split, num_train) if num_train else parts["train"]
    watched = parts["validation"][parts["validation"]["source"].isin(validation["source"])]
    return Ground(
        pd.concat([learned, watched]), validation, tables["test"], split_hash(split),
        int(learned["target"].str.len().max()),
    )  # fmt: skip


def scored(ground, translate):
    """Return what `s2s_lib.evaluate.score` says of translations of the test sources."""
    translations = translate(list(ground.test["source"]))
    return score(translations, list(ground.test["references"]), split_hash=ground.split_hash)


def epochs_of(history):
    """Return how many epochs a training ran, and its best by validation chrF, counted from 1."""
    curve = history["score"]
    return {"epochs": len(curve), "best_epoch": curve.index(max(curve)) + 1}


def finished(row, ground, translate):
    """Return a trained row with its best epoch and its scores."""
    more = {"max_target_length": ground.max_target_length, "scores": scored(ground, translate)}
    return row | epochs_of(row["history"]) | more


def library_row(ground, recipe, *, checkpoint=None):
    """Train by a recipe of the library; return the row."""
    kept = {}

    def translator(trained):
        return translator_of(trained, max_target_length=ground.max_target_length)

    def score_epoch(trained):
        if not kept:
            kept["translate"] = translator(trained).translate  # compiled once, for all epochs
        return chrf_on(ground.validation, kept["translate"])

    with fused_lstm():  # on PyTorch; elsewhere nothing changes
        trained = train(ground.pairs, recipe, checkpoint=checkpoint, score=score_epoch)
    return finished(trained.record, ground, translator(trained).translate)


def honest_arrays(pairs):
    """Return the example's arrays, training pairs first, with no character that training pairs lack.

    Returns
    -------
    OneHotArrays
    float
        The ``validation_split`` by which Keras takes the validation pairs, and only these, from the end.
    """
    parts = [pairs[pairs["split"] == name] for name in ("train", "validation")]
    texts = []
    for side in ("source", "target"):
        known = set().union(*parts[0][side])
        cleaned = ["".join(filter(known.__contains__, text)) for text in parts[1][side]]
        texts.append([*parts[0][side], *cleaned])
    return one_hot_arrays(*texts), (len(parts[1]) - 0.5) / len(texts[0])


def example_row(ground, *, epochs, checkpoint=None, **options):
    """Train the famous example's model as its authors do, but on training pairs alone; return the row."""
    from benchmarks.sides import example_translator

    arrays, validation_split = honest_arrays(ground.pairs)
    model, _ = train_example(arrays, epochs=0, **options)  # built and compiled
    translate = example_translator(model, arrays)
    digest = f"example {json.dumps(options)} {ground.split_hash} {len(ground.pairs)}"
    keeper = Keeper(digest, checkpoint=checkpoint, score=lambda: chrf_on(ground.validation, translate))
    model.fit(
        [arrays.encoder_input, arrays.decoder_input],
        arrays.decoder_target,
        batch_size=options["batch_size"],
        initial_epoch=keeper.restore(model),
        epochs=epochs,
        validation_split=validation_split,
        callbacks=[EpochClock(), keeper],
        verbose=2,
    )
    history = {name: [row[name] for row in keeper.history] for name in keeper.history[0]}
    row = {
        "recipe": {"model": "example", "optimizer": "rmsprop", "epochs": epochs, **options},
        "parameters": model.count_params(),
        **{f"num_{name}": int((ground.pairs["split"] == name).sum()) for name in ("train", "validation")},
        **records.environment(),
        **{name: round(sum(history[name]), 1) for name in ("wall_seconds", "cpu_seconds")},
        "peak_memory_mb": records.peak_memory_mb(),
        "history": history,
    }
    return finished(row, ground, translate)


def nearest_row(ground):
    """Return the baseline: the translation of that training source which takes the fewest edits."""
    known = ground.pairs[ground.pairs["split"] == "train"]
    scores = scored(ground, lambda sources: nearest_source_translation(known, sources))
    return {
        "recipe": {"model": "nearest training source"},
        "parameters": 0,
        "num_train": len(known),
        "scores": scores,
    }


def shipped_row():
    """Return the row of the translator that ships, from its own record; its greedy scores."""
    record = records.load_record("fra-eng")
    names = ["recipe", "digest", "parameters", "num_train", "num_validation", "versions", "backend", "device"]
    names += ["wall_seconds", "cpu_seconds", "history"]
    return {
        "note": " ".join(["The shipped translator, of its own size and recipe.", record.get("note", "")]),
        **{name: record[name] for name in names},
        **epochs_of(record["history"]),
        "scores": record["scores"]["greedy"],
    }


def row_makers(*, num_samples=10_000, corpus="fra-eng"):
    """Return for each record what it is and, for each row, a function from a checkpoint to the row."""

    def first_pairs():
        return ground_of(split_pairs(load_pairs(corpus, num_samples=num_samples)), num_validation=10**9)

    def random_pairs(num_train):
        return ground_of(split_pairs(load_pairs(corpus)), num_train=num_train)

    recipe = replace(ATTENTION, corpus=corpus, num_samples=num_samples)
    models = {
        "nearest": lambda file: nearest_row(first_pairs()),
        "example": lambda file: example_row(first_pairs(), checkpoint=file, **EXAMPLE),
        "embedding": lambda file: library_row(
            first_pairs(), replace(recipe, model="embedding"), checkpoint=file
        ),
    } | {
        f"attention_{seed}": lambda file, seed=seed: library_row(
            first_pairs(), replace(recipe, seed=seed), checkpoint=file
        )
        for seed in (1, 2, 3)
    }
    curve = {
        f"pairs_{num_train}": lambda file, num_train=num_train, epochs=epochs: library_row(
            random_pairs(num_train),
            replace(ATTENTION, corpus=corpus, epochs=epochs, max_length=60),
            checkpoint=file,
        )
        for num_train, epochs in CURVE_EPOCHS.items()
    } | {"all": lambda file: shipped_row()}
    return {
        "models_10000": (
            f"kinds of model, each trained on the training part of the first {num_samples:,} pairs of "
            f"{corpus}, scored on the unique sources of that split's test part, all versions",
            models,
        ),
        "data_curve": (
            f"attention on nested random parts of {corpus}'s training set, scored on the whole frozen test "
            "set: unique sources, all versions; the last row is the shipped translator, of another size",
            curve,
        ),
    }


def merge(path, what, rows, *, order):
    """Put rows into the record at ``path``, made if it is not there, in the given order."""
    there = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else {}
    there |= rows
    head = {"what": what, "command": "python tools/record_models.py --work DIR", **records.environment()}
    records.write_json(head | {"rows": {name: there[name] for name in order if name in there}}, path)


def missing_rows(path, names):
    """Return those names for which the record at ``path`` has no row yet."""
    there = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else {}
    return [name for name in names if name not in there]


def brief(scores):
    """Return the scores as text, without intervals.

    >>> brief({"exact": {"score": 0.5, "n": 4}, "signature": "chrF2"})
    'exact 0.500'
    """
    values = {name: value["score"] for name, value in scores.items() if isinstance(value, dict)}
    return ", ".join(f"{name} {value:.3f}" for name, value in values.items())


def main(arguments=None):
    """Make rows, one after the other, and merge each into its record."""
    makers = row_makers()
    names = [name for _, rows in makers.values() for name in rows]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--work", type=Path, required=True, help="folder of checkpoints, outside the checkout"
    )
    parser.add_argument("--only", nargs="+", choices=names, metavar="ROW", help=", ".join(names))
    parser.add_argument("--records", type=Path, default=RECORDS, help="folder of the records")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    for record, (what, rows) in makers.items():
        path = options.records / f"{record}.json"
        for name in [name for name in rows if name in (options.only or missing_rows(path, rows))]:
            print(f"{record}: {name}", flush=True)
            row = rows[name](options.work / f"{name}.npz")
            merge(path, what, {name: row}, order=rows)
            print(brief(row["scores"]), flush=True)


if __name__ == "__main__":
    main()
