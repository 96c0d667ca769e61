"""Where sentence pairs come from: sample, ManyThings.org, your own file (derived in notebook 01_data)."""

import codecs
import hashlib
import io
import lzma
import os
import re
import struct
import sys
import tempfile
import warnings
import zipfile
import zlib
from collections import deque
from importlib import resources
from itertools import islice
from numbers import Integral
from pathlib import Path, PurePosixPath

import pandas as pd

PINNED_RELEASE = "2019-04-07"
PINNED_SHA256 = "0bb85dbaa1c896844649094d7eaf2e34bee34e84fe362b26ce7e8f2e12aae104"  # of fra.txt
PINNED_URL = "https://storage.googleapis.com/download.tensorflow.org/data/fra-eng.zip"
LATEST_URL = "https://www.manythings.org/anki/{name}.zip"
USER_AGENT = "Mozilla/5.0 (compatible; s2s_lib)"  # ManyThings answers 406 to Python's default ones
SUFFIXES = (".tsv", ".txt", ".zip")
MAX_MEMBER_BYTES = 10**9
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError)
BROKEN_ZIP += (OSError, RuntimeError, ValueError)  # what zipfile raises on archives damaged in other places


def load_pairs(corpus="sample", *, num_samples=None, release=PINNED_RELEASE, reverse=False):
    """Return sentence pairs in file order.

    Parameters
    ----------
    corpus : str or path
        ``"sample"``, bundled; a ManyThings.org name such as ``"fra-eng"`` or ``"deu-eng"``, looked for in
        ``$S2S_DATA_DIR``, else in `cache_dir`, and downloaded there if missing; or the path of your own
        ``.tsv``, ``.txt`` or ``.zip``: UTF-8, one pair a line, tabs between source, target and attribution.
    num_samples : int, optional
        How many pairs to return, the first ones. All by default.
    release : {"2019-04-07", "latest"}
        Only ``"fra-eng"`` has a pinned release, checked by hash. Its ``"latest"`` (``fra-eng-latest.zip``)
        and all other language pairs are what ManyThings served on the day of download.
    reverse : bool
        Swap source and target. ManyThings files have English first, so English is the source by default.

    Returns
    -------
    pandas.DataFrame, ``(num_pairs, 3)``
        Columns ``source``, ``target`` and ``attribution``, all str; ``attribution`` is "" where absent.

    Raises
    ------
    ValueError
        If corpus or release is unknown, ``num_samples`` is below 1 (TypeError if no integer), or a file is
        malformed, not UTF-8, empty, an archive without exactly one text, or another release.
    OSError
        If a file cannot be read or written; ConnectionError if it cannot be downloaded.

    Warns
    -----
    UserWarning
        If there are fewer than ``num_samples`` pairs; all are returned then.

    Examples
    --------
    >>> load_pairs("sample", num_samples=3).shape
    (3, 3)
    """
    if isinstance(num_samples, bool) or not isinstance(num_samples, Integral | None):
        raise TypeError(f"num_samples must be an integer or None, not {num_samples!r}")
    if num_samples is not None and num_samples < 1:
        raise ValueError(f"num_samples must be at least 1, not {num_samples}; None gives all pairs")
    if release not in (PINNED_RELEASE, "latest"):
        raise ValueError(f'unknown release {release!r}: there are "{PINNED_RELEASE}" and "latest"')
    columns = ["target", "source"] if reverse else ["source", "target"]
    rows = _parse(*_read(corpus, release))
    kept = rows if num_samples is None else islice(rows, min(num_samples, sys.maxsize))
    pairs = pd.DataFrame([*kept], columns=[*columns, "attribution"], dtype="str")
    deque(rows, maxlen=0)  # what is not asked for is checked, too, and not kept
    if num_samples is not None and num_samples > len(pairs):
        warnings.warn(
            f"asked for {num_samples:,} pairs, {corpus} has {len(pairs):,}: here are all", stacklevel=2
        )
    return pairs[["source", "target", "attribution"]]


def cache_dir():
    """Return the Path of downloads and trained models: ``$S2S_CACHE_DIR``, else one in the user's cache."""
    import pooch

    return Path(os.environ.get("S2S_CACHE_DIR") or pooch.os_cache("s2s_lib")).expanduser()


def _read(corpus, release):
    """Return the bytes of a corpus and the name by which messages call them."""
    if corpus == "sample":
        return resources.files("s2s_lib").joinpath("data", "sample.tsv").read_bytes(), "sample.tsv"
    if isinstance(corpus, str) and re.fullmatch("[a-z]{3}-eng", corpus):
        return _read_manythings(corpus, release)
    looks_like_path = isinstance(corpus, str) and ({"/", os.sep} & {*corpus} or _suffix(corpus) in SUFFIXES)
    if not looks_like_path and not isinstance(corpus, os.PathLike):
        known = f'"sample", a ManyThings name such as "fra-eng", or the path of a {", ".join(SUFFIXES)} file'
        raise ValueError(f"unknown corpus {corpus!r}: use {known}")
    path = Path(corpus).expanduser()
    raw = path.read_bytes()
    if _suffix(path) not in SUFFIXES:
        raise ValueError(f"{path}: expected a file whose name ends in {', '.join(SUFFIXES)}")
    return _read_member(raw, path) if _suffix(path) == ".zip" else (raw, path)


def _suffix(path):
    return PurePosixPath(path).suffix.lower()


def _read_manythings(name, release):
    """Return the text of a ManyThings archive and its name; download the archive where it is missing."""
    url, file_name, sha256 = LATEST_URL.format(name=name), f"{name}.zip", None
    if name == "fra-eng" and release == "latest":
        file_name = "fra-eng-latest.zip"
    elif name == "fra-eng":
        url, sha256 = PINNED_URL, PINNED_SHA256
    path = Path(os.environ.get("S2S_DATA_DIR") or cache_dir()).expanduser() / file_name
    if not path.exists():
        _download(url, path, sha256)
    return _read_release(path, path, sha256)


def _read_release(path, name, sha256):
    """Return what `_read_member` does, having compared the text's hash with the pinned one, if any."""
    raw, name = _read_member(path.read_bytes(), name)
    found = hashlib.sha256(raw).hexdigest()
    if sha256 not in (None, found):
        raise ValueError(
            f"{name} is not the release of {PINNED_RELEASE} (its sha256 is {found}, expected {sha256}): "
            f'delete it to download it again, or rename it to fra-eng-latest.zip and use release="latest"'
        )
    return raw, name


def _download(url, path, sha256):
    """Download an archive to ``path``; only a whole archive, checked, ever has that name."""
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
        except OSError as error:  # a full disk, say, of which Python does not tell the file
            error.filename = error.filename or str(path)
            raise
        deque(_parse(*_read_release(partial, url, sha256)), maxlen=0)
        os.replace(partial, path)


def _read_member(raw, name):
    """Return the bytes of the one text in a zip archive, and the name of both; nothing is extracted."""
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


def _may_hold_pairs(member):
    """Tell whether an archive's member is a text, but not the terms of use, a hidden file or macOS' own."""
    path = PurePosixPath(member.filename)
    ignored = path.name == "_about.txt" or path.name.startswith(".") or "__MACOSX" in path.parts
    return _suffix(path) in (".txt", ".tsv") and not ignored and not member.is_dir()


def _parse(raw, name):
    """Yield ``(source, target, attribution)`` of each line; blank lines at the end do not count."""
    lines = raw.removeprefix(codecs.BOM_UTF8).rstrip(b"\r\n")
    if not lines:
        raise ValueError(f"{name}: no sentence pairs, the file is empty")
    for line, encoded in enumerate(io.BytesIO(lines), start=1):
        try:
            row = encoded.rstrip(b"\n").decode().removesuffix("\r").split("\t")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{name}, line {line}: not UTF-8 ({error.reason}); save the file as UTF-8"
            ) from None
        if len(row) not in (2, 3):
            raise ValueError(f"{name}, line {line}: expected 2 or 3 columns between tabs, found {len(row)}")
        if not row[0].strip() or not row[1].strip():
            raise ValueError(f"{name}, line {line}: the {'target' if row[0].strip() else 'source'} is empty")
        yield (*row, "")[:3]
