"""The exercises of notebook 09_scores."""

from s2s_lib.checks.exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
