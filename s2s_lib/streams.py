"""Files of any length, translated line by line in bounded memory (shown in 05_inference)."""

import contextlib
import hashlib
import importlib
import json
import os
import tempfile
import threading
import warnings
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import IO, Any

from s2s_lib.data.vocabulary import prepare_text
from s2s_lib.records import write_json
from s2s_lib.translator import Translator

LINES_AT_ONCE = 1024  # a chunk: what is read, translated and written as one
PATIENCE = 10  # seconds that a scheduler has to answer
LONGEST_LINE = 100_000  # bytes; far more than any translator reads
CHUNKS_PER_WORKER = 2  # one in work, one waiting

Answer = tuple[list[str], dict[str, int]]  # a translation for each line, and what was noticed, counted
_one_at_a_time = threading.Lock()  # a worker with several threads holds one model


def read_lines(stream: IO[bytes], noticed: Counter[str]) -> Iterator[str]:
    r"""Yield the lines of a stream without their ends, which are ``\n`` or ``\r\n``.

    Bytes that are no UTF-8 are replaced, a line over `LONGEST_LINE` bytes is cut, NUL characters become
    blanks; ``noticed`` counts such lines.

    >>> import io
    >>> noticed = Counter()
    >>> list(read_lines(io.BytesIO(b"Go.\r\n\xff\n\nRun"), noticed)), dict(noticed)
    (['Go.', '�', '', 'Run'], {'lines not in UTF-8': 1})
    """
    codec = "utf-8-sig"  # the first line may begin with a byte order mark
    while raw := stream.readline(LONGEST_LINE):
        if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
            noticed[f"lines longer than {LONGEST_LINE:,} bytes"] += 1
            while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
        raw = raw.removesuffix(b"\n").removesuffix(b"\r")
        try:
            text = raw.decode(codec)
        except UnicodeDecodeError:
            noticed["lines not in UTF-8"] += 1
            text = raw.decode(codec, "replace")
        codec = "utf-8"
        yield text.replace("\0", " ")


def chunks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield lists of `LINES_AT_ONCE` lines; the last may be shorter."""
    iterator = iter(lines)
    while chunk := list(islice(iterator, LINES_AT_ONCE)):
        yield chunk


def translate_lines(translator: Translator, lines: Sequence[str], options: Mapping[str, Any]) -> Answer:
    """Return a one-line translation for each line, and how much of the lines the model cannot know."""
    known, longest = set(translator.source_vocabulary.characters), translator.settings.max_source_length
    prepared = [prepare_text(line, fold=translator.settings.fold_typography).strip() for line in lines]
    noticed = {
        f"lines longer than {longest} characters, cut": sum(len(line) > longest for line in prepared),
        "characters unknown to the model": sum(c not in known for line in prepared for c in line[:longest]),
    }
    with warnings.catch_warnings(action="ignore"):  # one warning a chunk; the counts are summed up instead
        texts = translator.translate(lines, **options)
    return [" ".join(text.splitlines()) for text in texts], {k: n for k, n in noticed.items() if n}


def translate_here(
    translator: Translator, parts: Iterable[list[str]], options: Mapping[str, Any]
) -> Iterator[Answer]:
    """Translate chunk after chunk in this process."""
    return (translate_lines(translator, part, options) for part in parts)


@contextlib.contextmanager
def connect(scheduler: str) -> Iterator[Any]:
    """Yield a Dask client, or raise OSError or ImportError that says what to do."""
    try:
        from distributed import Client
    except ImportError:
        raise ImportError("a scheduler needs Dask: pip install distributed") from None
    try:
        client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise OSError(f"no Dask scheduler answers at {scheduler} ({error})") from error
    with client:
        if not client.nthreads():
            raise OSError(f"the Dask scheduler at {scheduler} has no workers; start some first")
        yield client


def translate_on_workers(
    client: Any, model: bytes, parts: Iterable[list[str]], options: Mapping[str, Any], modules: Sequence[str]
) -> Iterator[Answer]:
    """Translate chunks on the workers of a Dask client, in order, with few chunks under way at a time."""
    shared = client.scatter(model, broadcast=True)
    window: deque[Any] = deque()
    for part in parts:
        window.append(client.submit(_on_worker, shared, part, dict(options), tuple(modules), pure=False))
        if len(window) >= max(1, CHUNKS_PER_WORKER * len(client.nthreads())):
            yield window.popleft().result()
    while window:
        yield window.popleft().result()


def _on_worker(model: bytes, lines: list[str], options: dict[str, Any], modules: tuple[str, ...]) -> Answer:
    with _one_at_a_time:
        return translate_lines(_loaded(model, modules), lines, options)


@lru_cache(maxsize=2)
def _loaded(model: bytes, modules: tuple[str, ...]) -> Translator:
    """Load a translator from the bytes of its file, once for each worker process."""
    for module in modules:
        importlib.import_module(module)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "sent.s2s")
        file.write_bytes(model)
        return Translator.load(file)


def digest_of(stream: Any) -> str:
    """Return the SHA-256 of all that a stream holds, in bounded memory."""
    return hashlib.file_digest(stream, "sha256").hexdigest()


def check_output(output: Path, *, overwrite: bool) -> None:
    """Raise ValueError where an output would replace a file, or has no folder."""
    if output.exists() and not overwrite:
        raise ValueError(f"{output} is there already; choose another name or say --overwrite")
    if not output.parent.is_dir():
        raise ValueError(f"{output}: there is no folder {output.parent}; make it first")


@dataclass
class GrowingOutput:
    """A file that grows as ``OUTPUT.partial`` and gets its name when it is whole.

    ``job`` says what it is made of (digests of input and model, options); it stands beside it, as
    ``OUTPUT.partial.json``, and only the very same job goes on from a partial output. ``done`` is the number
    of lines it begins with: whole chunks only, so that the rest is cut as if nothing had happened.
    """

    output: Path
    job: Mapping[str, Any]
    done: int = 0

    def __post_init__(self) -> None:
        self.partial = self.output.with_name(self.output.name + ".partial")
        self.sidecar = self.output.with_name(self.output.name + ".partial.json")

    def begin(self, *, overwrite: bool) -> None:
        """Make ready to append; ValueError where something would be lost."""
        check_output(self.output, overwrite=overwrite)
        if self.partial.exists() and self._job() == dict(self.job):
            self.done = self._cut_after_whole_chunks()
        elif self.partial.exists() and not overwrite:
            raise ValueError(
                f"{self.partial} belongs to another input, model or options; delete it or say --overwrite"
            )
        else:
            self.partial.unlink(missing_ok=True)
            write_json(dict(self.job), self.sidecar)
            self.partial.touch()

    def append(self, texts: Sequence[str]) -> None:
        """Append a chunk of lines."""
        try:
            with self.partial.open("a", encoding="utf-8", newline="\n") as file:
                file.writelines(text + "\n" for text in texts)
        except OSError as error:
            reason = f"{error.strerror or error}: free some space, then give the same command again"
            raise type(error)(error.errno, reason, str(self.partial)) from error

    def finish(self) -> None:
        """Give the whole file its name."""
        os.replace(self.partial, self.output)
        self.sidecar.unlink(missing_ok=True)

    def _job(self) -> Any:
        try:
            return json.loads(self.sidecar.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def _cut_after_whole_chunks(self) -> int:
        """Cut off what follows the last whole chunk; return how many lines stay."""
        lines = kept = size = end = 0
        with self.partial.open("rb+") as file:
            for raw in file:
                size += len(raw)
                lines += raw.endswith(b"\n")
                if lines and lines % LINES_AT_ONCE == 0 and raw.endswith(b"\n"):
                    kept, end = lines, size
            file.truncate(end)
        return kept
