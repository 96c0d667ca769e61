"""The exercises of notebook 04_training."""

from typing import Any

import numpy as np

from s2s_lib.checks.exercise import Exercise
from s2s_lib.training import Recipe
from s2s_lib.translator import Translator


def picked(probabilities: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the probability of the right character at each timestep."""
    return probabilities[np.arange(len(right)), right]


def some_probabilities() -> list[tuple[np.ndarray, np.ndarray]]:
    """Return probabilities of two sentences, and their right characters."""
    dice = np.random.default_rng(0)
    return [(dice.dirichlet(np.ones(7), size=n), dice.integers(7, size=n)) for n in (5, 9)]


def some_answers() -> list[tuple[np.ndarray, np.ndarray, int]]:
    """Return answers and targets with end mark 2 and padding 0; the answers end elsewhere."""
    targets = np.array([[5, 4, 2, 0, 0, 0, 0], [5, 6, 7, 8, 2, 0, 0]])
    answers = np.array([[5, 4, 4, 2, 0, 0, 0], [5, 9, 2, 8, 2, 0, 0]])
    return [(answers, targets, 2)]


def masked_accuracy(answers: np.ndarray, targets: np.ndarray, real: np.ndarray) -> float:
    """Return the share of right answers where ``real`` is true."""
    return float((answers == targets)[real].mean())


def up_to_end(ids: np.ndarray, end: int, *, with_end: bool = True) -> np.ndarray:
    """Return where ids stand before their first end mark, or are it."""
    is_end = ids == end
    return np.cumsum(is_end, axis=1) - (is_end if with_end else 0) == 0


def rate(step: int, steps: int, rise: int, highest: float) -> float:
    """Return a learning rate that rises in a line, then falls along half a cosine."""
    if step < rise:
        return highest * step / rise
    return float(highest * (1 + np.cos(np.pi * (step - rise) / (steps - rise))) / 2)


def judge_plain(answer: Any, *, recipe: Recipe) -> str | None:
    """Check that the translator's recipe differs in the model alone."""
    translator = answer(recipe)
    if translator is None or translator is ...:
        return None
    if not isinstance(translator, Translator):
        return "Return the translator that train_or_load gives you."
    theirs = translator.settings.record["recipe"]
    changed = {name for name, value in vars(recipe).items() if theirs.get(name, value) != value}
    if not changed:
        return "This is the same recipe again: replace its field model."
    if changed != {"model"}:
        return f"Change the model and nothing else: {', '.join(sorted(changed - {'model'}))} changed, too."
    return "" if theirs["model"] == "embedding" else 'The plain model is called "embedding".'


EXERCISES = {
    "04.4": Exercise(
        kind="do",
        minutes=5,
        look="Pick one probability in each row, take its logarithm, then the mean.",
        cases=some_probabilities,
        expected=lambda p, right: -np.log(picked(p, right)).mean(),
        mistakes={
            "log of mean": (
                lambda p, right: -np.log(picked(p, right).mean()),
                "That is the logarithm of a mean: take the logarithm first.",
            ),
            "sign": (
                lambda p, right: np.log(picked(p, right)).mean(),
                "Mind the sign: a loss is not negative.",
            ),
            "likeliest": (
                lambda p, right: -np.log(p.max(axis=1)).mean(),
                "That is the likeliest character of each timestep: pick the right one.",
            ),
        },
        right="Keras' cross-entropy is this line.",
    ),
    "04.5": Exercise(
        kind="do",
        minutes=5,
        look="Which timesteps come after the target's end mark? cumsum counts marks.",
        cases=some_answers,
        expected=lambda answers, targets, end: masked_accuracy(answers, targets, up_to_end(targets, end)),
        mistakes={
            "padding": (
                lambda answers, targets, end: (answers == targets).mean(),
                "This counts padding: leave out what stands behind the end mark.",
            ),
            "no end": (
                lambda answers, targets, end: masked_accuracy(
                    answers, targets, up_to_end(targets, end, with_end=False)
                ),
                "The end mark is real, too: it must be learnt.",
            ),
            "answers": (
                lambda answers, targets, end: masked_accuracy(answers, targets, up_to_end(answers, end)),
                "You look for the end in the answers: the target says where the sentence ends.",
            ),
        },
        right="This number no longer profits from padding.",
    ),
    "04.6": Exercise(
        kind="do",
        minutes=10,
        look="Compute it for step 0, rise and steps: 0, highest and 0 are expected.",
        cases=lambda: [(step, 100, 20, 0.01) for step in (0, 5, 20, 40, 60, 99)],
        expected=rate,
        mistakes={
            "all steps": (
                lambda step, steps, rise, highest: (
                    rate(step, steps, rise, highest)
                    if step < rise
                    else highest * (1 + np.cos(np.pi * step / steps)) / 2
                ),
                "After the warm-up t must begin at 0: count the steps from rise on.",
            ),
            "no warm-up": (
                lambda step, steps, rise, highest: (
                    highest if step < rise else highest * (1 + np.cos(np.pi * step / steps)) / 2
                ),
                "The rate must rise first, in a straight line from 0.",
            ),
            "whole": (
                lambda step, steps, rise, highest: (
                    rate(step, steps, rise, highest)
                    if step < rise
                    else highest * np.cos(np.pi * (step - rise) / (steps - rise))
                ),
                "A cosine runs from 1 to -1: add 1 and halve it, so that the rate ends at 0.",
            ),
        },
        right="Keras' CosineDecay computes the same.",
        tolerance=1e-7,
    ),
    "04.7": Exercise(
        kind="stretch",
        minutes=15,
        look="dataclasses.replace copies a recipe with one field changed.",
        judge=judge_plain,
        right="One field differs, so the difference in score is the model's.",
    ),
}
