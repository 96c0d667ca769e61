"""The sample's program writes what lexicon and grammar yield; `make lint` runs its check on the real ones."""

import pytest

from tools.sample import __main__ as program
from tools.sample import patterns
from tools.sample.grammar import Name, Noun, Pronoun, Reading


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


# What rows of patterns.toml stand for


def said(**row):
    """Return the English of every sentence that a row allows, and the French of its first reading."""
    return {sentence.english(): sentence.french(Reading("tu", "m")) for sentence in patterns.sentences(row)}


def test_a_choice_is_a_group_a_table_or_nouns_under_the_determiners_that_suit_them():
    assert patterns.choices("I Alma + nothing") == [Pronoun("I", 1, "s"), Name("Alma"), None]
    assert [words.en for words in patterns.choices("times past")] == ["yesterday", "this morning"]
    assert set(patterns.choices("the some plural otter")) == {
        Noun("the", "otter", "p"),
        Noun("some", "otter", "p"),
    }
    assert {noun.det for noun in patterns.choices("the numbers some dish")} == {"the", "some"}
    assert {noun.det for noun in patterns.choices("the some food")} == {"the"}
    assert patterns.choices("the plural dish") == []


def test_a_word_that_no_table_holds_is_named():
    with pytest.raises(ValueError, match=r"patterns\.toml: no table or group holds citizns$"):
        patterns.choices("names + the citizns")


def test_a_row_says_every_combination_in_both_languages():
    found = said(who="he Alma", verb="intransitive skill animal", mood="does did-not", then=["manners -well"])
    assert found.keys() >= {"He swims a lot.", "Alma swims a lot."} and len(found) == 4
    assert found["Alma swims a lot."] == "Alma nage beaucoup."


def test_nobody_asks_what_they_must_know_or_does_a_thing_to_itself():
    row = {"verb": "intransitive reflex animal", "mood": "does?"}
    assert said(who="I we", **row) == {} and said(who="you", **row) == {
        "Do you dream?": "Est-ce que tu rêves\u202f?"
    }
    animals = said(who="the animal", verb="follow", mood="doing", then=["the animal"])
    assert len(animals) == 7 * 6


def test_a_frame_repeats_for_each_line_of_a_table_and_pairs_one_noun_with_itself_where_asked():
    assert said(each="weather", en="<en>, {0}.", fr="<fr>, {0}.", **{"with": ["Alma"]}) == {
        "Cold, Alma.": "Froid, Alma.",
        "Hot, Alma.": "Chaud, Alma.",
    }
    whose = {"en": "whose {0} is this?", "fr": "à qui est {1} ?", "with": ["bare drink", "this drink"]}
    assert said(**whose, same=True)["Whose tea is this?"] == "À qui est ce thé\u202f?"
    assert len(said(**whose, same=True)) == len(patterns.choices("this drink"))
