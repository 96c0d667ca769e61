"""The exercises of notebook 03_model."""

from s2s_lib.checks.exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
