"""Records of real runs, the JSON files that every quoted figure comes from (see notebook 04_training)."""

import json
import os
import platform
from contextlib import contextmanager
from importlib import metadata, resources
from pathlib import Path


def environment():
    """Return what a record says of the machine: versions, backend, device, cores."""
    import keras

    backend = keras.backend.backend()
    packages = ["keras", backend, "numpy", "pandas", "sacrebleu"]
    return {
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in packages},
        "backend": backend,
        "device": f"{platform.machine()} {platform.system()}, {os.cpu_count()} cores",
    }


def peak_memory_mb():
    """Return the most memory this process has held so far, in MB (None where the system does not tell)."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if platform.system() == "Darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


@contextmanager
def whole_file(path):
    """Hand out a partial file's path to write to; give it its final name only when all went well.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with whole_file(path) as partial:
    ...     _ = partial.write_text("all of it")
    >>> path.read_text()
    'all of it'
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(value, path):
    """Write ``value`` as JSON; the final name only ever holds a whole file."""
    with whole_file(path) as partial:
        partial.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load_record(name):
    """Return the record ``name`` that ships with the package, as a dict.

    Raises
    ------
    FileNotFoundError
        If there is none of that name; the message lists those there are.
    """
    folder = resources.files(__name__)
    try:
        return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        there = ", ".join(
            sorted(
                file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json")
            )
        )
        raise FileNotFoundError(f"no record named {name!r} in the package; there are: {there}") from None
