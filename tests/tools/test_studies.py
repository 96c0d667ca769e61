"""The small studies run for real, at the smallest counts, and give the same numbers again."""

import json

import nbformat
import pytest

from tools import studies

TINY = {"epochs": 1, "num_samples": 400}


def test_the_rows_of_the_recipes_change_one_thing_each():
    assert next(iter(studies.CHANGES)) == "the example's recipe" and list(studies.CHANGES)[-1] == "attention"
    assert len(set(studies.CHANGES.values())) == len(studies.CHANGES) == 7


@pytest.mark.slow
def test_the_example_is_recorded_with_its_curves_scores_and_translations(tmp_path):
    record = studies.example_sample(tmp_path, **TINY)
    assert {len(curve) for curve in record["history"].values()} == {1}
    parts = [row["part"] for row in record["translations"]]
    assert set(parts) == {"training", "test"} and len(parts) > 30
    for scores in record["scores"].values():
        assert set(scores) == {"training", "test"} and scores["test"]["exact"]["n"] == parts.count("test")
    json.dumps(record)


@pytest.mark.slow
def test_a_row_gives_the_same_numbers_again():
    for name in ("ids and embeddings", "attention"):
        first, second = (studies.recipe_row(name, **TINY) for _ in range(2))
        assert first["scores"] == second["scores"] and first["changes"] == list(studies.CHANGES).index(name)


@pytest.mark.slow
def test_both_training_sets_of_the_leak_have_one_size():
    clean, leaky = (studies.leak_row(1, leaky=leaky, **TINY) for leaky in (False, True))
    assert clean["num_train"] == leaky["num_train"]
    assert clean["scores"]["all"]["exact"]["n"] == sum(
        clean["scores"][part]["exact"]["n"] for part in ("several versions", "one version")
    )


def test_the_example_needs_a_folder_for_its_weights(capsys):
    with pytest.raises(SystemExit):
        studies.main(["example_sample"])
    assert "say --work DIR" in capsys.readouterr().err


@pytest.mark.slow
def test_a_notebook_is_measured_in_a_kernel_of_its_own(tmp_path):
    path = tmp_path / "01_toy.ipynb"
    cells = [nbformat.v4.new_code_cell("held = b'x' * 200_000_000; print('something')")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    row = studies.notebook_row(path)
    assert 0 < row["cpu_seconds"] < row["seconds"] + 60 and row["seconds"] < 120
    assert 200 < row["peak_memory_mb"] < 800


def test_the_seeds_of_one_backend_stay_when_the_other_adds_its_own(tmp_path, monkeypatch):
    file = tmp_path / "seeds_sample.json"
    file.write_text('{"rows": {"jax, seed 1": {"backend": "jax"}}}', encoding="utf-8")
    what, makers = studies.STUDIES["seeds_sample"]
    toys = {name: dict for name in makers}
    monkeypatch.setitem(studies.STUDIES, "seeds_sample", (what, toys))
    monkeypatch.setattr(studies.keras.backend, "backend", lambda: "tensorflow")
    studies.main(["seeds_sample", "--records", str(tmp_path)])
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    assert rows["jax, seed 1"] == {"backend": "jax"} and len(rows) == 11
