"""What an exercise asks for, and what a wrong answer may mean (used by the checks of all notebooks)."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

CASES_SHOWN = 60  # characters of a value that a message repeats


@dataclass(frozen=True)
class Exercise:
    """What an exercise asks for, and what a wrong answer may mean.

    Without ``cases`` the answer is a value, and ``expected`` and the mistakes are functions of the keyword
    arguments that `check` was called with. With ``cases`` the answer is a function: a case is a tuple of its
    arguments, made from those keyword arguments; ``expected`` and the mistakes take both.
    """

    kind: str  # "do" or "stretch"
    minutes: int
    look: str  # where to look, when the answer is none of the mistakes
    expected: Callable[..., Any] | None = None
    mistakes: Mapping[str, tuple[Callable[..., Any], str]] = field(
        default_factory=dict
    )  # name: (wrong, hint)
    cases: Callable[..., Sequence[tuple[Any, ...]]] | None = None
    judge: Callable[..., str | None] | None = None  # instead: "" if right, None if unanswered, else a hint
    right: str = ""  # said when the answer is right
    tolerance: float = 1e-4  # relative and absolute, for numbers


def verdict(exercise: Exercise, answer: Any, given: Mapping[str, Any]) -> str | None:
    """Return the sentence for an answer, or None if there is no answer yet."""
    if answer is ... or answer is None:
        return None
    if exercise.judge is not None:
        hint = exercise.judge(answer, **given)
        if hint is None:
            return None
        return f"Not yet. {hint}" if hint else f"Right. {exercise.right}".strip()
    assert exercise.expected is not None
    if exercise.cases is None:
        cases: Sequence[tuple[Any, ...]] = [()]
        answers = [answer]
    else:
        if not callable(answer):
            return f"Not yet. A function is asked for, and this is {short(answer)}."
        cases = exercise.cases(**given)
        answers = [answer(*case) for case in cases]
        if all(each is ... or each is None for each in answers):
            return None
    wanted = [exercise.expected(*case, **given) for case in cases]
    if all(same(*both, exercise.tolerance) for both in zip(answers, wanted, strict=True)):
        return f"Right. {exercise.right}".strip()
    for wrong, hint in exercise.mistakes.values():
        mistaken = [wrong(*case, **given) for case in cases]
        if all(same(*both, exercise.tolerance) for both in zip(answers, mistaken, strict=True)):
            return f"Not yet. {hint}"
    return f"Not yet. {difference(answers, wanted, exercise)}{exercise.look}"


def same(left: Any, right: Any, tolerance: float = 1e-4) -> bool:
    """Tell if two values agree: numbers and arrays nearly, in shape too; all else exactly.

    >>> same(0.1 + 0.2, 0.3), same([1, 2], np.array([1.0, 2.0])), same("a", "b"), same([1, 2], [1, 2, 3])
    (True, True, False, False)
    """
    if isinstance(left, tuple) and isinstance(right, tuple) and len(left) == len(right):
        return all(same(*both, tolerance) for both in zip(left, right, strict=True))
    try:
        left, right = np.asarray(left), np.asarray(right)
        if left.shape != right.shape:
            return False
        if left.dtype.kind in "biufc" and right.dtype.kind in "biufc":
            return bool(np.allclose(left, right, rtol=tolerance, atol=tolerance))
        return bool(np.all(left == right))
    except Exception:  # ragged lists, foreign objects
        return False


def difference(answers: Sequence[Any], wanted: Sequence[Any], exercise: Exercise) -> str:
    """Say where an answer first differs in kind or shape; "" if only its value is off."""
    for mine, theirs in zip(answers, wanted, strict=True):
        if isinstance(theirs, tuple):
            if not isinstance(mine, tuple) or len(mine) != len(theirs):
                return f"A tuple of {len(theirs)} is asked for, and yours is {short(mine)}. "
            if found := difference(mine, theirs, exercise):
                return found
            continue
        try:
            mine, theirs = np.asarray(mine), np.asarray(theirs)
        except ValueError:
            return "Its rows have unequal lengths. "
        kinds = ["text" if each.dtype.kind in "US" else "number" for each in (mine, theirs)]
        if mine.dtype.kind == "O" != theirs.dtype.kind or kinds[0] != kinds[1]:
            return f"A {kinds[1]} is asked for, and yours is {short(mine.tolist())}. "
        if mine.shape != theirs.shape:
            return f"Its shape is {mine.shape}, and {theirs.shape} is asked for. "
    return ""


def short(value: Any) -> str:
    """Return the beginning of a value's repr."""
    text = repr(value)
    return text if len(text) <= CASES_SHOWN else text[:CASES_SHOWN] + " …"


def describe(error: BaseException) -> str:
    """Return an error in one sentence, with the line of the answer that raised it."""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if "s2s_lib" not in frame.filename
    ]
    place = f" in line {lines[0]} of your cell" if lines else ""
    return f"{type(error).__name__}{place}: {error}"
