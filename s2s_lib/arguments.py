"""Checks of arguments and settings: each says in one sentence what is wrong (used in all notebooks)."""

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any


def whole_number(name: str, value: Any, *, at_least: int, at_most: int | None = None) -> int:
    """Return ``value`` as an int, or raise ValueError.

    >>> whole_number("beam_width", 2.5, at_least=1)
    Traceback (most recent call last):
    ValueError: beam_width must be a whole number from 1 up, not 2.5
    """
    reach = f"from {at_least:,} up" if at_most is None else f"from {at_least:,} to {at_most:,}"
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or value < at_least or (at_most is not None and value > at_most):
        raise ValueError(f"{name} must be a whole number {reach}, not {value!r}")
    return int(value)


def real_number(
    name: str, value: Any, *, at_least: float = 0.0, at_most: float = math.inf, above: bool = False
) -> float:
    """Return ``value`` as a finite float, or raise ValueError; ``above`` excludes ``at_least`` itself."""
    reach = f"{'above' if above else 'from'} {at_least:g}" + (
        f" to {at_most:g}" if math.isfinite(at_most) else " up" * (not above)
    )
    real = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if not real or not at_least <= value <= at_most or (above and value == at_least):
        raise ValueError(f"{name} must be a finite number {reach}, not {value!r}")
    return float(value)


def one_of(name: str, value: Any, choices: Iterable[str]) -> str:
    """Return ``value`` if it is one of the choices, or raise ValueError that lists them."""
    choices = list(choices)
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}")
    return str(value)


def boolean(name: str, value: Any) -> bool:
    """Return ``value`` if it is True or False, or raise ValueError."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, not {value!r}")
    return value
