"""The file of a translator, checked before anything is believed (shown in notebook 05_inference).

It is a zip archive of JSON texts and of arrays without pickles; nothing in it is run. ``model.json`` names a
registered builder and its sizes. A file may come from a stranger: names, sizes and shapes are read from the
directory and the headers first, and compared with limits and with each other before memory is asked for.
"""

import json
import os
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np

from s2s_lib import records
from s2s_lib.data.vocabulary import CharVocabulary

FORMAT, OLD_FORMAT = "s2s-translator-2", "s2s-translator-1"
VOCABULARIES = ("source_vocabulary.json", "target_vocabulary.json")
# Members and their largest size in bytes, far beyond what any translator of this course needs.
MEMBERS = {"config.json": 4 * 10**6, **dict.fromkeys(VOCABULARIES, 10**6), "model.json": 10**5}
MEMBERS |= {"weights.npz": 2 * 10**8}
MAX_ARRAYS, MAX_PARAMETERS = 1_000, 40_000_000
OWN_MODELS = ("attention", "embedding")
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


@dataclass(frozen=True)
class Bundle:
    """What a file holds, checked: settings and a model's name and sizes as JSON values, and its weights."""

    settings: dict[str, Any]
    source_vocabulary: CharVocabulary
    target_vocabulary: CharVocabulary
    model: str
    sizes: dict[str, Any]
    weights: dict[str, np.ndarray]


def write(path: str | os.PathLike[str], bundle: Bundle, *, half_precision: bool) -> None:
    """Write a file, atomically, its weights as float16 or float32."""
    dtype, weights = np.float16 if half_precision else np.float32, BytesIO()
    arrays: dict[str, Any] = {name: array.astype(dtype) for name, array in bundle.weights.items()}
    np.savez(weights, **arrays)
    parts: dict[str, str | bytes] = {
        "config.json": json.dumps({"format": FORMAT} | bundle.settings, indent=1),
        "source_vocabulary.json": bundle.source_vocabulary.to_json(),
        "target_vocabulary.json": bundle.target_vocabulary.to_json(),
        "model.json": json.dumps({"model": bundle.model, "sizes": bundle.sizes}),
        "weights.npz": weights.getvalue(),
    }
    with records.atomic_write(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def find(path: str | os.PathLike[str]) -> Path | Traversable:
    """Return the file at a path, or that of a shipped translator's name, or raise FileNotFoundError."""
    if Path(path).is_file():
        return Path(path)
    if isinstance(path, str) and (file := shipped(path)):
        return file
    raise FileNotFoundError(f"{path}: no such translator file, nor one of that name in the package")


def shipped(name: str) -> Traversable | None:
    """Return the file of the translator of that name that ships with the package, or None."""
    file = resources.files("s2s_lib") / "resources" / f"{name}.s2s"
    return file if name.replace("-", "_").isidentifier() and file.is_file() else None


def read(file: Path | Traversable) -> Bundle:
    """Read a file and check all that can be checked without building a model.

    Raises
    ------
    ValueError
        If anything in it is not as `write` would have written it: in one sentence that names the file.
    OSError
        If it cannot be read.
    """
    with file.open("rb") as stream:
        try:
            with _open_zip(stream, most=len(MEMBERS)) as archive:
                return _read(archive)
        except MemoryError:
            raise
        except Exception as error:  # what damaged archives make zipfile and NumPy raise is in no manual
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise ValueError(f"{file}: not a translator file that can be read: {reason}") from error


def _open_zip(stream: IO[bytes], *, most: int) -> zipfile.ZipFile:
    """Open an archive of at most ``most`` members; measure its directory before zipfile reads all of it."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - 42))
    end = stream.read()  # the locator of a larger format's directory, if there is one, and the end record
    if len(end) < 22 or end[-22:-18] != b"PK\x05\x06" or end[:4] == b"PK\x06\x07":
        raise ValueError("it is no zip archive as this library writes it, or it was cut short")
    count, directory = struct.unpack("<10xH L", end[-22:-6])
    if count > most or directory > 300 * most:
        raise ValueError(f"its directory says {count:,} members, at most {most:,} are expected")
    stream.seek(0)
    return zipfile.ZipFile(stream)


def _members(archive: zipfile.ZipFile, limits: Mapping[str, int] | None = None) -> Iterator[zipfile.ZipInfo]:
    """Yield the members of an archive: no name twice, none that unpacks to more than its limit."""
    seen = set()
    for member in archive.infolist():
        name, most = member.filename, MEMBERS["weights.npz"]
        if name in seen:
            raise ValueError(f"it holds two members {name!r}")
        seen.add(name)
        if limits is not None:
            if name not in limits:
                raise ValueError(f"it holds {name!r}, expected are {', '.join(limits)}")
            most = limits[name]
        if member.file_size > most:
            raise ValueError(f"{name} unpacks to {member.file_size:,} bytes, at most {most:,} are allowed")
        if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name} is encrypted, or packed in a way that this library does not write")
        yield member
    if limits is not None and seen != set(limits):
        raise ValueError(f"it lacks {', '.join(name for name in limits if name not in seen)}")


def _read(archive: zipfile.ZipFile) -> Bundle:
    members = {member.filename: member for member in _members(archive, MEMBERS)}
    settings, model = (
        _json_object(archive.read(members[name]), name) for name in ("config.json", "model.json")
    )
    if settings.get("format") == OLD_FORMAT:
        raise ValueError(
            "it was written by an older version, whose files held a Keras graph: convert it, in a checkout "
            "of the course, with: python -m tools.ship convert OLD.s2s NEW.s2s"
        )
    if settings.pop("format", None) != FORMAT:
        raise ValueError(f"config.json does not say that its format is {FORMAT!r}")
    source, target = (_vocabulary(archive.read(members[name]), name) for name in VOCABULARIES)
    name, sizes = model.get("model"), model.get("sizes")
    if set(model) != {"model", "sizes"} or not isinstance(name, str) or not isinstance(sizes, dict):
        raise ValueError('model.json must be JSON like {"model": "attention", "sizes": {...}}')
    for size, expected in (("num_source_tokens", len(source)), ("num_target_tokens", len(target))):
        if sizes.get(size) != expected:
            raise ValueError(f"the vocabularies need {size} {expected}, model.json says {sizes.get(size)!r}")
    weights = archive.read(members["weights.npz"])
    with _open_zip(BytesIO(weights), most=MAX_ARRAYS) as arrays:
        return Bundle(settings, source, target, name, sizes, _read_arrays(arrays, name, sizes))


def _json_object(text: bytes, name: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a JSON object, not {type(value).__name__}")
    return value


def _vocabulary(text: bytes, name: str) -> CharVocabulary:
    """Return the vocabulary of a member whose characters stand in the order of their ids."""
    vocabulary = CharVocabulary.from_json(text)
    if json.loads(text)["characters"] != "".join(vocabulary.characters):
        raise ValueError(f"the characters in {name} are not sorted, or one stands twice: ids would be wrong")
    return vocabulary


def _read_arrays(archive: zipfile.ZipFile, model: str, sizes: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the arrays of ``weights.npz`` after all headers were found to fit limits and sizes."""
    members = list(_members(archive))
    total = 0
    for member in members:
        name = member.filename
        if not re.fullmatch(r"[^/\\]+/\d+\.npy", name):
            raise ValueError(f"weights.npz holds {name!r}, expected are names like 'decoder_lstm/0.npy'")
        with archive.open(member) as stream:
            version = np.lib.format.read_magic(stream)
            if version not in HEADERS:
                raise ValueError(f"{name} is written in version {version} of the npy format")
            shape, _, dtype = HEADERS[version](stream, max_header_size=1_000)
            parameters = int(np.prod(shape, dtype=object))
            if dtype not in (np.dtype("<f2"), np.dtype("<f4")):
                raise ValueError(f"{name} holds {dtype}, expected are float16 or float32")
            if min(shape, default=1) < 1 or stream.tell() + parameters * dtype.itemsize != member.file_size:
                raise ValueError(f"{name} does not hold the numbers of its shape {shape}")
        total += parameters
    least = least_parameters(sizes) // (1 if model in OWN_MODELS else 10)  # a reader's may be leaner
    if max(least, total) > MAX_PARAMETERS or least > total:
        raise ValueError(
            f"weights.npz holds {total:,} numbers, a model of model.json's sizes {least:,} or more; they "
            f"must agree, and at most {MAX_PARAMETERS:,} are allowed"
        )
    weights = {}
    for member in members:
        with archive.open(member) as stream:
            array = np.lib.format.read_array(stream, allow_pickle=False).astype(np.float32)
        if not np.isfinite(array).all():
            raise ValueError(f"{member.filename} holds numbers that are not finite")
        weights[member.filename.removesuffix(".npy")] = array
    return weights


def least_parameters(sizes: Mapping[str, Any]) -> int:
    """Return a number of parameters below that of the course's models of these sizes, but near it.

    It counts embeddings, output layer and recurrent kernels of the decoder, so that no file can ask for a
    model far larger than the file itself.
    """
    names = ("num_source_tokens", "num_target_tokens", "embedding_dim", "latent_dim", "layers")
    numbers = [sizes.get(name, 1) for name in names]
    if not all(isinstance(number, int) and number >= 1 for number in numbers):
        return 0  # the builder says what is wrong
    sources, targets, width, units, layers = numbers
    return (sources + targets) * width + units * targets + 3 * units * (width + layers * units)
