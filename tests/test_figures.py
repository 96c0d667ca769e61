"""Figures draw what they are given: whole, legible, told apart without colour, described in words."""

import base64
import io
import warnings
from itertools import pairwise

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import PIL.Image
import pytest
from matplotlib.axes import Axes

from s2s_lib import figures

SOURCE, TARGET = "The otter sleeps.", "La loutre dort\u202f!"
OKABE_ITO = {"#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}


@pytest.fixture(autouse=True)
def course_style():
    with matplotlib.rc_context():
        matplotlib.use("Agg")
        figures.use_course_style()
        yield
    plt.close("all")


def examples():
    """One example of each figure: name, function of an optional ax, labels of its axes."""
    generator = np.random.default_rng(0)
    lengths = generator.integers(3, 60, 500)
    pairs = pd.DataFrame(
        {"source": ["x" * n for n in lengths], "target": ["x" * (n + n // 5) for n in lengths]}
    )
    history = {"loss": np.geomspace(2, 0.2, 100), "val_loss": np.geomspace(2, 0.6, 100)}
    characters = sorted(set(SOURCE))
    one_hot = np.eye(len(characters))[[characters.index(c) for c in SOURCE]]
    traces = pd.DataFrame(generator.random((len(SOURCE), 4)), columns=["input", "forget", "output", "cell"])
    alphabet = ["end", *sorted(set(TARGET) | set("abcdefghij"))]
    chosen = [*TARGET, "end"]
    probabilities = np.full((len(chosen), len(alphabet)), 0.005)
    probabilities[range(len(chosen)), [alphabet.index(c) for c in chosen]] = 0.9
    weights = generator.dirichlet(np.ones(len(SOURCE)), len(TARGET))
    similarity = np.eye(3) / 2 + 0.5
    confusions = pd.DataFrame(
        [("t", "s", 7), ("", "e", 3)], columns=["reference_char", "hypothesis_char", "count"]
    )
    slices = pd.DataFrame({"slice": ["1–10", "11–20"], "n": [1200, 40]})
    slices = slices.assign(exact=[0.5, 0.25], low=[0.47, 0.14], high=[0.53, 0.4])
    scores = pd.DataFrame(
        {"name": ["copy", "ours"], "score": [3.1, 54.3], "low": [3, 53], "high": [3.2, 55.5]}
    )
    curves = {"loss": "training", "val_loss": "validation"}
    by_model = pd.DataFrame({"n": [1, 2, 1, 2], "score": [1.0, 2.0, 3.0, 4.0], "model": list("aabb")})
    names = {"x": "n", "y": "score", "by": "model", "xlabel": "pairs", "ylabel": "chrF"}
    return [
        ("length_histogram", (pairs,), {}, "length (characters)", "sentences"),
        ("learning_curves", (history, curves), {"ylabel": "loss (nats)"}, "epoch", "loss (nats)"),
        ("one_hot_picture", (one_hot, SOURCE, characters), {}, "column (character)", "timestep"),
        ("offset_picture", (["start", *TARGET], [*TARGET, "end"]), {}, "timestep", ""),
        ("padding_picture", (np.arange(59) < lengths[:64, None],), {}, "timestep (characters)", "sentence"),
        ("gate_traces", (traces, SOURCE), {}, "character read", "value (no unit)"),
        (
            "probability_heatmap",
            (probabilities, alphabet, chosen),
            {},
            "character chosen (ringed), one at each timestep",
            "character",
        ),
        ("similarity_heatmap", (similarity, ["The otter sleeps.", "It slept.", "I see."]), {}, "", ""),
        ("attention_heatmap", (weights, SOURCE, TARGET), {}, "source character", "target character written"),
        ("confusion_heatmap", (confusions,), {}, "model wrote", "reference has"),
        ("error_by_length", (slices,), {}, "source length (characters)", "exact match (95 % interval)"),
        ("before_after", ({"the example": 20.0, "ours": 7.5},), {"xlabel": "CPU seconds"}, "CPU seconds", ""),
        ("lines_with_bands", (by_model,), names, "pairs", "chrF"),
        ("score_bars", (scores,), {"xlabel": "chrF (0 to 100)"}, "chrF (0 to 100), 95 % interval", ""),
    ]


def example_of(name):
    """Return the data of one example."""
    [data] = [arguments[0] for figure, arguments, *_ in examples() if figure == name]
    return data


@pytest.fixture
def shown(monkeypatch):
    """What `show` hands to the notebook: pairs (data, metadata) by MIME type."""
    bundles = []
    monkeypatch.setattr("IPython.display.display", lambda image: bundles.append(image._repr_mimebundle_()))
    return bundles


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


@pytest.mark.parametrize("example", examples(), ids=lambda example: example[0])
def test_each_figure_names_its_axes_and_stays_small_and_whole(example, shown):
    name, arguments, options, xlabel, ylabel = example
    ax = getattr(figures, name)(*arguments, **options)
    assert (ax.get_xlabel(), ax.get_ylabel()) == (xlabel, ylabel)
    ax.figure.canvas.draw()
    drawn, (width, height) = ax.figure.get_tightbbox(), ax.figure.get_size_inches()
    assert 0 <= drawn.x0 < drawn.x1 <= width, "text is cut off at a side"
    assert 0 <= drawn.y0 < drawn.y1 <= height, "text is cut off at the top or the bottom"
    if not ax.get_xticklabels()[0].get_rotation():
        boxes = [label.get_window_extent() for label in ax.get_xticklabels() if label.get_text()]
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes)), "labels overlap"
    assert min(text.get_fontsize() for text in ax.findobj(matplotlib.text.Text)) >= 9
    figures.show(ax, alt="an example")
    assert len(base64.b64decode(shown[0][0]["image/png"])) < 35_000


@pytest.mark.parametrize("example", examples(), ids=lambda example: example[0])
def test_each_figure_draws_into_the_axes_it_is_given(example):
    name, arguments, options, *_ = example
    ax = plt.subplots()[1]
    assert getattr(figures, name)(*arguments, **options, ax=ax) is ax
    assert len(plt.get_fignums()) == 1


def test_every_figure_of_the_module_has_its_example():
    drawing = {
        name
        for name, value in vars(figures).items()
        if getattr(value, "__annotations__", {}).get("return") is Axes
    }
    assert {name for name in drawing if not name.startswith("_")} == {name for name, *_ in examples()}


def test_the_palette_is_okabe_and_itos_and_no_two_lines_differ_by_colour_alone():
    cycle = plt.rcParams["axes.prop_cycle"].by_key()
    assert {f"#{color.lstrip('#').upper()}" for color in cycle["color"]} <= OKABE_ITO
    assert len(set(cycle["color"])) == len(set(map(str, cycle["linestyle"]))) == len(cycle["color"]) == 6


def test_show_puts_the_description_where_nbconvert_finds_it(shown):
    nbformat, html = pytest.importorskip("nbformat"), pytest.importorskip("nbconvert").HTMLExporter
    figures.show(
        figures.length_histogram(pd.DataFrame({"source": ["a"], "target": ["ab"]})), alt='Bars "a" < b'
    )
    [(data, metadata)] = shown
    assert metadata == {"image/png": {"alt": 'Bars "a" < b'}}
    output = nbformat.v4.new_output("display_data", data=data, metadata=metadata)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=[output])])
    page, _ = html(template_name="classic").from_notebook_node(notebook)
    assert "alt='Bars \"a\" &lt; b'" in page
    assert "No description has been provided" not in page


def test_show_closes_the_figure_and_takes_a_figure_as_well_as_axes(shown):
    figure, _ = plt.subplots()
    figures.show(figure, alt="an empty frame")
    assert not plt.get_fignums()
    assert len(shown) == 1


def test_the_same_figure_gives_the_same_bytes_without_a_programs_name(shown):
    for _ in range(2):
        figures.show(figures.score_bars(example_of("score_bars"), xlabel="chrF"), alt="two bars")
    first, second = (base64.b64decode(data["image/png"]) for data, _ in shown)
    assert first == second
    assert not PIL.Image.open(io.BytesIO(first)).text


def test_signs_that_no_font_has_are_told_once_with_the_fonts_to_install(shown):
    ax = figures.offset_picture(
        ["\U00010330", "\U00012000"], ["\U00012000", "\U00010330"]
    )  # Gothic, cuneiform
    figures._hint.cache_clear()
    with pytest.warns(UserWarning) as caught:
        figures.show(ax, alt="two ancient scripts")
    assert [str(warning.message) for warning in caught] == [figures.HINT]
    assert "install the Noto fonts" in figures.HINT


def test_other_warnings_of_a_figure_still_reach_the_reader(shown):
    class Worried(matplotlib.text.Text):
        def draw(self, renderer):
            warnings.warn("the picture is worried", RuntimeWarning, stacklevel=1)

    figure, ax = plt.subplots()
    ax.add_artist(Worried())
    with pytest.warns(RuntimeWarning, match="^the picture is worried$"):
        figures.show(figure, alt="a warning")


def test_a_figure_without_a_description_is_refused(shown):
    with pytest.raises(ValueError, match="needs an alt text"):
        figures.show(plt.subplots()[0], alt=" ")


def test_histograms_count_each_length_once():
    pairs = pd.DataFrame({"source": ["a", "bb", "cc"], "target": ["abcd", "abcd", "x"]})
    ax = figures.length_histogram(pairs)
    filled, outline = ax.patches
    assert filled.get_hatch()
    assert not outline.get_hatch()
    assert filled.get_linestyle() != outline.get_linestyle()
    assert max(filled.get_xy()[:, 1]) == max(outline.get_xy()[:, 1]) == 2
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["source", "target"]


def test_curves_start_at_epoch_1_and_a_single_epoch_is_a_point():
    ax = figures.learning_curves({"loss": [3.0, 2.0]}, {"loss": "training"}, ylabel="loss (nats)")
    assert ax.lines[0].get_xdata().tolist() == [1, 2]
    assert (
        figures.learning_curves({"loss": [3.0]}, {"loss": "training"}, ylabel="loss").lines[0].get_marker()
        == "o"
    )


def test_blank_characters_are_made_visible():
    ax = figures.one_hot_picture(np.eye(3), "a \u202f", ["a", " ", "\u202f"])
    assert labels(ax.yaxis) == labels(ax.xaxis) == ["a", "␣", "‿"]


def test_arrows_lead_from_each_target_to_the_next_input():
    ax = figures.offset_picture(["\t", "V", "a"], ["V", "a", "\n"])
    arrows = [text for text in ax.texts if isinstance(text, matplotlib.text.Annotation)]
    assert len(arrows) == 2
    assert all(round(arrow.xy[0]) == round(arrow.xyann[0]) + 1 for arrow in arrows)
    assert [text.get_text() for text in ax.texts if text not in arrows] == ["⇥", "V", "a", "V", "a", "↵"]


def test_the_padding_picture_tells_its_share():
    ax = figures.padding_picture([[True, False], [True, True]])
    assert ax.get_title(loc="left").startswith("25%")


def test_improbable_characters_are_left_out_and_chosen_ones_ringed():
    probabilities = [[0.9, 0.1, 0.0, 0.0], [0.0, 0.99, 0.0, 0.01]]
    ax = figures.probability_heatmap(probabilities, "abcd", "ad")
    assert labels(ax.yaxis) == ["a", "b", "d"]
    assert ax.collections[0].get_offsets().tolist() == [[0, 0], [1, 2]]


def test_intervals_and_counts_stand_beside_the_slices():
    ax = figures.error_by_length(example_of("error_by_length"))
    assert labels(ax.xaxis) == ["1–10\nn=1,200", "11–20\nn=40"]
    [segments] = [collection.get_segments() for collection in ax.collections]
    assert [segment[:, 1].tolist() for segment in segments] == [[0.47, 0.53], pytest.approx([0.14, 0.4])]


def test_slices_on_a_shared_axis_all_stay_in_sight():
    low = pd.DataFrame({"slice": ["1–10"], "n": [9], "exact": [0.2], "low": [0.1], "high": [0.3]})
    _, axes = plt.subplots(1, 2, sharey=True)
    for ax, slices in zip(axes, (low, low.assign(exact=0.9, low=0.8, high=1.0)), strict=True):
        figures.error_by_length(slices, ax=ax)
    assert axes[0].get_ylim()[0] == 0 and axes[0].get_ylim()[1] >= 1


def test_the_first_row_is_the_topmost_bar():
    ax = figures.score_bars(example_of("score_bars"), xlabel="chrF")
    heights = {label.get_text(): label.get_position()[1] for label in ax.get_yticklabels()}
    assert heights["copy"] > heights["ours"]
    assert {"3.1", "54.3"} == {text.get_text() for text in ax.texts}


def test_a_model_without_errors_has_an_empty_confusion_heatmap(shown):
    none = pd.DataFrame(columns=["reference_char", "hypothesis_char", "count"])
    ax = figures.confusion_heatmap(none)
    assert labels(ax.xaxis) == labels(ax.yaxis) == ["∅"]
    figures.show(ax, alt="nothing was confused")


def test_the_first_entry_is_on_top_and_bars_are_as_long_as_their_values():
    ax = figures.before_after({"the example": 20.0, "ours": 7.5}, xlabel="CPU seconds per epoch")
    widths = {bar.get_y() + bar.get_height() / 2: bar.get_width() for bar in ax.patches}
    assert [widths[place] for place in sorted(widths, reverse=True)] == [20.0, 7.5]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["the example", "ours"]
    assert [text.get_text() for text in ax.texts] == ["20", "7.5"]


def test_values_far_apart_all_show_on_a_logarithmic_axis():
    ax = figures.before_after({"the example": 0.3, "ours": 2000}, xlabel="sentences per second", log=True)
    low, high = ax.get_xlim()
    assert ax.get_xscale() == "log"
    assert low < 0.3 < 2000 < high


@pytest.mark.parametrize("banded", [True, False])
def test_each_model_has_its_line_its_marker_and_its_band(banded):
    table = pd.DataFrame({"n": [1, 2, 1, 2], "score": [1.0, 2.0, 3.0, 4.0], "model": list("aabb")})
    if banded:
        table = table.assign(low=table["score"] - 0.5, high=table["score"] + 0.5)
    ax = figures.lines_with_bands(table, x="n", y="score", by="model", xlabel="pairs", ylabel="chrF")
    assert [list(line.get_ydata()) for line in ax.lines] == [[1.0, 2.0], [3.0, 4.0]]
    assert len({line.get_marker() for line in ax.lines}) == 2
    assert len(ax.collections) == (2 if banded else 0)
