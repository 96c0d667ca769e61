"""Cut, killed, doubled, full, read-only: no fault leaves half a file, and one sentence answers each."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from oracles import random_model
from servers import ARCHIVE, OTTERS, zip_bytes

from s2s_lib import bundle, records
from s2s_lib.data.corpus import load_pairs
from s2s_lib.training import Checkpoint, Recipe, compile_for_ids

ROOT = Path(__file__).parents[1]
GENERATOR = random.Random(12)
CUTS = [0, *sorted(GENERATOR.sample(range(1, len(ARCHIVE)), 18)), len(ARCHIVE) - 1]
SIGNALS = [signal.SIGINT, getattr(signal, "SIGKILL", None)]
posix = pytest.mark.skipif(os.name != "posix", reason="signals and limits as POSIX has them")
pytestmark = pytest.mark.usefixtures("no_network")


def child(program, *arguments, **options):
    """Start a Python of its own that runs ``program``; its `ready()` lets `wait_until_ready` return."""
    start = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
        "def ready(): print('ready', flush=True)\n"
    )
    path = os.pathsep.join(map(str, [ROOT, ROOT / "tests"]))
    return subprocess.Popen(
        [sys.executable, "-c", start + program, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"},
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def kill_at_a_random_moment(process, number, *, within):
    """Let a child begin, and kill it before ``within`` seconds have passed."""
    with process:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        time.sleep(GENERATOR.uniform(0, within))
        errors = ""
        while process.poll() is None:  # an interrupt inside a finalizer is lost: people press Ctrl-C again
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                _, errors = process.communicate(timeout=2)
    # Inside zipfile an interrupt may come out as an error of its own, "during handling of" the interrupt.
    assert process.returncode == -number or "KeyboardInterrupt" in errors


def end_of(process):
    """Return what a child wrote by its end, which must be a good one."""
    with process:
        out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return out


def files_in(folder):
    return sorted(os.listdir(folder))


# Downloads that break off


@pytest.mark.parametrize("framing", ["length", "chunks", "none"])
def test_a_download_cut_at_any_byte_leaves_nothing_and_the_next_one_succeeds(server, tmp_path, framing):
    server.framing = framing
    for name in ("fra-eng", "deu-eng"):  # with a pinned hash, and without
        for server.sent in CUTS:
            with pytest.raises((ConnectionError, ValueError)) as caught:
                load_pairs(name)
            [sentence] = str(caught.value).splitlines()
            assert server.url.format(name=name) in sentence and (
                "S2S_DATA_DIR" in sentence or "again" in sentence
            )
        assert not any(name in file for file in files_in(tmp_path / "data"))
        server.sent = None
        pairs = load_pairs(name)
        assert list(zip(pairs["source"], pairs["target"], strict=True)) == OTTERS
    assert files_in(tmp_path / "data") == ["deu-eng.zip", "fra-eng.zip"]


def test_a_server_that_falls_silent_is_given_up_in_a_sentence(server, tmp_path, monkeypatch):
    monkeypatch.setattr("pooch.downloaders.DEFAULT_TIMEOUT", 0.2)
    server.pause = 1
    with pytest.raises(ConnectionError, match=r"cannot download .*S2S_DATA_DIR"):
        load_pairs("deu-eng")
    assert files_in(tmp_path / "data") == []


# Two at once

DOWNLOAD = """
from s2s_lib.data import corpus
corpus.LATEST_URL = sys.argv[1]
ready()
print(len(corpus.load_pairs("deu-eng")))
"""


def test_two_processes_that_download_into_one_folder_both_succeed(server, tmp_path):
    server.pause = 0.05
    processes = [child(DOWNLOAD, server.url) for _ in range(2)]
    assert [end_of(process).split() for process in processes] == [["ready", str(len(OTTERS))]] * 2
    assert len(server.agents) == 2
    assert files_in(tmp_path / "data") == ["deu-eng.zip"]


TRAIN = """
from s2s_lib import Recipe, train_or_load
from oracles import uncompiled
sizes = {"latent_dim": 4, "embedding_dim": 4, "batch_size": 40}
recipe = Recipe(corpus=sys.argv[1], model="embedding", epochs=10, **sizes)
with uncompiled():
    translator = train_or_load(recipe, progress=False)
print(*translator.translate(["otter 7", "otter 12"]), sep="|")
"""


@pytest.mark.slow
def test_two_processes_that_train_one_recipe_into_one_cache_end_with_one_translator(tmp_path, monkeypatch):
    monkeypatch.setenv("S2S_CACHE_DIR", str(tmp_path / "cache"))
    own = tmp_path / "own.tsv"
    own.write_text("".join(f"otter {i}\tloutre {i}\n" for i in range(40)), encoding="utf-8")
    processes = [child(TRAIN, own) for _ in range(2)]
    one, other = [end_of(process) for process in processes]
    assert one == other
    [kept] = files_in(tmp_path / "cache")
    assert kept.endswith(".s2s")


@pytest.fixture
def checkpoint(tmp_path):
    """Return the checkpoint of a small model after its first epoch."""
    model = random_model("embedding")
    compile_for_ids(model, Recipe(), steps=1)
    model.optimizer.build(model.trainable_variables)
    checkpoint = Checkpoint("digest", file=tmp_path / "state")
    checkpoint.set_model(model)
    checkpoint.on_epoch_end(0, {"loss": 2.0})
    return checkpoint


def test_a_checkpoint_that_another_process_moves_away_is_no_fault(checkpoint, monkeypatch):
    file, replace = checkpoint.file, os.replace

    def come_late(source, target):
        if source == file:
            file.unlink()  # as the other process does, just before
        replace(source, target)

    monkeypatch.setattr(os, "replace", come_late)
    checkpoint.on_epoch_end(1, {"loss": 1.0})
    assert Checkpoint("digest", file=file).restore(checkpoint.model) == 2
    assert files_in(file.parent) == ["state"]


def test_a_checkpoint_killed_between_its_two_names_goes_on_from_the_one_before(checkpoint, monkeypatch):
    file, replace = checkpoint.file, os.replace

    def stop(source, target):
        if target == file:
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.on_epoch_end(1, {"loss": 1.0})
    assert files_in(file.parent) == ["state.previous"]
    assert Checkpoint("digest", file=file).restore(checkpoint.model) == 1


# Killed at any moment

LOAD_AGAIN_AND_AGAIN = """
import os
from s2s_lib.data import corpus
corpus.LATEST_URL = sys.argv[1]
ready()
while True:
    corpus.load_pairs("deu-eng")
    os.remove(os.environ["S2S_DATA_DIR"] + "/deu-eng.zip")
"""
WRITE_AGAIN_AND_AGAIN = """
from s2s_lib import records
ready()
while True:
    for letter in "ab":
        records.write_json([letter] * 50_000, sys.argv[1])
"""
SAVE_AGAIN_AND_AGAIN = """
import numpy as np
from s2s_lib import bundle
from s2s_lib.data.vocabulary import CharVocabulary
vocabularies = CharVocabulary("ab"), CharVocabulary("abc")
sizes = {"num_source_tokens": 6, "num_target_tokens": 7, "latent_dim": 8, "embedding_dim": 8}
ready()
while True:
    for number in (1, 2):
        weights = {"layer/0": np.full((100, 100), number)}
        content = bundle.Bundle({}, *vocabularies, "attention", sizes, weights)
        bundle.write(sys.argv[1], content, half_precision=False)  # all that Translator.save writes
"""


@posix
@pytest.mark.parametrize("number", SIGNALS, ids=str)
def test_a_download_killed_at_any_moment_leaves_all_or_nothing_under_its_name(server, tmp_path, number):
    text = "".join(f"The otter dives {i} times.\tLa loutre plonge {i} fois.\n" for i in range(20_000))
    server.body, server.pause = zip_bytes({"deu.txt": text}), 0.01
    path = tmp_path / "data" / "deu-eng.zip"
    for _ in range(3):
        kill_at_a_random_moment(child(LOAD_AGAIN_AND_AGAIN, server.url), number, within=0.7)
        if path.exists():
            assert path.read_bytes() == server.body
            path.unlink()
    assert len(load_pairs("deu-eng")) == 20_000


@posix
@pytest.mark.parametrize("number", SIGNALS, ids=str)
def test_a_record_killed_at_any_moment_is_the_one_before_or_the_one_after(tmp_path, number):
    path = tmp_path / "record.json"
    for _ in range(8):
        kill_at_a_random_moment(child(WRITE_AGAIN_AND_AGAIN, path), number, within=0.05)
        if path.exists():
            assert set(json.loads(path.read_text())) in ({"a"}, {"b"})
    assert path.exists()


@posix
@pytest.mark.parametrize("number", SIGNALS, ids=str)
def test_a_translator_file_killed_at_any_moment_is_the_one_before_or_the_one_after(tmp_path, number):
    path = tmp_path / "mine.s2s"
    for _ in range(3):
        kill_at_a_random_moment(child(SAVE_AGAIN_AND_AGAIN, path), number, within=0.1)
        if path.exists():
            weights = bundle.read(path).weights["layer/0"]
            assert weights.min() == weights.max() in (1, 2)
    assert path.exists()


# A disk that is full

FILL = """
import os, resource, warnings
from oracles import random_model
from s2s_lib import CharVocabulary, Recipe, Translator, records
from s2s_lib.data import corpus
from s2s_lib.training import Checkpoint, compile_for_ids

folder, corpus.LATEST_URL = sys.argv[1:]
model = random_model("attention", num_source_tokens=6, num_target_tokens=7, latent_dim=60)
compile_for_ids(model, Recipe(), steps=1)
checkpoint = Checkpoint("digest", file=folder + "/state")
checkpoint.set_model(model)
checkpoint.history = [{"loss": 1.0}]
translator = Translator(model, CharVocabulary("ab"), CharVocabulary("abc"))
tasks = {
    "mine.s2s": translator.save,
    "state": lambda path: checkpoint.on_epoch_end(0, {"loss": 1.0}),
    "record.json": lambda path: records.write_json(["x"] * 1000, path),
    "deu-eng.zip": lambda path: corpus.load_pairs("deu-eng"),
}
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for name, task in tasks.items():
    try:
        task(folder + "/" + name)
    except OSError as error:
        print(error)
"""


@posix
def test_a_full_disk_is_one_sentence_that_names_the_file_and_leaves_the_one_before(
    server, tmp_path, monkeypatch
):
    monkeypatch.setenv("S2S_DATA_DIR", str(tmp_path / "data"))
    server.body = zip_bytes({"deu.txt": os.urandom(3000)})
    (tmp_path / "data").mkdir()
    before = ["mine.s2s", "record.json", "state"]
    for name in before:
        (tmp_path / "data" / name).write_text("before")
    sentences = end_of(child(FILL, tmp_path / "data", server.url)).splitlines()
    way_out = "free some space, or name a folder that is there and can be written"
    assert sentences == [
        f"[Errno 27] File too large: {way_out}: '{tmp_path / 'data' / name}'"
        for name in ("mine.s2s", "state", "record.json", "deu-eng.zip")
    ]
    assert files_in(tmp_path / "data") == before
    assert {(tmp_path / "data" / name).read_text() for name in before} == {"before"}


# Folders that cannot be written, or are not there


@pytest.fixture(params=["a file", "beneath a file", "read-only", "/proc"])
def unwritable(request, tmp_path):
    """Return a folder in which nothing can be written."""
    folder = tmp_path / "a_file"
    if request.param == "/proc":
        if not Path("/proc/self").exists():
            pytest.skip("no /proc here")
        return Path("/proc/s2s")
    if request.param == "read-only":
        folder.mkdir(mode=0o500)
        if os.access(folder, os.W_OK):
            pytest.skip("nothing is read-only to this user")
        return folder
    folder.touch()
    return folder / "beneath" if request.param == "beneath a file" else folder


def test_a_cache_that_cannot_be_written_is_named_before_anything_is_asked_for(
    server, unwritable, monkeypatch
):
    monkeypatch.setenv("S2S_DATA_DIR", str(unwritable))
    with pytest.raises(OSError, match=rf"name a folder that is there and can be written: '{unwritable}'$"):
        load_pairs("deu-eng")
    assert server.agents == []


def test_a_folder_is_made_once_and_stays_empty_and_one_that_cannot_be_is_named(tmp_path, unwritable):
    for _ in range(2):
        records.make_folder(tmp_path / "new" / "newer")
    assert files_in(tmp_path / "new" / "newer") == []
    with pytest.raises(OSError, match=rf"name a folder that is there and can be written: '{unwritable}'$"):
        records.make_folder(unwritable)


def test_an_error_that_is_none_of_the_systems_keeps_its_own_words(tmp_path):
    with (
        pytest.raises(ConnectionError, match=r"^the cable is out$"),
        records.atomic_write(tmp_path / "note.txt"),
    ):
        raise ConnectionError("the cable is out")
    assert files_in(tmp_path) == []


def test_two_threads_that_write_one_file_do_not_meet(tmp_path):
    path = tmp_path / "note.txt"
    with records.atomic_write(path) as one, records.atomic_write(path) as other:
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one" and files_in(tmp_path) == ["note.txt"]
