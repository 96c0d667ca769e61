"""Train the course's demonstration on the bundled sample and put it into the package, record beside it.

    python tools/ship_sample.py

About a minute on two cores. Notebooks 05 and 06, at their defaults, load what this writes.
"""

import sys
from pathlib import Path

from s2s_lib import Recipe, load_pairs, multi_reference, records, split_pairs, train_or_load
from s2s_lib.metrics import evaluate

PACKAGE = Path(__file__).resolve().parent.parent / "s2s_lib"
DEMONSTRATION = Recipe(corpus="sample", num_samples=7000, epochs=12, seed=1)


def main():
    """Train, score on the test split, write bundle and record."""
    translator = train_or_load(DEMONSTRATION, retrain=True)
    pairs = split_pairs(load_pairs(DEMONSTRATION.corpus, num_samples=DEMONSTRATION.num_samples))
    table = multi_reference(pairs)
    table = table[table["split"] == "test"]
    found = evaluate(translator.translate(list(table["source"])), list(table["references"]))
    scores = {name: score._asdict() for name, score in found.items() if name != "signature"}
    record = {
        "what": "notebook 04's demonstration: attention, on the bundled sample, scored on its test split",
        "command": " ".join(["python", "tools/ship_sample.py", *sys.argv[1:]]),
        **translator.config["record"],
        "scores": scores | {"signature": found["signature"]},
    }
    records.write_json(record, PACKAGE / "records" / "sample.json")
    translator.save(PACKAGE / "data" / "sample.s2s", half_precision=True)
    print({name: round(score["score"], 3) for name, score in scores.items()})


if __name__ == "__main__":
    main()
