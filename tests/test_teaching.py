"""TEACHING.md names exercises that exist; the glossary explains terms, each linked from its first use."""

import re
from pathlib import Path

import nbformat
import pytest

from s2s_lib.checks import QUESTIONS, find
from tools import notebooks

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "TEACHING.md").read_text(encoding="utf-8")
GLOSSARY = (ROOT / "notebooks" / "glossary.md").read_text(encoding="utf-8")
TERMS = re.findall(r"^### (.+)\n\n(.+) Lesson (\d\d)\.$", GLOSSARY, flags=re.MULTILINE)


@pytest.mark.parametrize("number", sorted(set(re.findall(r"\b\d\d\.\d\b", TEXT.split("<!-- seeds -->")[0]))))
def test_an_exercise_that_it_names_exists(number):
    assert number in QUESTIONS or find(number)


def test_every_notebook_has_a_misconception_and_the_exercise_that_shows_it():
    rows = re.findall(r'^\| (\d\d) \| ".+" \| (\d\d)\.\d', TEXT, flags=re.MULTILINE)
    assert all(notebook == exercise for notebook, exercise in rows)
    assert {notebook for notebook, _ in rows} == {
        path.stem[:2] for path in notebooks.numbered(notebooks.COURSE)
    }


def glossary_links(path):
    cells = nbformat.read(path, as_version=4).cells
    return re.findall(r"\]\(glossary\.md#([^)]+)\)", "\n".join(cell.source for cell in cells))


def test_terms_are_in_order_lower_case_and_explained_in_a_few_sentences():
    names = [term for term, _, _ in TERMS]
    assert len(names) == GLOSSARY.count("\n### ") >= 50
    assert names == sorted({name.lower() for name in names})  # JupyterLab's anchors keep the case
    assert max(len(text.split()) for _, text, _ in TERMS) <= 60


def test_each_term_is_linked_once_from_the_lesson_that_explains_it():
    wanted = {(lesson, term.replace(" ", "-")) for term, _, lesson in TERMS}
    notebooks_of_course = notebooks.numbered(notebooks.COURSE)
    linked = [(path.stem[:2], anchor) for path in notebooks_of_course for anchor in glossary_links(path)]
    assert sorted(linked) == sorted(wanted)
