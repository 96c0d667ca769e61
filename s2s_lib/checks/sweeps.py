"""The exercises of notebook 12_compare_runs."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import pandas as pd

from s2s_lib.checks.exercise import Exercise

RUNS = pd.DataFrame(
    {
        "width": [1, 1, 1, 2, 2, 2],
        "cpu_seconds": [1.0, 2.0, 2.0, 4.0, 5.0, 4.0],
        "chrf": [10.0, 30.0, 30.0, 25.0, 70.0, 45.0],
    }
)


def judge_spread(answer: Any) -> str | None:
    """Compare the table of a small set of runs, whatever the order of its rows and columns."""
    if not callable(answer):
        return "A function is asked for."
    found = answer(RUNS, ["width"], "chrf")
    if found is None or found is ...:
        return None
    if not isinstance(found, pd.DataFrame) or not {"least", "mean", "largest"} <= set(found.columns):
        return "Return a DataFrame with the columns least, mean and largest."
    if len(found) != 2:
        return f"Two combinations make two rows, not {len(found)}: group by the columns `by`."
    rows = found[["least", "mean", "largest"]].sort_values("mean").to_numpy().round(6).tolist()
    if rows == [[10, round(70 / 3, 6), 30], [25, round(140 / 3, 6), 70]]:
        return ""
    if all(least == largest for least, _, largest in rows):
        return "least and largest are equal: look at all rows of a group, not at one."
    if [mean for _, mean, _ in rows] == [30, 45]:
        return "`mean` holds the median: the middle value is another number."
    return "The numbers are not those of the groups: `agg` can compute min, mean and max at once."


def judge_unbeaten(answer: Any) -> str | None:
    """Compare with the runs that no other beats; two of them are equal."""
    if not callable(answer):
        return "A function is asked for."
    found = answer(RUNS)
    if found is None or found is ...:
        return None
    if not isinstance(found, pd.DataFrame) or not set(found.index) <= set(RUNS.index):
        return "Return rows of the table that the function is given."
    kept = sorted(found.index)
    if kept == [0, 1, 2, 4, 5]:
        return ""
    if kept == [4]:
        return "The cheapest run is beaten by none, either, and others in between."
    if not kept:
        return "No run is left, as each is beaten by itself: one of both numbers must be truly better."
    if 1 not in kept or 2 not in kept:
        return "Two runs are equal in cost and score. Neither beats the other: keep both."
    return (
        "Compare each run with all others: cheaper or equal, and at least as good, and truly better in one."
    )


def expected_points(product: Mapping[str, Sequence[Any]], zipped: Mapping[str, Sequence[Any]]) -> int:
    """Return the number of points of a grid."""
    return prod(map(len, product.values())) * (len(next(iter(zipped.values()))) if zipped else 1)


def _grids() -> list[tuple[Any, ...]]:
    widths, seeds = [32, 64, 128], [1, 2]
    return [
        ({"width": widths, "seed": seeds}, {}),
        ({"width": widths}, {"layers": [1, 2], "rate": [0.1, 0.2]}),
        ({}, {"layers": [1, 2], "rate": [0.1, 0.2]}),
        ({}, {}),
    ]


EXERCISES = {
    "12.4": Exercise(kind="do", minutes=5, look="", judge=judge_spread,
                     right="What the runs of a group differ by is luck."),
    "12.5": Exercise(kind="do", minutes=10, look="", judge=judge_unbeaten,
                     right="Whoever wants more must pay more: that is the front."),
    "12.6": Exercise(
        kind="stretch",
        minutes=5,
        look="Multiply the lengths of the product's lists; zipped lists count once.",
        cases=_grids,
        expected=expected_points,
        mistakes={
            "sum": (
                lambda product, zipped: sum(map(len, product.values())) * expected_points({}, zipped),
                "Each value meets each other one: multiply the lengths.",
            ),
            "zip": (
                lambda product, zipped: prod(map(len, [*product.values(), *zipped.values()])),
                "Zipped lists run side by side: their common length counts once.",
            ),
        },
        right="Count before you start: a grid grows fast.",
    ),
}  # fmt: skip
