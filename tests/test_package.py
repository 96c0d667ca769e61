"""The package as a whole: light to import, one way of dependence, nothing tied to one backend."""

import ast
import importlib
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

import s2s_lib

ROOT = Path(__file__).parents[1]


def modules_of(package):
    """Return the file of each module of a package in the checkout, by its name behind the package's."""
    folder = ROOT / package
    names = {
        file: ".".join(file.relative_to(folder).with_suffix("").parts)
        for file in sorted(folder.rglob("*.py"))
    }
    return {re.sub(r"\.?__init__$", "", name): file for file, name in names.items()}


LIBRARY, TOOLS = modules_of("s2s_lib"), modules_of("tools")
MODULES = [name for name in LIBRARY if name not in ("", "data", "evaluation")]  # the rest is empty, or a map
TOP = {name.split(".")[0] for name in MODULES}
# Each line may import from the lines above it, and nothing else of ours: the walk of a sentence pair.
WALK = [
    {"arguments", "figures", "quiet", "records"},  # these import nothing of ours
    {
        "data.gloss",
        "data.vocabulary",
        "data.splitting",
    },  # vocabulary also holds what prepares text, for the corpus too
    {"data.reading"},
    {"data.corpus"},
    {"data.vectorization"},
    {"data.batches"},
    {"models"},
    {"training", "decoding", "bundle", "export"},
    {"translator"},
    {"widget"},
    {"evaluation.metrics"},
    {"evaluation.errors", "evaluation.exposure"},
    {"evaluation.challenge"},
    {"evaluation.held_out", "example"},
    {"streams"},
    {"checks.recall", "checks.exercise"},
    {
        f"checks.{name}"
        for name in (
            "attention",
            "audit",
            "beam",
            "clinic",
            "data",
            "errors",
            "inference",
            "model",
            "scores",
            "sweeps",
            "training",
            "vectorization",
        )
    },
    {"checks"},
    {"cli"},
    {"evaluate", "__main__"},
]
HEAVY = {"IPython", "jax", "keras", "matplotlib", "numpy", "pandas", "pooch", "rapidfuzz", "requests",
         "sacrebleu", "tensorflow", "torch", "tqdm"}  # fmt: skip
STUB = ast.parse((ROOT / "s2s_lib" / "__init__.pyi").read_text(encoding="utf-8"))
BEARERS = {  # of each public name, as the stub tells an editor
    name.asname or name.name: f"s2s_lib.{node.module or name.name}"
    for node in STUB.body
    if isinstance(node, ast.ImportFrom)
    for name in node.names
}


def imports(file):
    """Return the dotted name of everything that a file imports, anywhere in its text."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


def modules_in(package, modules, file):
    """Return those modules of a package that a file imports, or imports a name from."""
    parts = [name.split(".")[1:] for name in imports(file) if name.split(".")[0] == package]
    beginnings = (".".join(some[:n]) for some in parts for n in (len(some), len(some) - 1) if n)
    return {name for name in beginnings if name in modules}


def ours(module):
    """Return the modules of the library that one of them imports."""
    return modules_in("s2s_lib", MODULES, LIBRARY[module])


def in_fresh_process(code):
    """Return what a new Python, which has imported nothing yet, prints for ``code``."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


# Importing


def test_importing_the_package_takes_milliseconds_and_imports_nothing_heavy():
    code = (
        "import sys, time; t = time.process_time(); import s2s_lib; t = time.process_time() - t;"
        f"print(t, *{HEAVY} & {{*sys.modules}})"
    )
    seconds, *heavy = in_fresh_process(code).split()
    assert float(seconds) < 0.1
    assert heavy == []


def test_reading_pairs_and_records_brings_in_no_backend_no_figures_and_nothing_to_download_with():
    code = (
        "import sys, s2s_lib; s2s_lib.load_pairs; s2s_lib.CharVocabulary; s2s_lib.split_pairs;"
        "s2s_lib.id_arrays; s2s_lib.load_record;"
        f"print(*{HEAVY - {'numpy', 'pandas'}} & {{*sys.modules}})"
    )
    assert in_fresh_process(code) == ""


# Names


@pytest.mark.parametrize("name", s2s_lib.__all__)
def test_every_public_name_is_imported_from_where_the_stub_says(name):
    bearer = importlib.import_module(BEARERS[name])
    found = getattr(s2s_lib, name)
    assert found is (bearer if isinstance(found, ModuleType) else getattr(bearer, name))
    assert found.__name__.split(".")[-1] == name
    assert found.__doc__


def test_the_stub_and_the_package_list_the_same_names():
    assert sorted(BEARERS) == sorted(s2s_lib.__all__)
    assert set(s2s_lib.__all__) <= set(dir(s2s_lib))
    exported = {}
    exec(f"from s2s_lib import {', '.join(s2s_lib.__all__)}", exported)
    assert exported.keys() >= set(s2s_lib.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    assert not hasattr(s2s_lib, "load_paris")
    with pytest.raises(AttributeError, match=r"s2s_lib.* load_paris"):
        _ = s2s_lib.load_paris


def test_the_map_names_modules_that_are_there():
    named = set(re.findall(r"`(s2s_lib\.[\w.]+)`", s2s_lib.__doc__))
    assert len(named) > 10
    assert [name for name in named if not find_spec(name)] == []
    stages = {name.removeprefix("s2s_lib.").split(".")[0] for name in named}
    assert {"data", "models", "training", "decoding", "translator", "evaluation", "example"} <= stages


@pytest.mark.parametrize("module", MODULES)
def test_the_first_line_of_a_module_names_its_notebook(module):
    first = ast.get_docstring(ast.parse(LIBRARY[module].read_text(encoding="utf-8"))).splitlines()[0]
    assert re.search(r"\d\d_[a-z]|all notebooks", first)


# The arrows


def test_every_module_has_its_place_in_the_walk():
    assert sorted(module for line in WALK for module in line) == sorted(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_stands_before_it_in_the_walk(module):
    place = next(i for i, line in enumerate(WALK) if module in line)
    assert ours(module) <= set().union(*WALK[:place])


@pytest.mark.parametrize("module", MODULES)
def test_a_module_names_the_modules_it_imports_from_and_never_the_package_as_a_whole(module):
    asked = {name for name in imports(LIBRARY[module]) if name.split(".")[0] == "s2s_lib"}
    assert [name for name in asked if name == "s2s_lib" or name.split(".")[1] not in TOP] == []


@pytest.mark.parametrize("package", ["data", "evaluation"])
def test_a_folder_imports_nothing_so_that_one_idea_does_not_bring_in_the_others(package):
    assert imports(LIBRARY[package]) == set()


@pytest.mark.parametrize("module", [*LIBRARY])
def test_nothing_in_the_library_imports_the_example_the_figures_or_the_tools(module):
    names = imports(LIBRARY[module])
    beside = {"s2s_lib.example", "s2s_lib.figures", "tools", "tests"}
    assert [name for name in names if name in beside or name.startswith(tuple(f"{b}." for b in beside))] == []


def test_no_tool_imports_one_that_imports_it():
    arrows = {tool: modules_in("tools", TOOLS, file) - {tool} for tool, file in TOOLS.items()}
    assert list(TopologicalSorter(arrows).static_order())  # CycleError names a circle


@pytest.mark.parametrize("module", [*LIBRARY])
def test_no_module_is_tied_to_one_backend(module):
    assert not {name.split(".")[0] for name in imports(LIBRARY[module])} & {"tensorflow", "jax", "torch"}


# The picture in README


def rooms_of(module):
    """Return the room of a module of the walk: a folder or a file."""
    return module.split(".")[0]


def test_the_picture_in_readme_draws_the_imports_of_the_walk_and_no_shortcut():
    text = (ROOT / "README.md").read_text(encoding="utf-8").split("```mermaid")[1].split("```")[0]
    drawn = set(re.findall(r"(\w+) --> (\w+)", text))
    rooms = {room for arrow in drawn for room in arrow}
    used = {room: set() for room in rooms}
    for module in LIBRARY:
        if rooms_of(module) in rooms:
            used[rooms_of(module)] |= {rooms_of(other) for other in ours(module)} & rooms - {rooms_of(module)}
    reached = {}
    for room in TopologicalSorter(used).static_order():
        reached[room] = used[room].union(*(reached[other] for other in used[room]))
    longest = {
        (source, room)
        for room in rooms
        for source in used[room]
        if not any(source in reached[other] for other in used[room])
    }
    assert drawn == longest
