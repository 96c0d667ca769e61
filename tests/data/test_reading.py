"""Any file of pairs is read, what is odd in it is told, and what cannot be read is refused by its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s_lib.data.corpus import load_pairs
from s2s_lib.data.reading import Notes, language_names, read_rows

OTTERS = [("The otter sleeps.", "La loutre dort.", ""), ("Dive!", "Plonge\u202f!", "")]
TEXT = "The otter sleeps.\tLa loutre dort.\nDive!\tPlonge\u202f!\n"


def rows_and_notes(text, **options):
    notes = Notes()
    raw = text if isinstance(text, bytes) else text.encode()
    return list(read_rows(raw, "own.tsv", notes, **options)), str(notes)


@pytest.mark.parametrize(
    "text", [TEXT, TEXT.rstrip(), TEXT + "\n\n", "\ufeff" + TEXT, TEXT.replace("\n", "\r\n")]
)
def test_of_a_usual_file_there_is_nothing_to_tell(text):
    assert rows_and_notes(text) == (OTTERS, "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TEXT.replace("\n", "\r"), "lines end in CR alone"),
        ("Source\tTarget\n" + TEXT, "the first line (Source | Target"),
        ("English\tFrench\n" + TEXT, "the first line (English | French"),
        (
            "1276\tThe otter sleeps.\t33\tLa loutre dort.\n7\tDive!\t12\tPlonge\u202f!\n",
            "four columns look like Tatoeba's own export: columns 2 and 4 were read",
        ),
        ("\n" + TEXT.replace("\n", "\n \t\n\n"), "blank lines were skipped"),
        (TEXT.replace("otter", "ot\u00adter\u200b"), "2 invisible characters were removed"),
        (TEXT.replace("\n", "\t\t\n"), ""),
    ],
    ids=["old Mac", "header", "languages", "Tatoeba", "blank lines", "invisible", "tabs at the end"],
)
def test_what_is_odd_in_a_file_is_mended_and_told(text, told):
    rows, notes = rows_and_notes(text)
    assert rows == OTTERS
    assert told in notes and bool(told) == bool(notes)


def test_several_oddities_are_told_in_one_sentence():
    _, notes = rows_and_notes(
        "English\tFrench\r\r" + TEXT.replace("\n", "\r").replace("otter", "\u200botter")
    )
    assert [note.split()[0] for note in notes.split("; ")] == ["lines", "the", "1", "1"]


def test_text_that_was_saved_in_a_wrong_encoding_is_told_by_its_first_line_and_left_as_it_is():
    broken = "It was summer.\tC'\u00e9tait l'\u00e9t\u00e9.".encode().decode("cp1252")
    rows, notes = rows_and_notes(TEXT + broken + "\n" + broken + "\n")
    assert notes == "line 3 looks like UTF-8 saved in another encoding: save it anew"
    assert rows[2][:2] == tuple(broken.split("\t"))


@pytest.mark.parametrize("target", ["Ça va, André\u00a0?", "Señor Muñoz", "À bientôt, chère Zoë", "Ðó Ñ"])
def test_accents_as_they_should_be_are_not_taken_for_a_wrong_encoding(target):
    assert rows_and_notes(f"{TEXT}A\t{target}\n")[1] == ""


@pytest.mark.parametrize("first", ["English\tis spoken here.", "Text\tTexte", "Source\tLa source"])
def test_a_first_pair_of_which_one_side_alone_looks_like_a_header_is_kept(first):
    rows, notes = rows_and_notes(f"{first}\n{TEXT}")
    assert rows[0][:2] == tuple(first.split("\t")) and notes == ""


def test_sentences_are_composed_unless_they_are_to_pass_unchanged():
    text = "Summer.\tL'e\u0301te\u0301\u200b.\n"
    assert rows_and_notes(text)[0] == [("Summer.", "L'été.", "")]
    assert rows_and_notes(text, prepare=False) == ([(*text[:-1].split("\t"), "")], "")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("Dive!;Plonge !\n", "found 1; it looks like a CSV file with ;: save it with tabs instead"),
        ('"Dive!","Plonge !"\n', "found 1; it looks like a CSV file with ,: save it with tabs instead"),
        ("Dive!\n", "expected 2 or 3 columns between tabs, found 1"),
        ("1\ta\tb\tc\n", "found 4"),
        ("\u200b\tcible\n", "the source is empty"),
        ("source\t\ufeff\n", "the target is empty"),
    ],
)
def test_what_cannot_be_read_is_refused_by_line_with_what_it_looks_like(text, complaint):
    with pytest.raises(ValueError) as caught:
        rows_and_notes(TEXT + text)
    [sentence] = str(caught.value).splitlines()
    assert sentence.startswith("own.tsv, line 3: ") and sentence.endswith(complaint)


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff\r\n", "Source\tTarget\n", " \t \n"])
def test_a_file_without_a_pair_is_called_empty(text):
    with pytest.raises(ValueError, match=r"^own\.tsv: no sentence pairs, the file is empty$"):
        rows_and_notes(text)


LINE = st.sampled_from(["Dive!\tPlonge !", "a\tb\tc", "", " ", "\t"])
ENDING = st.sampled_from(["\n", "\r\n"])


@given(st.lists(LINE), ENDING, st.booleans())
def test_blank_lines_are_counted_before_the_last_pair_and_not_behind_it(lines, ending, ended):
    lines = [*lines, "Swim!\tNage !"]
    before = sum(not line.strip() for line in lines)
    rows, notes = rows_and_notes(ending.join([*lines, *["", ""] * ended]))
    assert len(rows) == len(lines) - before
    assert notes.startswith(f"{before} blank line" if before else "") and bool(notes) == bool(before)


def test_loading_a_file_warns_once_of_all_that_is_odd_in_it(tmp_path):
    path = tmp_path / "own.tsv"
    path.write_text("Source\tTarget\n\n" + TEXT, encoding="utf-8")
    with pytest.warns(UserWarning) as caught:
        frame = load_pairs(path)
    assert len(frame) == 2
    [warning] = caught
    assert str(warning.message).startswith(f"{path}: the first line (Source | Target")
    assert "1 blank line" in str(warning.message)
    assert warning.filename == __file__  # it points to the reader's own line


def test_english_and_every_language_of_manythings_is_known_by_its_name():
    names = language_names()
    assert names["english"] == "eng" and names["french"] == "fra" and len(names) > 80
    assert len(set(names.values())) == len(names)
