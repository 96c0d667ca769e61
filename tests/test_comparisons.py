"""Comparisons draw what they are given: the right lengths, labels and bands."""

import pandas as pd
import pytest

from s2s_lib.comparisons import before_after, lines_with_bands


def test_the_first_way_is_on_top_and_bars_are_as_long_as_their_values():
    ax = before_after({"the example": 20.0, "ours": 7.5}, xlabel="CPU seconds an epoch")
    widths = {bar.get_y() + bar.get_height() / 2: bar.get_width() for bar in ax.patches}
    assert [widths[place] for place in sorted(widths, reverse=True)] == [20.0, 7.5]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["the example", "ours"]
    assert [text.get_text() for text in ax.texts] == ["20", "7.5"]


def test_values_far_apart_all_show_on_a_logarithmic_axis():
    ax = before_after({"the example": 0.3, "ours": 2000}, xlabel="sentences a second", log=True)
    low, high = ax.get_xlim()
    assert ax.get_xscale() == "log"
    assert low < 0.3 < 2000 < high


@pytest.mark.parametrize("banded", [True, False])
def test_each_model_has_its_line_its_marker_and_its_band(banded):
    table = pd.DataFrame({"n": [1, 2, 1, 2], "score": [1.0, 2.0, 3.0, 4.0], "model": list("aabb")})
    if banded:
        table = table.assign(low=table["score"] - 0.5, high=table["score"] + 0.5)
    ax = lines_with_bands(table, x="n", y="score", by="model", xlabel="pairs", ylabel="chrF")
    assert [list(line.get_ydata()) for line in ax.lines] == [[1.0, 2.0], [3.0, 4.0]]
    assert len({line.get_marker() for line in ax.lines}) == 2
    assert len(ax.collections) == (2 if banded else 0)
