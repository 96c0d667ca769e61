"""TEACHING.md names exercises and commands that exist."""

import re
from pathlib import Path

import pytest

from s2s_lib.checks import QUESTIONS, find
from tools import notebooks

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "TEACHING.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("number", sorted(set(re.findall(r"\b\d\d\.\d\b", TEXT))))
def test_an_exercise_that_it_names_exists(number):
    assert number in QUESTIONS or find(number)


def test_every_notebook_has_a_misconception_and_the_exercise_that_shows_it():
    rows = re.findall(r'^\| (\d\d) \| ".+" \| (\d\d)\.\d', TEXT, flags=re.MULTILINE)
    assert all(notebook == exercise for notebook, exercise in rows)
    assert {notebook for notebook, _ in rows} == {
        path.stem[:2] for path in notebooks.numbered(notebooks.COURSE)
    }
