"""What the tools share: paths, command lines, records, and chrF after each epoch of a training."""

import argparse
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s2s_lib import records

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
RESOURCES = ROOT / "s2s_lib" / "resources"
RECORDS = RESOURCES / "records"

Record = dict[str, Any]
Translate = Callable[[list[str]], list[str]]


def command_line(docstring: str | None) -> argparse.ArgumentParser:
    """Return a parser for the program that a docstring describes; the docstring is its help."""
    program = re.search(r"python -m tools\.\w+", docstring or "")
    kind = argparse.RawDescriptionHelpFormatter
    return argparse.ArgumentParser(program and program[0], description=docstring, formatter_class=kind)


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the arguments, by default the process's; ``command`` is the whole call, for a record."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(arguments)
    options.command = shlex.join([*parser.prog.split(), *arguments])
    return options


def count(text: str) -> int:
    """Return the whole number, 1 or more, that an option gives."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def write_record(path: Path, *, what: str, command: str, **figures: Any) -> Record:
    """Write, and return, a record: what it is, how it is made, its figures."""
    record = {"what": what, "command": command, **figures}
    path.parent.mkdir(parents=True, exist_ok=True)
    records.write_json(record, path)
    return record


def record_rows(
    path: Path, head: Record, makers: Mapping[str, Callable[[], Record]], only: Iterable[str] | None = None
) -> None:
    """Make the rows asked for, or those that the record at ``path`` lacks; write each at once."""
    for name in makers:
        rows: Record = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else {}
        if name in (only or makers.keys() - rows.keys()):
            print(f"{path.stem}: {name}", flush=True)
            rows[name] = makers[name]()
            write_record(path, **head, rows={row: rows[row] for row in makers if row in rows})


class EpochScore:
    """chrF of a model in training on the sources of ``table``, which holds their references.

    ``start`` returns how the model translates. It is called once, after the first epoch, so that decoding is
    compiled once for all epochs; the weights change in place.
    """

    def __init__(self, table: "pd.DataFrame", start: Callable[[Any], Translate]) -> None:
        self.table, self.start = table, start
        self.translate: Translate | None = None
        self.value: float | None = None  # of the last epoch

    def __call__(self, trained: Any) -> float:
        """Score an epoch."""
        from s2s_lib.evaluation.metrics import chrf  # only here: the bench measures memory without it

        self.translate = self.translate or self.start(trained)
        self.value = chrf(self.translate(list(self.table["source"])), list(self.table["references"])).value
        return self.value
