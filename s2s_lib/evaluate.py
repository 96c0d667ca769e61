"""Score any system on the frozen test set, so that others can compare (see notebook 09_scores).

    python -m s2s_lib.evaluate --write-sources sources.txt
    python -m s2s_lib.evaluate --hypotheses translations.txt --json scores.json

The test set is the test part of ``split_pairs(load_pairs("fra-eng"))``: unique sources in file order, each
with all of its French versions. Hypotheses stand one per line, in the order of the sources.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from s2s_lib import records
from s2s_lib.data.corpus import load_pairs
from s2s_lib.data.splitting import multi_reference, split_hash, split_pairs
from s2s_lib.evaluation import metrics


def frozen_test_set() -> tuple[pd.DataFrame, str]:
    """Return a row for each unique source, with its references, in file order; and the split's hash."""
    pairs = split_pairs(load_pairs("fra-eng"))
    return multi_reference(pairs[pairs["split"] == "test"]), split_hash(pairs)


def read_hypotheses(path: Path, *, num_sources: int) -> list[str]:
    """Read one hypothesis per line (an empty line is an empty translation), or raise ValueError."""
    try:
        lines = path.read_text(encoding="utf-8-sig").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 (byte {error.start}); save the file as UTF-8") from error
    if len(lines) != num_sources:
        raise ValueError(
            f"{path}: {len(lines)} lines, but there are {num_sources} sources: give one line for each"
        )
    return [line.removesuffix("\r") for line in lines]


def score(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], *, split_hash: str
) -> dict[str, Any]:
    """Return exact, cer, chrf, bleu, each ``{score, low, high, n}``, the signature, the split's hash."""
    return metrics.evaluate(hypotheses, references).to_json() | {"split_hash": split_hash}


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        prog="python -m s2s_lib.evaluate",
    )
    parser.add_argument(
        "--write-sources", type=Path, metavar="FILE", help="write the test sources, one per line"
    )
    parser.add_argument(
        "--hypotheses", type=Path, metavar="FILE", help="score these translations, one per line"
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the scores here too")
    options = parser.parse_args(arguments)
    if not options.write_sources and not options.hypotheses:
        parser.error("say --write-sources FILE or --hypotheses FILE")
    try:
        test, fingerprint = frozen_test_set()
        if options.write_sources:
            with records.atomic_write(options.write_sources) as partial:
                partial.write_text("\n".join(test["source"]) + "\n", encoding="utf-8")
        if options.hypotheses:
            hypotheses = read_hypotheses(options.hypotheses, num_sources=len(test))
            scores = score(hypotheses, list(test["references"]), split_hash=fingerprint)
            if options.json:
                records.write_json(scores, options.json)
            print(json.dumps(scores, indent=1))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
