"""What committed notebooks must hold: links, badges, an install cell, ordered outputs, nothing volatile.

Links stand between `<!-- links -->` and `<!-- /links -->` in each notebook's first cell, and in the README.
The install cell is the first code cell, tagged `install`. All follow from `[tool.course]` in pyproject.toml.
"""

import copy
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from s2s_lib.records import atomic_write
from tools.address import read_course

ROOT = Path(__file__).resolve().parent.parent
LARGEST = 300_000  # bytes of a published notebook
VOLATILE = ["metadata.papermill", "metadata.signature", "metadata.widgets", "metadata.language_info.version"]
VOLATILE += [f"cell.metadata.{key}" for key in ("papermill", "execution", "ExecuteTime", "collapsed")]
START, END = "<!-- links -->", "<!-- /links -->"
COLLAPSED = {"tags": ["install"], "jupyter": {"source_hidden": True}, "cellView": "form"}
COLAB = "https://colab.research.google.com"
INSTALL = """\
# @title Install the course (on Colab, or where S2S_INSTALL names a wheel or checkout)
import importlib.metadata
import os
import subprocess
import sys

INSTALL = "{install}"
on_colab = "google.colab" in sys.modules
course = os.environ.get("S2S_INSTALL") or (INSTALL if on_colab else "")
if course:
    if subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", course]).returncode:
        raise RuntimeError(f"pip could not install {{course}}: check the network, then run this cell again")
    for name in ("numpy", "pandas", "matplotlib", "keras"):
        loaded = getattr(sys.modules.get(name), "__version__", "")
        if loaded and loaded != importlib.metadata.version(name):
            print(f"{{name}} {{loaded}} was replaced while in use: restart the session, then go on here.")
elif on_colab:
    print("This copy of the course has no address to install it from. On your own machine run make lab;")
    print("or upload its wheel (make release builds it), set S2S_INSTALL to its path, and run this again.")"""


def badge(slug: str, name: str) -> str:
    """Return the badge that opens a notebook of the repository ``owner/name`` on Colab.

    >>> badge("me/course", "01_data").rpartition("(")[2]
    'https://colab.research.google.com/github/me/course/blob/main/notebooks/01_data.ipynb)'
    """
    image = f"{COLAB}/assets/colab-badge.svg"
    return f"[![Open in Colab]({image})]({COLAB}/github/{slug}/blob/main/notebooks/{name}.ipynb)"


def title(notebook: NotebookNode) -> str:
    """Return the text of a notebook's first heading."""
    match = re.search(r"^# (.+)$", notebook.cells[0].source, flags=re.MULTILINE)
    return match[1].strip() if match else ""


def with_links(text: str, links: str) -> str:
    r"""Put links between the markers, which are added at the end where there are none.

    >>> with_links("# Title", "[next](b)")
    '# Title\n\n<!-- links -->\n[next](b)\n<!-- /links -->'
    """
    block = f"{START}\n{links}\n{END}"
    if START in text:
        return re.sub(f"{START}.*?{END}", lambda _: block, text, flags=re.DOTALL)
    return f"{text.rstrip()}\n\n{block}"


def set_install_cell(notebook: NotebookNode, install: str) -> None:
    """Write the cell tagged ``install``; where there is none, insert it after the first cell."""
    source = INSTALL.format(install=install)
    for cell in notebook.cells:
        if "install" in cell.metadata.get("tags", []):
            cell.source, cell.metadata = source, COLLAPSED
            return
    cell = nbformat.v4.new_code_cell(source, metadata=COLLAPSED, id="install")
    notebook.cells.insert(1, cell)


def linked(readme: Path, notebooks: Sequence[Path], repository: str, install: str) -> dict[Path, str]:
    """Return the text that the README and the notebooks, in this order, should have.

    Without a repository ("owner/name") there are no badges, without ``install`` nothing is installed.
    """
    texts: dict[Path, str] = {}
    rows = ["| notebook | its question | |", "| --- | --- | --- |"]
    for i, path in enumerate(notebooks):
        notebook = nbformat.read(path, as_version=4)
        links = [badge(repository, path.stem)] if repository else []
        rows.append(f"| [{path.stem}](notebooks/{path.name}) | {title(notebook)} | {''.join(links)} |")
        links += [f"[← {before.stem}]({before.name})" for before in notebooks[:i][-1:]]
        links += [f"[{after.stem} →]({after.name})" for after in notebooks[i + 1 :][:1]]
        notebook.cells[0].source = with_links(notebook.cells[0].source, " · ".join(links))
        set_install_cell(notebook, install)
        texts[path] = nbformat.writes(notebook).rstrip("\n") + "\n"
    texts[readme] = with_links(readme.read_text(encoding="utf-8"), "\n".join(rows)).rstrip("\n") + "\n"
    return texts


def write_links(notebooks: Sequence[Path], solutions: Sequence[Path] = (), *, check: bool) -> int:
    """Write links and install cells or, to check, name the files that differ; return 1 if any does."""
    differing = 0
    course = read_course(ROOT)
    texts = linked(ROOT / "README.md", notebooks, **course)
    for path in solutions:  # these have no links but those that they were written with
        notebook = nbformat.read(path, as_version=4)
        set_install_cell(notebook, course["install"])
        texts[path] = nbformat.writes(notebook).rstrip("\n") + "\n"
    for path, text in texts.items():
        read = json.loads if path.suffix == ".ipynb" else str  # editors lay the same notebook out differently
        if read(path.read_text(encoding="utf-8")) == read(text):
            continue
        if check:
            print(f"{path.relative_to(ROOT)}: links or install cell differ; run make format", file=sys.stderr)
            differing = 1
        else:
            with atomic_write(path) as partial:
                partial.write_text(text, encoding="utf-8")
    return differing


def strip(notebook: NotebookNode) -> NotebookNode:
    """Remove metadata that differs from run to run, in place; outputs, counts and ids stay."""
    from nbstripout import strip_output

    return strip_output(notebook, keep_output=True, keep_count=True, keep_id=True, extra_keys=VOLATILE)


def faults(path: Path) -> list[str]:
    """Say in one sentence each what is wrong with a published notebook."""
    notebook, found = nbformat.read(path, as_version=4), []
    if path.stat().st_size > LARGEST:
        size = f"{path.stat().st_size:,} bytes, more than {LARGEST:,}"
        found.append(f"has {size}. Draw smaller figures or print less.")
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source]
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        found.append("was not executed in order from 1. Run make publish.")
    if any(output.output_type == "error" for cell in cells for output in cell.outputs):
        found.append("holds an error. Fix it, then run make publish.")
    if strip(copy.deepcopy(notebook)) != notebook:
        found.append("holds volatile metadata. Run make publish.")
    return found
