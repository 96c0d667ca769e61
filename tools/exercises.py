"""Exercises: starters derived from solutions, each check proved, and copies for learners.

A solutions notebook, `notebooks/solutions/NAME.ipynb`, holds the set-up and, for each exercise of the lesson
of the same name, a code cell tagged ``exercise`` with the metadata ``exercise: "NN.k"``. Lines that end in
``# solution`` are what the learner writes: a run of them becomes one line ``...`` in the lesson's cell. Cells
tagged ``mistake`` and ``unrelated`` with the same number hold wrong answers, which the check must refuse.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from s2s_lib.checks import QUESTIONS, find
from s2s_lib.records import atomic_write, write_json

SOLUTION = "# solution"
LEAST_EXERCISES, LEAST_MISTAKES = 3, 2
NOT_ANSWERED, RIGHT, NOT_YET = "Not answered yet", "Right", "Not yet"


def starter_of(solution: str) -> str:
    r"""Return what a learner begins with: the marked lines give way to ``...``.

    >>> print(starter_of("answer = 3  # solution\nprint(answer)"))
    answer = ...  # your answer
    print(answer)
    >>> print(starter_of("def f(x):\n    y = x  # solution\n    return y  # solution"))
    def f(x):
        return ...  # your lines
    """
    lines: list[str] = []
    run: list[str] = []
    for line in [*solution.splitlines(), ""]:
        if line.rstrip().endswith(SOLUTION):
            run.append(line)
            continue
        if run:
            indent = re.match(r"\s*", run[0])
            name = re.match(r"(\s*[A-Za-z_]\w* = )", run[0])
            if len(run) == 1 and name:
                lines.append(f"{name[1]}...  # your answer")
            else:
                space = indent[0] if indent else ""
                whole_body = lines and lines[-1].lstrip().startswith("def ") and not line.startswith(space)
                dots = f"{'return ' * bool(whole_body)}...  # your line{'s' * (len(run) > 1)}"
                lines.append(space + dots)
            run = []
        lines.append(line)
    return "\n".join(lines[:-1])


def short_hash(text: str) -> str:
    """Return a short hash of a cell's text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def exercise_cells(notebook: NotebookNode, tag: str = "exercise") -> Iterator[tuple[str, NotebookNode]]:
    """Yield number and cell of each code cell with a tag that belongs to an exercise."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and tag in cell.metadata.get("tags", []):
            yield cell.metadata.get("exercise", ""), cell


def solutions_of(lesson: Path) -> Path:
    """Return the path of a lesson's solutions."""
    return lesson.parent / "solutions" / lesson.name


def derive(lesson: Path, *, check: bool) -> list[str]:
    """Write starters and recall questions into a lesson; return what stands in the way, or what differs."""
    notebook, faults, changed = nbformat.read(lesson, as_version=4), [], False
    starters: dict[str, str] = {}
    if solutions_of(lesson).exists():
        solved = nbformat.read(solutions_of(lesson), as_version=4)
        starters = {number: starter_of(cell.source) for number, cell in exercise_cells(solved)}
    for cell in notebook.cells:
        number = cell.metadata.get("exercise")
        if cell.cell_type == "markdown" and number in QUESTIONS:
            wanted = f"**{number}** {QUESTIONS[number].markdown()}"
        elif cell.cell_type == "code" and number in starters:
            wanted = starters[number]
            known = {cell.metadata.get("starter"), short_hash(wanted), short_hash("")}
            if short_hash(cell.source) not in known:
                faults.append(
                    f"{lesson.name}: exercise {number} holds an answer or an edit; empty the cell first"
                )
                continue
            cell.metadata["starter"], changed = (
                short_hash(wanted),
                changed or cell.metadata.get("starter") != short_hash(wanted),
            )
        else:
            continue
        changed = changed or cell.source != wanted
        cell.source = wanted
    if changed and check:
        faults.append(f"{lesson.name}: exercises differ from their solutions; run make format")
    elif changed:
        with atomic_write(lesson) as partial:
            nbformat.write(notebook, partial)
    return faults


def answered(lesson: Path) -> list[str]:
    """Return the numbers of the exercises whose cells hold something else than their starter."""
    cells = exercise_cells(nbformat.read(lesson, as_version=4))
    return [
        n
        for n, cell in cells
        if "starter" in cell.metadata and short_hash(cell.source) != cell.metadata["starter"]
    ]


# ---- proving the checks ----


def prove(lesson: Path) -> list[dict[str, Any]]:
    """Run the solutions of a lesson in one kernel; return what each check said.

    Each row has ``exercise``, ``starter`` and ``solution`` (whether the check said what it should),
    ``mistakes`` (each ``name``, ``hint``, ``failed``), ``unrelated_failed``, and ``faults``, in words.
    """
    from nbclient import NotebookClient

    solved = nbformat.read(solutions_of(lesson), as_version=4)
    wrong: dict[str, list[tuple[str, str]]] = {}
    for tag in ("mistake", "unrelated"):
        for number, cell in exercise_cells(solved, tag):
            wrong.setdefault(number, []).append((str(cell.metadata.get("mistake", "unrelated")), cell.source))
    proof = nbformat.v4.new_notebook(metadata=solved.metadata)
    asked: list[tuple[str, str, int]] = []
    for cell in solved.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or {"mistake", "unrelated"} & set(tags):
            continue
        number = cell.metadata.get("exercise", "")
        texts = [("set-up", cell.source)]
        if "exercise" in tags:
            texts = [("starter", starter_of(cell.source)), *wrong.get(number, [])]
            if number in QUESTIONS:
                right = QUESTIONS[number].answer
                others = [letter for letter in QUESTIONS[number].choices if letter != right]
                texts += [(letter, cell.source.replace(f'"{right}"', f'"{letter}"')) for letter in others]
                texts.append(("unrelated", cell.source.replace(f'"{right}"', '"z"')))
            texts.append(("solution", cell.source))  # last: later cells may use it
        for name, text in texts:
            asked.append((number, name, len(proof.cells)))
            proof.cells.append(nbformat.v4.new_code_cell(text))
    client = NotebookClient(proof, timeout=120, kernel_name="python3", allow_errors=True)
    client.execute(cwd=str(solutions_of(lesson).parent))
    said: dict[str, dict[str, str]] = {}
    for number, name, place in asked:
        outputs = proof.cells[place].outputs
        text = "".join(output.get("text", "") for output in outputs if output.get("name") != "stderr")
        failed = [f"{output.ename}: {output.evalue}" for output in outputs if output.output_type == "error"]
        if name == "set-up" and failed:
            raise RuntimeError(f"{solutions_of(lesson)}: a set-up cell fails: {failed[0]}")
        if number:
            said.setdefault(number, {})[name] = failed[0] if failed else text.strip()
    return [judge(number, answers) for number, answers in said.items()]


def judge(number: str, answers: Mapping[str, str]) -> dict[str, Any]:
    """Return the row of one exercise from what its check printed for each answer."""
    hints = {name: text for name, text in answers.items() if name not in ("starter", "solution", "unrelated")}
    generic = "" if number in QUESTIONS else find(number).look
    mistakes = [
        {
            "name": name,
            "hint": text,
            "failed": text.startswith(NOT_YET) and list(hints.values()).count(text) == 1,
        }
        for name, text in hints.items()
    ]
    faults = []
    if not answers["starter"].startswith(NOT_ANSWERED):
        faults.append(f"the starter prints {answers['starter']!r}")
    if not answers["solution"].startswith(RIGHT):
        faults.append(f"the solution prints {answers['solution']!r}")
    faults += [f"mistake {row['name']!r} prints {row['hint']!r}" for row in mistakes if not row["failed"]]
    faults += [
        f"mistake {name!r} gets no hint of its own"
        for name, text in hints.items()
        if generic and text.endswith(generic)
    ]
    if len(mistakes) < LEAST_MISTAKES:
        faults.append(f"it has {len(mistakes)} mistakes, at least {LEAST_MISTAKES} are needed")
    if not answers.get("unrelated", RIGHT).startswith(NOT_YET):
        faults.append(f"an unrelated answer prints {answers.get('unrelated', 'nothing: there is none')!r}")
    return {
        "exercise": number,
        "starter": answers["starter"].startswith(NOT_ANSWERED),
        "solution": answers["solution"].startswith(RIGHT),
        "mistakes": mistakes,
        "unrelated_failed": answers.get("unrelated", RIGHT).startswith(NOT_YET),
        "faults": [f"{number}: {fault}" for fault in faults],
    }


def check_exercises(lessons: Sequence[Path], out: Path | None) -> int:
    """Prove the checks of lessons, two kernels at a time; print faults; return 1 if there are any."""
    from concurrent.futures import ThreadPoolExecutor

    rows: list[dict[str, Any]] = []
    faults: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        for lesson, proved in zip(
            lessons, pool.map(prove, [path for path in lessons if solutions_of(path).exists()]), strict=True
        ):
            asked = [number for number, _ in exercise_cells(nbformat.read(lesson, as_version=4))]
            rows += proved
            faults += [fault for row in proved for fault in row.pop("faults")]
            missing = set(asked) ^ {row["exercise"] for row in proved}
            faults += [
                f"{lesson.name}: exercise {number} stands only in one of lesson and solutions"
                for number in sorted(missing)
            ]
            if len(asked) < LEAST_EXERCISES:
                faults.append(f"{lesson.name}: {len(asked)} exercises, at least {LEAST_EXERCISES} are needed")
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_json(rows, out)
    print(*faults, sep="\n", end="\n" * bool(faults), file=sys.stderr)
    print(f"{len(rows)} exercises in {len(lessons)} notebooks, {len(faults)} faults")
    return int(bool(faults))


# ---- copies for learners ----


def copy_for_learner(course: Path, work: Path) -> list[str]:
    """Copy lessons and solutions to the learner's folder; what the learner changed stays. Return what to say.

    ``work/.editions.json`` remembers which edition each copy was made of.
    """
    manifest = work / ".editions.json"
    editions: dict[str, str] = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {}
    said = []
    for source in [*sorted(course.glob("[0-9]*.ipynb")), *sorted(course.glob("solutions/*.ipynb"))]:
        name = source.relative_to(course).as_posix()
        text, copy = source.read_text(encoding="utf-8"), work / name
        untouched = copy.exists() and short_hash(copy.read_text(encoding="utf-8")) == editions.get(name)
        if copy.exists() and not untouched:
            if editions.get(name) != short_hash(text):
                said.append(
                    f"{copy} stays as you left it; there is a new edition: rename your file to get it, too"
                )
            continue
        if not (untouched and editions[name] == short_hash(text)):
            copy.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(copy) as partial:
                partial.write_text(text, encoding="utf-8")
            editions[name] = short_hash(text)
    work.mkdir(exist_ok=True)
    write_json(editions, manifest)
    return said


def anki() -> str:
    """Return the recall questions as a text that Anki imports: question, answer, tag."""
    lines = ["#separator:tab", "#html:true", "#columns:Front\tBack\tTags"]
    for number, question in QUESTIONS.items():
        choices = "<br>".join(f"{letter}) {text}" for letter, (text, _) in question.choices.items())
        text, reply = question.choices[question.answer]
        front, back = f"{question.question}<br>{choices}", f"{question.answer}) {text}<br>{reply}"
        lines.append(
            "\t".join([*(" ".join(side.split()) for side in (front, back)), f"notebook-{number[:2]}"])
        )
    return "\n".join(lines) + "\n"
