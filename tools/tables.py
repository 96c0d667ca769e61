"""Write the tables of README and TEACHING.md, and the model card, from the records; `--check` only compares.

    python -m tools.tables

Each table stands between two marks: `<!-- results -->` and `<!-- /results -->`, for one.
"""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

import nbformat

from s2s_lib.checks import QUESTIONS, find
from s2s_lib.records import SIDES, load_record
from tools.links import title
from tools.notebooks import COURSE, numbered
from tools.shared import RESOURCES, ROOT, Record, command_line

README, TEACHING, CARD = ROOT / "README.md", ROOT / "TEACHING.md", RESOURCES / "fra-eng.md"
TEMPLATE = Path(__file__).with_name("model_card.md")
HEAD = ["model and sentences", "pairs trained on", "parameters", "CPU minutes", "exact", "chrF", "BLEU", "n"]
FIRST, FROZEN = "first 10,000 pairs, leak-free split", "frozen test set, greedy"
# Label, record, and the keys that lead to the scores; in a record of many rows, first the row's name.
ROWS = [
    ("the Keras example, on its training sentences", "example_10000", ["last epoch", "training"]),
    ("the Keras example, on the file's tail", "example_10000", ["last epoch", "tail"]),
    ("our demonstration, held-out sentences of the sample", "sample", []),
    (f"the nearest training source's French, {FIRST}", "models_10000", ["nearest"]),
    (f"the example's recipe, {FIRST}", "models_10000", ["example"]),
    (f"the same layers on ids, {FIRST}", "models_10000", ["embedding"]),
    *((f"attention, greedy, seed {i}, {FIRST}", "models_10000", [f"attention_{i}"]) for i in (1, 2, 3)),
    *(
        (f"attention, {number:,} random pairs, {FROZEN}", "data_curve", [f"pairs_{number}"])
        for number in (2_000, 10_000, 50_000)
    ),
    (f"attention, all pairs, larger, {FROZEN}", "fra-eng", ["greedy"]),
    ("the same, with beam search", "fra-eng", ["beam"]),
]


def interval(score: Record, *, percent: bool) -> str:
    """Return a score as text, with its 95 % interval.

    >>> interval({"score": 0.5, "low": 0.4, "high": 0.6}, percent=True)
    '50.0 % (40.0–60.0)'
    """
    value, low, high = (score[key] * (100 if percent else 1) for key in ("score", "low", "high"))
    return f"{value:.1f}{' %' if percent else ''} ({low:.1f}–{high:.1f})"


def figure(value: float | None) -> str:
    """Return a measured figure to three digits, a large one to the unit, and a dash for none.

    >>> figure(0.01152), figure(1948), figure(None)
    ('0.0115', '1,948', '–')
    """
    if value is None:
        return "–"
    return f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"


def as_markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; every column but the first is aligned right.

    >>> print(as_markdown(["model", "chrF"], [["ours", "61.2"]]))
    | model | chrF |
    | --- | ---: |
    | ours | 61.2 |
    """
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def result_row(label: str, record: Record, path: Sequence[str]) -> list[str]:
    """Return the cells of one of `ROWS`."""
    if "rows" in record:
        name, *path = path
        record = record["rows"][name]
    scores = record["scores"]
    for key in path:
        scores = scores[key]
    trained = record.get("num_train") or round(record["num_samples"] * (1 - record["validation_split"]))
    return [
        label,
        f"{trained:,}",
        f"{record['parameters']:,}",
        f"{record.get('cpu_seconds', 0) / 60:.0f}",
        interval(scores["exact"], percent=True),
        interval(scores["chrf"], percent=False),
        interval(scores["bleu"], percent=False),
        f"{scores['exact']['n']:,}",
    ]


def bench_table(record: Record) -> str:
    """Return what the example and ours cost, side by side: the sides that the bench has measured."""
    measured, decode = record["measured"], record["measured"]["decode"]
    rows = {
        "CPU seconds an epoch of training": measured["train_cpu_seconds_per_epoch"],
        "wall seconds an epoch of training": measured["train_wall_seconds_per_epoch"],
        "CPU seconds to the example's least validation loss": measured["cpu_seconds_to_least_loss"],
        "CPU seconds to the example's best chrF": measured["cpu_seconds_to_best_chrf"],
        "seconds to vectorize": measured["vectorize_seconds"],
        "sentences decoded a second": decode["sentences_per_second"],
        "peak memory, MB": record["peak_rss_mb"],
    }
    sides = [side for side in SIDES if side in record["peak_rss_mb"]]
    table = as_markdown(
        ["", *(SIDES[side] for side in sides)],
        [[label, *(figure(values.get(side)) for side in sides)] for label, values in rows.items()],
    )
    return (
        f"{table}\n\n{record['what']}; first {record['num_samples']:,} pairs of `{record['corpus']}`. "
        f"Machine: {record['machine']}. "
        f"Of {decode['sentences']['example']} sentences {decode['identical']:.0%} are decoded to the same "
        f"characters. Useful work is {record['useful_flops_fraction']:.0%} of what a matrix product reaches. "
        f"An epoch of the full corpus takes {record['full_corpus_peak_rss_mb']:,} MB at most."
    )


def choices_table(record: Record) -> str:
    """Return what each choice of our recipe brings."""
    head = ["instead", "CPU s an epoch", f"CPU s to a loss of {record['goal']:.3f}", "least loss", "in epoch"]
    rows = []
    for name, values in record["rows"].items():
        seconds, reached = values["cpu_seconds_per_epoch"], values["cpu_seconds_to_goal"]
        spent = "not reached" if reached is None else f"{reached:.0f}"
        least, epoch = values["least_val_real_loss"], f"{values['best_epoch']} of {len(values['epochs'])}"
        rows.append([name, f"{seconds:.1f}", spent, f"{least:.3f}", epoch])
    return as_markdown(head, rows)


def model_card(record: Record) -> str:
    """Return the model card of the translator of the real corpus."""
    rows = []
    for name in ("greedy", "beam"):
        percents = {"exact": True, "cer": True, "chrf": False, "bleu": False}
        scores = record["scores"][name]
        rows.append([name, *(interval(scores[key], percent=percent) for key, percent in percents.items())])
    computed = {
        "recipe_json": json.dumps(record["recipe"]),
        "decoding_json": json.dumps(record["decoding"]),
        "cpu_hours": record["cpu_seconds"] / 3600,
        "note_line": f"- **Note:** {record['note']}\n" if "note" in record else "",
        "table": as_markdown(["decoding", "exact", "character error rate", "chrF", "BLEU"], rows),
    }
    return TEMPLATE.read_text(encoding="utf-8").format(**record, **computed)


def costs_table(record: Record) -> str:
    """Return what each notebook asks, the minutes of its exercises, and what its kernel takes."""
    rows = []
    for path in numbered(COURSE):
        notebook, cost = nbformat.read(path, as_version=4), record["rows"][path.stem]
        numbers = {cell.metadata["exercise"] for cell in notebook.cells if "exercise" in cell.metadata}
        minutes = sum(1 if number in QUESTIONS else find(number).minutes for number in numbers)
        link = f"[{path.stem}](notebooks/{path.name}): {title(notebook)}"
        rows.append([link, f"{minutes}", f"{cost['seconds']:.0f}", f"{cost['peak_memory_mb']:,}"])
    return as_markdown(["notebook and its question", "exercises, minutes", "runs in, s", "memory, MB"], rows)


def seeds_table(rows: Iterable[Record]) -> str:
    """Return the least, the middle and the largest score of the seeds of each backend.

    >>> scores = [{"exact": {"score": exact}, "chrf": {"score": 90}} for exact in (0.5, 0.7, 0.6)]
    >>> print(seeds_table({"backend": "jax", "scores": score} for score in scores))
    | backend | seeds | exactly right, % | chrF |
    | --- | ---: | ---: | ---: |
    | jax | 3 | 50.0 – 60.0 – 70.0 | 90.0 – 90.0 – 90.0 |
    """
    by_backend: dict[str, list[Record]] = {}
    for row in rows:
        by_backend.setdefault(row["backend"], []).append(row["scores"])
    found = []
    for backend, scores in by_backend.items():
        spread = [
            " – ".join(
                f"{f(factor * each[name]['score'] for each in scores):.1f}" for f in (min, median, max)
            )
            for name, factor in (("exact", 100), ("chrf", 1))
        ]
        found.append([backend, f"{len(scores)}", *spread])
    return as_markdown(["backend", "seeds", "exactly right, %", "chrF"], found)


def between(text: str, name: str, content: str) -> str:
    """Return ``text`` with what stands between the two marks ``name`` replaced by ``content``."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    return re.sub(f"{start}.*?{end}", lambda _: f"{start}\n{content}\n{end}", text, flags=re.DOTALL)


def wanted() -> dict[Path, str]:
    """Return the texts that README, TEACHING.md and model card should have."""
    results = as_markdown(HEAD, [result_row(label, load_record(name), path) for label, name, path in ROWS])
    text = between(README.read_text(encoding="utf-8"), "results", results)
    text = between(text, "bench", bench_table(load_record("bench")))
    text = between(text, "choices", choices_table(load_record("choices")))
    teaching = between(TEACHING.read_text(encoding="utf-8"), "costs", costs_table(load_record("notebooks")))
    teaching = between(teaching, "seeds", seeds_table(load_record("seeds_sample")["rows"].values()))
    return {README: text, TEACHING: teaching, CARD: model_card(load_record("fra-eng"))}


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or compare them; return the exit code."""
    parser = command_line(__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args(arguments)
    stale = {path: text for path, text in wanted().items() if path.read_text(encoding="utf-8") != text}
    for path, text in stale.items():
        if options.check:
            print(f"{path.name} differs from the records; run python -m tools.tables")
        else:
            path.write_text(text, encoding="utf-8")
    return int(options.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
