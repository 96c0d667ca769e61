"""The exercises of notebook 01_data."""

from s2s_lib.checks.exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
