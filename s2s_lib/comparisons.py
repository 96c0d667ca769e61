"""Figures that set two ways side by side (for 02_vectorization, 04_training, 07_attention, and others)."""

import matplotlib.pyplot as plt
import numpy as np

SIDES = {
    "example": "the example",
    "ours": "ours",
    "torch": "the same in PyTorch",
    "ours_on_torch": "ours, Keras on PyTorch",
    "ours_on_torch_bfloat16": "ours on PyTorch, bfloat16",
}


def by_side(values):
    """Return one figure of the bench's record under the names that pictures use, sides not measured left out.

    Parameters
    ----------
    values : dict of str to float or None
        A figure for each side, under the record's own names.

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> by_side({"example": 20.0, "ours": 7.5, "torch": None})
    {'the example': 20.0, 'ours': 7.5}
    """
    return {name: values[side] for side, name in SIDES.items() if values.get(side) is not None}


def before_after(values, *, xlabel, log=False, ax=None):
    """Draw one horizontal bar a way of doing, the first on top, its value written beside it.

    Parameters
    ----------
    values : dict of str to float
        Name of the way (unit of the value as in ``xlabel``).
    xlabel : str
        What was measured, with its unit.
    log : bool
        Draw on a logarithmic axis, for values that lie far apart.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> before_after({"the example": 20.0, "ours": 7.5}, xlabel="CPU seconds an epoch").get_xlabel()
    'CPU seconds an epoch'
    """
    ax = ax or plt.subplots(figsize=(6.4, 0.9 + 0.42 * len(values)))[1]
    places = np.arange(len(values))[::-1]
    colors = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    ax.barh(places, values.values(), height=0.62, color=[colors[i % len(colors)] for i in range(len(values))])
    for place, value in zip(places, values.values(), strict=True):
        beside = {"xytext": (6, 0), "textcoords": "offset points", "va": "center", "fontsize": 9.5}
        ax.annotate(f"{value:,.3g}" if value < 1000 else f"{value:,.0f}", (value, place), **beside)
    ax.set_yticks(places, values)
    if log:
        ax.set_xscale("log")
        ax.set_xlim(min(values.values()) / 3, max(values.values()) * 6)
    else:
        ax.set_xlim(0, 1.15 * max(values.values()))
    ax.set_xlabel(xlabel)
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)
    return ax


def lines_with_bands(table, *, x, y, by, xlabel, ylabel, ax=None):
    """Draw one line a value of column ``by``, with its 95 % interval as a band; each has its own marker.

    Parameters
    ----------
    table : DataFrame
        Columns ``x``, ``y``, ``by``, and perhaps ``low`` and ``high``, the interval's bounds.
    x, y, by : str
        Names of columns.
    xlabel, ylabel : str
        With units.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = ax or plt.subplots(figsize=(6.4, 3.4))[1]
    for marker, (name, part) in zip("osD^v*", table.groupby(by, sort=False), strict=False):
        (line,) = ax.plot(part[x], part[y], marker=marker, markersize=4, label=name)
        if {"low", "high"} <= set(part):
            ax.fill_between(part[x], part["low"], part["high"], color=line.get_color(), alpha=0.18, lw=0)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax
