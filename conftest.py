"""Test settings that hold for every file, notebooks included.

No test sees the user's cache, and each notebook that nbval runs gets an empty one of its own, so that what
one notebook trained cannot help the next. ``--compare-every-output`` compares also the cells tagged
``nbval-ignore-output``.
"""

import os
import tempfile
from pathlib import Path

import pytest

if os.environ.get("S2S_DATA_DIR"):  # may be relative to the project, and kernels run in other folders
    os.environ["S2S_DATA_DIR"] = str(Path(os.environ["S2S_DATA_DIR"]).expanduser().resolve())
os.environ["IPYTHONDIR"] = str(Path(__file__).resolve().parent / "tools" / "ipython")  # for kernels

collect_ignore = ["tools/ipython"]  # settings of IPython, not modules


def pytest_addoption(parser):
    """Add the option that leaves no cell of a notebook unchecked."""
    text = "nbval: compare also the cells tagged nbval-ignore-output"
    parser.addoption("--compare-every-output", action="store_true", help=text)


def pytest_configure(config):
    """Start with an empty cache."""
    config.pluginmanager.register(FreshCaches(), "fresh-caches")


def pytest_collection_modifyitems(config, items):
    """Overrule the tags of the notebooks' cells where asked to."""
    if config.getoption("compare_every_output"):
        for item in items:
            if item.path.suffix == ".ipynb":
                item.options["check"] = True


class FreshCaches:
    """Points S2S_CACHE_DIR to an empty folder: one for all unit tests, one for each notebook."""

    def __init__(self):
        self.notebook = self.folder = None
        self.renew()

    def renew(self):
        """Replace the folder by a new one."""
        self.remove()
        self.folder = tempfile.TemporaryDirectory(prefix="s2s-cache-")
        os.environ["S2S_CACHE_DIR"] = self.folder.name

    def remove(self):
        """Remove the folder and what it holds."""
        if self.folder:
            self.folder.cleanup()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item):
        """Renew the cache before a notebook's kernel starts and inherits the environment."""
        if item.path.suffix == ".ipynb" and item.path != self.notebook:
            self.notebook = item.path
            self.renew()

    def pytest_unconfigure(self):
        """Leave nothing behind."""
        self.remove()
