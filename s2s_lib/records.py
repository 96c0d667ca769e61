"""Records of real runs: the JSON files that every quoted figure comes from (shown in 04_training)."""

import json
import os
import platform
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import metadata, resources
from pathlib import Path
from typing import Any

SIDES = {
    "example": "the example",
    "ours": "ours",
    "torch": "the same in PyTorch",
    "ours_on_torch": "ours, Keras on PyTorch",
    "ours_on_torch_bfloat16": "ours on PyTorch, bfloat16",
}


def environment() -> dict[str, Any]:
    """Return the versions, backend and device that a record states."""
    import keras

    backend = keras.backend.backend()
    packages = ["keras", backend, "numpy", "pandas", "sacrebleu"]
    return {
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in packages},
        "backend": backend,
        "device": f"{platform.machine()} {platform.system()}, {os.cpu_count()} cores",
    }


def peak_memory_mb() -> int | None:
    """Return the peak memory of this process so far, in MB (None where the system does not tell)."""
    status = Path("/proc/self/status")
    if status.is_file():  # on Linux `resource` would count the process that started this one, too
        kilobytes = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        return round(int(kilobytes[1]) * 1024 / 1e6) if kilobytes else None
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if platform.system() == "Darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield the path of a temporary file to write to, then rename it to ``path``; an error leaves no trace.

    OSError names the file and what to do.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with atomic_write(path) as partial:
    ...     _ = partial.write_text("all of it")
    >>> path.read_text()
    'all of it'
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")  # one for each thread
    try:
        with _way_out(path):
            yield partial
            os.replace(partial, path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder unless it is there; OSError, now and not after hours, if it cannot be written to."""
    with _way_out(folder):
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()


@contextmanager
def _way_out(path: Path) -> Iterator[None]:
    """Let the system's errors name the path and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # none of the system's: a connection that failed, say
            raise
        way_out = "free some space, or name a folder that is there and can be written"
        raise OSError(error.errno, f"{error.strerror}: {way_out}", str(path)) from error


def write_json(value: Any, path: str | os.PathLike[str]) -> None:
    """Write ``value`` as JSON, atomically."""
    with atomic_write(path) as partial:
        partial.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load_record(name: str) -> dict[str, Any]:
    """Return the record ``name`` that ships with the package; FileNotFoundError lists those there are."""
    folder = resources.files("s2s_lib") / "resources" / "records"
    files = {file.name.removesuffix(".json"): file for file in folder.iterdir()}
    if name not in files:
        raise FileNotFoundError(
            f"no record named {name!r} in the package; there are: {', '.join(sorted(files))}"
        )
    record: dict[str, Any] = json.loads(files[name].read_text(encoding="utf-8"))
    return record


def by_side(values: Mapping[str, float | None]) -> dict[str, float]:
    """Return a figure of the bench's record by the names that pictures use, without unmeasured sides.

    >>> by_side({"example": 20.0, "ours": 7.5, "torch": None})
    {'the example': 20.0, 'ours': 7.5}
    """
    measured = {side: values.get(side) for side in SIDES}
    return {SIDES[side]: value for side, value in measured.items() if value is not None}
