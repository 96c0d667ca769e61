"""Machines that die: full disks and killed processes leave no half-written file, and one sentence."""

import json
import random
import signal
import subprocess
import sys
import time
import zipfile

import pytest

import s2s_lib

FULL_DISK = """
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
folder = Path(sys.argv[1])

def attempt(action, *arguments, **options):
    try:
        action(*arguments, **options)
        print("no error")
    except OSError as error:
        print(type(error).__name__, error)
"""
FILES = """
from s2s_lib import records
attempt(records.write_json, ["x"] * 20_000, folder / "big.json")
attempt(records.write_json, ["x"], folder / "missing" / "big.json")
attempt(records.write_json, ["x"], folder / "small.json")
"""
MODELS = """
import s2s_lib
sample = s2s_lib.Translator.load("sample")
attempt(sample.save, folder / "big.s2s")
attempt(sample.save, folder / "missing" / "big.s2s")
pairs = s2s_lib.split_pairs(s2s_lib.load_pairs("sample", num_samples=60))
recipe = s2s_lib.Recipe(latent_dim=64, epochs=2)
attempt(s2s_lib.train, pairs, recipe, checkpoint=folder / "big.checkpoint", progress=False)
"""


def run(program, folder):
    result = subprocess.run(
        [sys.executable, "-c", FULL_DISK + program, str(folder)], capture_output=True, text=True, timeout=180
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_a_full_disk_and_a_missing_folder_are_one_sentence_with_the_way_out(tmp_path):
    full, missing, small = run(FILES, tmp_path)
    assert full.startswith("OSError") and "big.json" in full and "free some space" in full
    assert missing.startswith("FileNotFoundError") and "missing/big.json" in missing
    assert small == "no error"
    assert [file.name for file in tmp_path.iterdir()] == ["small.json"]


@pytest.mark.slow
def test_a_full_disk_keeps_translators_and_checkpoints_whole_or_absent(tmp_path):
    save, missing, checkpoint = run(MODELS, tmp_path)
    for line, name in ((save, "big.s2s"), (checkpoint, "big.checkpoint")):
        assert line.startswith("OSError") and name in line and "free some space" in line
    assert missing.startswith("FileNotFoundError") and "missing/big.s2s" in missing
    assert list(tmp_path.iterdir()) == []


WRITE_ON = """
import itertools, signal, sys
from pathlib import Path
from s2s_lib import records
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background would ignore it
for number in itertools.count():
    records.write_json([number] * 50_000, Path(sys.argv[1]) / "numbers.json")
"""


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_a_process_stopped_at_any_moment_leaves_a_whole_file(tmp_path, kill):
    dice, file = random.Random(0), tmp_path / "numbers.json"
    for _ in range(8):
        child = subprocess.Popen([sys.executable, "-c", WRITE_ON, str(tmp_path)], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        before = file.stat().st_mtime_ns if file.exists() else 0
        while (not file.exists() or file.stat().st_mtime_ns == before) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 0.2))
        child.send_signal(kill)
        child.wait(timeout=30)
        numbers = json.loads(file.read_text(encoding="utf-8"))
        assert len(numbers) == 50_000 and len(set(numbers)) == 1
    if kill == signal.SIGINT:
        assert [one.name for one in tmp_path.iterdir()] == ["numbers.json"]


SAVE_ON = """
import sys
from pathlib import Path
import s2s_lib
translator = s2s_lib.Translator.load("sample")
while True:
    translator.save(Path(sys.argv[1]) / "again.s2s")
    print("saved", flush=True)
"""


@pytest.mark.slow
def test_a_process_killed_while_it_saves_leaves_a_whole_translator(tmp_path):
    dice, file = random.Random(0), tmp_path / "again.s2s"
    for _ in range(3):
        command = [sys.executable, "-c", SAVE_ON, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            assert child.stdout.readline() == b"saved\n"
            time.sleep(dice.uniform(0, 0.3))
            child.kill()
        assert zipfile.ZipFile(file).testzip() is None
        assert s2s_lib.Translator.load(file).settings.max_source_length > 1
