"""The small studies run for real, at the smallest counts, and give the same numbers again."""

import json

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
