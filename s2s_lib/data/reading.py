"""From the bytes of any file of sentence pairs to its rows; what is odd is told (shown in 01_data)."""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

from s2s_lib.data.vocabulary import INVISIBLE, prepare_text

HEADER_WORDS = {"source", "target", "src", "tgt", "sentence", "translation", "text", "attribution"}
MOJIBAKE = re.compile("[ÂÃÐÑ][\u0080-\u00bf]|â€|à¤")  # UTF-8 that was read as Windows-1252 and saved again


@dataclass
class Notes:
    """What is odd in a file and was mended or left: numbers of lines and characters, and first examples."""

    blank: int = 0
    invisible: int = 0
    header: str = ""
    tatoeba: bool = False
    old_mac: bool = False
    mojibake: str = ""

    def __str__(self) -> str:
        """Return one sentence, or "" where nothing is odd."""
        told = {
            "lines end in CR alone": self.old_mac,
            f"the first line ({self.header}) looks like a header and was left out": self.header,
            "four columns look like Tatoeba's own export: columns 2 and 4 were read": self.tatoeba,
            f"{self.blank:,} blank lines were skipped": self.blank,
            f"{self.invisible:,} invisible characters were removed": self.invisible,
            f"{self.mojibake} looks like UTF-8 saved in another encoding: save it anew": self.mojibake,
        }
        return "; ".join(note for note, applies in told.items() if applies)


def read_rows(raw: bytes, name: str, notes: Notes, *, prepare: bool = True) -> Iterator[tuple[str, str, str]]:
    """Yield ``(source, target, attribution)`` of each line, and write into ``notes`` what was odd.

    Sentences are prepared (`s2s_lib.data.vocabulary.prepare_text`) unless they are to pass unchanged.

    Raises
    ------
    ValueError
        In one sentence that names file and line, says what is wrong and what it looks like.
    """
    lines = raw.removeprefix(codecs.BOM_UTF8)
    head = lines[:1000]
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or 4 * head.count(0) > len(head) > 0:
        raise ValueError(f"{name}: not UTF-8, it looks like UTF-16; save the file as UTF-8")
    if b"\r" in lines:
        lines = re.sub(rb"\r*\n", b"\n", lines)
        notes.old_mac = b"\r" in lines.rstrip()
        lines = lines.replace(b"\r", b"\n")
    found = False
    for number, line in enumerate(io.BytesIO(lines), start=1):
        where = f"{name}, line {number}"
        try:
            text = line.decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise ValueError(f"{where}: not UTF-8 ({error.reason}); save the file as UTF-8") from None
        if not text.strip():
            notes.blank += 1
            continue
        columns = _columns(text, where, notes)
        if number == 1 and _is_header(columns):
            notes.header = " | ".join(columns)
            continue
        if not notes.mojibake and MOJIBAKE.search(text) and _was_misread(text):
            notes.mojibake = f"line {number}"
        source, target, attribution = columns
        if prepare:
            notes.invisible += len(INVISIBLE.findall(source)) + len(INVISIBLE.findall(target))
            source, target = prepare_text(source), prepare_text(target)
        if not source.strip() or not target.strip():
            raise ValueError(f"{where}: the {'target' if source.strip() else 'source'} is empty")
        found = True
        yield source, target, attribution
    notes.blank -= _trailing_blank(lines)
    if not found:
        raise ValueError(f"{name}: no sentence pairs, the file is empty")


def _columns(text: str, where: str, notes: Notes) -> tuple[str, str, str]:
    """Return source, target and attribution of a line."""
    columns = text.split("\t")
    while len(columns) > 2 and not columns[-1].strip():
        columns.pop()  # a tab at the end
    if len(columns) == 4 and columns[0].strip().isdigit() and columns[2].strip().isdigit():
        notes.tatoeba = True
        columns = [columns[1], columns[3]]
    if len(columns) not in (2, 3):
        looks = ""
        if len(columns) == 1 and re.search("[,;]", text):
            looks = (
                f"; it looks like a CSV file with {';' if ';' in text else ','}: save it with tabs instead"
            )
        raise ValueError(f"{where}: expected 2 or 3 columns between tabs, found {len(columns)}{looks}")
    source, target, attribution = (*columns, "")[:3]
    return source, target, attribution


def _is_header(columns: tuple[str, str, str]) -> bool:
    """Tell whether both sentences of the first line are names of columns or languages."""
    words = [column.strip().lower() for column in columns[:2]]
    return all(word in HEADER_WORDS for word in words) or all(word in language_names() for word in words)


def language_names() -> dict[str, str]:
    """Return the code of each language by its name in lower case, English included."""
    with (resources.files("s2s_lib") / "resources" / "languages.tsv").open(encoding="utf-8") as file:
        codes = [line.rstrip("\n").split("\t") for line in file]
    return {name.lower(): code for code, name in codes} | {"english": "eng"}


def _was_misread(text: str) -> bool:
    """Tell whether the text is UTF-8 decoded as Windows-1252, or as Latin-1 where that has no sign."""
    try:
        return (
            b"".join(sign.encode("latin-1" if sign < "\xa0" else "cp1252") for sign in text).decode() != text
        )
    except UnicodeError:
        return False


def _trailing_blank(lines: bytes) -> int:
    """Return how many blank lines end a file: these are no oddity."""
    content = lines.rstrip()
    return max(0, lines[len(content) :].count(b"\n") - 1)
