"""The exercises of notebook 06_error_analysis."""

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from s2s_lib.checks.exercise import Exercise

LONGEST = 22  # characters of a source that the demonstration reads whole
TRAINING = ["The otters sleep.", "Go home!", "Alma isn't here."]


def words(text: str) -> list[str]:
    """Return the words of a text, in lower case."""
    return re.findall(r"[\w']+", text.lower())


def unseen_words(source: str, training_sources: Sequence[str]) -> list[str]:
    """Return the words of a source that no training source holds."""
    known = set(words(" ".join(training_sources)))
    return [word for word in words(source) if word not in known]


def without_lower(source: str, training_sources: Sequence[str]) -> list[str]:
    """Return unseen words where upper and lower case differ."""
    known = set(re.findall(r"[\w']+", " ".join(training_sources)))
    return [word for word in re.findall(r"[\w']+", source) if word not in known]


def judge_pair(answer: Any, *, seen: pd.DataFrame) -> str | None:
    """Check that two sentences differ in one word, and hold known words only."""
    if not isinstance(answer, tuple) or len(answer) != 2 or not all(isinstance(text, str) for text in answer):
        return "Give two sentences, as (first, second)."
    first, second = (words(text) for text in answer)
    if any(len(text) > LONGEST for text in answer):
        return f"A sentence has more than {LONGEST} characters: the model could not read it whole."
    if first == second:
        return "Both sentences are the same: one word must differ."
    if len(first) != len(second) or sum(a != b for a, b in zip(first, second, strict=True)) != 1:
        return "More than one word differs: then nobody knows which one a failure is due to."
    unknown = {word for text in answer for word in unseen_words(text, list(seen["source"]))}
    if unknown:
        return f"Training never showed {', '.join(sorted(unknown))}: the pair would test the vocabulary."
    return ""


EXERCISES = {
    "06.4": Exercise(
        kind="do",
        minutes=5,
        look="Write both sentences below each other: which letters stay?",
        expected=lambda: 4,
        mistakes={
            "replace": (lambda: 5, "One too many: the t of dort can stay, as the last letter of dorment."),
            "pronoun": (lambda: 3, "Il and Ils differ, too."),
            "words": (lambda: 2, "These are words: count characters."),
        },
        right="One s, and m, e, n inside the verb.",
        tolerance=1e-9,
    ),
    "06.5": Exercise(
        kind="do",
        minutes=5,
        look="Collect the words of all training sources in a set, then ask for each word.",
        cases=lambda: [
            (text, TRAINING) for text in ("The otter sleeps here.", "Alma, go!", "HOME isn't far?")
        ],
        expected=unseen_words,
        mistakes={
            "case": (without_lower, "Upper and lower case differ: make both sides lower case first."),
            "parts": (
                lambda source, training: [w for w in words(source) if w not in " ".join(training).lower()],
                "otter is found inside otters: compare whole words, in a set.",
            ),
        },
        right="A sentence with such a word can hardly be right.",
    ),
    "06.6": Exercise(
        kind="do",
        minutes=10,
        look="Try metrics.wilson_interval(n // 2, n) for some n: how wide is it?",
        expected=lambda: 2400,
        mistakes={
            "width": (
                lambda: 9600,
                "Two points up and two points down: the whole interval may be four points wide.",
            ),
            "linear": (lambda: 1252, "Half the width takes four times as many sentences, not twice."),
        },
        right="Half the width takes four times as many sentences.",
        tolerance=0.1,
    ),
    "06.7": Exercise(
        kind="stretch",
        minutes=10,
        look="Two short sentences, one word apart.",
        judge=judge_pair,
        right="Translate both: does the word that should differ differ?",
    ),
}
