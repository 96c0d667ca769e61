"""The exercises of notebook 11_bug_clinic."""

from collections.abc import Callable
from typing import Any

import numpy as np

from s2s_lib.checks.exercise import Exercise

PATIENCE = 1000  # calls after which a loop counts as endless


def _probabilities() -> list[tuple[Any, ...]]:
    """Return two sets of probabilities and a mask, with more movement on padding than elsewhere."""
    before = np.array([[[0.5, 0.5], [0.9, 0.1], [1.0, 0.0]], [[0.2, 0.8], [0.0, 1.0], [1.0, 0.0]]])
    after = np.array([[[0.4, 0.6], [0.6, 0.4], [0.0, 1.0]], [[0.2, 0.8], [1.0, 0.0], [0.0, 1.0]]])
    return [(before, after, np.array([[True, True, False], [True, False, False]]))]


def _moved(before: np.ndarray, after: np.ndarray, real: np.ndarray) -> float:
    return float((np.abs(before - after).sum(axis=-1) / 2)[real].mean())


def _shifts() -> list[tuple[Any, ...]]:
    """Return decoder inputs with targets: one ahead, the same, one behind, one ahead but for a place."""
    fed = np.array([[1, 7, 8, 9], [1, 5, 2, 0]])
    ahead, behind = np.array([[7, 8, 9, 2], [5, 2, 0, 0]]), np.array([[0, 1, 7, 8], [0, 1, 5, 2]])
    flawed = ahead.copy()
    flawed[1, 0] = 6
    return [(fed, ahead), (fed, fed), (fed, behind), (fed, flawed)]


def _is_one_ahead(fed: np.ndarray, target: np.ndarray) -> bool:
    return bool((target[:, :-1] == fed[:, 1:]).all())


def judge_loop(answer: Any) -> str | None:
    """Try a writing loop on a writer that ends, and on two that do not."""
    if not callable(answer):
        return "A function is asked for."
    found = [answer(_writer(text), "■", 8) for text in ("otter■", "babble babble", "12345678■")]
    if found[0] is None or found[0] is ...:
        return None
    if any(isinstance(text, str) and "■" in text for text in found):
        return "The end mark stays in the text. Stop before you add it."
    if found[0] != "otter":
        return f"The writer wrote 'otter' and then the end mark; your loop returns {found[0]!r}."
    if found[1] != "babble b":
        return f"With a limit of 8 a writer that never ends should leave 8 characters, not {found[1]!r}."
    return "" if found[2] == "12345678" else "A text of exactly the limit's length should stay whole."


def _writer(text: str) -> Callable[[str], str]:
    """Return a function that writes a text, over and over, and that gives up on an endless loop."""
    calls = iter(range(PATIENCE))

    def next_character(so_far: str) -> str:
        if next(calls, None) is None:
            raise RuntimeError(f"asked for {PATIENCE:,} characters: nothing but the end mark ends this loop")
        return text[len(so_far) % len(text)]

    return next_character


EXERCISES = {
    "11.4": Exercise(
        kind="do",
        minutes=5,
        look="Absolute differences, summed over the last axis and halved; the mean where `real` is true.",
        cases=_probabilities,
        expected=_moved,
        mistakes={
            "signed": (
                lambda before, after, real: float((before - after).sum(axis=-1)[real].mean() / 2),
                "Always 0: what one character loses another gains. Take absolute differences.",
            ),
            "padding": (
                lambda before, after, real: float(np.abs(before - after).sum(axis=-1).mean() / 2),
                "That counts padding, too. Use `real` to pick timesteps.",
            ),
            "not halved": (
                lambda before, after, real: 2 * _moved(before, after, real),
                "Twice too much: halve the sum, so that 1 means nothing in common.",
            ),
        },
        right="0 would mean that the source never arrives.",
    ),
    "11.5": Exercise(
        kind="do",
        minutes=5,
        look="Compare the targets without their last column with the inputs without their first one.",
        cases=_shifts,
        expected=_is_one_ahead,
        mistakes={
            "same": (
                lambda fed, target: bool((fed == target).all()),
                "That is true for the patient: its target is its input. Shift one of them by a timestep.",
            ),
            "behind": (
                lambda fed, target: bool((target[:, 1:] == fed[:, :-1]).all()),
                "That looks one timestep back. The target is the *next* input.",
            ),
            "any": (
                lambda fed, target: bool((target[:, :-1] == fed[:, 1:]).any()),
                "One place that agrees is not enough: `all`.",
            ),
        },
        right="It needs no model, so it can stand in every program.",
    ),
    "11.6": Exercise(
        kind="do",
        minutes=5,
        look="Count the characters that are not in `known`, and divide by the length of the text.",
        cases=lambda: [("aabx", set("ab")), ("yyyy", set("ab")), ("", set("ab")), ("abba", set("ab"))],
        expected=lambda text, known: sum(sign not in known for sign in text) / max(1, len(text)),
        mistakes={
            "kinds": (
                lambda text, known: len(set(text) - known) / max(1, len(set(text))),
                "That counts each different character once. Count every place in the text.",
            ),
            "known": (
                lambda text, known: sum(sign in known for sign in text) / max(1, len(text)),
                "That is the share that is known.",
            ),
        },
        right="A program that warns when this is not 0 cannot lose letters in silence.",
    ),
    "11.7": Exercise(kind="stretch", minutes=10, look="Use the limit as the loop's condition.",
                     judge=judge_loop, right="Whatever the model writes, this loop ends."),
}  # fmt: skip
