"""Build the course as a web site, with the translator alive in a page, into build/site.

    python -m tools.site

Sphinx reads a copy of the committed notebooks in build/docs; nothing is executed, and no page asks another
server for anything.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from tools import links
from tools.address import read_course
from tools.notebooks import COURSE, numbered
from tools.shared import RECORDS, RESOURCES, ROOT, command_line

DOCS, SITE = ROOT / "build" / "docs", ROOT / "build" / "site"
MODULES_SHOWN = [
    "data.corpus",
    "data.splitting",
    "data.vocabulary",
    "data.vectorization",
    "data.batches",
    "models",
    "training",
    "decoding",
    "translator",
    "evaluation.metrics",
    "evaluation.errors",
    "evaluation.challenge",
    "evaluation.exposure",
    "example",
    "figures",
    "records",
]
PLAYGROUND = '<p>On the web it is a page of its own: <a href="playground.html">the open translator</a>.</p>'
TABLES = {"results": "What the models reach", "bench": "What it costs", "choices": "What each choice buys"}
TRY = '> Try it yourself: {colab}<a href="files/{name}" download>Download this notebook</a>{solutions}\n'


def lesson(path: Path) -> nbformat.NotebookNode:
    """Return a notebook as a page: no install cell, the site's own links, solutions behind a click."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if "install" not in cell.metadata.get("tags", [])]
    slug = read_course(ROOT)["repository"]
    colab = f"[Open in Colab]({links.COLAB}/github/{slug}/blob/main/notebooks/{path.name}) · " if slug else ""
    solved = path.parent / "solutions" / path.name
    more = f" · [Worked solutions](solutions/{path.stem}.ipynb)" if solved.exists() else ""
    tip = TRY.format(colab=colab, name=path.name, solutions=more) if more else ""
    first = notebook.cells[0]
    first.source = re.sub(r"<!-- links -->.*?<!-- /links -->", tip, first.source, flags=re.DOTALL)
    for cell in notebook.cells:
        if cell.cell_type == "code" and "widget.explore(" in cell.source:
            cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": PLAYGROUND})]
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.metadata.setdefault("tags", []).append("hide-input")
        if path.parent.name == "solutions" and cell.cell_type == "code":
            cell.metadata.setdefault("tags", []).append("hide-cell")
    return notebook


def prepare(docs: Path) -> None:
    """Fill a folder with what Sphinx reads."""
    shutil.rmtree(docs, ignore_errors=True)
    (docs / "solutions").mkdir(parents=True)
    lessons = numbered(COURSE)
    solved = [path for path in ((COURSE / "solutions" / each.name) for each in lessons) if path.exists()]
    for path in [*lessons, *solved]:
        nbformat.write(lesson(path), docs / path.relative_to(COURSE))
    shutil.copy(COURSE / "glossary.md", docs)
    shutil.copy(ROOT / "docs" / "conf.py", docs)
    shutil.copytree(ROOT / "docs" / "_static", docs / "_static")
    teaching = (ROOT / "TEACHING.md").read_text(encoding="utf-8")
    (docs / "teaching.md").write_text(teaching.replace("](notebooks/", "]("), encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    results = "\n\n".join(
        f"## {title}\n\n{readme.partition(f'<!-- {name} -->')[2].partition(f'<!-- /{name} -->')[0].strip()}"
        for name, title in TABLES.items()
    )
    results = f"# Results\n\nEach figure comes from a recorded run.\n\n{results}\n"
    (docs / "results.md").write_text(results, encoding="utf-8")
    api = "\n".join(
        f"## {name}\n\n```{{eval-rst}}\n.. automodule:: s2s_lib.{name}\n   :members:\n```\n"
        for name in MODULES_SHOWN
    )
    (docs / "api.md").write_text(f"# The library\n\n{api}", encoding="utf-8")
    (docs / "index.md").write_text(index(lessons), encoding="utf-8")
    write_extra(docs / "extra")


def index(lessons: list[Path]) -> str:
    """Return the first page."""
    rows = [
        f"| [{path.stem[:2]}]({path.name}) | {links.title(nbformat.read(path, as_version=4))} |"
        for path in lessons
    ]
    names = [path.stem for path in lessons]
    return (
        (ROOT / "docs" / "index.md")
        .read_text(encoding="utf-8")
        .format(
            rows="\n".join(rows),
            lessons="\n".join(names),
            solutions="\n".join(f"solutions/{name}" for name in names),
        )
    )


def write_extra(extra: Path) -> None:
    """Copy what the site serves as it is: the playground, its modules, translators, notebooks."""
    web = extra / "web"
    shutil.copytree(RESOURCES / "web", web)
    shutil.copy(ROOT / "docs" / "playground.html", extra)
    for name in ("sample", "fra-eng"):
        shutil.copy(RESOURCES / f"{name}.s2s", web)
    shutil.copy(RECORDS / "trace_sample.json", web)
    (extra / "files").mkdir()
    for path in numbered(COURSE):
        shutil.copy(path, extra / "files")


def main(arguments: list[str] | None = None) -> int:
    """Build the site; return the exit code."""
    command_line(__doc__).parse_args(arguments)
    prepare(DOCS)
    shutil.rmtree(SITE, ignore_errors=True)
    built = subprocess.run([sys.executable, "-m", "sphinx", "-q", "-b", "html", str(DOCS), str(SITE)])
    if built.returncode:
        return built.returncode
    for page in SITE.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        up = "../" * (len(page.relative_to(SITE).parts) - 1)
        page.write_text(text.replace("https://playground.invalid/", f"{up}playground.html"), encoding="utf-8")
    print("The site is in build/site/; look at it with: .venv/bin/python -m http.server -d build/site")
    return 0


if __name__ == "__main__":
    sys.exit(main())
