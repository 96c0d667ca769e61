"""Write the Colab badges, the links between notebooks, and the install cell, from the slug in pyproject.toml.

Links stand between `<!-- links -->` and `<!-- /links -->` in each notebook's first cell, and in the README.
The install cell is the first code cell, tagged ``install``. `make lint` calls this with ``--check``.
"""

import argparse
import json
import re
import sys
import tomllib
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
START, END = "<!-- links -->", "<!-- /links -->"
INSTALL = """\
# On Colab, or where S2S_INSTALL names a wheel or checkout, install the course; elsewhere do nothing.
import os
import subprocess
import sys

install = os.environ.get("S2S_INSTALL", "")
if "google.colab" in sys.modules:
    install = install or "git+{repository}"
if install:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", install], check=True)
"""


def repository():
    """Read the repository's address, the one place of the slug.

    Returns
    -------
    str
    """
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]


def badge(slug, name):
    """Draw the badge that opens a notebook on Colab.

    Parameters
    ----------
    slug, name : str
        ``owner/repository`` and the notebook's file name without ``.ipynb``.

    Returns
    -------
    str

    Examples
    --------
    >>> badge("me/course", "01_data").rpartition("(")[2]
    'https://colab.research.google.com/github/me/course/blob/main/notebooks/01_data.ipynb)'
    """
    colab = "https://colab.research.google.com"
    image = f"{colab}/assets/colab-badge.svg"
    return f"[![Open in Colab]({image})]({colab}/github/{slug}/blob/main/notebooks/{name}.ipynb)"


def title(notebook):
    """Return the text of a notebook's first heading.

    Parameters
    ----------
    notebook : nbformat.NotebookNode

    Returns
    -------
    str
    """
    match = re.search(r"^# (.+)$", notebook.cells[0].source, flags=re.MULTILINE)
    return match[1].strip() if match else ""


def with_links(text, links):
    r"""Put links between the markers, which are added at the end where there are none.

    Parameters
    ----------
    text, links : str

    Returns
    -------
    str

    Examples
    --------
    >>> with_links("# Title", "[next](b)")
    '# Title\n\n<!-- links -->\n[next](b)\n<!-- /links -->'
    """
    block = f"{START}\n{links}\n{END}"
    if START in text:
        return re.sub(f"{START}.*?{END}", lambda _: block, text, flags=re.DOTALL)
    return f"{text.rstrip()}\n\n{block}"


def with_install_cell(notebook, address):
    """Set the cell tagged ``install``; where there is none, put it after the first cell.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Changed in place.
    address : str
        Where Colab installs from.
    """
    source = INSTALL.format(repository=address).rstrip()
    for cell in notebook.cells:
        if "install" in cell.metadata.get("tags", []):
            cell.source = source
            return
    metadata = {"tags": ["install"]}
    notebook.cells.insert(1, nbformat.v4.new_code_cell(source, metadata=metadata, id="install"))


def expected(readme, notebooks, address):
    """Work out what the README and the notebooks ought to be.

    Parameters
    ----------
    readme : Path
    notebooks : list of Path
        In order.
    address : str

    Returns
    -------
    dict of Path to str
        The text of each file.
    """
    slug = address.removeprefix("https://github.com/")
    texts, rows = {}, []
    for i, path in enumerate(notebooks):
        notebook = nbformat.read(path, as_version=4)
        rows.append(
            f"| [{path.stem}](notebooks/{path.name}) | {title(notebook)} | {badge(slug, path.stem)} |"
        )
        links = [badge(slug, path.stem)]
        if i > 0:
            links.append(f"[← {notebooks[i - 1].stem}]({notebooks[i - 1].name})")
        if i + 1 < len(notebooks):
            links.append(f"[{notebooks[i + 1].stem} →]({notebooks[i + 1].name})")
        notebook.cells[0].source = with_links(notebook.cells[0].source, " · ".join(links))
        with_install_cell(notebook, address)
        texts[path] = nbformat.writes(notebook).rstrip("\n") + "\n"
    if rows:
        header = ["| notebook | its question | |", "| --- | --- | --- |"]
        texts[readme] = (
            with_links(readme.read_text(encoding="utf-8"), "\n".join(header + rows)).rstrip("\n") + "\n"
        )
    return texts


def comparable(path, text):
    """Take a file's text apart where its layout does not matter.

    Parameters
    ----------
    path : Path
    text : str

    Returns
    -------
    dict or str
        A notebook as a dictionary, whichever editor saved it; any other file as it is.
    """
    return json.loads(text) if path.suffix == ".ipynb" else text


def main(arguments=None):
    """Write, or compare, from the command line.

    Parameters
    ----------
    arguments : list of str, optional

    Returns
    -------
    int
        1 where ``--check`` finds a difference, else 0.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, say what differs")
    options = parser.parse_args(arguments)
    notebooks = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    differing = 0
    for path, text in expected(ROOT / "README.md", notebooks, repository()).items():
        if comparable(path, path.read_text(encoding="utf-8")) == comparable(path, text):
            continue
        if options.check:
            name = path.relative_to(ROOT)
            print(f"{name}: links or install cell differ. Run tools/write_links.py", file=sys.stderr)
            differing += 1
        else:
            path.write_text(text, encoding="utf-8")
    return int(differing > 0)


if __name__ == "__main__":
    raise SystemExit(main())
