"""Where sentence pairs come from: sample, ManyThings.org, your own file (derived in notebook 01_data)."""

import hashlib
import io
import lzma
import os
import re
import struct
import tempfile
import warnings
import zipfile
import zlib
from collections import deque
from importlib import resources
from numbers import Integral
from pathlib import Path, PurePosixPath

import pandas as pd

from s2s_lib.data.reading import Notes, language_names, read_rows

PINNED_RELEASE = "2019-04-07"
PINNED_SHA256 = "0bb85dbaa1c896844649094d7eaf2e34bee34e84fe362b26ce7e8f2e12aae104"  # of fra.txt
PINNED_URL = "https://storage.googleapis.com/download.tensorflow.org/data/fra-eng.zip"
LATEST_URL = "https://www.manythings.org/anki/{name}.zip"
USER_AGENT = "Mozilla/5.0 (compatible; s2s_lib)"  # ManyThings answers 406 to Python's default ones
SUFFIXES = (".tsv", ".txt", ".zip")
MAX_MEMBER_BYTES = 10**9
# What zipfile raises on archives that are damaged in various places:
BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


def load_pairs(corpus: str | os.PathLike[str] = "sample", *, num_samples: int | None = None) -> pd.DataFrame:
    """Return sentence pairs in file order, with columns ``source``, ``target``, ``attribution`` (all str).

    Parameters
    ----------
    corpus
        ``"sample"``, bundled; a ManyThings.org name such as ``"fra-eng"`` or ``"deu-eng"``, looked for in
        ``$S2S_DATA_DIR``, else in `cache_dir`, and downloaded there if missing; or the path of your own
        ``.tsv``, ``.txt`` or ``.zip``: UTF-8, a pair on each line, tabs between source, target, attribution.
        ``"fra-eng"`` is one fixed release, checked by hash; other names are what ManyThings serves today.
        Sentences are composed (NFC), invisible characters removed; a warning tells what is odd in a file.
    num_samples
        How many pairs to return, from the first on (a UserWarning if there are fewer). All by default.

    Raises
    ------
    ValueError
        If the corpus is unknown, ``num_samples`` is below 1 (TypeError if it is no integer), or a file is
        malformed, not UTF-8, empty, an archive without exactly one text, or another release.
    OSError
        If a file cannot be read or written; ConnectionError if it cannot be downloaded.

    Examples
    --------
    >>> load_pairs("sample", num_samples=3).shape
    (3, 3)
    """
    if isinstance(num_samples, bool) or not isinstance(num_samples, Integral | None):
        raise TypeError(f"num_samples must be an integer or None, not {num_samples!r}")
    if num_samples is not None and num_samples < 1:
        raise ValueError(f"num_samples must be at least 1, not {num_samples}; None gives all pairs")
    wanted: list[tuple[str, str, str]] = []
    raw, name = _read(corpus)
    notes, unchanged = Notes(), corpus == "sample" or hashlib.sha256(raw).hexdigest() == PINNED_SHA256
    for row in read_rows(raw, name, notes, prepare=not unchanged):  # rows not wanted are checked, too
        if num_samples is None or len(wanted) < num_samples:
            wanted.append(row)
    if str(notes):
        warnings.warn(f"{name}: {notes}", stacklevel=2)
    if num_samples is not None and num_samples > len(wanted):
        warnings.warn(f"asked for {num_samples:,} pairs, but {corpus} has only {len(wanted):,}", stacklevel=2)
    return pd.DataFrame(wanted, columns=["source", "target", "attribution"], dtype="str")


def languages(corpus: str | os.PathLike[str], *, reverse: bool = False) -> tuple[str, str]:
    """Return the names of the source and the target language, as far as the corpus' name tells them.

    ManyThings names its files by the ISO 639-3 code of the other language and puts English first.

    >>> languages("sample"), languages("deu-eng", reverse=True), languages("pairs/own.tsv")
    (('English', 'French'), ('German', 'English'), ('the source language', 'the target language'))
    """
    stem = PurePosixPath(os.fspath(corpus)).stem
    code = "fra" if stem == "sample" else stem.removesuffix("-latest").removesuffix("-eng")
    names = {code: name.title() for name, code in language_names().items() if code != "eng"}
    pair = ("English", names[code]) if code in names else ("the source language", "the target language")
    return (pair[1], pair[0]) if reverse else pair


def cache_dir() -> Path:
    """Return the folder of downloads and trained models: ``$S2S_CACHE_DIR``, else one in the user's cache."""
    import pooch

    return Path(os.environ.get("S2S_CACHE_DIR") or pooch.os_cache("s2s_lib")).expanduser()


def _read(corpus: str | os.PathLike[str]) -> tuple[bytes, str]:
    """Return the bytes of a corpus and the name by which messages call it."""
    if corpus == "sample":
        return (resources.files("s2s_lib") / "resources" / "sample.tsv").read_bytes(), "sample.tsv"
    if isinstance(corpus, str) and re.fullmatch("[a-z]{3}-eng", corpus):
        return _read_manythings(corpus)
    looks_like_path = isinstance(corpus, str) and ({"/", os.sep} & {*corpus} or _suffix(corpus) in SUFFIXES)
    if not looks_like_path and not isinstance(corpus, os.PathLike):
        known = f'"sample", a ManyThings name such as "fra-eng", or the path of a {", ".join(SUFFIXES)} file'
        raise ValueError(f"unknown corpus {corpus!r}: use {known}")
    path = Path(corpus).expanduser()
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder; give the path of a file of sentence pairs in it")
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such file; check the path, relative to {Path.cwd()}")
    if path.is_file() and path.stat().st_size > MAX_MEMBER_BYTES:
        raise ValueError(f"{path}: holds more than {MAX_MEMBER_BYTES:,} bytes; give a part of it")
    raw = path.read_bytes()
    if _suffix(path) not in SUFFIXES:
        raise ValueError(f"{path}: expected a file whose name ends in {', '.join(SUFFIXES)}")
    return _read_member(raw, str(path)) if _suffix(path) == ".zip" else (raw, str(path))


def _suffix(path: str | os.PathLike[str]) -> str:
    return PurePosixPath(path).suffix.lower()


def _read_manythings(name: str) -> tuple[bytes, str]:
    """Return the text of a ManyThings archive and its name; download the archive where it is missing."""
    url, sha256 = (PINNED_URL, PINNED_SHA256) if name == "fra-eng" else (LATEST_URL.format(name=name), None)
    path = Path(os.environ.get("S2S_DATA_DIR") or cache_dir()).expanduser() / f"{name}.zip"
    if not path.exists():
        _download(url, path, sha256)
    return _read_release(path, str(path), sha256)


def _read_release(path: Path, name: str, sha256: str | None) -> tuple[bytes, str]:
    """Return what `_read_member` does, having compared the text's hash with the pinned one, if any."""
    raw, name = _read_member(path.read_bytes(), name)
    found = hashlib.sha256(raw).hexdigest()
    if sha256 not in (None, found):
        raise ValueError(
            f"{name} is not the release of {PINNED_RELEASE} (its sha256 is {found}, expected {sha256}): "
            "delete it to download that release, or move it elsewhere and give its path as the corpus"
        )
    return raw, name


def _download(url: str, path: Path, sha256: str | None) -> None:
    """Download an archive next to ``path``, check it, and only then give it that name."""
    import pooch
    import requests

    path.parent.mkdir(parents=True, exist_ok=True)
    fetch = pooch.HTTPDownloader(progressbar=True, headers={"User-Agent": USER_AGENT})
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as folder:
        partial = Path(folder, path.name)
        try:
            fetch(url, str(partial), None)
        except requests.RequestException as error:
            status = getattr(error.response, "status_code", None)
            reason = f"HTTP {status}" if status else type(error).__name__
            raise ConnectionError(
                f"cannot download {url} ({reason}): put {path.name} into a folder that the environment "
                f'variable S2S_DATA_DIR names, or use the bundled corpus="sample"'
            ) from None
        except OSError as error:  # a full disk, say: Python does not name the file
            error.filename = error.filename or str(path)
            raise
        deque(read_rows(*_read_release(partial, url, sha256), Notes()), maxlen=0)  # raises if it is malformed
        os.replace(partial, path)


def _read_member(raw: bytes, name: str) -> tuple[bytes, str]:
    """Return the bytes of the only text in a zip archive, and the name of both; nothing is extracted."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = [member for member in archive.infolist() if _may_hold_pairs(member)]
            if len(members) == 1 and members[0].file_size <= MAX_MEMBER_BYTES:
                return archive.read(members[0]), f"{name} ({members[0].filename})"
    except BROKEN_ZIP as error:
        raise ValueError(f"{name}: not a readable zip archive ({error}); download or pack it again") from None
    if len(members) == 1:
        raise ValueError(f"{name}: {members[0].filename!r} unpacks to more than {MAX_MEMBER_BYTES:,} bytes")
    found = ", ".join(repr(member.filename) for member in members[:5]) or "none"
    raise ValueError(f"{name}: expected one .txt or .tsv in the archive, found {len(members)}: {found}")


def _may_hold_pairs(member: zipfile.ZipInfo) -> bool:
    """Tell whether an archive's member is a text, but not the terms of use, a hidden file or macOS' own."""
    path = PurePosixPath(member.filename)
    ignored = path.name == "_about.txt" or path.name.startswith(".") or "__MACOSX" in path.parts
    return _suffix(path) in (".txt", ".tsv") and not ignored and not member.is_dir()
