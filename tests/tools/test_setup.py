"""`python -m tools.setup`, up to the point where it would install something."""

import ast
import errno
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools import setup


@pytest.fixture
def machine(monkeypatch):
    """A machine with room on its disk, and a list of the commands that would have run; each may fail."""
    machine = SimpleNamespace(free=10**11, commands=[], failing="", output="")

    def run(command, **options):
        machine.commands.append(command)
        fails = machine.failing in command
        if "venv" in command and not fails:
            Path(command[-1]).mkdir(exist_ok=True)
        return SimpleNamespace(returncode=int(fails), stdout=machine.output)

    monkeypatch.setattr(setup.shutil, "disk_usage", lambda _: machine)
    monkeypatch.setattr(setup.subprocess, "run", run)
    monkeypatch.setattr(setup, "version_of", lambda _: ())  # no environment yet
    monkeypatch.delenv("COURSE_PYTHON", raising=False)
    return machine


def test_it_makes_the_environment_installs_the_pinned_versions_and_stamps_it(machine, tmp_path):
    setup.main(tmp_path)
    venv, pip = machine.commands
    assert venv[1:4] == ["-m", "venv", "--clear"]
    assert pip[0] == str(tmp_path / ".venv/bin/python")
    assert pip[-4:-1] == ["-c", "constraints.txt", "-e"]
    assert (tmp_path / ".venv" / ".installed").exists()


def test_a_failed_installation_is_explained_and_leaves_no_stamp(machine, tmp_path, capsys):
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".installed").touch()
    machine.failing, machine.output = "pip", "WARNING: Retrying (Retry(total=4))\nERROR: No matching ..."
    with pytest.raises(SystemExit, match="No package registry can be reached: check the network"):
        setup.main(tmp_path)
    assert not (tmp_path / ".venv" / ".installed").exists()
    assert "ERROR: No matching" in capsys.readouterr().err


def test_a_full_disk_and_anything_else_are_explained(monkeypatch, tmp_path):
    assert "disk is full" in setup.explain(f"[Errno {errno.ENOSPC}] No space left on device")
    assert "message above" in setup.explain("ERROR: something else")
    monkeypatch.setattr(setup, "set_up", lambda root: (root / "missing").read_text())
    with pytest.raises(SystemExit, match="message above"):
        setup.main(tmp_path)


def test_too_little_space_is_said_before_it_starts(machine, tmp_path):
    machine.free = 287_000_000
    with pytest.raises(SystemExit, match=r"needs about 5 GB of disk space, and 0\.3 GB are free"):
        setup.main(tmp_path)
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("version", [(3, 10, 1), (3, 14, 0)])
def test_a_python_without_tensorflow_is_refused_by_name(machine, tmp_path, monkeypatch, version):
    monkeypatch.setattr(setup, "sys", SimpleNamespace(version_info=version))
    with pytest.raises(SystemExit, match=r"Python 3\.11, 3\.12 or 3\.13 .* not 3\.1[04]\.\d: install one"):
        setup.main(tmp_path)
    assert machine.commands == []


def test_a_missing_venv_module_is_explained(machine, tmp_path):
    machine.failing = "venv"
    with pytest.raises(SystemExit, match=r"could not make \.venv: .* apt install python3\.\d+-venv"):
        setup.main(tmp_path)


@pytest.mark.parametrize(
    ("named", "old", "made"), [("", (3, 12), False), ("", (3, 14), True), ("x", (3, 9), True)]
)
def test_a_working_environment_is_kept_unless_another_python_was_asked_for(
    machine, tmp_path, monkeypatch, named, old, made
):
    monkeypatch.setenv("COURSE_PYTHON", named)
    monkeypatch.setattr(setup, "version_of", lambda _: old)
    (tmp_path / ".venv").mkdir(exist_ok=True)
    machine.failing = "venv"
    if made:
        with pytest.raises(SystemExit, match="could not make"):
            setup.main(tmp_path)
    else:
        setup.main(tmp_path)


def test_ctrl_c_says_how_to_go_on(tmp_path, monkeypatch):
    def stop(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(setup, "set_up", stop)
    with pytest.raises(SystemExit, match="Interrupted; make setup will continue from here"):
        setup.main(tmp_path)


def test_an_interpreter_without_pip_is_none(tmp_path):
    assert setup.version_of(tmp_path / "python") == ()
    (tmp_path / "python").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python").chmod(0o755)
    assert setup.version_of(tmp_path / "python") == ()


def test_an_old_python_can_read_it_and_so_say_what_is_wrong():
    ast.parse(Path(setup.__file__).read_text(encoding="utf-8"), feature_version=(3, 7))
