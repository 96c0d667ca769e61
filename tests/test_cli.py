"""The command line: translating streams and files, training, scoring, and what each does with bad input."""

import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from s2s_lib import Translator, cli, load_pairs, streams
from s2s_lib.streams import GrowingOutput

pytestmark = pytest.mark.filterwarnings("ignore:.*unknown to the model:UserWarning")  # tiny vocabularies
LINES = ["The otter is sad.", "", "Go!", "I don't know \ufffd.", "She sleeps."] * 3


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Keep the search path and the way of warning, which the command line changes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr("warnings.showwarning", None)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A file of 260 pairs."""
    path = tmp_path_factory.mktemp("corpus") / "pairs.tsv"
    load_pairs("sample", num_samples=260)[["source", "target"]].to_csv(
        path, sep="\t", header=False, index=False
    )
    return path


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory):
    """A tiny translator, trained by the command."""
    output = tmp_path_factory.mktemp("trained") / "tiny.s2s"
    sizes = ["--epochs", "2", "--latent-dim", "8", "--embedding-dim", "4"]
    assert cli.run(["train", str(corpus), "--output", str(output), *sizes]) == 0
    return output


def s2s(*arguments, **options):
    """Start the command as a process of its own."""
    command = [sys.executable, "-m", "s2s_lib", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, **options)


# Translating


def test_sentences_are_translated_as_by_the_library(capsys):
    assert cli.run(["translate", "--model", "sample", "The otter is sad.", "Go!"]) == 0
    expected = Translator.load("sample").translate(["The otter is sad.", "Go!"])
    assert capsys.readouterr().out.splitlines() == expected


def test_a_file_is_translated_line_by_line_in_order(tmp_path, capsys):
    source, output = tmp_path / "en.txt", tmp_path / "fr.txt"
    source.write_text("\n".join(LINES) + "\n", encoding="utf-8", newline="\r\n")
    assert cli.run(["translate", "--model", "sample", "-i", str(source), "-o", str(output)]) == 0
    written = output.read_text(encoding="utf-8").splitlines()
    assert len(written) == len(LINES) and written[1] == "" and written[0] == written[5]
    assert "unknown to the model" in capsys.readouterr().err
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["en.txt", "fr.txt"]


def test_a_pipe_is_translated_and_a_reader_that_leaves_is_no_error():
    with s2s("translate", "--model", "sample", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        out, _ = process.communicate(b"Go!\nThe otter is sad.\n", timeout=120)
    assert process.returncode == 0 and len(out.decode().splitlines()) == 2
    with s2s("translate", "--model", "sample", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.close()
        process.stdin.write(b"Go!\n" * 3000)
        process.stdin.close()
        assert process.wait(timeout=120) == 0
        assert b"Traceback" not in process.stderr.read()


def test_lines_that_are_no_text_are_counted_and_never_stop_the_rest(tmp_path, capsys):
    source = tmp_path / "en.bin"
    source.write_bytes(b"\xef\xbb\xbfGo!\nG\xffo!\n" + b"x" * 250_000 + b"\nGo!")
    assert cli.run(["translate", "--model", "sample", "-i", str(source)]) == 0
    told = capsys.readouterr()
    written = told.out.splitlines()
    assert len(written) == 4 and written[0] == written[3]
    assert "1 lines not in UTF-8" in told.err and "1 lines longer than 100,000 bytes" in told.err


def test_a_finished_output_is_kept_and_another_jobs_partial_output_too(tmp_path, capsys):
    source, output = tmp_path / "en.txt", tmp_path / "fr.txt"
    source.write_text("Go!\n", encoding="utf-8")
    call = ["translate", "--model", "sample", "-i", str(source), "-o", str(output)]
    output.write_text("mine", encoding="utf-8")
    assert cli.run(call) == 1
    assert output.read_text(encoding="utf-8") == "mine" and "--overwrite" in capsys.readouterr().err
    assert cli.run([*call, "--overwrite"]) == 0
    output.unlink()
    GrowingOutput(output, {"input": "another"}).begin(overwrite=False)
    assert cli.run(call) == 1
    assert "belongs to another input, model or options" in capsys.readouterr().err


def test_a_partial_output_is_cut_after_its_last_whole_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "LINES_AT_ONCE", 2)
    first = GrowingOutput(tmp_path / "out", {"job": 1})
    first.begin(overwrite=False)
    first.append(["a", "b"])
    with first.partial.open("a", encoding="utf-8") as file:
        file.write("c\nhalf a li")
    second = GrowingOutput(tmp_path / "out", {"job": 1})
    second.begin(overwrite=False)
    assert second.done == 2 and second.partial.read_text(encoding="utf-8") == "a\nb\n"


@pytest.mark.slow
def test_a_killed_translation_goes_on_and_ends_with_the_same_bytes(tmp_path):
    sources = load_pairs("sample")["source"]
    source = tmp_path / "en.txt"
    source.write_text("\n".join(sources) + "\n", encoding="utf-8")
    whole, resumed = tmp_path / "whole.txt", tmp_path / "resumed.txt"
    call = ["translate", "--model", "sample", "-i", source, "-o"]
    for _ in range(2):
        with s2s(*call, resumed) as process:
            partial, before = resumed.with_name("resumed.txt.partial"), 0
            before = partial.stat().st_size if partial.exists() else 0
            deadline = time.monotonic() + 120
            while process.poll() is None and time.monotonic() < deadline:
                if partial.exists() and partial.stat().st_size > before:
                    process.send_signal(signal.SIGKILL)
                    break
                time.sleep(0.01)
    for output in (resumed, whole):
        with s2s(*call, output) as process:
            assert process.wait(timeout=300) == 0
    assert whole.read_bytes() == resumed.read_bytes()
    assert len(whole.read_text(encoding="utf-8").splitlines()) == len(sources)


@pytest.mark.slow
def test_two_dask_workers_write_what_one_process_writes(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(streams, "LINES_AT_ONCE", 7)
    source = tmp_path / "en.txt"
    source.write_text("\n".join(LINES * 3) + "\n", encoding="utf-8")
    outputs = [tmp_path / "here.txt", tmp_path / "there.txt"]
    call = ["translate", "--model", "sample", "-i", str(source), "-o"]
    assert cli.run([*call, str(outputs[0])]) == 0
    local = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    with distributed.LocalCluster(**local) as cluster:
        assert cli.run([*call, str(outputs[1]), "--scheduler", cluster.scheduler_address]) == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_a_scheduler_that_does_not_answer_is_one_sentence_and_leaves_no_output(tmp_path, capsys, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(streams, "PATIENCE", 1)
    call = ["translate", "--model", "sample", "-o", str(tmp_path / "fr.txt"), "Go!"]
    assert cli.run([*call, "--scheduler", "tcp://127.0.0.1:9"]) == 1
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# Training and scoring


def test_a_trained_translator_knows_its_recipe_and_its_languages(trained, corpus, capsys, tmp_path):
    settings = Translator.load(trained).settings
    assert settings.record["recipe"]["corpus"] == str(corpus) and settings.record["recipe"]["epochs"] == 2
    assert not list(trained.parent.glob("*.checkpoint*"))
    assert cli.run(["info", str(trained), "--json", str(tmp_path / "info.json")]) == 0
    said = json.loads((tmp_path / "info.json").read_text(encoding="utf-8"))
    assert said["model"] == "attention" and said["sizes"]["latent_dim"] == 8
    assert said["parameters"] == Translator.load(trained).model.count_params()
    assert "attention" in capsys.readouterr().out


def test_it_is_scored_on_the_part_that_its_training_held_out(trained, corpus, capsys, tmp_path):
    assert cli.run(["evaluate", str(trained), str(corpus), "--json", str(tmp_path / "scores.json")]) == 0
    scores = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert scores == json.loads(capsys.readouterr().out)
    assert cli.run(["evaluate", str(trained), str(corpus), "--write-sources", str(tmp_path / "en")]) == 0
    sources = (tmp_path / "en").read_text(encoding="utf-8").splitlines()
    assert scores["exact"]["n"] == len(sources)
    translated = Translator.load(trained).translate(sources)
    (tmp_path / "fr").write_text("\n".join(translated) + "\n", encoding="utf-8")
    assert cli.run(["evaluate", str(trained), str(corpus), "--hypotheses", str(tmp_path / "fr")]) == 0
    assert json.loads(capsys.readouterr().out) == scores


def test_training_goes_on_from_a_trained_translator_on_other_pairs(trained, corpus, tmp_path):
    others, output = tmp_path / "others.tsv", tmp_path / "on.s2s"
    others.write_bytes(b"".join(reversed(corpus.read_bytes().splitlines(keepends=True)[:150])))
    assert cli.run(["train", str(others), "-o", str(output), "--epochs", "1", "--from", str(trained)]) == 0
    before, after = Translator.load(trained), Translator.load(output)
    assert after.source_vocabulary == before.source_vocabulary
    assert after.model.specification == before.model.specification
    pairs = list(zip(before.model.get_weights(), after.model.get_weights(), strict=True))
    assert any((old != new).any() for old, new in pairs)
    assert np.mean([abs(old - new).mean() for old, new in pairs]) < 0.1  # not from random weights


def test_another_size_than_that_of_the_translator_to_go_on_from_is_refused(trained, corpus, tmp_path, capsys):
    call = ["train", str(corpus), "-o", str(tmp_path / "x.s2s"), "--from", str(trained), "--latent-dim", "16"]
    assert cli.run(call) == 1
    assert "give its model and sizes" in capsys.readouterr().err


def test_an_interrupted_training_is_not_overwritten_and_resumes_to_the_same_weights(
    trained, corpus, tmp_path, capsys
):
    output = tmp_path / "again.s2s"
    sizes = ["--epochs", "2", "--latent-dim", "8", "--embedding-dim", "4"]
    call = ["train", str(corpus), "--output", str(output), *sizes]

    def interrupted(*_, **__):
        raise OSError("cut")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("s2s_lib.translator.Translator.save", interrupted)
        assert cli.run(call) == 1
    assert (tmp_path / "again.s2s.checkpoint").exists() and not output.exists()
    assert cli.run(call) == 1
    assert "--resume" in capsys.readouterr().err
    assert cli.run([*call, "--resume"]) == 0
    weights = [Translator.load(path).model.get_weights() for path in (trained, output)]
    assert all((one == other).all() for one, other in zip(*weights, strict=True))
    assert not list(tmp_path.glob("*.checkpoint*"))


OWN = """
import s2s_lib
@s2s_lib.register_model("mine_for_the_command")
def build(*, num_source_tokens, num_target_tokens, latent_dim=8):
    return s2s_lib.build_embedding_seq2seq(
        num_source_tokens=num_source_tokens, num_target_tokens=num_target_tokens, latent_dim=latent_dim)
"""


def test_a_module_is_imported_first_and_may_register_a_model(corpus, tmp_path, capsys):
    (tmp_path / "own_model_module.py").write_text(OWN, encoding="utf-8")
    output = tmp_path / "own.s2s"
    call = ["train", str(corpus), "-o", str(output), "--epochs", "1", "--latent-dim", "8"]
    assert cli.run([*call, "--model", "mine_for_the_command", "--import", "own_model_module"]) == 0
    assert cli.run(["info", str(output), "--import", "own_model_module"]) == 0
    assert "mine_for_the_command" in capsys.readouterr().out
    assert cli.run(["info", "sample", "--import", "no_such_module"]) == 1
    assert "no_such_module" in capsys.readouterr().err


# Bad input


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (["train", "nowhere.tsv", "-o", "x.s2s"], "nowhere.tsv"),
        (["train", "sample", "-o", "no/folder/x.s2s"], "no folder"),
        (["train", "sample", "-o", "x.s2s", "--epochs", "0"], "epochs"),
        (["train", "sample", "-o", "x.s2s", "--model", "nothing"], "no model named"),
        (["evaluate", "nothing.s2s"], "nothing.s2s"),
        (["info", "nothing.s2s"], "nothing.s2s"),
        (["translate", "--model", "nothing.s2s", "Go!"], "nothing.s2s"),
        (["translate", "--model", "sample", "--beam-width", "0", "Go!"], "beam_width"),
        (["translate", "--model", "sample", "-i", "nothing.txt"], "nothing.txt"),
    ],
)
def test_what_cannot_work_is_one_sentence_and_leaves_nothing(call, words, tmp_path, capsys):
    assert cli.run(call) == 1
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1 and told[0].startswith("s2s: ") and words in told[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", [["nonsense"], ["train"], ["translate", "--nonsense"]])
def test_a_command_line_that_cannot_be_understood_ends_with_2(call, capsys):
    assert cli.run(call) == 2
    assert capsys.readouterr().err


@pytest.mark.parametrize("command", ["translate", "train", "evaluate", "info"])
def test_each_command_explains_itself(command, capsys):
    assert cli.run([command, "--help"]) == 0
    assert f"s2s {command}" in capsys.readouterr().out


def test_s2s_is_installed_under_that_name():
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="s2s")
    assert script.value == "s2s_lib.cli:main"
