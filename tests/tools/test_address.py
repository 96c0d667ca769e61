"""An address stands everywhere or nowhere; what is installed is one release or one commit."""

import hashlib
import os
import shutil
import subprocess
import sys
import textwrap
import tomllib
import zipfile
from pathlib import Path

import pytest

from tools import address, links

ROOT = Path(__file__).resolve().parents[2]
FILES = ("pyproject.toml", "CITATION.cff", "CHANGELOG.md", "README.md", "LICENSE", "s2s_lib/__init__.py")


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A small git repository with the files that an address stands in; and addresses are set there."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    address.set_address(tmp_path, "")
    commit(tmp_path)
    monkeypatch.setattr(address, "ROOT", tmp_path)
    return tmp_path


def commit(folder):
    me = {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "--allow-empty", "-m", "Begin"]):
        subprocess.run(["git", *command], cwd=folder, check=True, env=os.environ | me)
    return subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=folder, text=True).strip()


def read(course):
    return {name: (course / name).read_text(encoding="utf-8") for name in FILES[:2]}


def test_the_committed_course_has_an_address_everywhere_or_nowhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = address.read_course(ROOT)["repository"]
    assert project["project"]["urls"].get("Repository", "") == (f"{address.GITHUB}/{named}" if named else "")
    assert bool(address.read_course(ROOT)["install"]) == bool(named)


def test_an_address_is_written_everywhere_and_taken_away_again(course, capsys):
    before = read(course)
    head = address.git(course, "rev-parse", "HEAD")
    assert address.main(["set", "me/my.course"]) == 0
    assert address.read_course(course) == {
        "repository": "me/my.course",
        "install": f"s2s-course @ git+https://github.com/me/my.course@{head}",
    }
    for text in read(course).values():
        assert '"https://github.com/me/my.course"' in text
    assert address.main(["set", ""]) == 0
    assert read(course) == before and "no address" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [
        "me",
        "me/",
        "/x",
        "me/x/y",
        "-me/x",
        "me-/x",
        "m--e/x",
        "me/..",
        "me/a b",
        'me/x"',
        "https://github.com/me/x",
        "mé/x",
        "me/x\n",
    ],
)
def test_a_malformed_name_is_refused_in_one_sentence_and_nothing_is_written(course, wrong, capsys):
    before = read(course)
    assert address.main(["set", "--", wrong]) == 2
    message = capsys.readouterr().err
    assert "write REPO=owner/name" in message and message.count("\n") == 1
    assert read(course) == before


def test_another_repository_than_the_one_named_is_told(course, capsys):
    assert address.main(["check", "me/x"]) == 0  # none is named yet
    assert address.main(["set", "me/x"]) == 0
    assert address.main(["check", "Me/X"]) == 0
    assert address.main(["check", "you/x"]) == 2
    assert "run make address REPO=you/x" in capsys.readouterr().err


def test_a_commit_that_changed_neither_library_nor_project_is_not_installed(course):
    head = address.git(course, "rev-parse", "HEAD")
    (course / "README.md").write_text("other")
    assert commit(course) != head
    assert address.what_to_install(course, "me/x").endswith(f"@{head}")


@pytest.mark.slow
def test_a_release_is_installed_by_its_hash_and_the_same_commit_gives_the_same_wheel(course, capsys):
    assert address.main(["set", "me/x"]) == 0
    assert address.main(["release"]) == 2
    assert "commit these first" in capsys.readouterr().err
    commit(course)
    assert address.main(["release"]) == 0
    (wheel,) = (course / "dist").glob("*.whl")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    version = address.version_of(course)
    assert wheel.with_name(wheel.name + ".sha256").read_text() == f"{found}  {wheel.name}\n"
    assert f"## {version}, 20" in (course / "CHANGELOG.md").read_text(encoding="utf-8")
    assert address.read_course(course)["install"] == (
        f"s2s-course @ https://github.com/me/x/releases/download/v{version}/{wheel.name}#sha256={found}"
    )
    assert "s2s_lib/__init__.py" in zipfile.ZipFile(wheel).namelist()
    assert address.main(["release"]) == 2
    assert "raise the version" in capsys.readouterr().err
    shutil.copy(ROOT / "CHANGELOG.md", course)
    shutil.rmtree(course / "build", ignore_errors=True)
    assert address.main(["release"]) == 2  # [tool.course] has changed
    commit(course)
    assert address.main(["release"]) == 0


# ---- the cell that installs ----


def run_cell(install, *, colab, environment=None, after="", status=0):
    """Run the install cell in a fresh process whose pip is a stand-in that prints what it should install."""
    program = f"""
        import importlib.metadata, subprocess, sys, types
        if {colab}:
            sys.modules["google.colab"] = types.ModuleType("google.colab")
        def run(command, **options):
            print("pip:", command[-1])
            {after or "pass"}
            return types.SimpleNamespace(returncode={status})
        subprocess.run = run
        sys.modules["numpy"] = types.SimpleNamespace(__version__="1.0")
        importlib.metadata.version = lambda name: "1.0"
    """
    cell = textwrap.dedent(program) + links.INSTALL.format(install=install)
    return subprocess.run(
        [sys.executable, "-c", cell],
        capture_output=True,
        text=True,
        env=os.environ | {"S2S_INSTALL": ""} | (environment or {}),
        timeout=60,
    )


def test_on_colab_the_address_is_installed_elsewhere_nothing():
    assert run_cell("s2s-course @ x", colab=True).stdout == "pip: s2s-course @ x\n"
    assert run_cell("s2s-course @ x", colab=False).stdout == ""
    assert run_cell("x", colab=False, environment={"S2S_INSTALL": "my.whl"}).stdout == "pip: my.whl\n"


def test_without_an_address_the_cell_says_so_and_installs_nothing():
    said = run_cell("", colab=True)
    assert said.returncode == 0 and "has no address to install it from" in said.stdout
    assert "pip:" not in said.stdout and run_cell("", colab=False).stdout == ""


def test_a_package_that_was_replaced_while_in_use_asks_for_a_restart():
    said = run_cell("x", colab=True, after="importlib.metadata.version = lambda name: '2.0'")
    assert "numpy 1.0 was replaced while in use: restart the session, then go on here." in said.stdout


def test_an_installation_that_fails_says_what_to_do():
    said = run_cell("x", colab=True, status=1)
    assert "pip could not install x: check the network, then run this cell again" in said.stderr
