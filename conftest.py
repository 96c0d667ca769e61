"""Test settings for every file, notebooks included: no test sees the user's cache, or another notebook's."""

import os
import tempfile
from pathlib import Path

import pytest

from tools.notebooks import set_kernel_environment

set_kernel_environment()
collect_ignore = ["tools/ipython"]  # settings of IPython, not modules
CACHES = tempfile.TemporaryDirectory(prefix="s2s-cache-")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that leaves no cell of a notebook unchecked."""
    text = "nbval: compare also the cells tagged nbval-ignore-output"
    parser.addoption("--compare-every-output", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Start with an empty cache, and remove it at the end."""
    os.environ["S2S_CACHE_DIR"] = CACHES.name
    config.add_cleanup(CACHES.cleanup)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Overrule the tags of the notebooks' cells where asked to."""
    if config.getoption("compare_every_output"):
        for item in items:
            if item.path.suffix == ".ipynb":
                item.options["check"] = True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give each notebook a cache of its own before its kernel starts and inherits the environment."""
    if item.path.suffix == ".ipynb":
        cache = Path(CACHES.name, item.path.parent.name, item.path.stem)
        cache.mkdir(parents=True, exist_ok=True)
        os.environ["S2S_CACHE_DIR"] = str(cache)
