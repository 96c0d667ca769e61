"""Make .venv and install the course into it, in the versions of constraints.txt; `make setup` calls this.

Uses the standard library only, since nothing else is there yet. It writes to .venv and pip's cache.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GIGABYTE = 1000**3
SPACE = 5 * GIGABYTE  # what is unpacked, and what pip keeps of the downloads while it works


def explain(output):
    """Say in one sentence what made pip fail, and what to do.

    Parameters
    ----------
    output : str
        What pip printed.

    Returns
    -------
    str

    Examples
    --------
    >>> explain("OSError: [Errno 28] No space left on device")
    'The disk is full. Free some 5 GB, then run make setup again.'
    """
    text = output.lower()
    if "no space left" in text or "disk quota" in text:
        return f"The disk is full. Free some {SPACE // GIGABYTE} GB, then run make setup again."
    signs = [
        "retrying",
        "connection",
        "name resolution",
        "timed out",
        "network is unreachable",
        "ssl",
    ]
    if any(sign in text for sign in signs):
        return "No package registry can be reached. Connect to a network, then run make setup again."
    return "pip could not install the course; its message stands above. Mend that, then run make setup again."


def fits(python):
    """Whether this interpreter of .venv works, has pip, and is one that TensorFlow has wheels for.

    Where the user named a Python (``make setup PYTHON=...``), it must be of that version.

    Parameters
    ----------
    python : Path

    Returns
    -------
    bool
    """
    check = [python, "-c", "import sys, pip; print(*sys.version_info[:2])"]
    try:
        version = tuple(map(int, subprocess.check_output(check, stderr=subprocess.DEVNULL).split()))
    except (OSError, subprocess.CalledProcessError):
        return False
    if os.environ.get("COURSE_PYTHON"):
        return version == sys.version_info[:2]
    return (3, 11) <= version <= (3, 13)


def make_environment(root=ROOT):
    """Make or mend ``root/.venv`` and install the course; the stamp ``.installed`` is written last.

    Parameters
    ----------
    root : Path
        The folder of pyproject.toml and constraints.txt.

    Raises
    ------
    SystemExit
        With one sentence that says what to do, where the environment cannot be made.
    """
    venv, python = root / ".venv", root / ".venv" / "bin" / "python"
    stamp = venv / ".installed"
    stamp.unlink(missing_ok=True)
    new = not any(venv.glob("lib/python*/site-packages/tensorflow/__init__.py"))
    free = shutil.disk_usage(root).free
    if new and free < SPACE:
        raise SystemExit(
            f"The course needs about {SPACE / GIGABYTE:.0f} GB of free disk space here to install, and "
            f"{free / GIGABYTE:.1f} GB are free. Free some, then run make setup again."
        )
    version = ".".join(map(str, sys.version_info[:3]))
    if not fits(python):
        print(f"Making .venv with Python {version} ...", flush=True)
        made = subprocess.run([sys.executable, "-m", "venv", "--clear", venv], capture_output=True, text=True)
        if made.returncode:
            sys.stderr.write(made.stdout + made.stderr)
            raise SystemExit(
                f"{sys.executable} could not make .venv; its message stands above. On Debian and Ubuntu the "
                f"module comes with: apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
            )
    size = "about 1 GB to download, 4 GB on disk, a few minutes" if new else "what changed"
    print(f"Installing the course into .venv ({size}) ...", flush=True)
    start = time.monotonic()
    install = [python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    install += ["-c", "constraints.txt", "-e", ".[notebooks,test]"]
    pip = subprocess.run(install, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if pip.returncode:
        sys.stderr.write("".join(pip.stdout.splitlines(keepends=True)[-12:]))
        raise SystemExit(explain(pip.stdout))
    stamp.write_text(f"Python {version}\n")
    print(f"Installed in {time.monotonic() - start:.0f} s.", flush=True)


if __name__ == "__main__":
    try:
        make_environment()
    except KeyboardInterrupt:
        raise SystemExit("\nInterrupted; make setup goes on from here.") from None
    except OSError as error:
        raise SystemExit(explain(f"{error} {os.strerror(error.errno) if error.errno else ''}")) from None
