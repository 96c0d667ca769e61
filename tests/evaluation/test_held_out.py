"""The command that scores any system on the frozen test set."""

import json

import pytest

from s2s_lib import evaluate
from s2s_lib.evaluation import held_out


@pytest.fixture
def small_corpus(sample_pairs, monkeypatch):
    """Let the command take part of the sample for the real corpus."""
    monkeypatch.setattr(held_out, "load_pairs", lambda corpus, num_samples=None: sample_pairs[::4])


def test_the_test_set_is_the_frozen_one_with_all_french_versions(real_split, real_data_dir, monkeypatch):
    monkeypatch.setenv("S2S_DATA_DIR", str(real_data_dir))
    test, split_hash = held_out.held_out()
    assert split_hash == "be6ac4cc959a1e3360f34ab748920cdf5d211d7b4d6e53368b15f0d1abe0870e"
    pairs = real_split[real_split["split"] == "test"]
    assert test["source"].tolist() == pairs["source"].unique().tolist()
    found = {(row.source, text) for row in test.itertuples() for text in row.references}
    assert found == set(zip(pairs["source"], pairs["target"], strict=True))


@pytest.mark.usefixtures("small_corpus")
def test_its_own_references_score_perfectly_and_its_sources_badly(tmp_path, capsys):
    sources, perfect = tmp_path / "sources", tmp_path / "perfect"
    assert evaluate.main(["--write-sources", str(sources)]) == 0
    test, split_hash = held_out.held_out()
    assert sources.read_text(encoding="utf-8").splitlines() == list(test["source"])
    perfect.write_text("\n".join(versions[-1] for versions in test["references"]) + "\n", encoding="utf-8")
    scores = []
    for hypotheses in (perfect, sources):
        out = tmp_path / "scores.json"
        assert evaluate.main(["--hypotheses", str(hypotheses), "--json", str(out)]) == 0
        scores.append(json.loads(out.read_text(encoding="utf-8")))
        assert json.loads(capsys.readouterr().out) == scores[-1]
    best, copied = scores
    assert list(best) == ["exact", "cer", "chrf", "bleu", "signature", "split_hash"]
    assert best["split_hash"] == split_hash
    assert list(best["exact"]) == ["score", "low", "high", "n"] and best["exact"]["n"] == len(test)
    assert (best["exact"]["score"], best["cer"]["score"]) == (1.0, 0.0)
    assert best["chrf"]["score"] == pytest.approx(100) and best["bleu"]["score"] == pytest.approx(100)
    assert copied["exact"]["score"] < 0.02 and copied["chrf"]["score"] < 30


@pytest.mark.usefixtures("small_corpus")
def test_a_file_of_the_wrong_length_is_refused_in_one_sentence(tmp_path, capsys):
    short = tmp_path / "short.txt"
    short.write_text("one line\n", encoding="utf-8")
    assert evaluate.main(["--hypotheses", str(short), "--json", str(tmp_path / "out.json")]) == 1
    message = capsys.readouterr().err
    assert "short.txt" in message and message.count("\n") == 1
    assert not (tmp_path / "out.json").exists()


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    latin = tmp_path / "latin.txt"
    latin.write_bytes("été\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin\.txt: not UTF-8"):
        held_out.read_hypotheses(latin, num_sources=1)


def test_an_empty_line_is_an_empty_translation(tmp_path):
    file = tmp_path / "hypotheses.txt"
    file.write_text("a\r\n\r\nb\r\n", encoding="utf-8", newline="")
    assert held_out.read_hypotheses(file, num_sources=3) == ["a", "", "b"]


def test_without_a_task_it_says_what_to_ask_for(capsys):
    assert evaluate.main([]) == 2
    assert "--write-sources" in capsys.readouterr().err


def test_without_data_or_network_it_names_the_way_out(tmp_path, monkeypatch, capsys, no_network):
    monkeypatch.setenv("S2S_DATA_DIR", str(tmp_path))
    assert evaluate.main(["--write-sources", str(tmp_path / "sources.txt")]) == 1
    assert "S2S_DATA_DIR" in capsys.readouterr().err


def test_typography_does_not_count():
    scores = held_out.score(["C'est ça !"], [["C\u2019est\u202fça\u00a0!"]], split_hash="x")
    assert scores["exact"]["score"] == 1.0
