"""The exercises of notebook 07_attention."""

import numpy as np
import pandas as pd

from s2s_lib.checks.exercise import Exercise

Looked = tuple[np.ndarray, np.ndarray]


def some_words() -> list[tuple[pd.DataFrame]]:
    """Return tables of weights by words."""
    weights = [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.2, 0.7, 0.1]]
    return [(pd.DataFrame(weights, ["un", "manteau", "vert."], ["a", "green", "coat."]),)]


def batches() -> list[Looked]:
    """Return queries, values and a mask of two sentences, the second padded."""
    dice = np.random.default_rng(0)
    mask = np.array([[1.0, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    return [(dice.normal(size=(2, 4)), dice.normal(size=(2, 5, 4)), mask)]  # type: ignore[list-item]


def rows() -> list[tuple[np.ndarray, ...]]:
    """Return the same, one sentence a case."""
    return [tuple(part[row] for part in batches()[0]) for row in (0, 1)]


def look_back(
    hidden: np.ndarray, values: np.ndarray, mask: np.ndarray, *, one_softmax: bool = False
) -> Looked:
    """Return weights and context of dot-product attention (Luong et al., 2015), for any batch shape."""
    scores = np.where(mask > 0, np.einsum("...td,...d->...t", values, hidden), -np.inf)
    axis = None if one_softmax else -1
    weights = np.exp(scores - scores.max(axis=axis, keepdims=True))
    weights = weights / weights.sum(axis=axis, keepdims=True)
    return weights, np.einsum("...t,...td->...d", weights, values)


def flat(looked: Looked) -> np.ndarray:
    """Return weights and contexts as one row of numbers."""
    return np.concatenate([np.ravel(part) for part in looked])


def unmasked(hidden: np.ndarray, values: np.ndarray, mask: np.ndarray) -> Looked:
    """Look back without the mask."""
    return look_back(hidden, values, np.ones_like(mask))


def scaled(hidden: np.ndarray, values: np.ndarray, mask: np.ndarray) -> Looked:
    """Multiply the scores by the mask."""
    scores = np.einsum("...td,...d->...t", values, hidden) * mask
    weights = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    return weights, np.einsum("...t,...td->...d", weights, values)


def cut(hidden: np.ndarray, values: np.ndarray, mask: np.ndarray) -> Looked:
    """Mask after the softmax."""
    weights = unmasked(hidden, values, mask)[0] * mask
    return weights, np.einsum("...t,...td->...d", weights, values)


FORGOTTEN = "Padding gets weight: the mask is not used."
EXERCISES = {
    "07.4": Exercise(
        kind="do",
        minutes=3,
        look="idxmax finds the name of the largest entry, along rows or along columns.",
        cases=some_words,
        expected=lambda table: table.idxmax(axis=1).to_dict(),
        mistakes={
            "direction": (
                lambda table: table.idxmax(axis=0).to_dict(),
                "You went along the columns: for each written word, a row, the source word is asked for.",
            ),
            "weight": (
                lambda table: table.max(axis=1).to_dict(),
                "These are the largest weights: the names of their columns are asked for.",
            ),
        },
        right="The noun and its adjective may change places.",
    ),
    "07.5": Exercise(
        kind="do",
        minutes=10,
        look="Return (weights, context): the weights sum to 1, the context has the length of hidden.",
        cases=rows,
        expected=look_back,
        mistakes={
            "no mask": (unmasked, FORGOTTEN),
            "scaled": (
                scaled,
                "A score of 0 is an ordinary score and gets weight: padding needs minus infinity.",
            ),
            "cut": (cut, "The weights no longer sum to 1: mask the scores, before the softmax."),
        },
        right="These are the four lines of attention.",
    ),
    "07.6": Exercise(
        kind="stretch",
        minutes=15,
        look="np.einsum('btd,bd->bt', values, hidden) makes all scores; mind keepdims=True.",
        cases=batches,
        expected=look_back,
        mistakes={
            "one softmax": (
                lambda hidden, values, mask: look_back(hidden, values, mask, one_softmax=True),
                "All sentences share one sum: each row must sum to 1 by itself (axis=1, keepdims=True).",
            ),
            "no mask": (unmasked, FORGOTTEN),
        },
        right="The model does this for the whole batch, too.",
    ),
}
