"""The famous example beside ours: the same pairs, the same machine, by turns, in one run.

    python benchmarks/bench.py --corpus fra-eng --num-samples 10000

Every side of every comparison is a process of its own. Two trainings alternate epoch by epoch, each while
the other waits. Prints one table and writes ``build/bench.json``; ``--epochs`` gives a short form, which says
so. Where PyTorch is installed, the same model in it is trained beside them. Takes half an hour or more.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import sides

HERE = Path(__file__).resolve().parent
MOST_EPOCHS, PATIENCE = 60, 8
FEW_EPOCHS = 4  # of a side that only shows what an epoch costs
OURS_ON_TORCH = {"ours_on_torch": "float32", "ours_on_torch_bfloat16": "mixed_bfloat16"}
MEASUREMENTS = {
    name: getattr(sides, name)
    for name in ("train_the_example", "train_ours", "train_torch", "vectorize", "decode", "matmul")
}


class Side:
    """One measured process: say "go" to it, read a line of figures from it."""

    def __init__(self, measurement, options, *, name=None, backend=None, **extra):
        given = {
            "corpus": options.corpus, "num-samples": options.num_samples, "split": "tail",
            "epochs": MOST_EPOCHS,
        } | extra  # fmt: skip
        arguments = [text for name, value in given.items() if value for text in (f"--{name}", str(value))]
        self.process = subprocess.Popen(
            [sys.executable, HERE / "bench.py", "--measure", measurement, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            env=os.environ | ({"KERAS_BACKEND": backend} if backend else {}),
        )  # fmt: skip
        self.name, self.epochs, self.figures = name or measurement, [], {}

    def read(self):
        """Return the next line of figures."""
        for line in self.process.stdout:
            if line.startswith(sides.MARK):
                return json.loads(line.removeprefix(sides.MARK))
        raise RuntimeError(f"{self.name} ended without an answer (exit code {self.process.wait()})")

    def turn(self, word):
        """Let it go on, or stop; keep what it says."""
        self.process.stdin.write(word + "\n")
        figures = self.read()
        if word == "go":
            self.epochs.append(figures)
        else:
            self.figures = figures
            self.process.wait()

    @classmethod
    def once(cls, measurement, options, **extra):
        """Run a measurement that takes no turns, return its figures."""
        side = cls(measurement, options, **extra)
        figures = side.read()
        side.process.wait()
        return figures


def by_turns(competitors, *, done):
    """Train epoch by epoch, one at a time, each until ``done`` says so of its epochs."""
    for side in competitors:
        side.read()  # ready
    running = list(competitors)
    while running:
        for side in list(running):
            side.turn("go")
            print(
                f"  {side.name} epoch {len(side.epochs)}: {brief(side.epochs[-1])}",
                file=sys.stderr,
                flush=True,
            )
            if done(side):
                side.turn("stop")
                running.remove(side)


def brief(figures):
    """Return an epoch's most telling figures as text."""
    names = ("cpu_seconds", "wall_seconds", "val_real_loss", "chrf")
    return ", ".join(f"{name} {figures[name]:.2f}" for name in names if name in figures)


def best_so_far(epochs, *, key, sign):
    """Return the index of the best epoch by ``key``; ``sign`` -1 takes the least."""
    return max(range(len(epochs)), key=lambda i: sign * epochs[i][key])


def waited_long_enough(epochs, most, *, key, sign):
    """Say whether training has reached its last epoch, or not got better for some epochs."""
    return len(epochs) >= most or len(epochs) - 1 - best_so_far(epochs, key=key, sign=sign) >= PATIENCE


def cpu_until(epochs, reached):
    """Return the CPU seconds up to the first epoch that ``reached`` accepts, or None."""
    spent = 0.0
    for epoch in epochs:
        spent += epoch["cpu_seconds"]
        if reached(epoch):
            return spent
    return None


def race(options, split, *, key, sign, weights=None):
    """Train the example to its best by ``key``, and ours until as good; return both sides and the ratio."""
    example = Side(
        "train_the_example", options, name="example", split=split, epochs=options.epochs, weights=weights
    )
    ours = Side("train_ours", options, name="ours", split=split)
    competitors = [example, ours]
    if split == "tail" and importlib.util.find_spec("torch"):
        competitors += [
            Side("train_torch", options, name="torch", split=split),
            *(
                Side("train_ours", options, name=name, backend="torch", split=split, precision=precision)
                for name, precision in OURS_ON_TORCH.items()
            ),
        ]
    recipe_epochs = ours_epochs(split)

    def done(side):
        if side is example:
            return waited_long_enough(side.epochs, options.epochs, key=key, sign=sign)
        return len(side.epochs) >= min(recipe_epochs if side is ours else FEW_EPOCHS, options.epochs)

    by_turns(competitors, done=done)
    best = example.epochs[best_so_far(example.epochs, key=key, sign=sign)]
    theirs = cpu_until(example.epochs, lambda epoch: epoch is best)
    mine = cpu_until(ours.epochs, lambda epoch: sign * epoch[key] >= sign * best[key])
    return competitors, {"example": theirs, "ours": mine, "goal": best[key]}


def ours_epochs(split):
    """Return the epochs of our recipe for a split."""
    from recipes import ATTENTIVE, PLAIN

    return (ATTENTIVE if split == "honest" else PLAIN).epochs


def per_epoch(epochs, key):
    """Return the median of an epoch's figure; the first, which compiles, is left out if others are there."""
    return statistics.median(epoch[key] for epoch in epochs[1:] or epochs)


def useful_flops(options):
    """Return the FLOP of an epoch of our plain model that no padding causes.

    Each weight of a matrix costs two FLOP a real timestep forwards, and four more backwards in training.
    """
    from recipes import PLAIN

    from s2s_lib import CharVocabulary

    pairs = sides.pairs_of(argparse.Namespace(**{**vars(options), "split": "tail"}))
    num_target_tokens = len(CharVocabulary.from_texts(pairs.loc[pairs["split"] == "train", "target"]))
    units, width = PLAIN.latent_dim, PLAIN.embedding_dim
    lstm = 4 * units * (units + width)
    total = 0
    for name, cost in (("train", 6), ("validation", 2)):
        part = pairs[pairs["split"] == name]
        encoder, decoder = part["source"].str.len().sum(), (part["target"].str.len() + 1).sum()
        total += cost * (encoder * lstm + decoder * (lstm + units * num_target_tokens))
    return float(total)


def import_seconds():
    """Return the median seconds that a fresh Python takes for ``import s2s_lib``."""
    code = "import time; t = time.perf_counter(); import s2s_lib; print(time.perf_counter() - t)"
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(5)
    ]
    return statistics.median(float(run.stdout) for run in runs)


def ratio(numerator, denominator):
    """Return a ratio, or None where one side never got there."""
    return None if None in (numerator, denominator) else round(numerator / denominator, 4)


def measure_all(options):
    """Run every comparison; return the record."""
    from recipes import ATTENTIVE, PLAIN

    from s2s_lib import records

    short = options.epochs < MOST_EPOCHS
    print("vectorization, import, matrix product", file=sys.stderr)
    vectorizing = Side.once("vectorize", options)
    flops = Side.once("matmul", options)["flops"]
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "example.keras"
        print("training on the example's own split, by turns", file=sys.stderr)
        sides_of_tail, quality = race(options, "tail", key="val_real_loss", sign=-1, weights=weights)
        print("decoding", file=sys.stderr)
        decoding = Side.once("decode", options, weights=weights, sources=10 if short else 200)
    print("training on the leak-free split, by turns", file=sys.stderr)
    (honest_example, honest_ours), chrf = race(options, "honest", key="chrf", sign=1)
    print("an epoch of the full corpus", file=sys.stderr)
    full = Side("train_ours", options, split="tail", **{"num-samples": 2000 if short else None})
    by_turns([full], done=lambda side: True)
    trained = {side.name: side for side in sides_of_tail}
    cpu = {name: per_epoch(side.epochs, "cpu_seconds") for name, side in trained.items()}
    wall = {name: per_epoch(side.epochs, "wall_seconds") for name, side in trained.items()}
    environment, useful = records.environment(), useful_flops(options)
    best = {name: max(epoch["chrf"] for epoch in side.epochs)
            for name, side in (("example", honest_example), ("ours", honest_ours))}  # fmt: skip
    return {
        "what": "the Keras example beside ours, one run, by turns" + (", a SHORT form" if short else ""),
        "command": " ".join(["python", "benchmarks/bench.py", *sys.argv[1:]]),
        "machine": environment["device"],
        **environment,
        "corpus": options.corpus,
        "num_samples": options.num_samples,
        "epochs_at_most": options.epochs,
        "short_form": short,
        "vectorize_speedup": round(vectorizing["example"] / vectorizing["ours"], 1),
        "train_cpu_ratio": ratio(cpu["ours"], cpu["example"]),
        "train_wall_ratio": ratio(wall["ours"], wall["example"]),
        "time_to_quality_ratio": ratio(quality["ours"], quality["example"]),
        "time_to_chrf_ratio": ratio(chrf["ours"], chrf["example"]),
        "useful_flops_fraction": round(useful / wall["ours"] / flops, 4),
        "decode_speedup": round(
            decoding["sentences_per_second"]["ours"] / decoding["sentences_per_second"]["example"], 1
        ),
        "decode_identical": decoding["identical"],
        "peak_rss_mb": {name: side.figures["peak_rss_mb"] for name, side in trained.items()},
        "full_corpus_peak_rss_mb": full.figures["peak_rss_mb"],
        "import_seconds": round(import_seconds(), 4),
        "measured": {
            "vectorize_seconds": vectorizing,
            "train_cpu_seconds_per_epoch": cpu,
            "train_wall_seconds_per_epoch": wall,
            "cpu_seconds_to_least_loss": quality,
            "cpu_seconds_to_best_chrf": chrf,
            "best_chrf": best,
            "matmul_gflops": round(flops / 1e9, 1),
            "useful_gflop_per_epoch": round(useful / 1e9, 1),
            "decode": decoding,
            "full_corpus_epoch": full.epochs[0],
            "recipes": {"plain": asdict(PLAIN), "attentive": asdict(ATTENTIVE)},
            "histories": {
                "tail": {name: side.epochs for name, side in trained.items()},
                "honest": {"example": honest_example.epochs, "ours": honest_ours.epochs},
            },
        },
    }  # fmt: skip


def table(record):
    """Return the record's figures as lines of text."""
    names = [
        name for name, value in record.items() if isinstance(value, (int, float)) and name != "short_form"
    ]
    rows = [(name, f"{record[name]:,}") for name in names]
    rows += [(f"peak_rss_mb {side}", f"{value:,}") for side, value in record["peak_rss_mb"].items()]
    for name in ("train_cpu_seconds_per_epoch", "train_wall_seconds_per_epoch", "vectorize_seconds"):
        rows += [(f"{name} {side}", f"{value:.3g}") for side, value in record["measured"][name].items()]
    width = max(len(name) for name, _ in rows)
    return "\n".join([record["what"], *(f"{name:<{width}}  {value:>12}" for name, value in rows)])


def main():
    """Read the command line; measure one side, or all of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", default="fra-eng")
    parser.add_argument("--num-samples", type=int, help="first pairs of the corpus (10,000)")
    parser.add_argument(
        "--epochs", type=int, default=MOST_EPOCHS, help=f"at most; below {MOST_EPOCHS} a short form"
    )
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"))
    parser.add_argument("--measure", choices=MEASUREMENTS, help=argparse.SUPPRESS)
    parser.add_argument("--split", choices=["tail", "honest"], default="tail", help=argparse.SUPPRESS)
    parser.add_argument("--weights", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--precision", default="float32", help=argparse.SUPPRESS)
    parser.add_argument("--sources", type=int, default=200, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        if os.environ.get("KERAS_BACKEND") != "jax":
            # TensorFlow imports JAX where it is installed, for our tests: 100 MB that neither side needs.
            sys.modules["jax"] = None
        MEASUREMENTS[options.measure](options)
        return 0
    from s2s_lib import records

    options.num_samples = options.num_samples or 10_000
    options.epochs = min(options.epochs, MOST_EPOCHS)
    record = measure_all(options)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    records.write_json(record, options.json)
    print(table(record))
    print(f"written to {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
