"""The exercises of notebook 05_inference."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from s2s_lib.checks.exercise import Exercise
from s2s_lib.translator import Translator


def some_steps() -> list[tuple[np.ndarray]]:
    """Return log-probabilities of seven tokens, of two steps."""
    dice = np.random.default_rng(0)
    return [(np.log(dice.dirichlet(np.ones(7), size=1)),) for _ in range(3)]


def log_of_chosen(probabilities: np.ndarray, chosen: Sequence[int]) -> np.ndarray:
    """Return the logarithm of the probability of each chosen token."""
    return np.asarray(np.log(probabilities[np.arange(len(chosen)), list(chosen)]))


def judge_batch(answer: Any, *, sources: Sequence[str], translator: Translator) -> str | None:
    """Compare with the library's greedy translations of several sentences of unequal length."""
    asked = list(dict.fromkeys(sources))[:8]
    texts = answer(asked)
    if texts is None or texts is ...:
        return None
    if not isinstance(texts, list) or len(texts) != len(asked):
        return f"Return a list with one string for each of the {len(asked)} sources."
    if not all(isinstance(text, str) for text in texts):
        return "Return strings: target_vocabulary.decode makes one of a row of ids."
    wanted = translator.translate(asked, beam_width=1)
    if texts == wanted:
        return ""
    if all(right.startswith(text) for text, right in zip(texts, wanted, strict=True)):
        return "The longer sentences are cut: go on until every sentence has written its end mark."
    place = next(i for i, (text, right) in enumerate(zip(texts, wanted, strict=True)) if text != right)
    return f"For {asked[place]!r} the library writes {wanted[place]!r}, and yours {texts[place]!r}."


EXERCISES = {
    "05.4": Exercise(
        kind="do",
        minutes=5,
        look="np.argmax finds the place of the largest number; the array has one row.",
        cases=some_steps,
        expected=lambda log_probabilities: int(np.argmax(log_probabilities[0])),
        mistakes={
            "value": (
                lambda log_probabilities: float(np.max(log_probabilities[0])),
                "That is the largest logarithm itself: its place, the token, is asked for.",
            ),
            "least": (
                lambda log_probabilities: int(np.argmin(log_probabilities[0])),
                "That is the least likely token: the largest logarithm belongs to the likeliest.",
            ),
        },
        right="That is greedy decoding.",
    ),
    "05.5": Exercise(
        kind="do",
        minutes=5,
        look="Pick the probability of the chosen token in each row, then think of a product.",
        expected=lambda probabilities, chosen: log_of_chosen(probabilities, chosen).sum(),
        mistakes={
            "mean": (
                lambda probabilities, chosen: log_of_chosen(probabilities, chosen).mean(),
                "That is the mean per character: for the whole sentence the logarithms add up.",
            ),
            "sign": (
                lambda probabilities, chosen: -log_of_chosen(probabilities, chosen).sum(),
                "Mind the sign: a probability is at most 1, so its logarithm is not positive.",
            ),
            "product": (
                lambda probabilities, chosen: np.exp(log_of_chosen(probabilities, chosen).sum()),
                "That is the probability itself: take its natural logarithm.",
            ),
        },
        right="Its mean, with the sign turned, is the loss of lesson 04.",
        tolerance=1e-3,
    ),
    "05.6": Exercise(
        kind="do",
        minutes=2,
        look="What does the loop predict besides characters?",
        expected=lambda: 102,
        mistakes={
            "characters": (lambda: 100, "Two calls are missing: one at the beginning, one at the end."),
            "one": (lambda: 101, "One call is missing: count the encoder, and the end mark."),
        },
        right="One for the encoder, one for each character, one for the end mark.",
        tolerance=1e-9,
    ),
    "05.7": Exercise(
        kind="stretch",
        minutes=20,
        look="Compare with write, line by line.",
        judge=judge_batch,
        right="This is GreedyDecoder, but for the compiling.",
    ),
}
