"""The exercises of notebook 06_error_analysis."""

from s2s_lib.checks.exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
