"""Make .venv and install the course into it (`make setup`); needs nothing but the standard library."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = ((3, 11), (3, 12), (3, 13))
GIGABYTE = 1000**3
SPACE = 5  # gigabytes: what is unpacked, and what pip keeps of the downloads while it works
NO_NETWORK = ("retrying", "connection", "name resolution", "timed out", "network is unreachable", "ssl")


def explain(output: str) -> str:
    """Say in one sentence why pip failed and what to do.

    >>> explain("OSError: [Errno 28] No space left on device")
    'The disk is full: free about 5 GB, then run make setup again.'
    """
    text = output.lower()
    if "no space left" in text or "disk quota" in text:
        return f"The disk is full: free about {SPACE} GB, then run make setup again."
    if any(sign in text for sign in NO_NETWORK):
        return "No package registry can be reached: check the network, then run make setup again."
    return "That failed with the message above: fix its cause, then run make setup again."


def version_of(python: Path) -> tuple[int, ...]:
    """Return the major and minor version of an interpreter that works and has pip, else ()."""
    try:
        check = [str(python), "-c", "import sys, pip; print(*sys.version_info[:2])"]
        return tuple(map(int, subprocess.check_output(check, stderr=subprocess.DEVNULL).split()))
    except (OSError, subprocess.CalledProcessError):
        return ()


def set_up(root: Path) -> None:
    """Make or repair ``root/.venv`` and install the course; SystemExit says what is missing."""
    venv, python, stamp = root / ".venv", root / ".venv/bin/python", root / ".venv/.installed"
    ours = sys.version_info[:2]
    is_new = not any(venv.glob("lib/python*/site-packages/tensorflow/__init__.py"))
    free = shutil.disk_usage(root).free / GIGABYTE
    if is_new and free < SPACE:
        needs = f"The course needs about {SPACE} GB of disk space, and {free:.1f} GB are free"
        raise SystemExit(f"{needs}: make room, then run make setup again.")
    if version_of(python) not in ([ours] if os.environ.get("COURSE_PYTHON") else SUPPORTED):
        version = ".".join(map(str, sys.version_info[:3]))
        if ours not in SUPPORTED:
            raise SystemExit(
                f"The course needs Python 3.11, 3.12 or 3.13 (TensorFlow supports no other), not {version}: "
                "install one or name it, as in make setup PYTHON=/path/to/python3.12."
            )
        print(f"Making .venv with Python {version} ...", flush=True)
        if subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], stdout=sys.stderr).returncode:
            raise SystemExit(
                f"{sys.executable} could not make .venv: on Debian and Ubuntu, first run "
                f"apt install python{ours[0]}.{ours[1]}-venv"
            )
    stamp.unlink(missing_ok=True)
    size = "about 1 GB to download, 4 GB on disk, a few minutes" if is_new else "only what changed"
    print(f"Installing the course into .venv ({size}) ...", flush=True)
    start = time.monotonic()
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    install += ["-c", "constraints.txt", "-e", ".[cluster,docs,export,notebooks,test]"]
    pip = subprocess.run(install, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if pip.returncode:
        sys.stderr.write("".join(pip.stdout.splitlines(keepends=True)[-12:]))
        raise SystemExit(explain(pip.stdout))
    stamp.touch()
    print(f"Installed in {time.monotonic() - start:.0f} s.", flush=True)


def test_newest(root: Path) -> None:
    """Make build/newest without constraints.txt, and run the tests of library and tools there."""
    folder = root / "build" / "newest"
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    install = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-e",
        ".[cluster,docs,export,notebooks,test]",
    ]
    for command in (install, [python, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile"]):
        status = subprocess.run(command, cwd=root).returncode
        if status:
            raise SystemExit(status)


def main(root: Path = ROOT, *, newest: bool = False) -> None:
    """Set up, and explain in one sentence whatever stops it."""
    try:
        if newest:
            test_newest(root)
        else:
            set_up(root)
    except KeyboardInterrupt:
        raise SystemExit("\nInterrupted; make setup will continue from here.") from None
    except OSError as error:
        print(error, file=sys.stderr)
        raise SystemExit(explain(str(error))) from None


if __name__ == "__main__":
    main(newest=sys.argv[1:] == ["newest"])
