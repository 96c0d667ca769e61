"""The exercises of notebook 05_inference."""

from s2s_lib.checks.exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
