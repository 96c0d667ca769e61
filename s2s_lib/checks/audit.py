"""The exercises of notebook 10_the_famous_example_audited."""

from s2s_lib.checks.exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
