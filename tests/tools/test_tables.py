"""README and model card quote the records, and nothing else."""

import pytest

from tools import tables


def test_readme_and_model_card_hold_the_figures_of_the_records(capsys):
    assert tables.main(["--check"]) == 0, capsys.readouterr().out


def test_a_text_that_differs_is_named_and_left_alone_by_a_check(tmp_path, monkeypatch, capsys):
    readme = tmp_path / "README.md"
    readme.write_text(
        "<!-- results -->\n<!-- /results -->\n<!-- bench -->\n<!-- /bench -->\n", encoding="utf-8"
    )
    monkeypatch.setattr(tables, "README", readme)
    before = readme.read_text(encoding="utf-8")
    assert tables.main(["--check"]) == 1
    assert "README.md differs from the records" in capsys.readouterr().out
    assert readme.read_text(encoding="utf-8") == before


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (1234.0, "1,234"), (0.5, "0.5")])
def test_a_figure_that_was_not_measured_is_a_dash(value, text):
    assert tables.figure(value) == text
