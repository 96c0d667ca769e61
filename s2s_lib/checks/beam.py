"""The exercises of notebook 08_beam_and_sampling."""

import itertools
from collections.abc import Sequence

import numpy as np

from s2s_lib.checks.exercise import Exercise


def warm(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities at a temperature."""
    powered = probabilities ** (1 / temperature)
    return np.asarray(powered / powered.sum())


def nucleus(
    probabilities: np.ndarray, p: float, *, with_last: bool = True, divide: bool = True
) -> np.ndarray:
    """Return the fewest likeliest probabilities that sum to ``p`` (Holtzman et al., 2020)."""
    order = np.argsort(-probabilities, kind="stable")
    reached = np.cumsum(probabilities[order]) - (probabilities[order] if with_last else 0)
    cut = np.zeros_like(probabilities)
    kept = order[reached < p]
    cut[kept] = probabilities[kept]
    return cut / max(cut.sum(), 1e-9) if divide else cut


def some_probabilities() -> list[np.ndarray]:
    """Return two timesteps, one sure and one not."""
    return [np.array([0.05, 0.5, 0.3, 0.1, 0.05]), np.array([0.02, 0.9, 0.03, 0.04, 0.01])]


def ranked(kept: Sequence[tuple[int, float]], width: int, power: float) -> list[tuple[int, float]]:
    """Return the best hypotheses, best first."""
    return sorted(kept, key=lambda each: -each[1] / each[0] ** power)[:width]


def tables() -> list[tuple[np.ndarray, int]]:
    """Return log-probabilities of four characters, for which greedy decoding fails."""
    unlucky = np.array(
        [[0.01, 0.5, 0.48, 0.01], [0.25] * 4, [0.02, 0.02, 0.02, 0.94], [0.01, 0.01, 0.01, 0.97]]
    )
    return [(np.log(unlucky), 2), (np.log(unlucky), 3)]


def best_string(table: np.ndarray, length: int, *, start: bool = True) -> tuple[int, ...]:
    """Return the likeliest string, by trying all."""

    def total(string: tuple[int, ...]) -> float:
        steps = itertools.pairwise((0, *string) if start else string)
        return float(sum(table[i, j] for i, j in steps))

    return max(itertools.product(range(len(table)), repeat=length), key=total)


def greedy_string(table: np.ndarray, length: int) -> tuple[int, ...]:
    """Return the string of the likeliest characters, one after the other."""
    string = [0]
    for _ in range(length):
        string.append(int(np.argmax(table[string[-1]])))
    return tuple(string[1:])


KEPT = [(4, -2.0), (9, -3.0), (2, -1.5), (6, -6.0)]
EXERCISES = {
    "08.4": Exercise(
        kind="do",
        minutes=5,
        look="At temperature 1 nothing changes; at 0.5 the likely ones gain.",
        cases=lambda: [(row, t) for row in some_probabilities() for t in (0.5, 2.0)],
        expected=warm,
        mistakes={
            "inverse": (lambda p, t: warm(p, 1 / t), "The power is the inverse: 1 / temperature."),
            "sum": (lambda p, t: p ** (1 / t), "They no longer sum to 1: divide by their sum."),
        },
        right="Near 0 only the largest is left; with a very high temperature all are equal.",
    ),
    "08.5": Exercise(
        kind="do",
        minutes=10,
        look="Sort them, add them up, and ask what the likelier ones reach without this one.",
        cases=lambda: [(row, p) for row in some_probabilities() for p in (0.7, 0.95)],
        expected=nucleus,
        mistakes={
            "last": (
                lambda q, p: nucleus(q, p, with_last=False),
                "The set must reach p: the character that crosses it belongs to it.",
            ),
            "sum": (lambda q, p: nucleus(q, p, divide=False), "What is left must sum to 1 again."),
            "above": (
                lambda q, p: np.where(q >= p, q, 0) / max(np.where(q >= p, q, 0).sum(), 1e-9),
                "You compare each probability with p: compare what they reach together.",
            ),
        },
        right="This is top-p, also called nucleus sampling.",
    ),
    "08.6": Exercise(
        kind="do",
        minutes=5,
        look="The largest mean comes first; a mean nearer to zero is better.",
        cases=lambda: [(KEPT, 2, 1.0), (KEPT, 3, 0.0), (KEPT, 2, 0.5)],
        expected=ranked,
        mistakes={
            "worst": (
                lambda kept, width, power: sorted(kept, key=lambda each: each[1] / each[0] ** power)[:width],
                "These are the worst: sorted goes from small to large.",
            ),
            "length": (
                lambda kept, width, power: ranked(kept, width, 0.0),
                "The length does not count yet: divide the total by length ** power.",
            ),
        },
        right="With power 0 short hypotheses win too easily.",
    ),
    "08.7": Exercise(
        kind="stretch",
        minutes=20,
        look="Sum step_table[i, j] over neighbors of (0, *string), for all strings.",
        cases=tables,
        expected=best_string,
        mistakes={
            "greedy": (
                greedy_string,
                "That is the greedy string: a likelier one begins with a less likely character.",
            ),
            "start": (
                lambda table, length: best_string(table, length, start=False),
                "The first character costs, too: it follows the start, 0.",
            ),
        },
        right="All strings are far too many for a real vocabulary: hence the beam.",
    ),
}
