"""Render the README's table of results from the records; ``--check`` compares instead of writing.

    python tools/render_results.py

The table stands between ``<!-- results -->`` and ``<!-- /results -->``.
"""

import argparse
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "s2s_lib" / "records"
START, END = "<!-- results -->", "<!-- /results -->"
ROWS = [
    ("the Keras example, on its training sentences", "example_10000", ["last epoch", "training"]),
    ("the Keras example, on the file's tail", "example_10000", ["last epoch", "tail"]),
    ("our demonstration, held-out sentences of the sample", "sample", []),
    ("attention, all pairs, frozen test set", "fra-eng", []),
]
HEAD = ["model and sentences", "pairs trained on", "parameters", "CPU minutes", "exact", "chrF", "n"]


def interval(score, *, percent):
    """Write a score with its 95 % interval.

    Parameters
    ----------
    score : dict
        Keys score, low, high.
    percent : bool
        Whether the score is a share, to be shown in percent.

    Returns
    -------
    str

    Examples
    --------
    >>> interval({"score": 0.5, "low": 0.4, "high": 0.6}, percent=True)
    '50.0 % (40.0–60.0)'
    """
    value, low, high = (score[key] * (100 if percent else 1) for key in ("score", "low", "high"))
    return f"{value:.1f}{' %' if percent else ''} ({low:.1f}–{high:.1f})"


def row(label, record, path):
    """Return the cells of one row of the table, all but the label from the record."""
    scores = record["scores"]
    for key in path:
        scores = scores[key]
    trained = record.get("num_train") or round(record["num_samples"] * (1 - record["validation_split"]))
    return [
        label,
        f"{trained:,}",
        f"{record['parameters']:,}",
        f"{record['cpu_seconds'] / 60:.0f}",
        interval(scores["exact"], percent=True),
        interval(scores["chrf"], percent=False),
        f"{scores['exact']['n']:,}",
    ]


def table():
    """Return the table as Markdown; a record that is not there yet has no row."""
    rows = [HEAD, ["---", *["---:"] * (len(HEAD) - 1)]]
    for label, name, path in ROWS:
        file = RECORDS / f"{name}.json"
        if file.exists():
            rows.append(row(label, json.loads(file.read_text(encoding="utf-8")), path))
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def main(arguments=None):
    """Write or check the README's table; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args(arguments)
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    rendered = re.sub(f"{START}.*?{END}", lambda _: f"{START}\n{table()}\n{END}", text, flags=re.DOTALL)
    if rendered == text:
        return 0
    if options.check:
        print("README.md: its results are not those of the records; run python tools/render_results.py")
        return 1
    readme.write_text(rendered, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
