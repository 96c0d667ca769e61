"""Keeps TensorFlow's start-up lines off the screen, and only these (felt in all notebooks).

TensorFlow 2.21 writes them while it is imported, before it reads TF_CPP_MIN_LOG_LEVEL. So its import is
watched: what it writes to standard error is kept aside, and all but the known lines is written afterwards.
"""

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

KNOWN = (
    rb"WARNING: All log messages before absl::InitializeLog|To enable the following instructions"
    rb"|I\d{4} .*\b(port|cudart_stub|cpu_feature_guard)\.cc:\d+\]"
)


class QuietImport(MetaPathFinder):
    """Finds TensorFlow once, as the usual finders do, and has it loaded without its known lines."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """Watch the import of ``tensorflow``; leave all others alone."""
        if name != "tensorflow" or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            watched: Any = spec.loader
            watched.exec_module = without_known_lines()(watched.exec_module)
        return spec


@contextmanager
def without_known_lines() -> Iterator[None]:
    """Write what goes to standard error meanwhile afterwards, without the known lines."""
    import re
    import tempfile

    try:
        screen = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(screen, 2)
            aside.seek(0)
            os.write(screen, b"".join(line for line in aside if not re.match(KNOWN, line)))
            os.close(screen)


def install() -> None:
    """Watch the import of TensorFlow, unless it has been imported."""
    if "tensorflow" not in sys.modules and not any(isinstance(one, QuietImport) for one in sys.meta_path):
        sys.meta_path.insert(0, QuietImport())
