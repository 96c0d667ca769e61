"""The bundled sample: what ``tools/make_sample.py`` writes, and what a reader may rely on.

Rows are judged from their surface alone, so that a fault of the grammar cannot excuse itself.
"""

import importlib.util
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

pyrealb = pytest.importorskip("pyrealb", reason="pyrealb, a development dependency, is not installed")

TOOL = Path(__file__).resolve().parent.parent / "tools" / "make_sample.py"
PHENOMENA = {
    "negation",
    "question",
    "imperative",
    "past",
    "future",
    "conditional",
    "elision",
    "agreement",
    "tu",
    "vous",
    "plural",
    "numeral",
    "name",
    "possessive",
    "contraction",
    "pronoun_object",
}
VOWEL = "aeiouyhàâéèêëîïôœAEIOUYHÀÂÉÈÊÎÔŒ"
H_ASPIRATED = ()  # the lexicon has none; add a word here when it gets one


class Row(NamedTuple):
    """One line of the sample."""

    source: str
    target: str
    attribution: str

    @property
    def phenomena(self) -> list[str]:
        """Return the tags, in the order in which they stand."""
        return self.attribution.partition("phenomena: ")[2].split(", ")


@pytest.fixture(scope="module")
def tool():
    """Import the tool, which lives outside the package."""
    spec = importlib.util.spec_from_file_location("make_sample", TOOL)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rows(tool) -> list[Row]:
    """Read the committed file."""
    return [
        Row(*line.split("\t")) for line in tool.SAMPLE.read_bytes().decode().removesuffix("\n").split("\n")
    ]


def test_the_committed_file_is_what_the_tool_writes(tool):
    assert tool.SAMPLE.read_bytes() == tool.sample().encode()


def test_check_says_in_one_sentence_that_the_file_differs(tool, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tool, "sample", lambda: "Go.\tVa.\tx\n")
    monkeypatch.setattr(tool, "SAMPLE", tmp_path / "sample.tsv")
    assert tool.main(["--check"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert tool.main([]) == 0
    assert tool.main(["--check"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["sample.tsv"]


def test_both_sides_have_two_to_sixty_characters(rows):
    assert {len(side) for row in rows for side in row[:2]} <= set(range(2, 61))


def test_rows_are_sorted_by_source_length_then_alphabetically(rows):
    assert rows == sorted(rows, key=lambda row: (len(row.source), row.source, row.target))


def test_no_pair_stands_twice(rows):
    assert len({row[:2] for row in rows}) == len(rows)


def test_there_are_enough_pairs_and_enough_short_ones(rows):
    lengths = [len(row.source) for row in rows]
    assert len(rows) >= 12_000
    assert sum(length <= 20 for length in lengths) >= 4_000
    assert sum(length <= 30 for length in lengths) >= 9_000


def test_a_source_has_at_most_four_translations(rows):
    assert max(Counter(row.source for row in rows).values()) <= 4


def test_no_side_carries_stray_blanks_or_the_grammars_own_marks(rows):
    assert not [
        row for row in rows for side in row[:2] if side != side.strip() or re.search(r"  |\[\[|[{}|’]", side)
    ]


def test_every_sentence_starts_with_a_capital_and_ends_with_a_mark(rows):
    assert not [row for row in rows for side in row[:2] if not (side[0].isupper() and side[-1] in ".!?")]


def test_english_and_french_end_with_the_same_mark(rows):
    assert not [row for row in rows if row.source[-1] != row.target[-1]]


def test_french_high_punctuation_follows_its_no_break_space(rows):
    assert not [row for row in rows if re.search(r"(?<!\u202f)[!?;]|(?<!\u00a0):", row.target)]
    assert not [row for row in rows if re.search(r"\u202f(?![!?;])|\u00a0(?!:)", row.target)]


def test_english_has_no_blank_before_punctuation(rows):
    assert not [row for row in rows if re.search(r"\s[.,!?]", row.source)]


def test_elision_is_never_missed(rows):
    missed = re.compile(
        rf"\b(?:je|le|la|de|ne|que|me|te|se|jusque) (?!(?:{'|'.join(H_ASPIRATED) or '(?!)'}))[{VOWEL}]",
        re.IGNORECASE,
    )
    assert not [row for row in rows if missed.search(row.target)]


def test_a_and_de_always_contract_with_le_and_les(rows):
    assert not [row for row in rows if re.search(r"\b(?:à|de) les?\b", row.target, re.IGNORECASE)]


def test_negated_objects_take_de(rows):
    wrong = re.compile(r"(?<!est )(?<!était )\b(?:pas|plus|jamais) (?:un|une|des|de la|de l'|du)\b")
    assert not [row for row in rows if wrong.search(row.target) and " from " not in row.source]


def test_ligatures_are_written(rows):
    assert not [row for row in rows if "oeu" in row.target.lower()]


def test_phenomena_are_known_sorted_and_never_empty(rows):
    for row in rows:
        assert row.attribution.startswith("s2s_lib sample, Apache-2.0; phenomena: ")
        assert row.phenomena == ["plain"] or (
            set(row.phenomena) <= PHENOMENA and row.phenomena == sorted(set(row.phenomena))
        ), row
    assert {tag for row in rows for tag in row.phenomena} == PHENOMENA | {"plain"}


SEEN_ON_THE_SURFACE = {  # a phenomenon stands in a row exactly when its words show it
    "question": lambda row: row.target.endswith("?"),
    "elision": lambda row: re.search(r"\b(?:[cdjlmnst]|qu)'", row.target, re.IGNORECASE),
    "negation": lambda row: re.search(r"\b(?:ne |n')", row.target, re.IGNORECASE),
    "name": lambda row: re.search(
        r"\b(?:Alma|Chloé|Inès|Lina|Nadia|Rosa|Bruno|Marc|Omar|Paul|Samuel|Victor)\b", row.target
    ),
    "numeral": lambda row: re.search(r"\b(?:two|three|four|five|six|ten)\b", row.source, re.IGNORECASE),
}


@pytest.mark.parametrize("phenomenon", SEEN_ON_THE_SURFACE)
def test_a_tag_stands_exactly_where_the_sentence_shows_it(rows, phenomenon):
    seen = SEEN_ON_THE_SURFACE[phenomenon]
    assert not [row for row in rows if (phenomenon in row.phenomena) != bool(seen(row))]


SHOWN_BY = {  # what the French of a tagged row must contain
    "tu": r"\b(?:tu|ton|ta|tes|te)\b|\bt'|^(?!.*\b(?:vous|votre|vos|\w+ez)\b)",
    "vous": r"\b(?:vous|votre|vos)\b|\w+ez\b",
    "possessive": r"\b(?:mon|ma|mes|ton|ta|tes|son|sa|ses|notre|nos|votre|vos|leurs?)\b|\b(?:de |d')[A-ZÉ]",
    "contraction": r"\b(?:au|aux|du|des)\b",
    "pronoun_object": r"\b(?:me|te|le|la|nous|vous|les|moi)\b|\b[mtl]'",
    "past": r"ai[st]\b|aient\b|ions\b|iez\b|\b(?:ai|as|a|avons|avez|ont|suis|es|est|sommes|êtes|sont)\b",
    "future": r"r(?:ai|as|a|ons|ez|ont)\b",
    "conditional": r"r(?:ais|ait|ions|iez|aient)\b",
}


@pytest.mark.parametrize("phenomenon", SHOWN_BY)
def test_a_tagged_row_shows_its_phenomenon(rows, phenomenon):
    shown = re.compile(SHOWN_BY[phenomenon], re.IGNORECASE if phenomenon != "possessive" else 0)
    tagged = [row for row in rows if phenomenon in row.phenomena]
    assert tagged
    assert not [
        row
        for row in tagged
        if not shown.search(
            row.target[0].lower() + row.target[1:] if phenomenon == "possessive" else row.target
        )
    ]


def english_forms(words: str) -> set[str]:
    """Return a word as it stands in a sentence: inflected if it is a verb or a noun."""
    head = words.split()[0]
    pyrealb.loadEn()
    entry = pyrealb.getLemma(head) or {}
    verb, noun = entry.get("V"), entry.get("N")
    forms = {head}
    if verb:
        forms |= {pyrealb.V(head).t(tense).realize().strip() for tense in ("p", "ps", "pr")}
    if noun and noun.get("cnt") != "no":
        forms.add(pyrealb.N(head).n("p").realize().strip())
    return forms


def test_every_word_of_the_lexicon_stands_in_many_pairs(tool, rows):
    counts = Counter(word for row in rows for word in set(re.findall(r"\w+", row.source.lower())))
    lexicon = [
        word
        for table in (tool.NOUNS, tool.ADJECTIVES, tool.INTRANSITIVE, tool.TRANSITIVE)
        for text in table.values()
        for word in tool.entries(text)
    ]
    lexicon += [*tool.NAMES, *tool.NEEDS, *tool.NUMERALS]
    seen = {word: sum(counts[form.lower()] for form in english_forms(word)) for word in lexicon}
    assert not {word: count for word, count in seen.items() if count < 30}


def test_linked_pairs_form_only_small_groups(rows):
    """Rows that share a source or a target must share a split: small groups keep splits even."""

    def key(side: str) -> str:
        return re.sub(r"[^\w\s]", "", side.lower()).strip()

    neighbors = defaultdict(set)
    for row in rows:
        source, target = ("en", key(row.source)), ("fr", key(row.target))
        neighbors[source].add(target)
        neighbors[target].add(source)
    sizes, seen = [], set()
    for start in neighbors:
        stack, size = [start], 0
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                size += node[0] == "fr"
                stack += neighbors[node]
        sizes.append(size)
    assert max(sizes) < 40
    assert sum(size for size in sizes if size > 12) < len(rows) / 100
