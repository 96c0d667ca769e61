"""The README: its example is run, its figures are those of the records, its commands are those of make."""

import doctest
import json
import re
from pathlib import Path

from s2s_lib.splitting import split_pairs
from tools import render_results

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def code_block(language):
    return re.search(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)[1]


def test_the_example_prints_what_stands_there():
    example = doctest.DocTestParser().get_doctest(code_block("python"), {}, "README.md", None, 0)
    assert doctest.DocTestRunner().run(example).failed == 0


def test_the_sentences_of_the_example_were_not_seen_in_training(sample_pairs):
    shown = [eval(text) for text in re.findall(r'"[^"]+[.?]"', code_block("python").splitlines()[1])]
    split = split_pairs(sample_pairs[:7000]).set_index("source")["split"]
    assert len(shown) == 2
    assert set(split[shown]) == {"test"}


def test_the_results_are_those_of_the_records():
    assert render_results.main(["--check"]) == 0


def test_a_changed_record_changes_the_table(tmp_path, monkeypatch):
    record = json.loads((render_results.RECORDS / "sample.json").read_text(encoding="utf-8"))
    before = render_results.row("ours", record, [])
    record["scores"]["exact"]["score"] /= 2
    assert render_results.row("ours", record, []) != before


def test_every_make_target_it_names_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", README, flags=re.MULTILINE)) <= targets


def test_the_first_screen_shows_a_translation_and_the_two_commands():
    first_screen = "\n".join(README.splitlines()[:24])
    for wanted in ("translate([", "make run", "make test"):
        assert wanted in first_screen
