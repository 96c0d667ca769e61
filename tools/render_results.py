"""Render the README's tables and the model card from the records; ``--check`` compares, writes nothing.

    python tools/render_results.py

Each table stands between two marks, ``<!-- results -->`` and ``<!-- /results -->``; so do the others.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from s2s_lib import comparisons

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "s2s_lib" / "records"
ROWS = [
    ("the Keras example, on its training sentences", "example_10000", ["last epoch", "training"]),
    ("the Keras example, on the file's tail", "example_10000", ["last epoch", "tail"]),
    ("our demonstration, held-out sentences of the sample", "sample", []),
    *(
        (f"{kind}, first 10,000 pairs, leak-free split", "models_10000", [row])
        for kind, row in [
            ("the nearest training source's French", "nearest"),
            ("the example's recipe", "example"),
            ("the same layers on ids", "embedding"),
            *((f"attention, greedy, seed {seed}", f"attention_{seed}") for seed in (1, 2, 3)),
        ]
    ),
    *(
        (f"attention, {number:,} random pairs, frozen test set, greedy", "data_curve", [f"pairs_{number}"])
        for number in (2_000, 10_000, 50_000)
    ),
    ("attention, all pairs, larger, frozen test set, greedy", "fra-eng", ["greedy"]),
    ("the same, with beam search", "fra-eng", ["beam"]),
]
HEAD = ["model and sentences", "pairs trained on", "parameters", "CPU minutes", "exact", "chrF", "BLEU", "n"]


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
    """Return the cells of one row of the table, all but the label from the record.

    Parameters
    ----------
    label : str
    record : dict
        Of one training; or of many, as ``rows`` by name.
    path : list of str
        Leads to the scores: first the name of a row where there are rows, then what lies between.

    Returns
    -------
    list of str, or None
        None where the record has no such row yet.
    """
    if "rows" in record:
        name, *path = path
        record = record["rows"].get(name)
        if record is None:
            return None
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


def as_markdown(head, rows):
    """Return rows of cells under a head as a Markdown table; all columns but the first are set right.

    Examples
    --------
    >>> print(as_markdown(["model", "chrF"], [["ours", "61.2"]]))
    | model | chrF |
    | --- | ---: |
    | ours | 61.2 |
    """
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def table():
    """Return the table as Markdown; a record that is not there yet has no row."""
    rows = []
    for label, name, path in ROWS:
        file = RECORDS / f"{name}.json"
        if file.exists():
            rows.append(row(label, json.loads(file.read_text(encoding="utf-8")), path))
    return as_markdown(HEAD, filter(None, rows))


def bench_table():
    """Return the table of the bench as Markdown, or a sentence where it has not been recorded."""
    file = RECORDS / "bench.json"
    if not file.exists():
        return "`make bench` has not been recorded yet."
    record = json.loads(file.read_text(encoding="utf-8"))
    measured = record["measured"]
    decode = measured["decode"]
    rows = [
        ("CPU seconds an epoch of training", measured["train_cpu_seconds_per_epoch"]),
        ("wall seconds an epoch of training", measured["train_wall_seconds_per_epoch"]),
        ("CPU seconds to the example's least validation loss", measured["cpu_seconds_to_least_loss"]),
        ("CPU seconds to the example's best chrF", measured["cpu_seconds_to_best_chrf"]),
        ("seconds to vectorize", measured["vectorize_seconds"]),
        ("sentences decoded a second", decode["sentences_per_second"]),
        ("peak memory, MB", record["peak_rss_mb"]),
    ]
    sides = [side for side in comparisons.SIDES if side in record["peak_rss_mb"]]
    lines = []
    for label, values in rows:
        shown = [values.get(side) for side in sides]
        lines.append([label, *("–" if value is None else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
                               for value in shown)])  # fmt: skip
    caption = (
        f"{record['what']}; first {record['num_samples']:,} pairs of `{record['corpus']}`. "
        f"Machine: {record['machine']}. "
        f"Of {decode['sentences']['example']} sentences {decode['identical']:.0%} are decoded to the same "
        f"characters. Useful work is {record['useful_flops_fraction']:.0%} of what a matrix product reaches. "
        f"An epoch of the full corpus takes {record['full_corpus_peak_rss_mb']:,} MB at most."
    )
    return "\n\n".join([as_markdown(["", *(comparisons.SIDES[side] for side in sides)], lines), caption])


def choices_table():
    """Return what each choice of the recipe buys, as Markdown, or a sentence where it is not recorded."""
    file = RECORDS / "choices.json"
    if not file.exists():
        return "`python benchmarks/choices.py` has not been recorded yet."
    record = json.loads(file.read_text(encoding="utf-8"))
    head = ["instead", "CPU s an epoch", f"CPU s to a loss of {record['goal']:.3f}", "least loss", "in epoch"]
    lines = []
    for name, values in record["rows"].items():
        seconds, reached = values["cpu_seconds_per_epoch"], values["cpu_seconds_to_goal"]
        spent = "not reached" if reached is None else f"{reached:.0f}"
        least, epoch = values["least_val_real_loss"], f"{values['best_epoch']} of {len(values['epochs'])}"
        lines.append([name, f"{seconds:.1f}", spent, f"{least:.3f}", epoch])
    return as_markdown(head, lines)


def between(text, name, content):
    """Return ``text`` with what stands between the two marks ``name`` replaced by ``content``."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    return re.sub(f"{start}.*?{end}", lambda _: f"{start}\n{content}\n{end}", text, flags=re.DOTALL)


def card(record):
    """Return the model card of the translator of the real corpus, as Markdown."""
    recipe, scores = record["recipe"], record["scores"]
    lines = [
        '# Model card: `Translator.load("fra-eng")`',
        "",
        "Translates short English sentences into French, one character at a time. A teaching model.",
        "",
        f"- **Model:** LSTM encoder–decoder with attention, {record['parameters']:,} parameters, float16.",
        f"- **Data:** {record['num_train']:,} pairs of at most {recipe['max_length']} characters, the",
        "  training part of the ManyThings release of 2019-04-07.",
        "- **Licence of the data:** CC BY 2.0 FR; sentences by contributors of the Tatoeba Project, packed",
        "  by www.manythings.org/anki. The weights hold no sentence, but were learned from these.",
        f"- **Split hash:** `{scores['beam']['split_hash']}`",
        f"- **Recipe:** `{json.dumps(recipe)}`",
        f"- **Seed:** {recipe['seed']}. **Device:** {record['device']}, {record['backend']}. "
        f"**CPU hours:** {record['cpu_seconds'] / 3600:.1f}.",
        f"- **Command:** `{record['command']}`",
        *([f"- **Note:** {record['note']}"] if "note" in record else []),
        f"- **Decoding:** `{json.dumps(record['decoding'])}`, chosen on validation sources.",
        "",
        f"Scores on the frozen test set: {scores['beam']['exact']['n']:,} sources, all French versions",
        "of each as references, 95 % intervals in brackets.",
        "",
        "| decoding | exact | character error rate | chrF | BLEU |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name in ("greedy", "beam"):
        shares = [interval(scores[name][key], percent=True) for key in ("exact", "cer")]
        points = [interval(scores[name][key], percent=False) for key in ("chrf", "bleu")]
        lines.append("| " + " | ".join([name, *shares, *points]) + " |")
    lines += [
        "",
        f"Signature: `{scores['beam']['signature']}`",
        "",
        "**Known failures:** words rarely or never seen in training become others that look alike; names",
        "change; long sentences lose their end; what *you* is, tu or vous, is a guess; it always answers,",
        "also where it knows nothing. Not for any use in which a wrong translation does harm.",
    ]
    return "\n".join(lines) + "\n"


def main(arguments=None):
    """Write or check the README's table; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args(arguments)
    readme, record = ROOT / "README.md", RECORDS / "fra-eng.json"
    text = readme.read_text(encoding="utf-8")
    for name, content in (("results", table()), ("bench", bench_table()), ("choices", choices_table())):
        text = between(text, name, content)
    wanted = {readme: text}
    if record.exists():
        wanted[ROOT / "s2s_lib" / "data" / "fra-eng.md"] = card(
            json.loads(record.read_text(encoding="utf-8"))
        )
    stale = [
        path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path in stale:
        if options.check:
            print(f"{path.name}: not what the records say; run python tools/render_results.py")
        else:
            path.write_text(wanted[path], encoding="utf-8")
    return int(options.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
