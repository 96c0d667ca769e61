"""Records hold what every quoted figure comes from, and are written whole or not at all."""

import importlib.util
import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s_lib import records
from s2s_lib.records import atomic_write, by_side, environment, load_record, peak_memory_mb, write_json

ROOT = Path(__file__).parents[1]
FOLDER = Path(records.__file__).parent / "resources" / "records"
SHIPPED = sorted(path.stem for path in FOLDER.glob("*.json"))
OF_A_TRAINING = [name for name in SHIPPED if "history" in load_record(name)]
OF_THE_REAL_CORPUS = [name for name in SHIPPED if "fra-eng" in json.dumps(load_record(name))]


def values(record):
    """Return every value in a record, however deep, under its key."""
    for key, value in record.items() if isinstance(record, dict) else enumerate(record):
        if isinstance(value, (dict, list)):
            yield from values(value)
        else:
            yield key, value


# Files


def test_a_file_appears_under_its_name_only_when_it_is_whole(tmp_path):
    path = tmp_path / "note.txt"
    with atomic_write(path) as partial:
        partial.write_text("half")
        assert not path.exists()
        assert partial.parent == tmp_path  # on the same disk, so that the last step is a rename
    assert path.read_text() == "half"
    assert os.listdir(tmp_path) == ["note.txt"]


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_nothing_behind(tmp_path, failure):
    with pytest.raises(type(failure)), atomic_write(tmp_path / "note.txt") as partial:
        partial.write_text("half")
        raise failure
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("folder", "kind", "reason"),
    [("nowhere", FileNotFoundError, "No such file"), ("a_file", NotADirectoryError, "Not a directory")],
)
def test_a_file_that_cannot_be_written_is_named_with_the_way_out(tmp_path, folder, kind, reason):
    (tmp_path / "a_file").touch()
    path = tmp_path / folder / "note.txt"
    with pytest.raises(kind) as caught, atomic_write(path) as partial:
        partial.write_text("half")
    assert caught.value.filename == str(path)
    assert reason in str(caught.value) and "name a folder that is there and can be written" in str(
        caught.value
    )


def test_a_failure_leaves_an_earlier_file_as_it_was(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("before")
    with pytest.raises(RuntimeError), atomic_write(path) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert os.listdir(tmp_path) == ["note.txt"]
    assert path.read_text() == "before"


def test_a_second_writing_replaces_the_first(tmp_path):
    for text in ("one", "two"):
        with atomic_write(str(tmp_path / "note.txt")) as partial:
            partial.write_text(text)
    assert (tmp_path / "note.txt").read_text() == "two"


LEAVES = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(JSON)
def test_json_written_is_json_read(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "value.json"
    write_json(value, path)
    text = path.read_text(encoding="utf-8")
    assert json.loads(text) == value
    assert text.endswith("\n")


def test_what_json_cannot_say_leaves_no_file(tmp_path):
    with pytest.raises(TypeError):
        write_json({"a": {1, 2}}, tmp_path / "value.json")
    assert os.listdir(tmp_path) == []


# What a record says of its machine


def test_the_environment_names_what_computed():
    said = environment()
    backend = keras.backend.backend()
    assert said["backend"] == backend
    assert said["versions"]["python"] == platform.python_version()
    assert said["versions"]["keras"] == keras.__version__
    assert said["versions"][backend] == metadata.version(backend)
    assert {"numpy", "pandas", "sacrebleu"} <= said["versions"].keys()
    assert platform.machine() in said["device"]
    assert f"{os.cpu_count()} cores" in said["device"]


def test_peak_memory_is_a_process_s_own_and_not_that_of_the_process_that_started_it():
    held = b"x" * 200_000_000
    code = "from s2s_lib.records import peak_memory_mb; print(peak_memory_mb())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert 5 < int(done.stdout) < 100 < len(held) / 1e6 < peak_memory_mb()


# One figure for each side of the bench


def test_measured_sides_keep_their_order_and_go_by_the_names_of_pictures():
    values = {"torch": None, "ours": 7.5, "example": 0.0}
    assert list(by_side(values).items()) == [("the example", 0.0), ("ours", 7.5)]


# Records that ship


def test_an_unknown_record_is_refused_and_the_known_ones_listed():
    with pytest.raises(FileNotFoundError) as error:
        load_record("nonsense")
    assert str(error.value) == f"no record named 'nonsense' in the package; there are: {', '.join(SHIPPED)}"


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_record_says_how_it_came_about(name):
    record = load_record(name)
    assert record["command"].startswith(("python ", "make "))
    assert record.get("device") or record["machine"]
    assert record["what"]
    assert {"python", "keras", "numpy"} <= record["versions"].keys()


@pytest.mark.parametrize("name", SHIPPED)
def test_the_command_of_a_record_names_a_program_that_is_there(name):
    command = load_record(name)["command"].split()
    if command[0] == "python":
        assert command[1] == "-m" and importlib.util.find_spec(command[2]), " ".join(command)


@pytest.mark.parametrize("name", OF_A_TRAINING)
def test_the_record_of_a_training_carries_its_seed_and_whole_curves(name):
    record = load_record(name)
    recipe = record.get("recipe", record)
    assert isinstance(recipe["seed"], int)
    assert {len(curve) for curve in record["history"].values()} == {recipe["epochs"]}
    assert record["wall_seconds"] > 0
    assert record["cpu_seconds"] > 0
    assert record["parameters"] > 0


@pytest.mark.parametrize("name", SHIPPED)
def test_no_number_in_a_record_is_other_than_finite(name):
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")

    def refuse(constant):
        raise AssertionError(f"{constant} in {name}")

    json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("name", OF_THE_REAL_CORPUS)
def test_no_sentence_of_the_real_corpus_stands_in_a_record_of_it(name, real_pairs):
    sentences = set(real_pairs["source"]) | set(real_pairs["target"])
    said = {value for _, value in values(load_record(name)) if isinstance(value, str)}
    assert [text for text in said if text in sentences and len(text) > 3] == []
