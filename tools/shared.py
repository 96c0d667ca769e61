"""What the tools that train and record share: paths, command line, rows of a record, scores of epochs."""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
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
    """Return a parser whose help is a program's docstring, line by line."""
    kind = argparse.RawDescriptionHelpFormatter
    return argparse.ArgumentParser(description=docstring, formatter_class=kind)


def record_rows(
    path: Path, head: Record, makers: Mapping[str, Callable[[], Record]], only: Iterable[str] | None = None
) -> None:
    """Make the rows asked for, or those that the record at ``path`` lacks; write each at once."""
    for name in makers:
        rows: Record = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else {}
        if name in (only or makers.keys() - rows.keys()):
            print(f"{path.stem}: {name}", flush=True)
            rows[name] = makers[name]()
            in_order = {row: rows[row] for row in makers if row in rows}
            records.write_json(head | {"rows": in_order}, path)


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
