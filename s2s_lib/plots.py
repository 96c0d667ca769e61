"""Every figure of the course, each from plain arrays or tables (drawn in all notebooks)."""

import io
from importlib import resources

import matplotlib.pyplot as plt
import numpy as np
import PIL.Image
from matplotlib.ticker import MaxNLocator, PercentFormatter

_SIGNS = {" ": "␣", "\u00a0": "⍽", "\u202f": "‿", "\u2009": "‿", "\t": "⇥", "\n": "↵", "": "∅"}


def use_course_style():
    """Draw further figures in the house style: readable, in colours that colour-blind people tell apart."""
    with resources.as_file(resources.files("s2s_lib") / "data" / "course.mplstyle") as path:
        plt.style.use(path)


def visible(character):
    r"""Return a sign for a character that has no ink: ␣ space, ⍽ no-break space, ‿ narrow, ∅ no character.

    >>> [visible(character) for character in "a \u00a0\u202f\t\n"]
    ['a', '␣', '⍽', '‿', '⇥', '↵']
    """
    return _SIGNS.get(character, character)


def show(figure, alt):
    """Show a figure once in a notebook, with a description for who cannot see it, and close it.

    Parameters
    ----------
    figure : matplotlib Axes or Figure
    alt : str
        What the picture tells, in a sentence. It stands in the output's metadata as ``alt``.

    Raises
    ------
    ValueError
        If ``alt`` is blank.
    """
    from IPython.display import Image, display

    if not alt.strip():
        raise ValueError("a figure needs an alt text: say in a sentence what the picture tells")
    figure = getattr(figure, "figure", figure)
    png = io.BytesIO()
    figure.savefig(png, format="png")
    plt.close(figure)
    display(Image(_smaller(png), alt=alt))


def _smaller(png):
    """Return a PNG of a fraction of the size: 256 colours, no software's name in it."""
    small = io.BytesIO()
    PIL.Image.open(png).convert("RGB").quantize(256).save(small, format="png", optimize=True)
    return small.getvalue()


def length_histogram(pairs, ax=None):
    """Draw how many sentences have how many characters; columns ``source`` and ``target`` of ``pairs``."""
    ax = ax or plt.subplots()[1]
    sources, targets = pairs["source"].str.len(), pairs["target"].str.len()
    edges = np.arange(0, max(sources.max(), targets.max()) + 2) - 0.5
    filled = {"histtype": "stepfilled", "facecolor": "none", "hatch": "////"}
    ax.hist(sources, edges, edgecolor="C0", label="source", **filled)
    ax.hist(targets, edges, histtype="step", color="C1", linestyle="--", linewidth=1.8, label="target")
    ax.set(xlabel="length (characters)", ylabel="sentences")
    ax.legend()
    return ax


def learning_curves(history, columns, *, ylabel, ax=None):
    """Draw columns of a training history, one line each, over epochs counted from 1.

    Parameters
    ----------
    history : DataFrame or dict of lists
        One value an epoch.
    columns : dict
        Column name → name in the legend.
    ylabel : str
        What is drawn, with its unit.
    """
    ax = ax or plt.subplots()[1]
    for column, label in columns.items():
        epochs = np.arange(1, len(history[column]) + 1)
        ax.plot(epochs, history[column], label=label, marker="o" if len(epochs) == 1 else None)
    ax.set(xlabel="epoch", ylabel=ylabel)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.legend()
    return ax


def _heatmap(values, *, row_labels, column_labels, ax, highest=None, colorbar=None, annotate=False):
    """Draw ``values`` ``(rows, columns)`` from 0 up with labelled cells; a colour bar if it has a label."""
    values = np.asarray(values)
    num_rows, num_columns = values.shape
    if ax is None:
        width = np.clip(1.6 + 0.27 * num_columns, 3.2, 9.5)
        ax = plt.subplots(figsize=(width, np.clip(1.1 + 0.25 * num_rows, 2.4, 6.5)))[1]
    highest = highest or values.max(initial=0) or 1
    image = ax.imshow(values, vmin=0, vmax=highest, aspect="auto")
    ax.set_xticks(range(num_columns), [visible(label) for label in column_labels])
    ax.set_yticks(range(num_rows), [visible(label) for label in row_labels])
    ax.tick_params(length=0)
    ax.grid(False)
    if annotate:
        for (row, column), value in np.ndenumerate(values):
            color = "white" if value > 0.55 * highest else "black"
            text = f"{value:g}" if value else ""
            ax.text(column, row, text, ha="center", va="center", color=color, fontsize=9)
    if colorbar:
        ax.figure.colorbar(image, ax=ax, label=colorbar)
    return ax


def one_hot_picture(matrix, row_labels, characters, ax=None):
    """Draw one-hot rows ``(timesteps, num_characters)``: one dark cell a timestep."""
    ax = _heatmap(matrix, row_labels=row_labels, column_labels=characters, ax=ax, highest=1)
    ax.set_xticks(np.arange(len(characters) + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(len(row_labels) + 1) - 0.5, minor=True)
    ax.grid(which="minor")
    ax.tick_params(which="minor", length=0)
    ax.set(xlabel="column (character)", ylabel="timestep")
    return ax


def offset_picture(decoder_input, decoder_target, ax=None):
    """Draw what the decoder reads above what it should answer; arrows show each answer being read next.

    Both are sequences of as many characters (or names of marks).
    """
    ax = ax or plt.subplots(figsize=(np.clip(1.8 + 0.42 * len(decoder_input), 3.5, 9.5), 1.9))[1]
    for y, characters, color in ((1, decoder_input, "C0"), (0, decoder_target, "C1")):
        for timestep, character in enumerate(characters):
            box = {"width": 0.84, "height": 0.5, "facecolor": "white", "edgecolor": color}
            ax.add_patch(plt.Rectangle((timestep - 0.42, y - 0.25), **box))
            ax.text(timestep, y, visible(character), ha="center", va="center_baseline", fontsize=9.5)
    for timestep in range(len(decoder_input) - 1):
        ends = {"xy": (timestep + 0.8, 0.74), "xytext": (timestep + 0.2, 0.26)}
        ax.annotate("", **ends, arrowprops={"arrowstyle": "->", "color": "0.35"})
    ax.set_yticks([1, 0], ["decoder input\n(it reads)", "decoder target\n(it should say)"])
    ax.set(xlim=(-0.6, len(decoder_input) - 0.4), ylim=(-0.45, 1.45), xlabel="timestep")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.tick_params(axis="y", length=0)
    ax.grid(False)
    ax.spines["left"].set_visible(False)
    return ax


def padding_picture(is_real, ax=None):
    """Draw a boolean array ``(sentences, timesteps)``: dark: characters, hatched: padding."""
    is_real = np.asarray(is_real, dtype=bool)
    ax = ax or plt.subplots(figsize=(6.4, 2.8))[1]
    extent = (0, is_real.shape[1], is_real.shape[0], 0)
    ax.patch.set(facecolor="0.95", hatch="///", edgecolor="0.7")
    ax.imshow(np.where(is_real, 1.0, np.nan), vmin=0, vmax=1.25, aspect="auto", extent=extent)
    ax.set(xlabel="timestep (characters)", ylabel="sentence")
    ax.set_title(f"{1 - is_real.mean():.0%} of the cells hold padding (hatched)")
    ax.grid(False)
    return ax


def gate_traces(traces, characters, ax=None):
    """Draw each column of ``traces`` over the characters read, values between -1 and 1."""
    ax = ax or plt.subplots()[1]
    for name in traces:
        ax.plot(range(len(characters)), traces[name], marker="o", markersize=3.5, label=name)
    ax.set_xticks(range(len(characters)), [visible(character) for character in characters])
    ax.set(xlabel="character read", ylabel="value (no unit)")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return ax


def probability_heatmap(probabilities, characters, chosen, *, least=0.02, ax=None):
    """Draw the decoder's probabilities ``(timesteps, num_characters)``, a ring around each chosen character.

    Characters that never reach the probability ``least`` and are never chosen are left out.
    """
    probabilities, characters = np.asarray(probabilities), list(characters)
    rows = [i for i, c in enumerate(characters) if c in chosen or probabilities[:, i].max() >= least]
    labels = [characters[i] for i in rows]
    shape = {"row_labels": labels, "column_labels": chosen, "highest": 1, "colorbar": "probability"}
    ax = _heatmap(probabilities[:, rows].T, **shape, ax=ax)
    places = [labels.index(character) for character in chosen]
    ax.scatter(range(len(chosen)), places, s=55, facecolors="none", edgecolors="C1", linewidths=1.8)
    ax.set(xlabel="character chosen (ringed), one a timestep", ylabel="character")
    return ax


def similarity_heatmap(similarity, labels, ax=None):
    """Draw cosine similarities ``(n, n)`` of the states of ``n`` sentences, 0 to 1, with their numbers."""
    values = np.asarray(similarity).round(2)
    ax = ax or plt.subplots(figsize=(3.2 + 0.55 * len(labels), 1.6 + 0.38 * len(labels)))[1]
    _heatmap(values, row_labels=labels, column_labels=labels, ax=ax, highest=1, annotate=True)
    ax.tick_params(axis="x", rotation=30)
    plt.setp(ax.get_xticklabels(), ha="right", rotation_mode="anchor")
    ax.set_title("cosine similarity")
    return ax


def attention_heatmap(weights, source, target, ax=None):
    """Draw where the decoder looked: weights ``(target_timesteps, source_timesteps)``."""
    shape = {"row_labels": target, "column_labels": source, "highest": 1, "colorbar": "attention weight"}
    ax = _heatmap(weights, **shape, ax=ax)
    ax.set(xlabel="source character", ylabel="target character written")
    return ax


def confusion_heatmap(confusions, *, most=12, ax=None):
    """Draw the ``most`` frequent rows of `analysis.character_confusions` as a table; ∅ is no character."""
    names = {"index": "reference_char", "columns": "hypothesis_char", "values": "count"}
    table = confusions.head(most).pivot(**names).fillna(0)
    if table.empty:
        table.loc["", ""] = 0
    ax = _heatmap(table.to_numpy(), row_labels=table.index, column_labels=table.columns, ax=ax, annotate=True)
    ax.set(xlabel="model wrote", ylabel="reference has")
    ax.set_title("counts; ∅: no character")
    return ax


def error_by_length(slices, *, xlabel="source length (characters)", ax=None):
    """Draw the exact match of each slice of `analysis.by_length` with its 95 % interval and its n."""
    ax = ax or plt.subplots()[1]
    reach = [slices["exact"] - slices["low"], slices["high"] - slices["exact"]]
    ax.errorbar(range(len(slices)), slices["exact"], yerr=reach, fmt="o-", capsize=4)
    labels = [f"{name}\nn={n:,}" for name, n in zip(slices["slice"], slices["n"], strict=True)]
    ax.set_xticks(range(len(slices)), labels)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(xlabel=xlabel, ylabel="exact match (95 % interval)")
    ax.set_ylim(0, max(ax.get_ylim()[1], 1.04 * slices["high"].max()))  # an axis shared with others may grow
    return ax


def score_bars(scores, *, xlabel, ax=None):
    """Draw rows ``name, score, low, high`` as bars with their intervals, the first row on top."""
    ax = ax or plt.subplots(figsize=(6.4, 0.9 + 0.38 * len(scores)))[1]
    reach = [scores["score"] - scores["low"], scores["high"] - scores["score"]]
    places = np.arange(len(scores))[::-1]
    whisker = {"capsize": 4, "ecolor": "0.2"}
    ax.barh(places, scores["score"], xerr=reach, height=0.62, alpha=0.75, error_kw=whisker)
    for place, score, high in zip(places, scores["score"], scores["high"], strict=True):
        beside = {"xytext": (6, 0), "textcoords": "offset points", "va": "center", "fontsize": 9.5}
        ax.annotate(f"{score:.3g}", (high, place), **beside)
    ax.set_yticks(places, scores["name"])
    ax.set(xlabel=f"{xlabel}, 95 % interval", xlim=(0, 1.12 * max(scores["high"].max(), 1e-9)))
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)
    return ax
