"""The exercises of notebook 11_bug_clinic."""

from s2s_lib.checks.exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
