"""What each choice of our recipe buys: one of them taken back at a time, all else as in ``recipes.PLAIN``.

    python benchmarks/choices.py --corpus fra-eng --num-samples 10000

Each variant is a process of its own, trained on the example's split and device. A variant's line is written
into the record at once, and the same command goes on with those that are missing. About 12 minutes.
"""

import argparse
import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import bench
import numpy as np
import sides

from s2s_lib.batches import BucketedBatches

HERE = Path(__file__).resolve().parent
RECORD = HERE.parent / "s2s_lib" / "records" / "choices.json"
SAME = "our recipe"
# What a variant changes: fields of the recipe, how batches are made, how the model is compiled.
VARIANTS = {
    SAME: {},
    "a batch of 64": {"recipe": {"batch_size": 64}},
    "a batch of 256": {"recipe": {"batch_size": 256}},
    "batches of any lengths": {"mixed_lengths": True},
    "the example's optimizer": {"optimizer": True},
    "a constant learning rate": {"constant_rate": True},
    "no gradient clipping": {"recipe": {"clipnorm": None}},
    "no dropout": {"recipe": {"dropout": 0.0}},
    "ten steps a call": {"steps_per_execution": 10},
    "bfloat16": {"recipe": {"precision": "mixed_bfloat16"}},
}


class MixedBatches(BucketedBatches):
    """Batches in random order, whatever the lengths, as a plain shuffle gives them."""

    def _plan(self):
        """Lay down which rows make which batch in this epoch."""
        rows = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.source.lengths))
        self.batches = np.split(rows, range(self.batch_size, len(rows), self.batch_size))


def compile_as(change, usual):
    """Return a function that compiles as ``usual`` does, but for what ``change`` names."""
    import keras

    def compile_model(model, recipe, *, steps):
        usual(model, recipe, steps=steps)
        if change.get("optimizer"):
            model.optimizer = keras.optimizers.RMSprop()
        if change.get("constant_rate"):
            model.optimizer = keras.optimizers.Adam(recipe.learning_rate, clipnorm=recipe.clipnorm)
        model.steps_per_execution = change.get("steps_per_execution", 1)

    return compile_model


@contextmanager
def taken_back(change):
    """Let `s2s_lib.training.train` differ by ``change`` for as long as the context lasts."""
    from s2s_lib import training

    batches = MixedBatches if change.get("mixed_lengths") else BucketedBatches
    with (
        mock.patch.object(training, "BucketedBatches", batches),
        mock.patch.object(training, "compile_for_ids", compile_as(change, training.compile_for_ids)),
    ):
        yield


def measure(name, options):
    """Train one variant; return what its epochs cost and reached."""
    from recipes import PLAIN

    from s2s_lib import records, train

    change = VARIANTS[name]
    recipe = replace(
        PLAIN, corpus=options.corpus, num_samples=options.num_samples, seed=sides.SEED,
        **{"epochs": options.epochs or PLAIN.epochs} | change.get("recipe", {}),
    )  # fmt: skip
    with taken_back(change):
        trained = train(sides.pairs_of(argparse.Namespace(**vars(options), split="tail")), recipe)
    history = trained.record["history"]
    names = ("cpu_seconds", "val_real_loss")
    epochs = [dict(zip(names, row, strict=True)) for row in zip(*map(history.get, names), strict=True)]
    best = bench.best_so_far(epochs, key="val_real_loss", sign=-1)
    return {
        "cpu_seconds_per_epoch": bench.per_epoch(epochs, "cpu_seconds"),
        "least_val_real_loss": epochs[best]["val_real_loss"],
        "best_epoch": best + 1,
        "epochs": epochs,
        **records.environment(),
    }


def with_seconds_to(goal, rows):
    """Return the rows with the CPU seconds to a validation loss of ``goal``, None where it is not reached."""
    reached = {
        name: bench.cpu_until(row["epochs"], lambda epoch: epoch["val_real_loss"] <= goal)
        for name, row in rows.items()
    }
    return {name: row | {"cpu_seconds_to_goal": reached[name]} for name, row in rows.items()}


def main(arguments=None):
    """Measure the variants that the record lacks; or one of them, in this process."""
    from s2s_lib import records

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", default="fra-eng")
    parser.add_argument("--num-samples", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, help="fewer than the recipe has: a short form")
    parser.add_argument("--json", type=Path, default=RECORD)
    parser.add_argument("--measure", choices=VARIANTS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        sides.say(**measure(options.measure, options))
        return 0
    goal = records.load_record("bench")["measured"]["cpu_seconds_to_least_loss"]["goal"]
    command = f"python benchmarks/choices.py --corpus {options.corpus} --num-samples {options.num_samples}"
    record = {
        "what": "our recipe of the bench with one choice taken back at a time, one seed",
        "command": command,
        "corpus": options.corpus,
        "num_samples": options.num_samples,
        "short_form": options.epochs is not None,
        **records.environment(),
        "goal": goal,
    }
    rows = json.loads(options.json.read_text(encoding="utf-8"))["rows"] if options.json.exists() else {}
    given = [*sys.argv[1:]] if arguments is None else list(map(str, arguments))
    for name in VARIANTS:
        if name not in rows:
            command = [sys.executable, HERE / "choices.py", *given, "--measure", name]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            (line,) = (line for line in done.stdout.splitlines() if line.startswith(sides.MARK))
            rows[name] = row = json.loads(line.removeprefix(sides.MARK))
            print(
                f"{name}: {row['cpu_seconds_per_epoch']:.1f} CPU s an epoch, {row['least_val_real_loss']:.3f}"
            )
        kept = {name: rows[name] for name in VARIANTS if name in rows}
        records.write_json(record | {"rows": with_seconds_to(goal, kept)}, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
