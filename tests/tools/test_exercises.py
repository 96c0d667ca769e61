"""Starters follow from solutions, wrong checks are found, and what a learner writes is kept."""

import json

import nbformat
import pytest

from tools import exercises, notebooks

RIGHT = "answer = 'b'  # solution\nchecks.check('02.1', answer)".replace("'", '"')
SET_UP = "import numpy as np\nfrom s2s_lib import checks"
LOOK_UP = "def look_up(ids, matrix):\n    return {}\n\n\nchecks.check('02.5', look_up)".replace("'", '"')


def cell(source, number=None, tag=None, mistake=None):
    metadata = {"tags": [tag]} if tag else {}
    metadata |= {"exercise": number} if number else {}
    metadata |= {"mistake": mistake} if mistake else {}
    return nbformat.v4.new_code_cell(source, metadata=metadata)


@pytest.fixture
def lesson(tmp_path):
    """A lesson with a recall question, and an exercise whose solutions are all as they should be."""
    path = tmp_path / "02_made_up.ipynb"
    question = nbformat.v4.new_markdown_cell("", metadata={"exercise": "02.1"})
    write(
        path,
        [question, cell("", "02.1", "exercise"), cell("", "02.5", "exercise"), cell("", "02.6", "exercise")],
    )
    write(exercises.solutions_of(path), solved())
    return path


def solved(
    solution="matrix[ids]", mistakes=("matrix[:, ids]", "matrix[np.ravel(ids)]"), unrelated="np.zeros(3)"
):
    cells = [cell(SET_UP), cell(RIGHT, "02.1", "exercise")]
    cells.append(cell(LOOK_UP.format(f"{solution}  # solution"), "02.5", "exercise"))
    cells += [cell(LOOK_UP.format(text), "02.5", "mistake", text) for text in mistakes]
    return [*cells, cell(LOOK_UP.format(unrelated), "02.5", "unrelated")]


def write(path, cells):
    path.parent.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def sources(path):
    return [one.source for one in nbformat.read(path, as_version=4).cells]


def test_starters_and_questions_are_written_once_and_then_found(lesson):
    assert exercises.derive(lesson, check=True) == [
        "02_made_up.ipynb: exercises differ from their solutions; run make format"
    ]
    assert exercises.derive(lesson, check=False) == [] == exercises.derive(lesson, check=True)
    question, answer, look_up, _ = sources(lesson)
    assert question.startswith("**02.1** Why does a random fifth") and "- **a** " in question
    assert answer == 'answer = ...  # your answer\nchecks.check("02.1", answer)'
    assert "return ...  # your line" in look_up


def test_an_answer_in_a_lesson_is_never_overwritten(lesson, capsys):
    exercises.derive(lesson, check=False)
    notebook = nbformat.read(lesson, as_version=4)
    notebook.cells[2].source = LOOK_UP.format("matrix[ids]")
    nbformat.write(notebook, lesson)
    assert exercises.answered(lesson) == ["02.5"]
    assert exercises.derive(lesson, check=False) == [
        "02_made_up.ipynb: exercise 02.5 holds an answer or an edit; empty the cell first"
    ]
    assert sources(lesson)[2] == LOOK_UP.format("matrix[ids]")
    assert notebooks.main(["publish", str(lesson)]) == 2
    assert "holds answers to 02.5" in capsys.readouterr().err


def test_a_changed_solution_changes_a_starter_that_nobody_has_touched(lesson):
    exercises.derive(lesson, check=False)
    write(exercises.solutions_of(lesson), [cell(SET_UP), cell("answer = 2  # solution", "02.5", "exercise")])
    assert exercises.derive(lesson, check=False) == []
    assert sources(lesson)[2] == "answer = ...  # your answer"


@pytest.mark.slow
def test_each_kind_of_fault_is_found(lesson, tmp_path):
    cases = {
        "all is well": (solved(), []),
        "solution": (solved(solution="matrix[ids] + 1"), ["02.5: the solution prints"]),
        "congratulated": (
            solved(mistakes=("matrix[ids]", "matrix[:, ids]")),
            ["02.5: mistake 'matrix[ids]' prints 'Right"],
        ),
        "one hint for two": (
            solved(mistakes=("ids", "ids + 1")),
            ["02.5: mistake 'ids' prints", "gets no hint of its own"],
        ),
        "too few": (solved(mistakes=("matrix[:, ids]",)), ["02.5: it has 1 mistakes"]),
        "unrelated": (solved(unrelated="matrix[ids]"), ["02.5: an unrelated answer prints 'Right"]),
    }
    for name, (cells, expected) in cases.items():
        write(exercises.solutions_of(lesson), cells)
        rows = {row["exercise"]: row for row in exercises.prove(lesson)}
        assert rows["02.1"]["faults"] == []
        assert len(rows["02.1"]["mistakes"]) == 2 and rows["02.1"]["unrelated_failed"]
        found = "\n".join(rows["02.5"]["faults"])
        assert bool(found) == bool(expected), (name, found)
        assert all(fault in found for fault in expected), (name, found)


@pytest.mark.slow
def test_the_rows_are_written_with_the_names_that_others_read(lesson, tmp_path, capsys):
    out = tmp_path / "out.json"
    assert notebooks.main(["check-exercises", "--json", str(out), str(lesson)]) == 1
    assert "exercise 02.6 stands only in one of lesson and solutions" in capsys.readouterr().err
    row = json.loads(out.read_text())[-1]
    assert set(row) == {"exercise", "starter", "solution", "mistakes", "unrelated_failed"}
    assert row["starter"] is True and row["solution"] is True and row["unrelated_failed"] is True
    assert {"name", "hint", "failed"} == set(row["mistakes"][0])


def test_copies_for_learners_keep_what_they_wrote_and_renew_what_they_left(tmp_path):
    course, work = tmp_path / "course", tmp_path / "work"
    write(course / "01_a.ipynb", [cell("one")]) if course.mkdir() is None else None
    write(course / "solutions" / "01_a.ipynb", [cell("solved")])
    assert exercises.copy_for_learner(course, work) == []
    assert sources(work / "01_a.ipynb") == ["one"] and sources(work / "solutions" / "01_a.ipynb") == [
        "solved"
    ]

    write(course / "01_a.ipynb", [cell("two")])  # a new edition
    assert exercises.copy_for_learner(course, work) == []
    assert sources(work / "01_a.ipynb") == ["two"]

    write(work / "01_a.ipynb", [cell("mine")])
    assert exercises.copy_for_learner(course, work) == []  # no new edition: nothing to say
    write(course / "01_a.ipynb", [cell("three")])
    (said,) = exercises.copy_for_learner(course, work)
    assert "stays as you left it" in said and sources(work / "01_a.ipynb") == ["mine"]


def test_recall_questions_become_cards(tmp_path):
    assert notebooks.main(["anki", "--output", str(tmp_path / "cards.txt")]) == 0
    lines = (tmp_path / "cards.txt").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#separator:tab" and all(line.count("\t") == 2 for line in lines[3:])
    assert any("notebook-02" in line for line in lines)
