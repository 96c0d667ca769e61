"""The sample's program writes what lexicon and grammar yield; `make lint` runs its check on the real ones."""

from tools.sample import __main__ as program


def test_a_check_names_a_file_that_differs_and_leaves_it_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(program, "SAMPLE", tmp_path / "sample.tsv")
    monkeypatch.setattr(program, "sample", lambda: "Go.\tVa !\tours\n")
    assert program.main(["--check"]) == 1
    assert "sample.tsv is not what" in capsys.readouterr().err
    assert not program.SAMPLE.exists()
    assert program.main([]) == 0 and program.main(["--check"]) == 0
    program.SAMPLE.write_text("Go.\tAllez !\tours\n", encoding="utf-8")
    assert program.main(["--check"]) == 1
    assert program.SAMPLE.read_text(encoding="utf-8") == "Go.\tAllez !\tours\n"
