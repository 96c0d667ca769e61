"""The exercises of notebook 10_the_famous_example_audited."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from s2s_lib.checks.exercise import Exercise

FAULTY = {
    3: "shuffling pairs tears versions of one source apart",
    6: "the table knows the characters of the test",
    8: "one width for all makes most of an array padding",
    11: "the accuracy counts padding",
    13: "the weights travel without their table",
    14: "a character never seen raises KeyError",
    17: "only one answer is right",
    19: "it demonstrates on training sentences",
}
HARMLESS = {9: FAULTY[8], 12: FAULTY[11], 18: FAULTY[17], 20: FAULTY[19]}  # the line after it, or its twin


def judge_character(answer: Any, *, trained_with: Sequence[str]) -> str | None:
    """Check that a new character moves no other in a sorted table."""
    if not isinstance(answer, str) or len(answer) != 1:
        return "Give one character, in quotes."
    if answer in trained_with:
        return "The table holds it already: find a new one."
    moved = sum(known > answer for known in trained_with)
    if moved == len(trained_with):
        return "It sorts in front of all: every id moves."
    return f"It moves {moved} characters that sort behind it." if moved else ""


def judge_memory(answer: Any) -> str | None:
    """Try a translator that remembers, on known and on new sources."""
    train = pd.DataFrame({"source": ["Go!", "Hi.", "Run!"], "target": ["Va !", "Salut.", "Cours !"]})
    try:
        known, new = answer(train, ["Run!", "Go!"]), answer(train, ["Swim!"])
    except KeyError:
        return "A source that training lacks raises KeyError: return something for it, too."
    if known is None or known is ...:
        return None
    if not isinstance(known, list) or len(known) != 2 or len(new) != 1:
        return "Return a list with one string for each source."
    if known == ["Run!", "Go!"]:
        return "This copies the source: look its target up in training."
    return "" if known == ["Cours !", "Va !"] else "For a source of training its target there is expected."


def judge_audit(answer: Any) -> str | None:
    """Compare with the faulty lines of the script."""
    if not isinstance(answer, set | list | tuple) or not all(isinstance(line, int) for line in answer):
        return "Give a set of line numbers, such as {3, 11}."
    lines = set(answer)
    found = lines & set(FAULTY)
    wrong = sorted(lines - set(FAULTY) - set(HARMLESS))
    habits = "; ".join(FAULTY[line] for line in sorted(found))
    if len(found) <= 1 and wrong:
        return f"Of these only {len(found)} hold a habit. Go through the checklist, question by question."
    if wrong:
        return f"Line {wrong[0]} does no harm. The others: {habits}."
    return f"You have found {len(found)}: {habits}. There are more." if len(found) < 5 else ""


EXERCISES = {
    "10.4": Exercise(
        kind="do",
        minutes=5,
        look="Of 100 timesteps, how many are right, how many of those are padding, how many are real?",
        expected=lambda: 0.6,
        mistakes={
            "off": (lambda: 0.15, "15 of 100 are real and right. Of how many real ones?"),
            "times": (lambda: 0.225, "Do not multiply: count the right answers among the real timesteps."),
            "same": (lambda: 0.9, "That includes the padding, which is always right."),
        },
        right="The printed number was mostly padding.",
    ),
    "10.5": Exercise(kind="do", minutes=5, look="Sort it in.", judge=judge_character,
                     right="It sorts behind all others, so no id moves."),
    "10.6": Exercise(kind="stretch", minutes=15, look="Use a dictionary.", judge=judge_memory,
                     right="It has learnt nothing, and yet a leaky test set would praise it."),
    "10.7": Exercise(kind="stretch", minutes=10, look="Go through the checklist.", judge=judge_audit,
                     right="Now audit a script of your own."),
}  # fmt: skip
