"""Sweeps: what a grid says, and what becomes of its points when something dies."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fsspec
import nbformat
import pandas as pd
import pytest
import yaml

from tools import sweep, workers

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.filterwarnings("ignore")  # what Dask says of workers that die


@pytest.fixture(scope="module")
def client():
    with workers.cluster(most=2, deaths=3) as client:
        yield client


def write_grid(folder, **grid):
    path = folder / "grid.yml"
    path.write_text(yaml.safe_dump(grid, sort_keys=False), encoding="utf-8")
    return path


def write_notebook(folder, source):
    cell = nbformat.v4.new_code_cell("x: int = 0  # a number", metadata={"tags": ["parameters"]})
    path = folder / "01_toy.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell, nbformat.v4.new_code_cell(source)]), path)
    return path


def points_of(notebook, numbers):
    return sweep.make_points(notebook, [{"x": number} for number in numbers])


# What a grid says


@pytest.mark.parametrize(
    ("grid", "points"),
    [
        ({"product": {"seed": [1, 2], "layers": [1, 2]}}, [(1, 1), (1, 2), (2, 1), (2, 2)]),
        ({"zip": {"seed": [1, 2], "layers": [3, 4]}}, [(1, 3), (2, 4)]),
        ({"list": [{"seed": 1, "layers": 2}, {"seed": 5, "layers": 1}]}, [(1, 2), (5, 1)]),
        ({"product": {"seed": {"range": [1, 3]}}, "list": [{"layers": 2}]}, [(1, 2), (2, 2), (3, 2)]),
        ({"product": {"seed": {"range": [0, 10, 5]}, "layers": 1}}, [(0, 1), (5, 1), (10, 1)]),
    ],
)
def test_a_grid_combines_what_it_lists(tmp_path, grid, points):
    notebook, parameters = sweep.read_grid(write_grid(tmp_path, train={"corpus": "sample"}, **grid))
    assert notebook is None and all(point["corpus"] == "sample" for point in parameters)
    assert [(point["seed"], point["layers"]) for point in parameters] == points


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "not YAML"),
        ("- 1", "write `notebook:` or `train:`"),
        ("train: {}\nproducts: {}", "unknown key products"),
        ("product: {seed: [1]}", "name either a notebook or train"),
        ("train: {}\nnotebook: 04_training", "name either a notebook or train"),
        ("notebook: nothing", "there is no notebook nothing"),
        ("train: {}\nzip: {seed: [1, 2], layers: [1]}", "lists of one length"),
        ("train: {}\nproduct: {seed: []}", "seed has no values"),
        ("train: {}\nproduct: {seed: {range: [1, 5, -1]}}", "never gets from 1 to 5"),
        ("train: {}\nproduct: {seed: {range: [0, 100000000]}}", "never gets from 0"),
        ("train: {}\nlist: {seed: 1}", "`list:` needs points"),
        ("train: {}\nproduct: {latent_dmi: [1]}", "train has no latent_dmi"),
        ("train: {}\nproduct: {latent_dim: [0]}", "latent_dim"),
        ("notebook: 04_training\nproduct: {epochs: [x]}", "epochs=x is not of the declared type"),
        ("notebook: 04_training\nproduct: {nothing: [1]}", "declares no nothing"),
        ("train: {corpus: nowhere.tsv}", "nowhere.tsv"),
    ],
)
def test_a_grid_that_cannot_run_is_one_sentence_before_anything_runs(tmp_path, capsys, text, words):
    path = tmp_path / "grid.yml"
    path.write_text(text, encoding="utf-8")
    assert sweep.main([str(path), "--output", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert words in told and told.count("\n") == 1 and not (tmp_path / "out").exists()


def test_the_grids_of_the_course_can_run():
    grids = sorted((ROOT / "sweeps").glob("*.yml"))
    counts = {}
    for path in grids:
        notebook, parameters = sweep.read_grid(path)
        counts[path.stem] = len(sweep.check_parameters(notebook, parameters))
    assert counts["tiny"] == 8 and len(counts) >= 2


def test_a_point_is_known_by_parameters_notebook_library_and_corpus(tmp_path, monkeypatch):
    notebook = write_notebook(tmp_path, "print(x)")
    digests = [point.digest for point in points_of(notebook, [1, 2, 1])]
    assert len(digests) == 2  # each once
    assert [point.digest for point in points_of(notebook, [1, 2])] == digests
    write_notebook(tmp_path, "print(-x)")
    assert not {point.digest for point in points_of(notebook, [1, 2])} & set(digests)
    write_notebook(tmp_path, "print(x)")
    monkeypatch.setattr(sweep, "library_digest", lambda: "another")
    assert not {point.digest for point in points_of(notebook, [1, 2])} & set(digests)


# What becomes of the points


def test_one_bad_point_is_retried_and_told_and_never_ends_the_others(tmp_path, client, capsys):
    points = points_of(write_notebook(tmp_path, "print(10 * x); 1 / x"), [0, 1, 2])
    output = sweep.Output(str(tmp_path / "out"))
    states = sweep.sweep(points, output, client, retries=2)
    assert [(state["state"], state["attempts"]) for state in states] == [
        ("failed", 3),
        ("done", 1),
        ("done", 1),
    ]
    assert "{'x': 0} failed" in capsys.readouterr().err
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary == {"points": states}
    assert list(states[0]) == ["parameters", "digest", "state", "seconds", "attempts"]
    done = tmp_path / "out" / "points" / states[1]["digest"]
    assert "10" in (done / "notebook.ipynb").read_text(encoding="utf-8")
    assert json.loads((done / "record.json").read_text(encoding="utf-8"))["parameters"] == {"x": 1}
    assert pd.read_csv(tmp_path / "out" / "results.csv")["x"].tolist() == [1, 2]
    again = sweep.sweep(points, output, client, retries=0)
    assert [state["state"] for state in again] == ["failed", "skipped", "skipped"]


def test_a_worker_that_is_killed_loses_only_its_point_which_runs_again(tmp_path, client):
    kill = f"""
import os, pathlib, signal, time
mark = pathlib.Path({str(tmp_path)!r}, "died")
if x == 1 and not mark.exists():
    mark.touch()
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)"""
    points = points_of(write_notebook(tmp_path, kill), [0, 1, 2])
    states = sweep.sweep(points, sweep.Output(str(tmp_path / "out")), client, retries=0)
    assert (tmp_path / "died").exists() and {state["state"] for state in states} == {"done"}


def test_the_output_may_be_any_address(tmp_path, client):
    points = points_of(write_notebook(tmp_path, "print(x)"), [4])
    (state,) = sweep.sweep(points, sweep.Output("memory://sweeps/toy"), client)
    files = fsspec.filesystem("memory")
    assert json.loads(files.cat_file("/sweeps/toy/summary.json"))["points"] == [state]
    assert files.exists(f"/sweeps/toy/points/{state['digest']}/notebook.ipynb")
    assert not [name for name in files.find("/sweeps/toy") if name.endswith(".partial")]
    (again,) = sweep.sweep(points, sweep.Output("memory://sweeps/toy"), client)
    assert again["state"] == "skipped"


@pytest.mark.slow
def test_a_killed_client_goes_on_where_it_was(tmp_path):
    write_notebook(tmp_path, "import time; time.sleep(2)")
    grid = write_grid(tmp_path, notebook="01_toy", product={"x": [1, 2, 3, 4, 5, 6]})
    command = [sys.executable, "-m", "tools.sweep", str(grid), "--output", str(tmp_path / "out")]
    options = {"cwd": ROOT, "stderr": subprocess.DEVNULL, "start_new_session": True}
    with subprocess.Popen(command, **options) as process:
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("out/points/*/record.json")) and time.monotonic() < deadline:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
    before = len(list(tmp_path.glob("out/points/*/record.json")))
    assert 1 <= before < 6
    assert subprocess.run(command, timeout=240, **options).returncode == 0
    states = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))["points"]
    assert [state["state"] for state in states].count("skipped") == before
    assert {state["state"] for state in states} == {"skipped", "done"}


@pytest.mark.slow
def test_a_training_is_scored_on_its_held_out_part(tmp_path, client):
    parameters = {"num_samples": 300, "epochs": 1, "latent_dim": 8, "embedding_dim": 4}
    points = sweep.make_points(None, [parameters])
    sweep.sweep(points, sweep.Output(str(tmp_path)), client)
    (row,) = pd.read_csv(tmp_path / "results.csv").to_dict("records")
    assert row["latent_dim"] == 8 and row["sources"] > 10 and row["cpu_seconds"] > 0
    assert 0 <= row["chrf"] <= 100
