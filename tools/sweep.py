"""Run one notebook, or `train`, at every point of a grid, on Dask.

    python -m tools.sweep sweeps/tiny.yml

A grid is a YAML file. ``notebook: 04_training`` or ``train: {corpus: sample, epochs: 2}`` says what runs, the
latter with the parameters that all points share. ``product:`` combines all values with all others, ``zip:``
pairs values in order, ``list:`` names points one by one; what is given of these is combined. A list of values
may be written ``range: [a, b, step]``, where b belongs to it.

Each point is known by a digest of its parameters, the notebook, the library and the corpus. One that is
already in the output folder is skipped, so that a sweep that was interrupted goes on. Workers return what
they made; this process alone writes it, to a folder or to any address that fsspec can open:
``points/DIGEST/record.json``, ``points/DIGEST/notebook.ipynb``, ``summary.json`` and ``results.csv``.
"""

import contextlib
import hashlib
import itertools
import json
import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any

import fsspec
import pandas as pd
import yaml
from tqdm import tqdm

import s2s_lib
from s2s_lib import records
from s2s_lib.training import Recipe
from tools import notebooks, workers
from tools.shared import RECORDS, command_line
from tools.workers import KILLED

KEYS = ("notebook", "train", "product", "zip", "list")
MOST_POINTS = 100_000


@dataclass(frozen=True)
class Point:
    """One point of a grid: the parameters of a notebook, or of a `Recipe` where ``notebook`` is ""."""

    notebook: str  # the text of its file
    parameters: dict[str, Any]
    digest: str
    corpus: str = ""
    corpus_digest: str = ""


def read_grid(path: Path) -> tuple[Path | None, list[dict[str, Any]]]:
    """Return the notebook of a grid, or None if it is about `train`, and the parameters of each point.

    ValueError names the file and what is wrong with it.
    """
    try:
        grid = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(grid, dict):
        raise ValueError(f"{path}: write `notebook:` or `train:`, then `product:`, `zip:` or `list:`")
    if unknown := [str(key) for key in grid if key not in KEYS]:
        raise ValueError(f"{path}: unknown key {', '.join(unknown)}; there are {', '.join(KEYS)}")
    if ("notebook" in grid) == ("train" in grid):
        raise ValueError(f"{path}: name either a notebook or train")
    shared = grid.get("train") or {}
    if not isinstance(shared, dict):
        raise ValueError(f"{path}: `train:` holds the parameters that all points share, name: value")
    try:
        parts = [_product(grid.get("product")), _zip(grid.get("zip")), _list(grid.get("list"))]
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    points = [shared | a | b | c for a, b, c in itertools.product(*parts)]
    if len(points) > MOST_POINTS:
        raise ValueError(f"{path}: {len(points):,} points; the most is {MOST_POINTS:,}")
    return _find_notebook(path, str(grid["notebook"])) if "notebook" in grid else None, points


def _find_notebook(grid: Path, name: str) -> Path:
    for folder in (Path(), grid.parent, notebooks.COURSE):
        for file in (folder / name, folder / f"{name}.ipynb"):
            if file.is_file():
                return file
    raise ValueError(f"{grid}: there is no notebook {name}")


def _values(name: str, values: Any) -> list[Any]:
    """Return a list of values: as written, a range, or a single one."""
    if isinstance(values, dict):
        limits = values.get("range")
        if set(values) != {"range"} or not isinstance(limits, list) or len(limits) not in (2, 3):
            raise ValueError(f"{name} must be a list of values, or range: [a, b, step]")
        if not all(isinstance(limit, int | float) and not isinstance(limit, bool) for limit in limits):
            raise ValueError(f"the range of {name} must be of numbers, not {limits}")
        first, last, step = [*limits, 1][:3]
        count = (last - first) / step if step else -1.0
        if not 0 <= count < MOST_POINTS:
            raise ValueError(f"the range of {name} never gets from {first} to {last} in steps of {step}")
        values = [first + i * step for i in range(int(count + 1e-9) + 1)]
    values = values if isinstance(values, list) else [values]
    if not values:
        raise ValueError(f"{name} has no values")
    return values


def _named(kind: str, lists: Any) -> dict[str, list[Any]]:
    if not isinstance(lists, dict) or not all(isinstance(name, str) for name in lists):
        raise ValueError(f"`{kind}:` needs lines such as `latent_dim: [64, 128]`")
    return {name: _values(name, values) for name, values in lists.items()}


def _product(lists: Any) -> list[dict[str, Any]]:
    named = _named("product", lists or {})
    return [dict(zip(named, values, strict=True)) for values in itertools.product(*named.values())]


def _zip(lists: Any) -> list[dict[str, Any]]:
    named = _named("zip", lists or {})
    lengths = {name: len(values) for name, values in named.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"`zip:` needs lists of one length, and has {lengths}")
    return [dict(zip(named, values, strict=True)) for values in zip(*named.values(), strict=True)] or [{}]


def _list(points: Any) -> list[dict[str, Any]]:
    if points is None:
        return [{}]
    if not isinstance(points, list) or not points or not all(isinstance(point, dict) for point in points):
        raise ValueError("`list:` needs points such as `- {latent_dim: 64, seed: 1}`")
    return points


# ---- from parameters to points ----


def check_parameters(notebook: Path | None, points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the parameters of each point in their declared types; ValueError where one does not fit."""
    if notebook is None:
        known = {field.name for field in fields(Recipe)}
        for point in points:
            if unknown := [name for name in point if name not in known]:
                raise ValueError(f"train has no {', '.join(unknown)}; it has {', '.join(sorted(known))}")
            Recipe(**point)
        return [dict(point) for point in points]
    declared = notebooks.declared_parameters(notebook)
    checked = []
    for point in points:
        if unknown := [name for name in point if name not in declared]:
            raise ValueError(
                f"{notebook.name} declares no {', '.join(unknown)}; it has {', '.join(sorted(declared))}"
            )
        checked.append(
            {name: notebooks.convert(name, str(value), declared[name][0]) for name, value in point.items()}
        )
    return checked


def library_digest() -> str:
    """Return a digest of the library's own files."""
    root = Path(s2s_lib.__file__).parent
    found = hashlib.sha256()
    for file in sorted(root.rglob("*.py")):
        found.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def corpus_digest(corpus: str) -> str:
    """Return a digest of all pairs of a corpus."""
    pairs = s2s_lib.load_pairs(corpus)
    return hashlib.sha256("\n".join(pairs["source"] + "\t" + pairs["target"]).encode()).hexdigest()


def make_points(notebook: Path | None, parameters: Sequence[Mapping[str, Any]]) -> list[Point]:
    """Return the points, each once, in the order of the grid."""
    text = notebook.read_text(encoding="utf-8") if notebook else ""
    default = notebooks.declared_parameters(notebook).get("corpus", ("", ""))[1] if notebook else "sample"
    named = [str(point.get("corpus", default)) for point in parameters]
    corpora = {corpus: corpus_digest(corpus) for corpus in set(named) if corpus}
    library = library_digest()
    points = {}
    for point, corpus in zip(parameters, named, strict=True):
        whole = json.dumps([text, library, corpora.get(corpus), point], sort_keys=True)
        digest = hashlib.sha256(whole.encode()).hexdigest()[:16]
        points[digest] = Point(text, dict(point), digest, corpus, corpora.get(corpus, ""))
    return list(points.values())


# ---- on the workers ----


def run_point(point: Point, modules: Sequence[str]) -> tuple[dict[str, Any], str]:
    """Run one point; return its record, and the executed notebook as text ("" for `train`)."""
    for module in modules:
        import_module(module)
    start, cpu = time.monotonic(), time.process_time()
    record, text = (run_notebook_point if point.notebook else train_point)(point)
    spent = {"seconds": round(time.monotonic() - start, 2)}
    if not point.notebook:  # a notebook's own kernel spent it
        spent["cpu_seconds"] = round(time.process_time() - cpu, 2)
    return {"parameters": point.parameters, "digest": point.digest} | spent | record, text


def train_point(point: Point) -> tuple[dict[str, Any], str]:
    """Train, and score on the held-out sources."""
    from s2s_lib.evaluation import held_out

    recipe = Recipe(**point.parameters)
    counts: dict[str, Any] = {"num_samples": recipe.num_samples, "reverse": recipe.reverse}
    test, split_hash = held_out.held_out(recipe.corpus, **counts)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # no remarks about compiling
    with (
        tempfile.TemporaryDirectory() as folder,
        _environment(S2S_CACHE_DIR=folder),
        warnings.catch_warnings(action="ignore"),  # of characters that small points do not know
    ):
        translator = s2s_lib.train_or_load(recipe, retrain=True, progress=False)
        texts = translator.translate(list(test["source"]))
    scores = held_out.score(texts, list(test["references"]), split_hash=split_hash)
    return {"scores": scores, "training": dict(translator.settings.record)}, ""


def run_notebook_point(point: Point) -> tuple[dict[str, Any], str]:
    """Execute the notebook in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "notebook.ipynb"), Path(folder, "result.ipynb")
        source.write_text(point.notebook, encoding="utf-8")
        with _environment(S2S_CACHE_DIR=os.environ.get("S2S_CACHE_DIR", folder)):
            notebooks.set_kernel_environment()
            notebooks.execute(source, result, point.parameters, Path(folder))
        return {}, result.read_text(encoding="utf-8")


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ |= values
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


# ---- the output, which this process alone writes ----


@dataclass(frozen=True)
class Output:
    """A folder, or any address that fsspec can open."""

    address: str

    def read(self, name: str) -> str | None:
        """Return a file's text, or None if there is none."""
        files, root = fsspec.core.url_to_fs(self.address)
        with contextlib.suppress(FileNotFoundError):
            return str(files.cat_file(f"{root}/{name}").decode())
        return None

    def write(self, name: str, text: str) -> None:
        """Write a file under another name first, so that its name never holds half of it."""
        files, root = fsspec.core.url_to_fs(self.address)
        path = f"{root}/{name}"
        files.makedirs(files._parent(path), exist_ok=True)
        files.pipe_file(f"{path}.partial", text.encode())
        files.mv(f"{path}.partial", path)


def flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a finished point in ``results.csv``."""
    row = dict(record["parameters"]) | {
        "seconds": record["seconds"],
        "cpu_seconds": record.get("cpu_seconds"),
    }
    for name in ("exact", "cer", "chrf", "bleu"):
        if "scores" in record:
            row |= {name: record["scores"][name]["score"], "sources": record["scores"][name]["n"]}
    if "training" in record:
        row |= {name: record["training"][name] for name in ("parameters", "num_train")}
    return row


# ---- the sweep ----


def sweep(
    points: Sequence[Point], output: Output, client: Any, *, retries: int = 1, modules: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Run the points that the output lacks, failed ones again; return what became of each.

    The summary and the table are written even if the sweep is interrupted.
    """
    states: dict[str, dict[str, Any]] = {
        point.digest: {"parameters": point.parameters, "digest": point.digest, "state": "failed",
                       "seconds": 0.0, "attempts": 0}
        for point in points
    }  # fmt: skip
    finished: dict[str, Any] = {}
    for point in points:
        if text := output.read(f"points/{point.digest}/record.json"):
            finished[point.digest] = json.loads(text)
            states[point.digest] |= {"state": "skipped", "seconds": finished[point.digest]["seconds"]}
    waiting = [point for point in points if point.digest not in finished]
    try:
        for _ in range(1 + retries):
            if not waiting:
                break
            jobs = {point.digest: (point, modules) for point in waiting}
            for digest, done in workers.run_jobs(client, run_point, jobs, unit="point"):
                state = states[digest]
                state |= {"seconds": round(done.seconds, 2), "attempts": state["attempts"] + 1}
                if isinstance(done.answer, tuple):
                    finished[digest], text = done.answer
                    if text:
                        output.write(f"points/{digest}/notebook.ipynb", text)
                    output.write(f"points/{digest}/record.json", json.dumps(finished[digest], indent=1))
                    state["state"] = "done"
                else:
                    tell_failure(states[digest]["parameters"], done.answer)
            waiting = [point for point in waiting if states[point.digest]["state"] == "failed"]
    finally:
        output.write("summary.json", json.dumps({"points": list(states.values())}, indent=1))
        rows = [flat(finished[point.digest]) for point in points if point.digest in finished]
        output.write("results.csv", pd.DataFrame(rows).to_csv(index=False))
    return list(states.values())


def tell_failure(parameters: Mapping[str, Any], answer: Any) -> None:
    """Print which point failed, and why, in a line."""
    lines = answer if answer == KILLED else f"{type(answer).__name__}: {answer}".strip().splitlines()[0]
    tqdm.write(f"{dict(parameters)} failed, {lines}", file=sys.stderr)


def check_workers(client: Any, corpora: Mapping[str, str]) -> None:
    """Raise ValueError if workers elsewhere read other pairs than this process does."""
    for corpus, digest in corpora.items():
        try:
            found = client.run(corpus_digest, corpus)
        except (OSError, ValueError) as error:
            raise ValueError(f"a worker cannot read {corpus}: give all one S2S_DATA_DIR ({error})") from error
        if any(each != digest for each in found.values()):
            raise ValueError(f"a worker reads other pairs as {corpus}: give all one S2S_DATA_DIR")


def write_record(file: Path, grid: Path, output: Output, points: Sequence[Point]) -> None:
    """Write the table of a finished sweep as a record, its numbers rounded."""
    texts = [output.read(f"points/{point.digest}/record.json") for point in points]
    rows = [flat(json.loads(text)) for text in texts if text]
    short = [{name: round(v, 4) if isinstance(v, float) else v for name, v in row.items()} for row in rows]
    head = {
        "what": f"the sweep of {grid.name}",
        "command": f"python -m tools.sweep {grid} --record {file.stem}",
    }
    records.write_json(head | records.environment() | {"rows": short}, file)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if all points are done, 1 if some failed, 2 for wrong input, 130 after Ctrl-C."""
    parser = command_line(__doc__)
    parser.add_argument("grid", help="a YAML file, such as sweeps/tiny.yml")
    parser.add_argument("--scheduler", default="", help="of a Dask cluster; else processes of this machine")
    parser.add_argument("--output", help="a folder or an address; by default build/sweeps/GRID")
    parser.add_argument("--retries", type=int, default=1, help="how often a failed point runs again")
    parser.add_argument("--record", metavar="NAME", help="write the table as a record of the package, too")
    parser.add_argument("--import", dest="modules", action="append", default=[], help="may register a model")
    options = parser.parse_args(arguments)
    grid = Path(options.grid)
    output = Output(options.output or f"build/sweeps/{grid.stem}")
    try:
        if not grid.is_file():
            raise ValueError(f"{options.grid or 'GRID='}: no such grid; name one, such as sweeps/tiny.yml")
        for module in options.modules:
            import_module(module)
        notebook, parameters = read_grid(grid)
        points = make_points(notebook, check_parameters(notebook, parameters))
        with workers.cluster(options.scheduler, most=len(points), deaths=3) as client:
            if options.scheduler:
                print("Workers elsewhere need a corpus folder (S2S_DATA_DIR) that all see.", file=sys.stderr)
                check_workers(client, {point.corpus: point.corpus_digest for point in points if point.corpus})
            states = sweep(points, output, client, retries=options.retries, modules=options.modules)
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"Interrupted. The same command goes on; finished points: {output.address}", file=sys.stderr)
        return 130
    counts = pd.Series([state["state"] for state in states]).value_counts()
    if options.record:
        write_record(RECORDS / f"{options.record}.json", grid, output, points)
    told = ", ".join(f"{count} {state}" for state, count in counts.items())
    print(f"{told}; see {output.address}/results.csv")
    return int("failed" in counts)


if __name__ == "__main__":
    sys.exit(main())
