"""pyproject.toml, constraints.txt and environment.yml agree, and so does what make setup installed."""

import sys
import tomllib
from importlib import metadata
from itertools import chain
from pathlib import Path

import pytest
import rattler
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import s2s_lib
from tests.distributions import transitive_requirements

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENTS = {
    canonicalize_name(requirement.name): requirement
    for text in chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for requirement in [Requirement(text)]
}
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
CONDA_SPECS = [text for text in CONDA if isinstance(text, str)]
CONSTRAINTS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
PINS = {
    canonicalize_name(pin.name): pin for pin in CONSTRAINTS if pin.marker is None or pin.marker.evaluate()
}
VENV = ROOT / ".venv"
in_the_environment_of_make_setup = pytest.mark.skipif(
    Path(sys.prefix) != VENV or not (VENV / ".installed").exists(),
    reason="this Python's packages were not installed by make setup",
)


def test_environment_yml_names_what_pyproject_names_and_installs_it_by_the_constraints():
    pip = next(entry["pip"] for entry in CONDA if isinstance(entry, dict))
    assert pip[:2] == ["-c constraints.txt", f"-e .[{','.join(PROJECT['optional-dependencies'])}]"]
    assert {canonicalize_name(Requirement(text).name) for text in pip[2:]} == set(REQUIREMENTS)


def test_conda_s_own_specs_are_valid_and_ask_for_the_same_python_as_pyproject():
    specs = {rattler.MatchSpec(text).name.normalized: text for text in CONDA_SPECS}
    assert set(specs) == {"python", "pip", "make"}
    assert SpecifierSet(specs["python"].removeprefix("python")) == SpecifierSet(PROJECT["requires-python"])


def test_constraints_hold_exact_versions_and_nothing_else():
    for pin in CONSTRAINTS:
        assert pin.url is None and [specifier.operator for specifier in pin.specifier] == ["=="], str(pin)


def test_every_dependency_is_pinned_inside_its_range():
    for name, requirement in REQUIREMENTS.items():
        (pin,) = PINS[name].specifier
        assert requirement.specifier.contains(pin.version), name


@in_the_environment_of_make_setup
def test_the_versions_installed_are_those_of_the_constraints():
    for name in REQUIREMENTS:
        assert PINS[name].specifier.contains(metadata.version(name)), f"{name}: run make setup"


@in_the_environment_of_make_setup
def test_whatever_the_dependencies_bring_in_is_pinned_too():
    brought = transitive_requirements("s2s-course", tuple(PROJECT["optional-dependencies"]))
    assert not brought - set(PINS) - {"s2s-course", "pip"}, "add them to constraints.txt"


def test_the_files_of_the_project_agree_on_version_license_and_address():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation.get("repository-code") == PROJECT["urls"].get("Repository")
    assert citation["license"] == PROJECT["license"]
    assert citation["version"] == PROJECT["version"] == s2s_lib.__version__
