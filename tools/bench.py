"""Measure the famous example beside ours: the same pairs, the same machine, by turns, in one run.

    python -m tools.bench --corpus fra-eng --num-samples 10000
    python -m tools.bench choices

The first trains and decodes with both, and writes build/bench.json; --epochs gives a short form, which says
so. Two trainings alternate epoch by epoch, each while the other waits. Where PyTorch is installed, ours runs
on it as well. It takes half an hour or more.

The second takes back one choice of our recipe at a time, on the example's split. It writes each variant into
its record at once, and the same command goes on with those that are missing. About 12 minutes.
"""

import argparse
import importlib.util
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from s2s_lib import records
from s2s_lib.data.vocabulary import CharVocabulary
from tools import shared, sides
from tools.shared import RECORDS, ROOT, Record

MOST_EPOCHS, PATIENCE = 60, 8
FEW_EPOCHS = 4  # of a side that only shows what an epoch costs
OURS_ON_TORCH = {"ours_on_torch": "float32", "ours_on_torch_bfloat16": "mixed_bfloat16"}
NEW_PROCESS = multiprocessing.get_context("spawn")

Epoch = Mapping[str, float]


# ---- processes ----
class Side:
    """A process that measures (see `tools.sides`), and the figures of the epochs that it has trained."""

    def __init__(self, name: str, work: Callable[..., None], *, backend: str = "", **given: Any) -> None:
        self.turns, theirs = NEW_PROCESS.Pipe()
        self.process = NEW_PROCESS.Process(target=work, args=(theirs,), kwargs=given, daemon=True)
        with mock.patch.dict(os.environ, {"KERAS_BACKEND": backend} if backend else {}):
            self.process.start()
        theirs.close()  # so that `hear` notices its end
        self.name = name
        self.epochs: list[Epoch] = []
        self.peak_rss_mb: int | None = None

    def hear(self) -> Any:
        """Return what it says next."""
        try:
            return self.turns.recv()
        except EOFError:
            self.process.join()
            code = self.process.exitcode
            raise RuntimeError(f"{self.name} ended without an answer (exit code {code})") from None

    def train_epoch(self) -> None:
        """Let it train an epoch."""
        self.turns.send(True)
        self.epochs.append(self.hear())
        names = [name for name in ("cpu_seconds", "val_real_loss", "chrf") if name in self.epochs[-1]]
        figures = ", ".join(f"{name} {self.epochs[-1][name]:.2f}" for name in names)
        print(f"  {self.name} epoch {len(self.epochs)}: {figures}", file=sys.stderr, flush=True)

    def stop(self) -> None:
        """Let it end."""
        self.turns.send(False)
        self.peak_rss_mb = self.hear()
        self.process.join()


def measure(work: Callable[..., None], **given: Any) -> Any:
    """Return the figures of a measurement that takes no turns."""
    side = Side(work.__name__, work, **given)
    figures = side.hear()
    side.process.join()
    return figures


def take_turns(competitors: Sequence[Side], *, done: Callable[[Side], bool]) -> None:
    """Train epoch by epoch, one side at a time, each until ``done`` says so."""
    for side in competitors:
        side.hear()  # it is ready
    running = list(competitors)
    while running:
        for side in list(running):
            side.train_epoch()
            if done(side):
                side.stop()
                running.remove(side)


# ---- epochs ----
def merit(epoch: Epoch, key: str) -> float:
    """Return a figure of an epoch so that more is better: chrF as it is, a loss with its sign changed."""
    return epoch[key] if key == "chrf" else -epoch[key]


def best_so_far(epochs: Sequence[Epoch], key: str) -> int:
    """Return the index of the best epoch by ``key``."""
    return max(range(len(epochs)), key=lambda i: merit(epochs[i], key))


def waited_long_enough(epochs: Sequence[Epoch], most: int, key: str) -> bool:
    """Tell whether training has reached its last epoch, or has not improved for some epochs."""
    return len(epochs) >= most or len(epochs) - 1 - best_so_far(epochs, key) >= PATIENCE


def cpu_until(epochs: Sequence[Epoch], key: str, goal: float) -> float | None:
    """Return the CPU seconds up to the end of the first epoch that is as good as ``goal``, or None."""
    spent = 0.0
    for epoch in epochs:
        spent += epoch["cpu_seconds"]
        if merit(epoch, key) >= merit({key: goal}, key):
            return spent
    return None


def per_epoch(epochs: Sequence[Epoch], key: str) -> float:
    """Return the median of a figure; the first epoch, which compiles, is left out if there are others."""
    return statistics.median(epoch[key] for epoch in epochs[1:] or epochs)


def ratio(seconds: Mapping[str, float | None]) -> float | None:
    """Return what ours takes of what the example takes, or None where one side never got there."""
    ours, example = seconds["ours"], seconds["example"]
    return None if ours is None or example is None else round(ours / example, 4)


# ---- the example beside ours ----
def race(
    pairs: Mapping[str, Any], split: str, epochs: int, key: str, file: str | None = None
) -> tuple[dict[str, Side], Record]:
    """Train the example to its best by ``key``, and ours; return all sides, and CPU seconds to that best."""
    example = Side("example", sides.train_example, **pairs, split=split, epochs=epochs, file=file)
    ours = Side("ours", sides.train_ours, **pairs, split=split)
    competitors = {"example": example, "ours": ours}
    if split == "tail" and importlib.util.find_spec("torch"):
        competitors |= {
            name: Side(name, sides.train_ours, backend="torch", **pairs, split=split, precision=precision)
            for name, precision in OURS_ON_TORCH.items()
        }

    def done(side: Side) -> bool:
        if side is example:
            return waited_long_enough(side.epochs, epochs, key)
        return len(side.epochs) >= min(sides.RECIPES[split].epochs if side is ours else FEW_EPOCHS, epochs)

    take_turns([*competitors.values()], done=done)
    goal = example.epochs[best_so_far(example.epochs, key)][key]
    seconds = {name: cpu_until(competitors[name].epochs, key, goal) for name in ("example", "ours")}
    return competitors, seconds | {"goal": goal}


def useful_flops(*, corpus: str, num_samples: int) -> float:
    """Return the FLOP of an epoch of our plain model that no padding causes.

    Each weight of a matrix costs two FLOP per real timestep forwards, and four more backwards in training.
    """
    pairs = sides.pairs_of(corpus, num_samples)
    num_target_tokens = len(CharVocabulary.from_texts(pairs.loc[pairs["split"] == "train", "target"]))
    units, width = sides.PLAIN.latent_dim, sides.PLAIN.embedding_dim
    lstm = 4 * units * (units + width)
    total = 0
    for name, cost in (("train", 6), ("validation", 2)):
        part = pairs[pairs["split"] == name]
        encoder, decoder = part["source"].str.len().sum(), (part["target"].str.len() + 1).sum()
        total += cost * (encoder * lstm + decoder * (lstm + units * num_target_tokens))
    return float(total)


def import_seconds() -> float:
    """Return the median seconds that a new Python takes for ``import s2s_lib``."""
    code = "import time; t = time.perf_counter(); import s2s_lib; print(time.perf_counter() - t)"
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT) for _ in range(5)]
    return statistics.median(float(run.stdout) for run in runs)


def compare(options: argparse.Namespace) -> Record:
    """Measure everything; write and return the record."""
    most = min(options.epochs or MOST_EPOCHS, MOST_EPOCHS)
    short = most < MOST_EPOCHS
    pairs = {"corpus": options.corpus, "num_samples": options.num_samples}
    print("vectorization, matrix product", file=sys.stderr)
    vectorizing, flops = measure(sides.vectorize, **pairs), measure(sides.matmul)
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/example.keras"
        print("training on the example's own split, by turns", file=sys.stderr)
        tail, to_loss = race(pairs, "tail", most, "val_real_loss", file)
        print("decoding", file=sys.stderr)
        decoding = measure(sides.decode, **pairs, file=file, most=4 if short else 200)
    print("training on the leak-free split, by turns", file=sys.stderr)
    honest, to_chrf = race(pairs, "honest", most, "chrf")
    print("an epoch of the full corpus", file=sys.stderr)
    every = {"corpus": options.corpus, "num_samples": 500 if short else None, "split": "tail"}
    full = Side("ours", sides.train_ours, **every)
    take_turns([full], done=lambda side: True)
    cpu, wall = (
        {name: per_epoch(side.epochs, key) for name, side in tail.items()}
        for key in ("cpu_seconds", "wall_seconds")
    )
    useful, environment, speed = (
        useful_flops(**pairs),
        records.environment(),
        decoding["sentences_per_second"],
    )
    return shared.write_record(
        options.json or Path("build/bench.json"),
        what="the Keras example beside ours, one run, by turns" + (", a SHORT form" if short else ""),
        command=options.command,
        machine=environment["device"],
        **environment,
        **pairs,
        epochs_at_most=most,
        short_form=short,
        vectorize_speedup=round(vectorizing["example"] / vectorizing["ours"], 1),
        train_cpu_ratio=ratio(cpu),
        train_wall_ratio=ratio(wall),
        time_to_quality_ratio=ratio(to_loss),
        time_to_chrf_ratio=ratio(to_chrf),
        useful_flops_fraction=round(useful / wall["ours"] / flops, 4),
        decode_speedup=round(speed["ours"] / speed["example"], 1),
        decode_identical=decoding["identical"],
        peak_rss_mb={name: side.peak_rss_mb for name, side in tail.items()},
        full_corpus_peak_rss_mb=full.peak_rss_mb,
        import_seconds=round(import_seconds(), 4),
        measured={
            "vectorize_seconds": vectorizing,
            "train_cpu_seconds_per_epoch": cpu,
            "train_wall_seconds_per_epoch": wall,
            "cpu_seconds_to_least_loss": to_loss,
            "cpu_seconds_to_best_chrf": to_chrf,
            "best_chrf": {name: max(epoch["chrf"] for epoch in side.epochs) for name, side in honest.items()},
            "matmul_gflops": round(flops / 1e9, 1),
            "useful_gflop_per_epoch": round(useful / 1e9, 1),
            "decode": decoding,
            "full_corpus_epoch": full.epochs[0],
            "recipes": {"plain": asdict(sides.PLAIN), "attentive": asdict(sides.ATTENTIVE)},
            "histories": {
                split: {name: side.epochs for name, side in competitors.items()}
                for split, competitors in (("tail", tail), ("honest", honest))
            },
        },
    )


# ---- choices ----
def choice_row(goal: float, *, epochs: Sequence[Epoch], environment: Mapping[str, Any]) -> Record:
    """Return what a variant's epochs cost and reached; ``goal`` is a validation loss."""
    best = best_so_far(epochs, "val_real_loss")
    return {
        "cpu_seconds_per_epoch": per_epoch(epochs, "cpu_seconds"),
        "least_val_real_loss": epochs[best]["val_real_loss"],
        "best_epoch": best + 1,
        "epochs": epochs,
        **environment,
        "cpu_seconds_to_goal": cpu_until(epochs, "val_real_loss", goal),
    }


def record_choices(options: argparse.Namespace) -> None:
    """Measure the variants that the record lacks, against the example's least loss in the recorded bench."""
    goal = records.load_record("bench")["measured"]["cpu_seconds_to_least_loss"]["goal"]
    pairs = {"corpus": options.corpus, "num_samples": options.num_samples}

    def make(variant: str) -> Record:
        given = {"variant": variant, **pairs, "epochs": options.epochs}
        return choice_row(goal, **measure(sides.train_variant, **given))

    head = {
        "what": "our recipe of the bench with one choice taken back at a time, one seed",
        "command": options.command,
        **pairs,
        "short_form": options.epochs is not None,
        **records.environment(),
        "goal": goal,
    }
    makers = {variant: partial(make, variant) for variant in sides.VARIANTS}
    shared.record_rows(options.json or RECORDS / "choices.json", head, makers)


def main(arguments: list[str] | None = None) -> None:
    """Compare the example and ours, or the choices of our recipe."""
    parser = shared.command_line(__doc__)
    parser.add_argument("what", nargs="?", choices=["compare", "choices"], default="compare")
    parser.add_argument("--corpus", default="fra-eng")
    parser.add_argument(
        "--num-samples", type=shared.count, default=10_000, help="first pairs of the corpus (10,000)"
    )
    parser.add_argument("--epochs", type=shared.count, help="at most: a short form")
    parser.add_argument("--json", type=Path, help="the record to write")
    options = shared.parse(parser, arguments)
    if options.what == "choices":
        record_choices(options)
    elif "test" not in set(sides.pairs_of(options.corpus, options.num_samples, "honest")["split"]):
        parser.error(f"the split of {options.num_samples} pairs has no test pair: give more by --num-samples")
    else:
        print(json.dumps({name: v for name, v in compare(options).items() if name != "measured"}, indent=1))


if __name__ == "__main__":
    main()
