"""Where the course can be installed from: `python -m tools.address set|check|release`.

Whoever owns the address in a notebook's first cell runs code on every reader's machine. So the address is
empty until `make address REPO=owner/name` writes it: into pyproject.toml, CITATION.cff, badges and install
cells. What is installed is the release named in CHANGELOG.md, by version and hash, or else one commit.
"""

import argparse
import datetime
import hashlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from s2s_lib.records import atomic_write

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){0,38}/(?!\.\.?$)[A-Za-z0-9._-]{1,100}")
GITHUB = "https://github.com"


def read_course(root: Path) -> dict[str, str]:
    """Return ``repository`` ("owner/name" or "") and ``install`` (what pip installs, or "")."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    course: dict[str, str] = project["tool"]["course"]
    return course


def version_of(root: Path) -> str:
    """Return the course's version."""
    return str(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def git(root: Path, *arguments: str) -> str:
    """Return what git answers; ValueError if it cannot."""
    result = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
    if result.returncode:
        raise ValueError(f"git {arguments[0]}: {' '.join(result.stderr.split())}")
    return result.stdout.strip()


def what_to_install(root: Path, repository: str) -> str:
    """Return a requirement for pip: the wheel of this version if it was released, else a commit."""
    version = version_of(root)
    wheel = f"s2s_course-{version}-py3-none-any.whl"
    log = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    if released := re.search(rf"`{re.escape(wheel)}`, sha256 `([0-9a-f]{{64}})`", log):
        place = f"{GITHUB}/{repository}/releases/download/v{version}/{wheel}"
        return f"s2s-course @ {place}#sha256={released[1]}"
    commit = git(root, "log", "-1", "--format=%H", "--", "s2s_lib", "pyproject.toml")
    if not commit:
        raise ValueError("no commit has changed s2s_lib yet: commit first, then run make address again")
    return f"s2s-course @ git+{GITHUB}/{repository}@{commit}"


def rewrite(path: Path, *changes: tuple[str, str]) -> None:
    """Replace patterns in a file, atomically; ValueError if one is not there exactly once."""
    text = path.read_text(encoding="utf-8")
    for pattern, replacement in changes:
        plain = replacement.replace("\\", r"\\")  # no back reference is meant
        text, count = re.subn(pattern, plain, text, flags=re.MULTILINE)
        if count != 1:
            raise ValueError(f"{path.name}: expected one line like {pattern}, found {count}")
    with atomic_write(path) as partial:
        partial.write_text(text, encoding="utf-8")


def set_address(root: Path, repository: str) -> None:
    """Write the address everywhere, or take it away where it is ""; notebooks follow by `make format`."""
    if repository and not REPOSITORY.fullmatch(repository):
        raise ValueError(
            f"{repository!r} is no repository: write REPO=owner/name, as in its address on GitHub"
        )
    install = what_to_install(root, repository) if repository else ""
    url = f'{GITHUB}/{repository}"' if repository else ""
    rewrite(
        root / "pyproject.toml",
        (r"^repository = .*$", f'repository = "{repository}"'),
        (r"^install = .*$", f'install = "{install}"'),
        (r"^(# )?Repository = .*$", f'Repository = "{url}' if url else '# Repository = ""'),
    )
    rewrite(
        root / "CITATION.cff",
        (r"^(# )?repository-code:.*$", f'repository-code: "{url}' if url else '# repository-code: ""'),
    )


def check_address(root: Path, here: str) -> None:
    """ValueError if the course names another address than the repository it lies in."""
    named = read_course(root)["repository"]
    if named and named.lower() != here.lower():
        raise ValueError(
            f"the course says that it lies in {named}, but this is {here}: run make address REPO={here}"
        )


def release(root: Path) -> Path:
    """Build the wheel and its hash into dist/, write both into CHANGELOG.md; return the wheel."""
    version, log = version_of(root), root / "CHANGELOG.md"
    text = log.read_text(encoding="utf-8")
    if re.search(rf"^## {re.escape(version)}\b", text, flags=re.MULTILINE):
        raise ValueError(f"{version} has been released: raise the version in pyproject.toml first")
    if changed := git(root, "status", "--porcelain", "--", "s2s_lib", "pyproject.toml"):
        raise ValueError(
            f"commit these first, so that the wheel is that of a commit: {' '.join(changed.split()[1::2])}"
        )
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        "dist",
        ".",
    ]
    epoch = {
        "SOURCE_DATE_EPOCH": git(root, "log", "-1", "--format=%ct")
    }  # the same commit gives the same bytes
    result = subprocess.run(build, cwd=root, env=os.environ | epoch, capture_output=True, text=True)
    if result.returncode:
        raise ValueError(f"the wheel could not be built: {' '.join(result.stderr.split())[-300:]}")
    wheel = root / "dist" / f"s2s_course-{version}-py3-none-any.whl"
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    wheel.with_name(wheel.name + ".sha256").write_text(f"{found}  {wheel.name}\n", encoding="utf-8")
    heading = f"## {version}, {datetime.date.today():%Y-%m-%d}\n\nWheel: `{wheel.name}`, sha256 `{found}`."
    rewrite(log, (r"^## Unreleased$", f"## Unreleased\n\n{heading}"))
    return wheel


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if all is well, else 2."""
    parser = argparse.ArgumentParser(prog="python -m tools.address", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("set").add_argument("repository", help='owner/name, or "" for none')
    commands.add_parser("check").add_argument("repository", help="owner/name of this repository")
    commands.add_parser("release")
    options = parser.parse_args(arguments)
    try:
        if options.command == "check":
            check_address(ROOT, options.repository)
        else:
            if options.command == "release":
                wheel = release(ROOT).relative_to(ROOT)
                print(f"Built {wheel}. Tag this version, and upload the wheel to its release.")
            repository = (
                read_course(ROOT)["repository"] if options.command == "release" else options.repository
            )
            set_address(ROOT, repository)
            print(
                f"Notebooks install {read_course(ROOT)['install'] or 'nothing: the course has no address'}."
            )
    except (ValueError, OSError) as error:
        print(f"address: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
