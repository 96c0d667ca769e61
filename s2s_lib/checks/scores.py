"""The exercises of notebook 09_scores."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from s2s_lib.checks.exercise import Exercise

TEXTS = ["la loutre", "il dort", "le phoque nage", "va", "oui"]
RIGHT = ["la loutre", "ils dorment", "le phoque", "vas", "non"]


def cell(above: int, left: int, above_left: int, equal: bool) -> int:
    """Return the fewest edits of a cell (Levenshtein, 1966)."""
    return min(above + 1, left + 1, above_left + (not equal))


def mean_shares(hypothesis: str, reference: str) -> tuple[float, float]:
    """Return precision and recall of runs of 1 to 6 characters, each averaged."""
    texts = [text.replace(" ", "") for text in (hypothesis, reference)]
    shares = []
    for n in range(1, 7):
        mine, theirs = (Counter(text[i : i + n] for i in range(len(text) - n + 1)) for text in texts)
        shared = sum((mine & theirs).values())
        shares.append((shared / sum(mine.values()), shared / sum(theirs.values())))
    precision, recall = np.mean(shares, axis=0)
    return float(precision), float(recall)


def chrf(hypothesis: str, reference: str, beta: float = 2.0) -> float:
    """Return chrF of one sentence (Popović, 2015)."""
    p, r = mean_shares(hypothesis, reference)
    return 100 * (1 + beta**2) * p * r / (beta**2 * p + r)


def judge_draws(answer: Any) -> str | None:
    """Check number, mean and spread of the drawn means."""
    hits = np.array([True] * 60 + [False] * 40)
    means = answer(hits, 400, np.random.default_rng(0))
    if means is None or means is ...:
        return None
    means = np.asarray(means, dtype=float)
    if means.shape != (400,):
        return f"Return 400 means in one row; yours have the shape {means.shape}."
    if means.std() < 1e-9 and abs(means[0] - 0.6) < 1e-9:
        return "All draws have the same mean: draw with repeats, so that some sentences come twice."
    if set(np.unique(means)) <= {0.0, 1.0}:
        return "Each draw holds one sentence only: draw as many as there are."
    if abs(means.mean() - 0.6) > 0.02 or not 0.03 < means.std() < 0.07:
        return "The means lie in the wrong place: take the mean of the drawn hits."
    return ""


def first_errors(texts: Sequence[str], references: Sequence[str], add: int = 0) -> list[int | None]:
    """Return the place of the first wrong character of each text."""
    places: list[int | None] = []
    for text, right in zip(texts, references, strict=True):
        shorter = min(len(text), len(right))
        wrong = [i for i in range(shorter) if text[i] != right[i]]
        places.append(None if text == right else (wrong[0] if wrong else shorter) + add)
    return places


def overlooked(texts: Sequence[str], references: Sequence[str]) -> list[int | None]:
    """Overlook that one text may be shorter."""
    found = first_errors(texts, references)
    both = zip(texts, references, found, strict=True)
    return [None if place is None or place >= min(len(a), len(b)) else place for a, b, place in both]


CELLS = [(3, 4, 2, True), (3, 4, 2, False), (1, 5, 5, False), (6, 2, 4, True), (2, 2, 1, True)]
EXERCISES = {
    "09.4": Exercise(
        kind="do",
        minutes=10,
        look="min() of three: from above, from the left, from above left.",
        cases=lambda: CELLS,
        expected=cell,
        mistakes={
            "always": (
                lambda above, left, above_left, equal: min(above, left, above_left) + 1,
                "Equal letters are kept for free: the diagonal costs only if they differ.",
            ),
            "free": (
                lambda above, left, above_left, equal: min(above, left, above_left + (not equal)),
                "Inserting and deleting cost an edit, too.",
            ),
        },
        right="The whole table needs nothing else.",
    ),
    "09.5": Exercise(
        kind="do",
        minutes=10,
        look="First the means over n, then join P and R.",
        cases=lambda: [("la loutre est petite", "la loutre est triste"), ("il dort ici", "elle dort ici")],
        expected=chrf,
        mistakes={
            "plain": (lambda h, r: chrf(h, r, beta=1.0), "Precision and recall count alike here: β is 2."),
            "share": (lambda h, r: chrf(h, r) / 100, "The score runs from 0 to 100."),
        },
        right="sacrebleu computes it over all sentences together.",
        tolerance=1e-6,
    ),
    "09.6": Exercise(
        kind="do",
        minutes=5,
        look="hits[places].mean() with places drawn by dice.integers.",
        judge=judge_draws,
        right="The middle 95 % of these means is the interval.",
    ),
    "09.7": Exercise(
        kind="stretch",
        minutes=10,
        look="Compare letter by letter, up to the end of the shorter text.",
        cases=lambda: [(TEXTS, RIGHT)],
        expected=first_errors,
        mistakes={
            "short": (
                overlooked,
                "A text that is too short or too long is wrong, too, behind the shorter one's end.",
            ),
            "one": (lambda texts, right: first_errors(texts, right, add=1), "Places are counted from 0."),
        },
        right="Up to here both readings are alike.",
    ),
}
