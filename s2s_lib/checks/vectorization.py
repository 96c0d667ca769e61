"""The exercises of notebook 02_vectorization."""

from s2s_lib.checks.exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
