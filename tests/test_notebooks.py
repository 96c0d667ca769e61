"""The committed notebooks: how they are made, what they may not hold, and one of them alone with a wheel."""

import ast
import html
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from packaging.requirements import Requirement

from tests.distributions import transitive_requirements
from tools import links, notebooks

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
COURSE = [
    "01_data",
    "02_vectorization",
    "03_model",
    "04_training",
    "05_inference",
    "06_error_analysis",
    "07_attention",
    "08_beam_and_sampling",
    "09_scores",
    "10_the_famous_example_audited",
    "11_bug_clinic",
    "12_compare_runs",
]
LONG = 12  # characters: shorter sentences are anybody's
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def tagged(path, tag):
    return [cell for cell in code_cells(path) if tag in cell.metadata.get("tags", [])]


def test_the_notebooks_of_the_course_are_there():
    assert [path.stem for path in NOTEBOOKS] == COURSE


@each_notebook
def test_it_was_executed_in_order_without_errors_and_is_small_and_clean(path):
    assert links.faults(path) == []


@each_notebook
def test_it_has_one_cell_of_parameters_each_typed_and_commented(path):
    (cell,) = tagged(path, "parameters")
    for line in cell.source.splitlines():
        (statement,) = ast.parse(line).body
        assert isinstance(statement, ast.AnnAssign) and statement.value is not None, line
        ast.literal_eval(statement.value)
        assert re.search(r"  # \S", line), f"say what it is: {line}"


@each_notebook
def test_its_parameters_start_from_the_bundled_sample(path):
    (cell,) = tagged(path, "parameters")
    if "corpus" in cell.source:
        assert 'corpus: str = "sample"' in cell.source and "fra-eng" in cell.source


@each_notebook
def test_its_title_is_a_question(path):
    assert links.title(read(path)).endswith("?")


@each_notebook
def test_whoever_loads_the_translator_can_ask_for_the_other_direction(path):
    code = "\n".join(cell.source for cell in code_cells(path))
    if "train_or_load(" not in code:
        pytest.skip("it loads no translator")
    (cell,) = tagged(path, "parameters")
    assert re.search(r"^reverse: bool = False  # ", cell.source, flags=re.MULTILINE)
    assert re.search(r"Recipe\([^)]*\breverse=reverse\b", code)
    if "split_pairs(" in code:  # split first: then both directions hold out the same pairs
        assert code.index("split_pairs(") < code.rindex("reverse_pairs(")


@each_notebook
def test_a_sentence_stands_between_any_two_code_cells(path):
    cells = read(path).cells
    for before, after in pairwise(cells):
        assert "markdown" in (before.cell_type, after.cell_type), after.source


@each_notebook
def test_every_picture_says_in_words_what_it_shows(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            for kind in output.get("data", {}):
                if kind.startswith("image/"):
                    described = output.metadata.get(kind, {}).get("alt") or output.metadata.get("alt")
                    assert described and len(described) > LONG, cell.source
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    assert not re.search(r"!\[\s*\]\(", text)


@each_notebook
def test_it_uses_public_names_only(path):
    names = r"(?:\w+\.)*_[a-z]\w*"
    for cell in code_cells(path):
        assert not re.search(rf"\bs2s_lib\.{names}", cell.source), cell.source
        assert not re.search(r"from s2s_lib[\w.]* import [^\n]*\b_[a-z]", cell.source), cell.source


@each_notebook
def test_nothing_in_it_hides_from_nbval_but_what_is_tagged(path):
    for cell in code_cells(path):
        tags = set(cell.metadata.get("tags", []))
        assert tags <= {"parameters", "install", "nbval-ignore-output", "raises-exception", "exercise"}, tags
        assert "NBVAL_" not in cell.source


@each_notebook
def test_no_warning_stands_in_its_outputs(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            assert output.get("name") != "stderr" or "warning" not in output.text.lower(), cell.source


def test_links_badges_and_install_cells_are_those_of_the_address_in_pyproject():
    assert notebooks.main(["link", "--check"]) == 0
    for path in NOTEBOOKS:
        assert "install" in code_cells(path)[0].metadata.get("tags", []), path.stem


# ---- no row of the real corpus -----------------------------------------------------------------------------


def plain(text):
    """Fold what typography and quotes change in a sentence."""
    return re.sub(r"\s+", " ", text.replace("’", "'")).strip(" '\"`*_|,")


def sentences(text):
    """Every stretch of text that could be a sentence of its own: lines, table cells, quoted strings."""
    text = html.unescape(text)
    parts = re.split(r"[\t\r\n|<>→«»“”=;{}\[\]()]|\\[nt]|\"|(?<!\w)'|'(?=\s*[,)\]:]|\s*$)|, (?=')", text)
    return {plain(part) for part in parts} | {plain(line) for line in text.splitlines()}


def strings(value):
    """Every string inside what JSON holds."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inside in value.items():
            if not key.startswith("image/"):
                yield from strings(inside)
    elif isinstance(value, list):
        if all(isinstance(inside, str) for inside in value):
            yield "".join(value)
        for inside in value:
            yield from strings(inside)


def leaked(text, pairs, *, is_json=False):
    """Rows of `pairs` both of whose sentences stand in a file's text."""
    found = set()
    for part in strings(json.loads(text)) if is_json else [text]:
        found |= sentences(part)
    return [(s, t) for s, t in pairs if s in found and t in found]


@pytest.mark.parametrize(
    "text",
    [
        "The otter reads aloud.\tLa loutre lit à voix haute.\n",
        "| The otter reads aloud. | La loutre lit à voix haute. |",
        "pairs = [('The otter reads aloud.', 'La loutre lit à voix haute.')]",
        'Here "The otter reads aloud." becomes “La loutre lit à voix haute.”',
        "<td>The otter reads aloud.</td>\n<td>La loutre lit à&nbsp;voix haute.</td>",
        "The otter reads aloud. → La loutre lit à voix haute.",
    ],
)
def test_a_row_is_found_however_it_is_written(text):
    pair = ("The otter reads aloud.", "La loutre lit à voix haute.")
    assert leaked(text, [pair]) == [pair]
    assert leaked(json.dumps({"outputs": [{"text": [text]}]}), [pair], is_json=True) == [pair]
    assert leaked(text, [("The otter reads aloud.", "La loutre lit.")]) == []


def test_no_row_of_the_real_corpus_stands_in_a_committed_file(real_pairs, sample_pairs):
    ours = {(plain(s), plain(t)) for s, t in zip(sample_pairs["source"], sample_pairs["target"], strict=True)}
    rows = {(plain(s), plain(t)) for s, t in zip(real_pairs["source"], real_pairs["target"], strict=True)}
    rows = [(s, t) for s, t in rows - ours if len(s) >= LONG and len(t) >= LONG]
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, names):
        path = ROOT / name
        if path.suffix in {".s2s", ".png"} or path.name == "sample.tsv" or not path.is_file():
            continue  # the sample's own test compares it row by row
        text = path.read_text(encoding="utf-8")
        assert leaked(text, rows, is_json=path.suffix in {".ipynb", ".json"}) == [], name


# ---- alone, from a wheel -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of the course, built without a network from a copy of its source."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "s2s_lib", folder / "s2s_lib", ignore=shutil.ignore_patterns("__pycache__"))
    alone = ["--no-deps", "--no-build-isolation", "--no-index"]
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", *alone, "-w", "dist", "."]
    subprocess.run(build, cwd=folder, check=True)
    (built,) = (folder / "dist").glob("*.whl")
    return built


def asked_for_by(wheel):
    """The names of what a wheel's own metadata requires, without extras."""
    (folder,) = [path for path in zipfile.Path(wheel).iterdir() if path.name.endswith(".dist-info")]
    needs = map(Requirement, metadata.PathDistribution(folder).requires)
    return [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]


@pytest.mark.slow
def test_the_wheel_holds_the_library_and_all_its_data(wheel):
    files = {
        f"s2s_lib/{path.relative_to(ROOT / 's2s_lib').as_posix()}" for path in (ROOT / "s2s_lib").rglob("*.*")
    }
    held = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in files if "__pycache__" not in name} <= held


@pytest.mark.slow
def test_a_notebook_runs_alone_in_an_empty_folder_and_a_fresh_environment(wheel, tmp_path, monkeypatch):
    environment, libraries, work = tmp_path / "venv", tmp_path / "libraries", tmp_path / "empty"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    # Instead of a download of a gigabyte: the fresh environment sees what the wheel asks for, and Jupyter's
    # kernel, as links to this environment's files, and nothing else; the course comes from the wheel alone.
    libraries.mkdir()
    needed = transitive_requirements("ipykernel").union(*map(transitive_requirements, asked_for_by(wheel)))
    for name in needed - {"pip"}:
        installed = metadata.distribution(name)
        for top in {file.parts[0] for file in installed.files} - {"..", "__pycache__"}:
            if not (libraries / top).exists():
                (libraries / top).symlink_to(Path(installed.locate_file(top)).resolve())
    purelib = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    )
    Path(purelib.strip(), "libraries.pth").write_text(f"{libraries}\n")
    missing = subprocess.run([python, "-c", "import s2s_lib"], cwd=tmp_path, capture_output=True, text=True)
    assert "No module named 's2s_lib'" in missing.stderr

    kernel = tmp_path / "jupyter" / "kernels" / "alone"
    kernel.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "--log-level=ERROR", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "alone", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("S2S_INSTALL", str(wheel))
    monkeypatch.setenv("S2S_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    for name in ("S2S_DATA_DIR", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    work.mkdir()
    notebook = read(shutil.copy(NOTEBOOKS[0], work))
    NotebookClient(
        notebook, kernel_name="alone", timeout=300, resources={"metadata": {"path": str(work)}}
    ).execute()
    where = subprocess.check_output(
        [python, "-c", "import s2s_lib; print(s2s_lib.__file__)"], cwd=tmp_path, text=True
    )
    assert Path(where.strip()).is_relative_to(environment)
    assert os.listdir(work) == [NOTEBOOKS[0].name]
