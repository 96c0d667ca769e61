"""Checks of the exercises of all notebooks: they run offline, never raise, and name typical mistakes.

`check` looks an exercise up by its number. Recall questions stand in ``resources/recall.toml``; all others in
one module for each notebook, in its dictionary ``EXERCISES``.
"""

import importlib
from typing import Any

from s2s_lib.checks.exercise import Exercise, describe, verdict
from s2s_lib.checks.recall import QUESTIONS

MODULES = {
    "01": "data", "02": "vectorization", "03": "model", "04": "training", "05": "inference", "06": "errors",
    "07": "attention", "08": "beam", "09": "scores", "10": "audit", "11": "clinic",
    "12": "sweeps",
}  # fmt: skip


def check(number: str, answer: Any, **given: Any) -> None:
    """Print if an answer is right, or else what is off and where to look.

    ``answer`` is ``...`` as long as nobody has answered; a function that returns ``...`` or None counts as
    unanswered, too. ``given`` is what the exercise needs to know from its notebook. ValueError for a number
    that no exercise has.
    """
    if number in QUESTIONS:
        print(QUESTIONS[number].reply(answer))
        return
    exercise = find(number)
    try:
        said = verdict(exercise, answer, given)
    except (Exception, SystemExit) as error:  # the answer's own
        said = f"Not yet. Your answer raises {describe(error)}"
    if said is None:
        said = f"Not answered yet. ({exercise.kind}, about {exercise.minutes} minutes)"
    print(said)


def compare_guess(guess: Any, result: Any) -> None:
    """Print a guess beside the result, whether or not anybody guessed."""
    print(f"your guess: {'none' if guess is ... else guess}   result: {result}")


def find(number: str) -> Exercise:
    """Return an exercise that is not a recall question; ValueError if there is none of that number."""
    name = MODULES.get(number.partition(".")[0])
    exercises: dict[str, Exercise] = (
        importlib.import_module(f"s2s_lib.checks.{name}").EXERCISES if name else {}
    )
    if number not in exercises:
        raise ValueError(f"No exercise is numbered {number}.")
    return exercises[number]
