"""The files that say what to install agree, and what is installed is what they say."""

import re
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

from tests.distributions import transitive_requirements

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENTS = {
    canonicalize_name(requirement.name): requirement
    for text in chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for requirement in [Requirement(text)]
}
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
PIP = next(entry["pip"] for entry in CONDA if isinstance(entry, dict))
CONSTRAINTS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
PINS = {
    canonicalize_name(pin.name): pin for pin in CONSTRAINTS if pin.marker is None or pin.marker.evaluate()
}


def test_environment_yml_names_what_pyproject_names():
    names = {canonicalize_name(Requirement(text).name) for text in PIP if not text.startswith("-")}
    assert names == set(REQUIREMENTS)


def test_environment_yml_points_to_the_ranges_and_the_exact_versions():
    assert PIP[:2] == ["-c constraints.txt", "-e .[notebooks,test]"]
    assert set(PROJECT["optional-dependencies"]) == {"notebooks", "test"}
    for text in PIP[2:]:  # a range here would be a second place for it
        assert Requirement(text).specifier in (
            SpecifierSet(),
            REQUIREMENTS[canonicalize_name(text)].specifier,
        )


def test_every_conda_spec_is_valid():
    specs = [rattler.MatchSpec(text) for text in CONDA if isinstance(text, str)]
    assert {spec.name.normalized for spec in specs} == {"python", "pip", "make"}


def test_conda_and_pyproject_ask_for_the_same_python():
    text = next(spec for spec in CONDA if isinstance(spec, str) and spec.startswith("python"))
    assert SpecifierSet(text.removeprefix("python")) == SpecifierSet(PROJECT["requires-python"])


@pytest.mark.parametrize("name", ["pyproject.toml", "environment.yml"])
def test_each_dependency_says_which_notebook_or_tool_needs_it(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for requirement in REQUIREMENTS:
        lines = re.findall(rf'^ *(?:"|- ){requirement}(?![\w-]).*$', text, flags=re.MULTILINE | re.IGNORECASE)
        assert len(lines) == 1, requirement
        assert re.search(r"# .*(notebook|test|tools|lint)", lines[0]), lines[0]


def test_what_the_course_is_known_to_stand_on_is_listed_by_name():
    known = {"jupyterlab", "nbval", "papermill", "keras", "tensorflow", "numpy", "pandas", "matplotlib"}
    assert known <= {canonicalize_name(text) for text in PIP}


def test_constraints_pin_every_dependency_inside_its_range():
    for name, requirement in REQUIREMENTS.items():
        (pin,) = PINS[name].specifier
        assert pin.operator == "=="
        assert requirement.specifier.contains(pin.version), name


def test_constraints_hold_exact_versions_and_nothing_else():
    for pin in CONSTRAINTS:
        assert pin.url is None and [specifier.operator for specifier in pin.specifier] == ["=="], str(pin)


def test_the_versions_installed_are_those_of_the_constraints():
    for name in REQUIREMENTS:
        assert PINS[name].specifier.contains(metadata.version(name)), f"{name}: run make setup"


def test_constraints_cover_whatever_the_dependencies_bring_in():
    missing = set()
    for name in transitive_requirements("s2s-course", ("notebooks", "test")) - {"s2s-course", "pip"}:
        if name not in PINS:
            missing.add(name)
    assert not missing, "add them to constraints.txt"


def test_this_python_is_one_that_the_project_asks_for():
    version = ".".join(map(str, sys.version_info[:3]))
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)


def test_the_files_of_the_project_agree_on_version_and_address():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["repository-code"] == PROJECT["urls"]["Repository"]
    assert citation["license"] == PROJECT["license"] == "Apache-2.0"
    import s2s_lib

    assert citation["version"] == PROJECT["version"] == s2s_lib.__version__
