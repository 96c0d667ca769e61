"""Run the notebooks in place at their defaults, without time stamps (`make publish`), or check them (lint).

A notebook is replaced only when it ran to its end. Volatile metadata goes; outputs, counts and ids stay.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LARGEST = 300_000  # bytes
VOLATILE = ["metadata.papermill", "metadata.widgets", "metadata.language_info.version"]
VOLATILE += ["cell.metadata.papermill", "cell.metadata.execution"]
STRIP = ["--keep-output", "--keep-count", "--keep-id", "--extra-keys", " ".join(VOLATILE)]


def strip(path):
    """Strip a notebook's volatile metadata, in place.

    Parameters
    ----------
    path : Path
    """
    subprocess.run([sys.executable, "-m", "nbstripout", *STRIP, str(path)], check=True)


def faults(path):
    """Say what keeps a notebook from being published.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of str
        One sentence for each fault.
    """
    import nbformat

    found = []
    if path.stat().st_size > LARGEST:
        found.append(
            f"has {path.stat().st_size:,} bytes, more than {LARGEST:,}. Draw smaller figures, print less."
        )
    cells = [
        cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code" and cell.source
    ]
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        found.append("was not executed in order from 1. Run make publish.")
    if any(output.output_type == "error" for cell in cells for output in cell.outputs):
        found.append("holds an error. Mend it, then run make publish.")
    verify = [sys.executable, "-m", "nbstripout", *STRIP, "--verify", str(path)]
    if subprocess.run(verify, capture_output=True).returncode:
        found.append("holds volatile metadata. Run make publish.")
    return found


def publish(path):
    """Run one notebook in its folder, and replace it by what came out.

    Parameters
    ----------
    path : Path

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        Where a cell fails; the notebook is then left as it was.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook,
        timeout=1800,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    partial = path.with_name(path.stem + ".partial.ipynb")
    nbformat.write(notebook, partial)
    strip(partial)
    os.replace(partial, path)


def main(arguments=None):
    """Publish, or check, from the command line.

    Parameters
    ----------
    arguments : list of str, optional

    Returns
    -------
    int
        0 where all is well, else 1.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="all numbered ones, if none is named")
    parser.add_argument("--check", action="store_true", help="run nothing, say what is wrong")
    options = parser.parse_args(arguments)
    notebooks = options.notebooks or sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    os.environ.pop("JUPYTER_PATH", None)
    os.environ |= {"JUPYTER_PREFER_ENV_PATH": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["IPYTHONDIR"] = str(ROOT / "tools" / "ipython")
    failed = False
    with tempfile.TemporaryDirectory(prefix="s2s-cache-") as cache:
        os.environ["S2S_CACHE_DIR"] = cache
        for path in notebooks:
            if not options.check:
                print(f"{path.stem} ...", flush=True)
                try:
                    publish(path.resolve())
                except Exception as error:
                    print(f"{path} stays as it was: {error}", file=sys.stderr)
                    failed = True
                    continue
            for fault in faults(path):
                print(f"{path} {fault}", file=sys.stderr)
                failed = True
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
