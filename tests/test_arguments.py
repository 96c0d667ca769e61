"""A wrong argument is answered with one sentence: which one, what it may be, what it was."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s_lib.arguments import boolean, one_of, real_number, whole_number


def refused(check, *arguments, **limits):
    """Return the one sentence with which a check refuses a value."""
    with pytest.raises(ValueError) as caught:
        check(*arguments, **limits)
    [sentence] = str(caught.value).splitlines()
    return sentence


# Whole numbers


@given(st.integers(-5, 5), st.integers(-5, 5), st.none() | st.integers(-5, 5))
def test_whole_numbers_within_their_limits_pass_and_no_others(value, at_least, at_most):
    if at_least <= value and (at_most is None or value <= at_most):
        assert whole_number("n", value, at_least=at_least, at_most=at_most) == value
    else:
        assert refused(whole_number, "n", value, at_least=at_least, at_most=at_most).endswith(f"not {value}")


@pytest.mark.parametrize("value", [7, np.int64(7), np.uint8(7), pd.Series([7]).iloc[0]])
def test_a_whole_number_of_any_library_comes_back_as_an_int(value):
    assert type(whole_number("n", value, at_least=1)) is int


@pytest.mark.parametrize("value", [True, 2.0, np.float64(2), "2", None, [2], math.nan])
def test_what_is_no_whole_number_is_refused(value):
    assert refused(whole_number, "n", value, at_least=0).endswith(f"not {value!r}")


def test_a_refused_whole_number_is_told_its_limits():
    said = refused(whole_number, "beam_width", 0, at_least=1)
    assert said == "beam_width must be a whole number from 1 up, not 0"
    said = refused(whole_number, "max_length", 10_001, at_least=1, at_most=10_000)
    assert said == "max_length must be a whole number from 1 to 10,000, not 10001"


# Real numbers


@given(st.floats(), st.floats(-2, 2), st.floats(-2, 2) | st.just(math.inf), st.booleans())
def test_finite_numbers_within_their_limits_pass_and_no_others(value, at_least, at_most, above):
    limits = {"at_least": at_least, "at_most": at_most, "above": above}
    within = value > at_least if above else value >= at_least
    if within and value <= at_most and math.isfinite(value):
        assert real_number("x", value, **limits) == value
    else:
        assert refused(real_number, "x", value, **limits).endswith(f"not {value!r}")


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.int8(1)])
def test_a_number_of_any_kind_comes_back_as_a_float(value):
    assert type(real_number("x", value)) is float


@pytest.mark.parametrize("value", [True, "1", None, 1j, [1.0]])
def test_what_is_no_number_is_refused(value):
    assert refused(real_number, "x", value).endswith(f"not {value!r}")


@pytest.mark.parametrize(
    ("limits", "reach"),
    [
        ({}, "from 0 up"),
        ({"at_least": 1e-6, "at_most": 1.0}, "from 1e-06 to 1"),
        ({"above": True}, "above 0"),
        ({"above": True, "at_most": 1.0}, "above 0 to 1"),
    ],
)
def test_a_refused_number_is_told_its_limits(limits, reach):
    assert refused(real_number, "rate", -1.0, **limits) == f"rate must be a finite number {reach}, not -1.0"


# Choices


def test_one_of_the_choices_comes_back_and_any_other_is_answered_with_all_of_them():
    assert one_of("cell", "gru", {"lstm": 1, "gru": 2}) == "gru"
    said = refused(one_of, "cell", "rnn", iter(["lstm", "gru"]))
    assert said == "cell must be one of 'lstm', 'gru', not 'rnn'"


@pytest.mark.parametrize("value", [None, 3, ["lstm"], {"lstm"}])
def test_what_is_no_name_at_all_is_no_choice_either(value):
    assert refused(one_of, "cell", value, ["lstm"]).endswith(f"not {value!r}")


@pytest.mark.parametrize("value", [1, 0, None, "True", np.True_])
def test_only_true_and_false_are_booleans(value):
    assert boolean("reverse", True) is True and boolean("reverse", False) is False
    assert refused(boolean, "reverse", value) == f"reverse must be True or False, not {value!r}"
