"""Every figure of the course, each from plain arrays or tables (drawn in all notebooks)."""

import functools
import io
import sys
import unicodedata
import warnings
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import PIL.Image
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter

# Further scripts, each drawn by the first font that has the sign.
FONTS = [
    f"Noto Sans {name}"
    for name in ("Arabic", "Hebrew", "Devanagari", "Bengali", "Thai", "Armenian", "Georgian")
]
FONTS += [
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans CJK KR",
    "Noto Sans JP",
    "Noto Sans SC",
    "Noto Sans KR",
]
FONTS += ["Arial Unicode MS", "Nirmala UI", "Leelawadee UI", "Microsoft YaHei", "Yu Gothic", "Malgun Gothic"]
HINT = (
    "some signs in this figure are drawn as boxes, because no font here has them: install the Noto fonts "
    "(Debian and Ubuntu: apt install fonts-noto-core fonts-noto-cjk), then restart"
)
_SIGNS = {" ": "␣", "\u00a0": "⍽", "\u202f": "‿", "\u2009": "‿", "\t": "⇥", "\n": "↵", "": "∅"}
_BESIDE: dict[str, Any] = {"xytext": (6, 0), "textcoords": "offset points", "va": "center", "fontsize": 9.5}


def use_course_style() -> None:
    """Draw further figures in the house style: readable, in colours that colour-blind people tell apart.

    In a notebook, tables also show each cell in the direction of its own script.
    """
    with resources.as_file(resources.files("s2s_lib") / "resources" / "course.mplstyle") as path:
        plt.style.use(path)
    there = set(font_manager.get_font_names())
    plt.rcParams["font.family"] = ["sans-serif", *(name for name in FONTS if name in there)]
    ipython = sys.modules.get("IPython")  # None outside of notebooks
    if ipython and (shell := ipython.get_ipython()):
        shell.display_formatter.formatters["text/html"].for_type(pd.DataFrame, html_table)


def html_table(frame: pd.DataFrame) -> str:
    """Return a table as HTML in which each cell is read in the direction of its own script."""
    table: Any = frame  # whose annotations leave the method out
    return str(table._repr_html_()).replace("<td>", '<td dir="auto">')


def reading_order(characters: Iterable[str], first: str) -> str:
    """Say where the first character stands if a script runs from right to left; figures keep logical order.

    >>> reading_order("otter", "left"), reading_order("لوتر", "left")
    ('', ' (the first one left)')
    """
    leftward = any(unicodedata.bidirectional(c) in ("R", "AL") for text in characters for c in text)
    return f" (the first one {first})" if leftward else ""


def visible(character: str) -> str:
    r"""Return a sign for a character that has no ink: ␣ space, ⍽ no-break space, ‿ narrow, ∅ no character.

    >>> [visible(character) for character in "a \u00a0\u202f\t\n"]
    ['a', '␣', '⍽', '‿', '⇥', '↵']
    """
    return _SIGNS.get(character, character)


def show(figure: Axes | Figure, alt: str) -> None:
    """Show a figure once in a notebook, with a description for people who cannot see it, and close it.

    Parameters
    ----------
    figure
        Axes or a whole figure.
    alt
        What the picture shows, in a sentence; stored in the output's metadata as ``alt``.

    Raises
    ------
    ValueError
        If ``alt`` is blank.
    """
    from IPython.display import Image, display

    if not alt.strip():
        raise ValueError("a figure needs an alt text: say in a sentence what the picture shows")
    whole: Any = figure.figure if isinstance(figure, Axes) else figure
    png = io.BytesIO()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        whole.savefig(png, format="png")
    plt.close(whole)
    glyphs = [warning for warning in caught if "missing from" in str(warning.message)]
    for warning in caught:
        if warning not in glyphs:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    if glyphs:
        _hint()
    display(Image(_smaller(png), alt=alt))


@functools.cache  # once for each process, not for each sign or figure
def _hint() -> None:
    warnings.warn(HINT, stacklevel=3)


def _smaller(png: io.BytesIO) -> bytes:
    """Return a PNG of a fraction of the size: 256 colours, no software's name in it."""
    small = io.BytesIO()
    PIL.Image.open(png).convert("RGB").quantize(256).save(small, format="png", optimize=True)
    return small.getvalue()


def _new_axes(width: float = 6.4, height: float = 3.4) -> Axes:
    return plt.subplots(figsize=(width, height))[1]


def length_histogram(pairs: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how many sentences have how many characters; columns ``source`` and ``target`` of ``pairs``."""
    ax = ax or _new_axes()
    sources, targets = pairs["source"].str.len(), pairs["target"].str.len()
    edges = [edge - 0.5 for edge in range(max(sources.max(), targets.max()) + 2)]
    filled: dict[str, Any] = {"histtype": "stepfilled", "facecolor": "none", "hatch": "////"}
    ax.hist(sources, edges, edgecolor="C0", label="source", **filled)
    ax.hist(targets, edges, histtype="step", color="C1", linestyle="--", linewidth=1.8, label="target")
    ax.set(xlabel="length (characters)", ylabel="sentences")
    ax.legend()
    return ax


def learning_curves(
    history: pd.DataFrame | Mapping[str, Sequence[float]],
    columns: Mapping[str, str],
    *,
    ylabel: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw columns of a training history over epochs counted from 1; ``columns`` gives each its legend."""
    ax = ax or _new_axes()
    for column, label in columns.items():
        epochs = np.arange(1, len(history[column]) + 1)
        ax.plot(epochs, history[column], label=label, marker="o" if len(epochs) == 1 else None)
    ax.set(xlabel="epoch", ylabel=ylabel)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.legend()
    return ax


def _heatmap(
    values: Any,
    *,
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    ax: Axes | None,
    highest: float | None = None,
    colorbar: str | None = None,
    annotate: bool = False,
) -> Axes:
    """Draw ``values`` ``(rows, columns)`` from 0 up with labelled cells; a colour bar if it has a label."""
    values = np.asarray(values)
    num_rows, num_columns = values.shape
    width, height = np.clip(1.6 + 0.27 * num_columns, 3.2, 9.5), np.clip(1.1 + 0.25 * num_rows, 2.4, 6.5)
    ax = ax or _new_axes(width, height)
    highest = highest or values.max(initial=0) or 1
    image = ax.imshow(values, vmin=0, vmax=highest, aspect="auto")
    ax.set_xticks(range(num_columns), [visible(label) for label in column_labels])
    ax.set_yticks(range(num_rows), [visible(label) for label in row_labels])
    ax.tick_params(length=0)
    ax.grid(False)
    if annotate:
        for (row, column), value in np.ndenumerate(values):
            color = "white" if value > 0.55 * highest else "black"
            ax.text(
                column, row, f"{value:g}" if value else "", ha="center", va="center", color=color, fontsize=9
            )
    if colorbar:
        ax.figure.colorbar(image, ax=ax, label=colorbar)
    return ax


def one_hot_picture(
    matrix: Any, row_labels: Sequence[str], characters: Sequence[str], ax: Axes | None = None
) -> Axes:
    """Draw one-hot rows ``(timesteps, num_characters)``: a single dark cell at each timestep."""
    ax = _heatmap(matrix, row_labels=row_labels, column_labels=characters, ax=ax, highest=1)
    ax.set_xticks(np.arange(len(characters) + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(len(row_labels) + 1) - 0.5, minor=True)
    ax.grid(which="minor")
    ax.tick_params(which="minor", length=0)
    ax.set(xlabel="column (character)", ylabel=f"timestep{reading_order(row_labels, 'on top')}")
    return ax


def offset_picture(
    decoder_input: Sequence[str], decoder_target: Sequence[str], ax: Axes | None = None
) -> Axes:
    """Draw what the decoder reads above what it should answer; arrows show each answer being read next.

    Both are sequences of as many characters (or names of marks).
    """
    ax = ax or _new_axes(np.clip(1.8 + 0.42 * len(decoder_input), 3.5, 9.5), 1.9)
    for y, characters, color in ((1, decoder_input, "C0"), (0, decoder_target, "C1")):
        for timestep, character in enumerate(characters):
            box = Rectangle((timestep - 0.42, y - 0.25), 0.84, 0.5, facecolor="white", edgecolor=color)
            ax.add_patch(box)
            ax.text(timestep, y, visible(character), ha="center", va="center_baseline", fontsize=9.5)
    for timestep in range(len(decoder_input) - 1):
        ends: dict[str, Any] = {"xy": (timestep + 0.8, 0.74), "xytext": (timestep + 0.2, 0.26)}
        ax.annotate("", **ends, arrowprops={"arrowstyle": "->", "color": "0.35"})
    ax.set_yticks([1, 0], ["decoder input\n(it reads)", "decoder target\n(it should say)"])
    ax.set(xlim=(-0.6, len(decoder_input) - 0.4), ylim=(-0.45, 1.45))
    ax.set_xlabel(f"timestep{reading_order(decoder_target, 'left')}")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.tick_params(axis="y", length=0)
    ax.grid(False)
    ax.spines["left"].set_visible(False)
    return ax


def padding_picture(is_real: Any, ax: Axes | None = None) -> Axes:
    """Draw a boolean array ``(sentences, timesteps)``: characters dark, padding hatched."""
    is_real = np.asarray(is_real, dtype=bool)
    ax = ax or _new_axes(height=2.8)
    ax.patch.set(facecolor="0.95", hatch="///", edgecolor="0.7")
    extent = (0, is_real.shape[1], is_real.shape[0], 0)
    ax.imshow(np.where(is_real, 1.0, np.nan), vmin=0, vmax=1.25, aspect="auto", extent=extent)
    ax.set(xlabel="timestep (characters)", ylabel="sentence")
    ax.set_title(f"{1 - is_real.mean():.0%} of the cells hold padding (hatched)")
    ax.grid(False)
    return ax


def gate_traces(traces: Any, characters: Sequence[str], ax: Axes | None = None) -> Axes:
    """Draw each column of ``traces`` (a DataFrame or dict) over the characters read, values from -1 to 1."""
    ax = ax or _new_axes()
    for name in traces:
        ax.plot(range(len(characters)), traces[name], marker="o", markersize=3.5, label=name)
    ax.set_xticks(range(len(characters)), [visible(character) for character in characters])
    ax.set(xlabel=f"character read{reading_order(characters, 'left')}", ylabel="value (no unit)")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return ax


def probability_heatmap(
    probabilities: Any,
    characters: Sequence[str],
    chosen: Sequence[str],
    *,
    least: float = 0.02,
    ax: Axes | None = None,
) -> Axes:
    """Draw the decoder's probabilities ``(timesteps, num_characters)``, a ring around each chosen character.

    Characters that never reach the probability ``least`` and are never chosen are left out.
    """
    probabilities, characters = np.asarray(probabilities), list(characters)
    rows = [i for i, c in enumerate(characters) if c in chosen or probabilities[:, i].max() >= least]
    labels = [characters[i] for i in rows]
    values = probabilities[:, rows].T
    ax = _heatmap(values, row_labels=labels, column_labels=chosen, highest=1, colorbar="probability", ax=ax)
    places = [labels.index(character) for character in chosen]
    ax.scatter(range(len(chosen)), places, s=55, facecolors="none", edgecolors="C1", linewidths=1.8)
    order = reading_order(chosen, "left")
    ax.set(xlabel=f"character chosen (ringed), one at each timestep{order}", ylabel="character")
    return ax


def similarity_heatmap(similarity: Any, labels: Sequence[str], ax: Axes | None = None) -> Axes:
    """Draw cosine similarities ``(n, n)`` of the states of ``n`` sentences, 0 to 1, with their numbers."""
    values = np.asarray(similarity).round(2)
    ax = ax or _new_axes(3.2 + 0.55 * len(labels), 1.6 + 0.38 * len(labels))
    _heatmap(values, row_labels=labels, column_labels=labels, ax=ax, highest=1, annotate=True)
    ax.tick_params(axis="x", rotation=30)
    plt.setp(ax.get_xticklabels(), ha="right", rotation_mode="anchor")
    ax.set_title("cosine similarity")
    return ax


def attention_heatmap(
    weights: Any, source: Sequence[str], target: Sequence[str], ax: Axes | None = None
) -> Axes:
    """Draw where the decoder looked: weights ``(target_timesteps, source_timesteps)``."""
    label = "attention weight"
    ax = _heatmap(weights, row_labels=target, column_labels=source, highest=1, colorbar=label, ax=ax)
    ax.set(
        xlabel=f"source character{reading_order(source, 'left')}",
        ylabel=f"target character written{reading_order(target, 'on top')}",
    )
    return ax


def confusion_heatmap(confusions: pd.DataFrame, *, most: int = 12, ax: Axes | None = None) -> Axes:
    """Draw the ``most`` frequent rows of `evaluation.errors.character_confusions`; ∅ is no character."""
    names = {"index": "reference_char", "columns": "hypothesis_char", "values": "count"}
    table = confusions.head(most).pivot(**names).fillna(0)
    if table.empty:
        table.loc["", ""] = 0
    rows, columns = [str(name) for name in table.index], [str(name) for name in table.columns]
    ax = _heatmap(table.to_numpy(), row_labels=rows, column_labels=columns, ax=ax, annotate=True)
    ax.set(xlabel="model wrote", ylabel="reference has")
    ax.set_title("counts; ∅: no character")
    return ax


def error_by_length(
    slices: pd.DataFrame, *, xlabel: str = "source length (characters)", ax: Axes | None = None
) -> Axes:
    """Draw the exact match of each slice of `evaluation.errors.score_by` with its 95 % interval and its n."""
    ax = ax or _new_axes()
    reach = [slices["exact"] - slices["low"], slices["high"] - slices["exact"]]
    ax.errorbar(range(len(slices)), slices["exact"], yerr=reach, fmt="o-", capsize=4)
    labels = [f"{name}\nn={n:,}" for name, n in zip(slices["slice"], slices["n"], strict=True)]
    ax.set_xticks(range(len(slices)), labels)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(xlabel=xlabel, ylabel="exact match (95 % interval)")
    ax.set_ylim(0, max(ax.get_ylim()[1], 1.04 * slices["high"].max()))  # an axis shared with others may grow
    return ax


def score_bars(scores: pd.DataFrame, *, xlabel: str, ax: Axes | None = None) -> Axes:
    """Draw rows ``name, score, low, high`` as bars with their intervals, the first row on top."""
    ax = ax or _new_axes(height=0.9 + 0.38 * len(scores))
    reach = [scores["score"] - scores["low"], scores["high"] - scores["score"]]
    places = np.arange(len(scores))[::-1]
    whisker = {"capsize": 4, "ecolor": "0.2"}
    ax.barh(places, scores["score"], xerr=reach, height=0.62, alpha=0.75, error_kw=whisker)
    for place, score, high in zip(places, scores["score"], scores["high"], strict=True):
        ax.annotate(f"{score:.3g}", (high, place), **_BESIDE)
    ax.set_yticks(places, list(scores["name"]))
    ax.set(xlabel=f"{xlabel}, 95 % interval", xlim=(0, 1.12 * max(scores["high"].max(), 1e-9)))
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)
    return ax


def before_after(
    values: Mapping[str, float], *, xlabel: str, log: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw one bar per entry, the first on top, its value beside it; with ``log`` dots on a logarithmic axis.

    >>> before_after({"the example": 20.0, "ours": 7.5}, xlabel="CPU seconds per epoch").get_xlabel()
    'CPU seconds per epoch'
    """
    ax = ax or _new_axes(height=0.9 + 0.42 * len(values))
    places = np.arange(len(values))[::-1]
    colors = [f"C{i}" for i in range(len(values))]
    if log:  # the length of a bar would mean nothing
        ax.scatter([*values.values()], places, color=colors, s=70)
    else:
        ax.barh(places, [*values.values()], height=0.62, color=colors)
    for place, value in zip(places, values.values(), strict=True):
        ax.annotate(f"{value:,.3g}" if value < 1000 else f"{value:,.0f}", (value, place), **_BESIDE)
    ax.set_yticks(places, [*values])
    if log:
        ax.set(xscale="log", xlim=(min(values.values()) / 3, max(values.values()) * 6))
        ax.set_ylim(-0.6, len(values) - 0.4)
    else:
        ax.set_xlim(0, 1.15 * max(values.values()))
    ax.set_xlabel(xlabel)
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)
    return ax


def lines_with_bands(
    table: pd.DataFrame, *, x: str, y: str, by: str, xlabel: str, ylabel: str, ax: Axes | None = None
) -> Axes:
    """Draw column ``y`` over ``x``, a line with its own marker for each value of ``by``.

    Where the table has columns ``low`` and ``high``, they bound a band around each line.
    """
    ax = ax or _new_axes()
    for marker, (name, part) in zip("osD^v*", table.groupby(by, sort=False), strict=False):
        (line,) = ax.plot(part[x], part[y], marker=marker, markersize=4, label=str(name))
        if {"low", "high"} <= set(part):
            ax.fill_between(part[x], part["low"], part["high"], color=line.get_color(), alpha=0.18, lw=0)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax
