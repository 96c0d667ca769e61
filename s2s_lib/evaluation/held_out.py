"""The held-out part of a corpus, and scores of anybody's translations of it (shown in 09_scores)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from s2s_lib.data.corpus import load_pairs
from s2s_lib.data.splitting import multi_reference, reverse_pairs, split_hash, split_pairs
from s2s_lib.evaluation import metrics


def held_out(
    corpus: str = "fra-eng", *, num_samples: int | None = None, reverse: bool = False
) -> tuple[pd.DataFrame, str]:
    """Return each unique test source with its references, in file order, and the split's hash.

    All of fra-eng gives the course's frozen test set. ValueError if no pair is held out.
    """
    pairs = split_pairs(load_pairs(corpus, num_samples=num_samples))
    test = pairs[pairs["split"] == "test"]
    if test.empty:
        raise ValueError(f"{corpus}: none of its {len(pairs):,} pairs is held out for a test; give more")
    return multi_reference(reverse_pairs(test) if reverse else test), split_hash(pairs)


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
