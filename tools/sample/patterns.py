"""The sample: the sentences that the rows of `patterns.toml` allow, and those of them that it keeps."""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain, pairwise, product
from pathlib import Path
from typing import Any

from tools.sample.grammar import (
    DEGREES,
    DETERMINERS,
    LEXICON,
    NAMES,
    NOUNS,
    NUMERALS,
    Calling,
    Clause,
    Location,
    Mood,
    Name,
    Noun,
    Pair,
    Place,
    Pronoun,
    Quality,
    Sentence,
    Words,
)

Row = dict[str, Any]

TABLES: Row = tomllib.loads(Path(__file__).with_name("patterns.toml").read_text(encoding="utf-8"))
KINDS = {row["kind"]: row for row in LEXICON["kinds"]}
VERBS: dict[str, Row] = {row["en"]: row for row in LEXICON["intransitive"] + LEXICON["transitive"]}
VERBS |= TABLES["verbs"]
PRONOUNS = {name: Pronoun(**row) for name, row in TABLES["pronouns"].items()}
OTHER_MARKS = {"plural", "numbers", "owner's", "adjective", "attributive"}  # of nouns
WOMEN, MEN = ([name for name in NAMES if NAMES[name] == gender] for gender in "fm")


# ---- choices: what may fill a place in a sentence ----
def select(table: str, *wanted: str) -> list[dict[str, str]]:
    """Return the rows of a table of the lexicon with every wanted mark; ``-mark`` bars rows that have it."""
    found = []
    for row in LEXICON[table]:
        marks = {row["en"]}.union(*(text.split() for name, text in row.items() if name not in ("en", "fr")))
        if all(mark[1:] not in marks if mark[0] == "-" else mark in marks for mark in wanted):
            found.append(row)
    return found


@cache
def choices(text: str) -> list[Any]:
    """Return the parts and clauses that a choice of `patterns.toml` stands for; None is to say nothing."""
    return list(chain.from_iterable(choices_of_term(*term.split()) for term in text.split(" + ")))


def choices_of_term(head: str, *marks: str) -> Iterable[Any]:
    """Return what one term of a choice stands for: its first word says how to read the others."""
    if head in GROUPS:
        return chain(GROUPS[head], *map(choices, marks))
    if head in TABLES["groups"]:
        return chain.from_iterable(map(choices, [TABLES["groups"][head], *marks]))
    if head in TABLES["clauses"]:
        moods = {"mood": " ".join(marks)} if marks else {}
        return chain.from_iterable(clauses(row | moods) for row in TABLES["clauses"][head])
    if "=" in head:
        return (Place(head, noun) for noun in choices(" ".join(marks)))
    if head == "is":
        return map(Location, choices(" ".join(marks)))
    if head == "places":
        rows = [(f"{row['en']}={row['fr']}", row["nouns"].split()) for row in select("places", marks[0])]
        found = [Place(preposition, Noun("the", noun)) for preposition, nouns in rows for noun in nouns]
        return found[::2] if "thinned" in marks else found
    if head == "quality":
        return (Quality(*pair) for pair in adjectives(*marks, "-attributive"))
    if head == "very":
        graded = adjectives(*marks, "-attributive", "-ungraded")
        return (Quality(*pair, degree) for pair, degree in product(graded, DEGREES))
    if head == "more":
        compared, others = adjectives(marks[0], "-attributive", "-uncompared"), choices(" ".join(marks[1:]))
        return (Quality(*pair, than=other) for pair, other in product(compared, others))
    if head in LEXICON:
        return (Words(row["en"], row["fr"], row.get("tags", "")) for row in select(head, *marks))
    return nouns({head, *marks})


def adjectives(*wanted: str) -> list[Pair]:
    """Return the English and the French of the adjectives with every wanted mark."""
    return [(row["en"], row["fr"]) for row in select("adjectives", *wanted)]


def nouns(marks: set[str]) -> Iterator[Noun]:
    """Yield the nouns among the marks, and those of the kinds among them, under determiners that suit."""
    determiners = marks & {*DETERMINERS, *NUMERALS, "bare"}
    determiners |= NUMERALS.keys() if "numbers" in marks else set()
    number = "p" if "plural" in marks else "s"
    if unknown := marks - determiners - KINDS.keys() - NOUNS.keys() - OTHER_MARKS:
        raise ValueError(f"patterns.toml: no table or group holds {', '.join(sorted(unknown))}")
    yield from (Noun(det, en, number) for det, en in product(determiners, NOUNS.keys() & marks))
    for kind in KINDS.keys() & marks:
        limits, suited = KINDS[kind], determiners
        if limits["determiners"] != "any":
            suited = suited & {"bare", *limits["determiners"].split()}
        if number == "s" and limits["number"] != "mass":
            suited = suited - {"some"}
        if number == "p" and limits["number"] != "both":
            suited = set()
        beside: list[Any] = [()]
        if marks & {"adjective", "attributive"}:
            beside = adjectives(kind, "-predicative", *marks & {"attributive"})
        for row, adjective in product(select("nouns", kind), beside):
            yield from (Noun(det.replace("bare", ""), row["en"], number, adjective) for det in suited)
            owners = NAMES if "owner's" in marks else ()
            yield from (Noun("the", row["en"], number, adjective, owner) for owner in owners)


GROUPS: dict[str, list[Any]] = {  # those that the file cannot make of others
    **{name: [pronoun] for name, pronoun in PRONOUNS.items()},
    **{name: [Words(**row)] for name, row in TABLES["words"].items()},
    **{name: [Name(name)] for name in NAMES},
    **{"names": [*map(Name, NAMES)], "women": [*map(Name, WOMEN)], "men": [*map(Name, MEN)]},
    "couples": list(map(Name, WOMEN + MEN, MEN + WOMEN)),
    "profession": [Calling(row["en"], "s") for row in select("nouns", "worker", "mf")],
    "professions": [Calling(row["en"], "p") for row in select("nouns", "worker", "mf")],
    "destinations": [Noun("the", en) for en in select("places", "person", "at")[0]["nouns"].split()],
    "ages": [Words(f"{en} years old", f"{fr} ans", "numeral plural") for en, fr in NUMERALS.items()],
    "hours": [Words(f"at {en} o'clock", f"à {fr} heures", "numeral plural") for en, fr in NUMERALS.items()],
    "nothing": [None],
}


# ---- clauses and sentences ----
def moods(text: str) -> list[Mood]:
    """Return the moods that some names of the table of moods stand for."""
    found = []
    for name in text.split():
        entry = TABLES["moods"][name]
        found += moods(entry) if isinstance(entry, str) else [Mood(**entry)]
    return found


def clauses(row: Row) -> Iterator[Clause]:
    """Yield every clause that a row allows in which nothing is done to itself."""
    verbs: list[Row] = []
    for text in row["verb"].split(", "):
        verbs += [VERBS[text]] if text in VERBS else select(*text.split())
    for verb in verbs:
        rests = [choices(re.sub(r"\bobjects\b", verb.get("what", ""), text)) for text in row.get("then", [])]
        subjects = choices(row["who"]) if "who" in row else [None]
        for subject, mood, *rest in product(subjects, moods(row.get("mood") or verb["group"]), *rests):
            parts = tuple(part for part in rest if part is not None)
            if not any(are_same(subject, part) for part in parts):
                yield Clause(subject, (verb["en"], verb["fr"]), parts, mood)


def are_same(one: Any, other: Any) -> bool:
    """Tell whether two parts name the same thing, or two clauses share a subject or a verb."""
    if isinstance(one, Clause) and isinstance(other, Clause):
        return one.subject == other.subject or one.verb == other.verb
    if isinstance(other, Place):
        other = other.noun
    elif isinstance(other, Quality):
        other = other.than
    if isinstance(one, Pronoun) and isinstance(other, Pronoun):
        return one.person == other.person < 3
    if isinstance(one, Noun) and isinstance(other, Noun):
        return one.en == other.en
    return one == other is not None


def asks_itself(clause: Clause) -> bool:
    """Tell whether nobody needs to ask: *do I sleep, are we singing* (but *can I sleep, do we have*)."""
    about_now = clause.mood.question and clause.mood.tense == "present" and clause.mood.modal != "can"
    myself = clause.subject in (PRONOUNS["I"], PRONOUNS["we"])
    return about_now and myself and clause.verb[0] not in ("be", "have", "go")


def sentences(row: Row) -> Iterator[Sentence]:
    """Yield every sentence that a row of `patterns.toml` allows."""
    if "each" in row:
        template = json.dumps({name: value for name, value in row.items() if name != "each"})
        for word in row["each"].split():
            for entry in LEXICON.get(word, [{"word": word}]):
                text = template
                for name, value in entry.items():
                    text = text.replace(f"<{name}>", value)
                yield from sentences(json.loads(text))
        return
    readings = {name: row[name] for name in ("you", "gender") if name in row}
    (mood,) = moods(row.get("mood", "does")) if "verb" not in row else moods("does")
    first, same = [clauses(row)] if "verb" in row else [], row.get("same")
    for parts in product(*first, *map(choices, row.get("with", []))):
        if "en" not in row:
            if not asks_itself(parts[0]):
                frame = ("{0}?", "est-ce que {0} ?") if parts[0].mood.question else ("{0}.", "{0}.")
                yield Sentence(*frame, parts)
        elif all(a[1:] == b[1:] if same else not are_same(a, b) for a, b in pairwise(parts)):
            several = "several" in row and parts[0].number == "p"
            yield Sentence(row["several" if several else "en"], row["fr"], parts, mood, **readings)


def sample() -> str:
    """Return the text of the sample: rows sorted by the source's length, then alphabetically."""
    rows: dict[Pair, tuple[str, str, str]] = {}
    for pattern in TABLES["patterns"]:
        allowed = set(chain.from_iterable(map(sentences, pattern["allow"])))
        # Those with the smallest digests: the same ones on every machine.
        for sentence in sorted(allowed, key=Sentence.digest)[: pattern["keep"]]:
            rows |= {row[:2]: row for row in sentence.rows()}
    ordered = sorted(rows.values(), key=lambda row: (len(row[0]), *row))
    return "".join("\t".join(row) + "\n" for row in ordered)
