"""The exercises of notebook 08_beam_and_sampling."""

from s2s_lib.checks.exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
