"""Run one notebook, or `train`, at every point of a grid, on a Dask cluster: `python -m tools.sweep GRID`.

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
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

import s2s_lib
from s2s_lib.training import Recipe
from tools import notebooks

KEYS = ("notebook", "train", "product", "zip", "list")
MOST_POINTS = 100_000


@dataclass(frozen=True)
class Point:
    """One point of a grid: the parameters of a notebook, or of a `Recipe` where ``notebook`` is ""."""

    notebook: str  # the text of its file
    parameters: dict[str, Any]
    digest: str


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
        points[digest] = Point(text, dict(point), digest)
    return list(points.values())


# ---- on the workers ----


def run_point(point: Point) -> tuple[dict[str, Any], str]:
    """Run one point; return its record, and the executed notebook as text ("" for `train`)."""
    start, cpu = time.monotonic(), time.process_time()
    record, text = (run_notebook_point if point.notebook else train_point)(point)
    spent = {"seconds": round(time.monotonic() - start, 2)}
    if not point.notebook:  # a notebook's own kernel spent it
        spent["cpu_seconds"] = round(time.process_time() - cpu, 2)
    return {"parameters": point.parameters, "digest": point.digest} | spent | record, text


def train_point(point: Point) -> tuple[dict[str, Any], str]:
    """Train, and score on the held-out sources."""
    from s2s_lib.evaluation import metrics

    recipe = Recipe(**point.parameters)
    pairs = s2s_lib.split_pairs(s2s_lib.load_pairs(recipe.corpus, num_samples=recipe.num_samples))
    with tempfile.TemporaryDirectory() as folder, _environment(S2S_CACHE_DIR=folder):
        translator = s2s_lib.train_or_load(recipe, progress=False)
    held_out = s2s_lib.multi_reference(s2s_lib.reverse_pairs(pairs) if recipe.reverse else pairs)
    held_out = held_out[held_out["split"] == "test"]
    scores = metrics.evaluate(translator.translate(list(held_out["source"])), held_out["references"])
    return {"scores": scores.to_json(), "training": dict(translator.settings.record)}, ""


def run_notebook_point(point: Point) -> tuple[dict[str, Any], str]:
    """Execute the notebook in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "notebook.ipynb"), Path(folder, "result.ipynb")
        source.write_text(point.notebook, encoding="utf-8")
        cache = os.environ.get("S2S_CACHE_DIR", folder)  # workers of one machine share what they train
        with _environment(S2S_CACHE_DIR=cache):
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
