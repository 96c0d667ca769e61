"""The package as a whole: light to import, one way of dependence, nothing tied to one backend."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import s2s_lib

FOLDER = Path(s2s_lib.__file__).parent
SOURCES = {
    path.parent.name if path.stem == "__init__" else path.stem: path for path in sorted(FOLDER.rglob("*.py"))
}  # the package itself under its own name, s2s_lib
MODULES = sorted(SOURCES.keys() - {"s2s_lib"})

# Each line may import from the lines above it, and nothing else of ours.
LAYERS = [
    {"records", "corpus", "splitting", "vocabulary", "plots", "comparisons"},
    {"vectorization", "models", "callbacks"},
    {"batches", "decoding", "example"},
    {"beam", "sampling", "bundle", "training", "metrics"},
    {"translator", "analysis"},
    {"evaluate", "challenge", "exposure"},
]
HEAVY = ["IPython", "jax", "keras", "matplotlib", "numpy", "pandas", "pooch", "rapidfuzz", "requests",
         "sacrebleu", "tensorflow", "torch", "tqdm"]  # fmt: skip


def imports(module):
    """Return the dotted name of everything that a module imports, anywhere in its text."""
    found = set()
    for node in ast.walk(ast.parse(SOURCES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


def ours(module):
    """Return the modules of ours that a module imports."""
    return {name.split(".")[1] for name in imports(module) if name.split(".")[0] == "s2s_lib"}


def in_fresh_process(code):
    """Return what a new Python, which has imported nothing yet, prints for ``code``."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_the_package_imports_nothing_heavy():
    code = f"import sys, s2s_lib; print(*[name for name in {HEAVY} if name in sys.modules])"
    assert in_fresh_process(code) == ""


def test_importing_the_package_takes_a_blink_of_processor_time():
    code = "import time; t = time.process_time(); import s2s_lib; print(time.process_time() - t)"
    assert float(in_fresh_process(code)) < 0.3


def test_asking_for_a_name_imports_its_module_and_no_backend_it_does_not_need():
    code = (
        "import sys, s2s_lib; s2s_lib.load_pairs; s2s_lib.CharVocabulary;"
        "s2s_lib.one_hot_arrays; s2s_lib.split_pairs; s2s_lib.load_record;"
        "print(*[name for name in ('keras', 'tensorflow', 'jax', 'matplotlib') if name in sys.modules])"
    )
    assert in_fresh_process(code) == ""


@pytest.mark.parametrize("name", s2s_lib.__all__)
def test_every_public_name_leads_to_what_bears_it(name):
    assert getattr(s2s_lib, name).__name__.removeprefix("s2s_lib.") == name


def test_every_public_name_has_a_docstring():
    assert [name for name in s2s_lib.__all__ if not getattr(s2s_lib, name).__doc__] == []


def test_every_module_is_public_and_every_name_is_listed_once():
    assert set(MODULES) <= set(s2s_lib.__all__)
    assert dir(s2s_lib) == s2s_lib.__all__ == sorted(set(s2s_lib.__all__))


def test_a_name_that_is_not_there_is_an_attribute_error():
    assert not hasattr(s2s_lib, "load_paris")
    with pytest.raises(AttributeError, match=r"^module 's2s_lib' has no attribute 'load_paris'$"):
        _ = s2s_lib.load_paris


def test_every_module_has_its_layer():
    assert sorted(module for layer in LAYERS for module in layer) == MODULES


def test_no_chain_of_imports_comes_back_to_where_it_began():
    assert len(list(TopologicalSorter({module: ours(module) for module in MODULES}).static_order()))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_layers_above_its_own(module):
    height = next(i for i, layer in enumerate(LAYERS) if module in layer)
    assert ours(module) <= set().union(*LAYERS[:height])


def test_plots_import_nothing_of_ours():
    assert ours("plots") == set()


@pytest.mark.parametrize("module", [*MODULES, "s2s_lib"])
def test_no_module_is_tied_to_one_backend(module):
    assert not {name.split(".")[0] for name in imports(module)} & {"tensorflow", "tf_keras", "jax", "torch"}


@pytest.mark.parametrize("module", [*MODULES, "s2s_lib"])
def test_no_module_is_longer_than_one_idea_needs(module):
    assert len(SOURCES[module].read_text(encoding="utf-8").splitlines()) <= 260


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"records"}))
def test_the_first_line_of_a_module_names_its_notebook(module):
    first = ast.get_docstring(ast.parse(SOURCES[module].read_text(encoding="utf-8"))).splitlines()[0]
    numbered = any(f"0{n}_" in first for n in range(1, 10))
    assert numbered or "all notebooks" in first
