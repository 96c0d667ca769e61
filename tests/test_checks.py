"""Checks of exercises: wrong answers are told without a traceback, and never congratulated."""

import importlib
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s_lib import checks
from s2s_lib.checks.exercise import Exercise, same, verdict
from s2s_lib.checks.recall import QUESTIONS, Question

SOLUTIONS = sorted((Path(__file__).parents[1] / "notebooks" / "solutions").glob("*.ipynb"))
NUMBERED = {
    number: exercise
    for name in checks.MODULES.values()
    for number, exercise in importlib.import_module(f"s2s_lib.checks.{name}").EXERCISES.items()
}
SUM = Exercise(
    kind="do",
    minutes=1,
    look="Add them.",
    cases=lambda: [(1, 2), (3, 4)],
    expected=lambda a, b: a + b,
    mistakes={
        "minus": (lambda a, b: a - b, "You have subtracted."),
        "times": (lambda a, b: a * b, "Product."),
    },
    right="Well added.",
)
VALUE = Exercise(
    kind="do", minutes=1, look="Three.", expected=lambda: 3.0, mistakes={"four": (lambda: 4, "Four.")}
)


class Broken:
    """An object that fails at whatever is asked of it."""

    def __eq__(self, other):
        raise RuntimeError("no comparison")

    __hash__ = None

    def __array__(self, *args, **kwargs):
        raise RuntimeError("no array")

    def __repr__(self):
        return "Broken()"


def fails(*args):
    raise ZeroDivisionError("oops")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda a, b: a + b, "Right. Well added."),
        (lambda a, b: a - b, "Not yet. You have subtracted."),
        (lambda a, b: a * b, "Not yet. Product."),
        (lambda a, b: 0, "Not yet. Add them."),
        (lambda a, b: "3", "Not yet. A number is asked for, and yours is '3'. Add them."),
        (lambda a, b: [a, b], "Not yet. Its shape is (2,), and () is asked for. Add them."),
        (7, "Not yet. A function is asked for, and this is 7."),
        (lambda a, b: None, None),
        (lambda a, b: ..., None),
        (..., None),
        (None, None),
    ],
)
def test_a_function_is_judged_by_what_it_returns(answer, said):
    assert verdict(SUM, answer, {}) == said


@pytest.mark.parametrize(
    ("answer", "right"), [(3, True), (3.0, True), (np.float32(3), True), (4, False), ("3", False)]
)
def test_a_value_is_judged_by_itself(answer, right):
    assert str(verdict(VALUE, answer, {})).startswith("Right" if right else "Not yet")


@pytest.mark.parametrize("number", ["02.5", "01.1", "05.6"])
@pytest.mark.parametrize(
    "answer", [fails, Broken(), lambda *args: Broken(), "text", [1, [2]], np.zeros((0, 3)), float("nan")]
)
def test_no_answer_makes_a_check_raise_or_congratulate(number, answer, capsys):
    checks.check(number, answer)
    assert capsys.readouterr().out.startswith("Not yet")


@given(st.one_of(st.integers(), st.text(), st.floats(), st.lists(st.integers()), st.binary(), st.booleans()))
def test_no_value_is_congratulated_by_mistake(answer):
    said = str(verdict(VALUE, answer, {}))
    assert said.startswith("Not yet") or same(answer, 3.0)


def test_an_answer_that_raises_is_told_with_its_line(capsys):
    checks.check("02.5", fails)
    assert re.match(
        r"Not yet. Your answer raises ZeroDivisionError in line \d+ of your cell: oops",
        capsys.readouterr().out,
    )


def test_a_number_that_no_exercise_has_is_an_error():
    with pytest.raises(ValueError, match=r"No exercise is numbered 99\.1"):
        checks.check("99.1", 1)


def test_a_guess_is_shown_beside_the_result(capsys):
    checks.compare_guess(..., "25 %")
    checks.compare_guess(30, "25 %")
    assert capsys.readouterr().out == "your guess: none   result: 25 %\nyour guess: 30   result: 25 %\n"


@pytest.mark.parametrize("number", NUMBERED)
def test_an_exercise_names_its_kind_its_minutes_and_hints_that_differ(number):
    exercise = NUMBERED[number]
    assert exercise.kind in ("do", "stretch") and 1 <= exercise.minutes <= 30
    assert exercise.judge or (exercise.expected and len(exercise.mistakes) >= 2)
    hints = [hint for _, hint in exercise.mistakes.values()]
    assert len({*hints, exercise.look}) == len(hints) + 1


@pytest.mark.parametrize("number", QUESTIONS)
def test_a_question_answers_each_of_its_letters_and_nothing_else(number):
    question = QUESTIONS[number]
    replies = {letter: question.reply(letter) for letter in question.choices}
    assert [letter for letter, reply in replies.items() if reply.startswith("Right")] == [question.answer]
    assert len(set(replies.values())) == len(replies) >= 3
    assert question.reply(f" {question.answer.upper()} ").startswith("Right")
    for wrong in ("z", "", 1, ["a"], Broken()):
        assert question.reply(wrong).startswith("Not yet")
    assert question.reply(...).startswith("Not answered yet")


def test_a_question_without_its_answer_is_refused():
    with pytest.raises(ValueError, match="three choices"):
        Question("Why?", "d", {"a": ("x", "y"), "b": ("x", "y"), "c": ("x", "y")})


@pytest.mark.slow
@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_solutions_mistakes_and_unrelated_answers_are_judged_as_the_notebook_shows(
    path, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("S2S_CACHE_DIR", str(tmp_path))
    names = {}
    for cell in nbformat.read(path, as_version=4).cells:
        tags = set(cell.metadata.get("tags", []))
        if cell.cell_type != "code" or "install" in tags:
            continue
        exec(compile(cell.source, path.name, "exec"), names)
        said = capsys.readouterr().out
        if "exercise" in tags:
            assert said.startswith("Right"), cell.source
        elif tags & {"mistake", "unrelated"}:
            assert said.startswith("Not yet"), cell.source
        if tags:
            saved = "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
            assert said == saved, cell.source
