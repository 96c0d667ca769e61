"""The exercises of notebook 07_attention."""

from s2s_lib.checks.exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
