"""The grammar of the sample: one English sentence, and its French under every reading.

The lexicon holds the words; pyrealb conjugates, agrees and elides. English leaves open what French must
decide (*tu* or *vous*, masculine or feminine), so a sentence is realized once for each :class:`Reading`, and
a source has as many rows as it has translations.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

from pyrealb import AP, CP, NP, PP, SP, VP, A, C, Constituent, D, N, P, Pro, Q, V, loadEn, loadFr

Pair = tuple[str, str]  # English, French

LEXICON: dict[str, list[dict[str, str]]] = tomllib.loads(
    Path(__file__).with_name("lexicon.toml").read_text(encoding="utf-8")
)
NAMES = {row["name"]: row["gender"] for row in LEXICON["names"]}
NOUNS = {row["en"]: row for row in LEXICON["nouns"]}
DEGREES, NUMERALS = ({row["en"]: row["fr"] for row in LEXICON[table]} for table in ("degrees", "numerals"))
DETERMINERS = {row["en"]: row for row in LEXICON["determiners"]}
BE = ("be", "être")

ATTRIBUTION = "s2s_lib sample, Apache-2.0; phenomena: "
LENGTHS = range(2, 61)  # characters that either side of a row may have
TENSES = {  # pyrealb's names in English and in French, and the phenomenon that the tense shows
    "present": ("p", "p", ""),
    "past": ("ps", "pc", "past"),
    "was": ("ps", "i", "past"),
    "future": ("f", "f", "future"),
    "would": ("c", "c", "conditional"),
    "order": ("ip", "ip", "imperative"),
    "let": ("b", "ip", "imperative"),
}
ENGLISH_MODALS = {"can": "poss", "must": "obli"}
FRENCH_MODALS = {"can": "pouvoir", "must": "devoir", "want": "vouloir"}
FORMS_OF_HAVE = {"": "have", "s": "has", "ed": "had", "ing": "having"}


class Mood(NamedTuple):
    """Tense, aspect, polarity and modality; ``negation`` is the French second half (*pas*, *jamais*, …)."""

    tense: str = "present"
    progressive: bool = False
    negation: str = ""
    question: bool = False
    modal: str = ""


AFFIRM = Mood()


@dataclass
class Reading:
    """One way to take an English sentence in French, and the phenomena met while saying it."""

    you: str  # tu or vous
    gender: str  # of everybody whose gender English leaves open
    tags: set[str] = field(default_factory=set)
    subject: tuple[str, str] = ("m", "s")  # gender and number of the clause's subject
    gender_matters: bool = False

    def choose_gender(self) -> str:
        """Return the gender of a person whose gender English leaves open."""
        self.gender_matters = True
        return self.gender

    def address(self) -> str:
        """Return the number in which the reading addresses *you*."""
        self.note(self.you)
        return "s" if self.you == "tu" else "p"

    def form(self, text: str) -> str:
        """Return words that suit the person addressed: one side of ``tu|vous``, or the text as it is."""
        tu, _, vous = text.partition("|")
        return vous if vous and self.address() == "p" else tu

    def note(self, *phenomena: str, number: str = "s") -> None:
        """Note phenomena; empty ones are skipped, and a plural ``number`` is one."""
        self.tags.update(filter(None, (*phenomena, "plural" if number == "p" else "")))

    def note_agreement(self, adjective: str, gender: str, number: str) -> None:
        """Note an adjective that visibly differs from its masculine singular."""
        if inflect(adjective, gender, number) != adjective:
            self.note("agreement", number=number)


@cache
def inflect(adjective: str, gender: str, number: str) -> str:
    """Return the form of a French adjective."""
    loadFr()
    return A(adjective).g(gender).n(number).realize()


# ---- parts of a sentence ----
# `Sentence.digest` hashes the repr of a sentence, which includes the reprs of its parts. Do not rename these
# classes or their fields, reorder or add fields, or change a value's type: each would draw another sample.
class Words(NamedTuple):
    """Words that do not inflect; the French may tell ``tu|vous`` apart, and ``tags`` names its phenomena."""

    en: str
    fr: str
    tags: str = ""


class Pronoun(NamedTuple):
    """A personal pronoun; without a gender, the reading decides.

    Its role is ``subject``, ``object``, ``strong`` (*avec moi*), ``ce`` (*c'est*) or ``il`` (*il pleut*).
    """

    en: str
    person: int
    number: str
    gender: str = ""
    role: str = "subject"


class Name(NamedTuple):
    """A first name, or two: *Nadia and Paul*."""

    en: str
    other: str = ""


class Noun(NamedTuple):
    """A noun with its determiner, number and adjective; ``owner`` is a name (*Nadia's boat*)."""

    det: str
    en: str
    number: str = "s"
    adjective: Pair | tuple[()] = ()
    owner: str = ""


class Quality(NamedTuple):
    """An adjective after *to be*, perhaps with a degree or a comparison."""

    en: str
    fr: str
    degree: str = ""
    than: Name | Noun | None = None


class Calling(NamedTuple):
    """A profession after *to be*: *a baker*, in French without an article."""

    en: str
    number: str


class Place(NamedTuple):
    """A preposition, written as ``near=près de``, and its noun phrase."""

    preposition: str
    noun: Noun | Name | Pronoun


class Location(NamedTuple):
    """A form of *to be* before its subject, as in *where is the otter*."""

    subject: Noun | Name


Subject = Words | Pronoun | Name | Noun
Part = Subject | Quality | Calling | Place | Location


class Clause(NamedTuple):
    """A subject (none in an order), a verb and what follows it, in some mood."""

    subject: Subject | None
    verb: Pair
    rest: tuple[Part, ...] = ()
    mood: Mood = AFFIRM


# ---- English: what pyrealb then realizes ----
def english(part: Part, mood: Mood = AFFIRM) -> Constituent:
    """Return the English of a part; *some* becomes *any* in questions and negations."""
    match part:
        case Words():
            return Q(part.en)
        case Pronoun():
            case = "I" if part.role in ("subject", "ce", "il") else "me"
            pronoun = Pro(case).pe(part.person).n(part.number)
            return pronoun.g(part.gender) if part.gender and part.en != "it" else pronoun
        case Name():
            names = [NP(Q(name)) for name in part if name]
            return CP(C("and"), *names) if part.other else names[0]
        case Noun():
            det = "any" if part.det == "some" and (mood.negation or mood.question) else part.det
            det = f"{part.owner}'s" if part.owner else det
            start = [D(det) if det in ("the", "a", "this") else Q(det)] if det else []
            return NP(*start, *map(A, part.adjective[:1]), N(part.en)).n(part.number)
        case Quality():
            if part.than:
                return AP(A(part.en).f("co"), Q("than"), english(part.than))
            return AP(*[Q(part.degree)] if part.degree else [], Q(part.en))
        case Calling():
            return NP(*[D("a")] if part.number == "s" else [], N(part.en)).n(part.number)
        case Place():
            return PP(Q(part.preposition.split("=")[0]), english(part.noun))
        case Location():
            _, number = features(part.subject, Reading("tu", "m"))
            return Q(f"{'is' if number == 's' else 'are'} {english(part.subject).realize()}")


def english_clause(clause: Clause, contract: bool) -> str:
    """Return the English words, with contractions (*don't*) where asked for."""
    tense, progressive, negation, question, modal = clause.mood
    # pyrealb asks "have I a boat?", so "own" stands in for "have" until the words are there.
    head, *particle = clause.verb[0].replace("have", "own").split()
    early = [Q("never")] if negation == "jamais" else []
    late = [Q("anymore")] if negation == "plus" else []
    rest = [*map(Q, particle), *(english(part, clause.mood) for part in clause.rest), *late]
    if modal == "want":
        verb = VP(V("want").t(TENSES[tense][0]), VP(V(head).t("b-to"), *rest))
    else:
        verb = VP(V(head).t(TENSES[tense][0]), *early if head == "be" else [], *rest)
    if tense == "let":
        return f"let's {'not ' if negation else ''}{verb.realize()}"
    subject = [english(clause.subject)] if clause.subject else []
    options = {
        "neg": negation in ("pas", "plus"),
        "prog": progressive,
        "contr": contract,
        "int": question and "yon",
        "mod": ENGLISH_MODALS.get(modal),
    }
    sentence = SP(*subject, *early if head != "be" else [], verb)
    words = sentence.typ({option: value for option, value in options.items() if value}).realize()
    words = words.rstrip("? ").replace("be not ", "don't be ")
    return re.sub(r"\bown(s|ed|ing|)\b", lambda own: FORMS_OF_HAVE[own[1]], words)


# ---- French: under a reading, which takes note of the phenomena ----
def features(part: Subject, reading: Reading) -> tuple[str, str]:
    """Return gender and number in French; the reading decides what English leaves open."""
    match part:
        case Words():
            return "m", "s"
        case Pronoun():
            number = reading.address() if part.person == 2 else part.number
            return part.gender or reading.choose_gender(), number
        case Name():  # two names are feminine if both are
            feminine = {NAMES[name] for name in part if name} == {"f"}
            return "f" if feminine else "m", "p" if part.other else "s"
        case Noun():
            gender = NOUNS[part.en]["gender"]
            return reading.choose_gender() if gender == "mf" else gender, part.number


def french(part: Part, reading: Reading, mood: Mood = AFFIRM) -> Constituent:
    """Return the French of a part."""
    match part:
        case Words():
            reading.note(*part.tags.split())
            return Q(reading.form(part.fr))
        case Pronoun():
            return french_pronoun(part, reading)
        case Name():
            reading.note("name", "plural" if part.other else "")
            names = [NP(Q(name)).g(NAMES[name]) for name in part if name]
            return CP(C("et"), *names) if part.other else names[0]
        case Noun():
            return french_noun(part, reading, mood)
        case Quality():
            gender, number = reading.subject
            reading.note_agreement(part.fr, gender, number)
            adjective = A(part.fr).g(gender).n(number)
            if part.than:
                return AP(adjective.f("co"), SP(C("que"), french(part.than, reading)))
            return AP(*[Q(DEGREES[part.degree])] if part.degree else [], adjective)
        case Calling():
            return NP(N(NOUNS[part.en]["fr"]).g(reading.subject[0])).n(part.number)
        case Place():
            *before, last = part.preposition.split("=")[1].split()
            if isinstance(part.noun, Noun) and last in ("à", "de") and contracts(part.noun, reading):
                reading.note("contraction")  # pyrealb contracts
            return PP(*map(Q, before), P(last), french(part.noun, reading))
        case Location():
            _, number = features(part.subject, reading)
            return Q(f"{'est' if number == 's' else 'sont'} {french(part.subject, reading).realize()}")


def french_pronoun(part: Pronoun, reading: Reading) -> Constituent:
    """Return a subject, an object before its verb, or a strong form."""
    gender, number = features(part, reading)
    reading.note("plural" if part.en in ("they", "them") else "")
    if part.role == "object":
        reading.note("pronoun_object")
        return Pro("moi").c("acc").pe(part.person).n(number).g(gender)
    if part.role in ("ce", "il"):
        return Pro("ce") if part.role == "ce" else Q("il")
    pronoun = Pro("je") if part.role == "subject" else Pro("moi").tn("")
    return pronoun.pe(part.person).n(number).g(gender)


def french_noun(part: Noun, reading: Reading, mood: Mood) -> Constituent:
    """Return *une loutre*, *le vieux bateau de Nadia*; *pas de loutre*; *du pain*."""
    gender, number = features(part, reading)
    noun, adjective = N(NOUNS[part.en]["fr"]).g(gender), list(map(A, part.adjective[1:]))
    reading.note(number=number)
    if part.adjective:
        reading.note_agreement(part.adjective[1], gender, number)
    if part.det in ("a", "some") and mood.negation:
        return NP(P("de"), noun, *adjective).n(number)
    if part.det == "some" and number == "s":
        reading.note("contraction" if contracts(part, reading) else "")
        return NP(P("de"), NP(D("le"), noun))
    owner = [PP(P("de"), Q(part.owner))] if part.owner else []
    reading.note(*["name", "possessive"] if owner else [])
    return NP(french_determiner(part.det, reading), noun, *adjective, *owner).n(number)


def french_determiner(det: str, reading: Reading) -> Constituent:
    """Return a numeral, a possessive or an article."""
    if det in NUMERALS:
        reading.note("numeral")
        return Q(NUMERALS[det])
    row = DETERMINERS[det]
    if "person" not in row:
        return D(row["fr"])
    reading.note("possessive")
    return D(reading.form(row["fr"])).pe(int(row["person"]))


def contracts(part: Noun, reading: Reading) -> bool:
    """Tell whether *à* or *de* merges with the article: *au port*, but *à la gare, à l'hôtel*."""
    definite = part.det in ("the", "some") and not part.owner
    vowel = NOUNS[part.en]["fr"][0] in "aeiouhéœî"
    return definite and (part.number == "p" or (features(part, reading)[0] == "m" and not vowel))


def french_clause(clause: Clause, reading: Reading) -> str:
    """Return the French words, without *est-ce que*."""
    tense, _, negation, _, modal = clause.mood
    _, french_tense, phenomenon = TENSES[tense]
    reading.note(phenomenon, "negation" if negation else "")
    if clause.subject:
        reading.subject = features(clause.subject, reading)
    else:
        reading.subject = (reading.choose_gender(), reading.address() if tense == "order" else "p")
    mood = AFFIRM if clause.verb == BE else clause.mood
    rest = [french(part, reading, mood) for part in clause.rest]
    main, inner = (FRENCH_MODALS[modal], clause.verb[1]) if modal else (clause.verb[1], "")
    verb = V(main).t(french_tense)
    if not clause.subject:
        verb = verb.pe(2 if tense == "order" else 1).n(reading.subject[1])
    if tense == "past" and verb.getProp("aux") == "êt" and reading.subject != ("m", "s"):
        reading.note("agreement", number=reading.subject[1])
    phrase = VP(verb, VP(V(inner).t("b"), *rest)) if inner else VP(verb, *rest)
    subject = [french(clause.subject, reading)] if clause.subject else []
    second_half = "" if negation == "personne" else negation  # its subject: personne ne chante
    return SP(*subject, phrase).typ({"neg": second_half} if negation else {}).realize()


# ---- sentences ----
class Sentence(NamedTuple):
    """An English and a French frame whose ``{0}, {1}, …`` the parts fill.

    ``mood`` tells parts outside a clause whether they are denied or asked for; ``you`` and ``gender`` name
    the readings that the sentence allows.
    """

    en: str
    fr: str
    parts: tuple[Part | Clause, ...] = ()
    mood: Mood = AFFIRM
    you: str = "tu vous"
    gender: str = "mf"

    def digest(self) -> int:
        """Return the number that decides which sentences are kept, and which contract."""
        # It hashes the repr, so that must stay exactly as it is: see the comment above the parts.
        return int(hashlib.sha256(repr(self).encode()).hexdigest(), 16)

    def english(self) -> str:
        """Return the English sentence; three in four that can contract do."""
        loadEn()
        contract = self.digest() % 4 > 0
        parts = (
            english_clause(part, contract)
            if isinstance(part, Clause)
            else english(part, self.mood).realize().strip()
            for part in self.parts
        )
        return polish(self.en.format(*parts)).replace(" ?", "?")

    def french(self, reading: Reading) -> str:
        """Return the French sentence, and leave its phenomena in ``reading.tags``."""
        loadFr()
        reading.note("question" if "?" in self.fr else "", "negation" if self.mood.negation else "")
        reading.note(TENSES[self.mood.tense][2])
        parts = (
            french_clause(part, reading)
            if isinstance(part, Clause)
            else french(part, reading, self.mood).realize().strip()
            for part in self.parts
        )
        text = typeset(polish(self.fr.format(*parts)))
        reading.note("elision" if re.search(r"\b(?:[cdjlmnst]|qu)'", text, re.IGNORECASE) else "")
        return text

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Yield source, target and attribution, once for each reading that makes a difference in French."""
        source, seen = self.english(), set()
        you_matters = gender_matters = True
        for you, gender in product(self.you.split(), self.gender):
            if (you == "vous" and not you_matters) or (gender == "f" and not gender_matters):
                continue
            reading = Reading(you, gender)
            target = self.french(reading)
            you_matters, gender_matters = you in reading.tags, reading.gender_matters
            if target not in seen and len(source) in LENGTHS and len(target) in LENGTHS:
                seen.add(target)
                yield source, target, ATTRIBUTION + (", ".join(sorted(reading.tags)) or "plain")


def polish(text: str) -> str:
    """Tidy blanks, write *œ*, elide what the frame put together, and start with a capital."""
    text = re.sub(r"\s+(?=[.]|$)", "", re.sub(r"\s+", " ", text))
    text = text.replace("soeur", "sœur").replace("oeuf", "œuf")  # pyrealb's spelling
    text = re.sub(r"\b(qu|d)e (?=[aeiouyhéèêœîAEIOUÉ])", r"\1'", text)
    return text[0].upper() + text[1:]


def typeset(text: str) -> str:
    """Put French no-break spaces before high punctuation."""
    return re.sub(r" (?=[!?;])", "\u202f", text).replace(" :", "\u00a0:")
