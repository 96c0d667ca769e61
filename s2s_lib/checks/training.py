"""The exercises of notebook 04_training."""

from s2s_lib.checks.exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
