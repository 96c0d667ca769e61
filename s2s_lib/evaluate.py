"""Score any system on the frozen test set, so that others can compare (see notebook 06_error_analysis).

    python -m s2s_lib.evaluate --write-sources sources.txt
    python -m s2s_lib.evaluate --hypotheses translations.txt --json scores.json

The test set is the test part of ``split_pairs(load_pairs("fra-eng"))``: unique sources in file order, each
with all of its French versions. Hypotheses stand one a line, in the order of the sources.
"""

import argparse
import json
import sys
from pathlib import Path

from s2s_lib import metrics, records
from s2s_lib.analysis import multi_reference
from s2s_lib.corpus import load_pairs
from s2s_lib.splitting import split_hash, split_pairs


def frozen_test_set():
    """Return the frozen test set and the hash of its split.

    Returns
    -------
    pandas.DataFrame, str
        One row a unique source, with its references, in file order.
    """
    pairs = split_pairs(load_pairs("fra-eng"))
    return multi_reference(pairs[pairs["split"] == "test"]), split_hash(pairs)


def read_hypotheses(path, *, num_sources):
    """Read one hypothesis a line; an empty line is an empty translation.

    Raises
    ------
    ValueError
        If the file is not UTF-8, or holds more or fewer lines than there are sources.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 (byte {error.start})") from error
    if len(lines) != num_sources:
        raise ValueError(
            f"{path}: {len(lines)} lines, but there are {num_sources} sources: one hypothesis a line"
        )
    return [line.removesuffix("\r") for line in lines]


def score(hypotheses, references, *, split_hash):
    """Return exact, cer, chrf, bleu, each ``{score, low, high, n}``, the signature, the split's hash."""
    found = metrics.evaluate(hypotheses, references)
    scores = {name: value._asdict() for name, value in found.items() if name != "signature"}
    return scores | {"signature": found["signature"], "split_hash": split_hash}


def main(arguments=None):
    """Read the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--write-sources", type=Path, metavar="FILE", help="write the test sources, one a line"
    )
    parser.add_argument(
        "--hypotheses", type=Path, metavar="FILE", help="score these translations, one a line"
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the scores here too")
    options = parser.parse_args(arguments)
    if not options.write_sources and not options.hypotheses:
        parser.error("say --write-sources FILE or --hypotheses FILE")
    try:
        test, split_hash = frozen_test_set()
        if options.write_sources:
            with records.whole_file(options.write_sources) as partial:
                partial.write_text("\n".join(test["source"]) + "\n", encoding="utf-8")
        if options.hypotheses:
            hypotheses = read_hypotheses(options.hypotheses, num_sources=len(test))
            scores = score(hypotheses, list(test["references"]), split_hash=split_hash)
            if options.json:
                records.write_json(scores, options.json)
            print(json.dumps(scores, indent=1))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
