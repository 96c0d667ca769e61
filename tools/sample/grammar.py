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
ARTICLES = {"the": "le", "a": "un", "some": "un", "this": "ce", "which": "quel", "": "le"}
POSSESSIVES = {  # pyrealb's lemma and person
    "my": ("mon", 1),
    "his": ("mon", 3),
    "her": ("mon", 3),
    "our": ("notre", 1),
    "their": ("notre", 3),
}
BE = ("be", "être")

ATTRIBUTION = "s2s_lib sample, Apache-2.0; phenomena: "
LENGTHS = range(2, 61)  # characters that either side of a row may have


class Tense(NamedTuple):
    """pyrealb's names of a tense in both languages, and the phenomenon that it shows."""

    english: str
    french: str
    phenomenon: str


TENSES = {
    "present": Tense("p", "p", ""),
    "past": Tense("ps", "pc", "past"),
    "was": Tense("ps", "i", "past"),
    "future": Tense("f", "f", "future"),
    "would": Tense("c", "c", "conditional"),
    "order": Tense("ip", "ip", "imperative"),
    "let": Tense("b", "ip", "imperative"),
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


# --------------------------------------------------------------------------------------- parts of a sentence
# `Sentence.digest` hashes the repr of a sentence, which includes the reprs of its parts. Do not rename these
# classes or their fields, reorder or add fields, or change a value's type: each would draw another sample.
#
# `english` and `french` return what pyrealb then realizes; `french` also notes phenomena in the reading.
class Words(NamedTuple):
    """Words that do not inflect; the French may tell ``tu|vous`` apart, and ``tags`` names its phenomena."""

    en: str
    fr: str
    tags: str = ""

    def english(self, mood: Mood) -> Constituent:
        """Return the words as they stand."""
        return Q(self.en)

    def french(self, reading: Reading, mood: Mood) -> Constituent:
        """Return the words that suit the person addressed."""
        tu, _, vous = self.fr.partition("|")
        reading.note(*self.tags.split())
        return Q(vous if vous and reading.address() == "p" else tu)

    def features(self, reading: Reading) -> tuple[str, str]:
        """Return gender and number in French."""
        return "m", "s"


class Pronoun(NamedTuple):
    """A personal pronoun; without a gender, the reading decides.

    Its role is ``subject``, ``object``, ``strong`` (*avec moi*), ``ce`` (*c'est*) or ``il`` (*il pleut*).
    """

    en: str
    person: int
    number: str
    gender: str = ""
    role: str = "subject"

    def english(self, mood: Mood) -> Constituent:
        """Return *I* or *me*, in its person, number and gender."""
        pronoun = Pro("I" if self.role in ("subject", "ce", "il") else "me").pe(self.person).n(self.number)
        return pronoun.g(self.gender) if self.gender and self.en != "it" else pronoun

    def french(self, reading: Reading, mood: Mood) -> Constituent:
        """Return a subject, an object before its verb, or a strong form."""
        gender, number = self.features(reading)
        reading.note("plural" if self.en in ("they", "them") else "")
        if self.role == "object":
            reading.note("pronoun_object")
            return Pro("moi").c("acc").pe(self.person).n(number).g(gender)
        if self.role in ("ce", "il"):
            return Pro("ce") if self.role == "ce" else Q("il")
        pronoun = Pro("je") if self.role == "subject" else Pro("moi").tn("")
        return pronoun.pe(self.person).n(number).g(gender)

    def features(self, reading: Reading) -> tuple[str, str]:
        """Return gender and number in French."""
        return self.gender or reading.choose_gender(), reading.address() if self.person == 2 else self.number


class Name(NamedTuple):
    """A first name, or two: *Nadia and Paul*."""

    en: str
    other: str = ""

    def english(self, mood: Mood) -> Constituent:
        """Return the names, joined by *and*."""
        return CP(C("and"), NP(Q(self.en)), NP(Q(self.other))) if self.other else NP(Q(self.en))

    def french(self, reading: Reading, mood: Mood) -> Constituent:
        """Return the names, joined by *et*."""
        reading.note("name", "plural" if self.other else "")
        first, *second = (NP(Q(name)).g(NAMES[name]) for name in (self.en, self.other) if name)
        return CP(C("et"), first, *second) if second else first

    def features(self, reading: Reading) -> tuple[str, str]:
        """Return gender and number in French: two names are feminine if both are."""
        feminine = {NAMES[self.en], NAMES.get(self.other, "f")} == {"f"}
        return "f" if feminine else "m", "p" if self.other else "s"


class Noun(NamedTuple):
    """A noun with its determiner, number and adjective; ``owner`` is a name (*Nadia's boat*)."""

    det: str
    en: str
    number: str = "s"
    adjective: Pair | tuple[()] = ()
    owner: str = ""

    def english(self, mood: Mood) -> Constituent:
        """Return *an otter*, *Nadia's old boat*; *some* becomes *any* in questions and negations."""
        det = "any" if self.det == "some" and (mood.negation or mood.question) else self.det
        det = f"{self.owner}'s" if self.owner else det
        start = [D(det) if det in ("the", "a", "this") else Q(det)] if det else []
        return NP(*start, *map(A, self.adjective[:1]), N(self.en)).n(self.number)

    def french(self, reading: Reading, mood: Mood) -> Constituent:
        """Return *une loutre*, *le vieux bateau de Nadia*; *pas de loutre*; *du pain*."""
        gender, number = self.features(reading)
        noun, adjective = N(NOUNS[self.en]["fr"]).g(gender), list(map(A, self.adjective[1:]))
        reading.note(number=number)
        if self.adjective:
            reading.note_agreement(self.adjective[1], gender, number)
        if self.det in ("a", "some") and mood.negation:
            return NP(P("de"), noun, *adjective).n(number)
        if self.det == "some" and number == "s":
            reading.note("contraction" if self.contracts(reading) else "")
            return NP(P("de"), NP(D("le"), noun))
        owner = [PP(P("de"), Q(self.owner))] if self.owner else []
        reading.note(*["name", "possessive"] if owner else [])
        return NP(self.french_determiner(reading), noun, *adjective, *owner).n(number)

    def french_determiner(self, reading: Reading) -> Constituent:
        """Return a numeral, a possessive or an article."""
        if self.det in NUMERALS:
            reading.note("numeral")
            return Q(NUMERALS[self.det])
        if self.det == "your":
            reading.note("possessive")
            return D("mon" if reading.address() == "s" else "votre").pe(2)
        if self.det in POSSESSIVES:
            reading.note("possessive")
            word, person = POSSESSIVES[self.det]
            return D(word).pe(person)
        return D(ARTICLES[self.det])

    def features(self, reading: Reading) -> tuple[str, str]:
        """Return gender and number in French; the reading decides on nouns that have both genders."""
        gender = NOUNS[self.en]["gender"]
        return reading.choose_gender() if gender == "mf" else gender, self.number

    def contracts(self, reading: Reading) -> bool:
        """Tell whether *à* or *de* merges with the article: *au port*, but *à la gare, à l'hôtel*."""
        definite = self.det in ("the", "some") and not self.owner
        vowel = NOUNS[self.en]["fr"][0] in "aeiouhéœî"
        return definite and (self.number == "p" or (self.features(reading)[0] == "m" and not vowel))


class Quality(NamedTuple):
    """An adjective after *to be*, perhaps with a degree or a comparison."""

    en: str
    fr: str
    degree: str = ""
    than: Name | Noun | None = None

    def english(self, mood: Mood) -> Constituent:
        """Return *tall*, *very tall* or *taller than Lina*."""
        if self.than:
            return AP(A(self.en).f("co"), Q("than"), self.than.english(AFFIRM))
        return AP(*[Q(self.degree)] if self.degree else [], Q(self.en))

    def french(self, reading: Reading, mood: Mood) -> Constituent:
        """Return the adjective in the gender and number of the clause's subject."""
        gender, number = reading.subject
        reading.note_agreement(self.fr, gender, number)
        adjective = A(self.fr).g(gender).n(number)
        if self.than:
            return AP(adjective.f("co"), SP(C("que"), self.than.french(reading, AFFIRM)))
        return AP(*[Q(DEGREES[self.degree])] if self.degree else [], adjective)


class Calling(NamedTuple):
    """A profession after *to be*."""

    en: str
    number: str

    def english(self, mood: Mood) -> Constituent:
        """Return the noun with an article: *a baker*."""
        return NP(*[D("a")] if self.number == "s" else [], N(self.en)).n(self.number)

    def french(self, reading: Reading, mood: Mood) -> Constituent:
        """Return the noun without an article, in the gender of the clause's subject: *boulangère*."""
        return NP(N(NOUNS[self.en]["fr"]).g(reading.subject[0])).n(self.number)


class Place(NamedTuple):
    """A preposition, written as ``near=près de``, and its noun phrase."""

    preposition: str
    noun: Noun | Name | Pronoun

    def english(self, mood: Mood) -> Constituent:
        """Return *near the harbor*."""
        return PP(Q(self.preposition.split("=")[0]), self.noun.english(AFFIRM))

    def french(self, reading: Reading, mood: Mood) -> Constituent:
        """Return *près du port*: pyrealb contracts *à le* and *de le*."""
        *before, last = self.preposition.split("=")[1].split()
        if isinstance(self.noun, Noun) and last in ("à", "de") and self.noun.contracts(reading):
            reading.note("contraction")
        return PP(*map(Q, before), P(last), self.noun.french(reading, AFFIRM))


class Location(NamedTuple):
    """A form of *to be* before its subject, as in *where is the otter*."""

    subject: Noun | Name

    def english(self, mood: Mood) -> Constituent:
        """Return *is the otter*."""
        _, number = self.subject.features(Reading("tu", "m"))
        return Q(f"{'is' if number == 's' else 'are'} {self.subject.english(AFFIRM).realize()}")

    def french(self, reading: Reading, mood: Mood) -> Constituent:
        """Return *est la loutre*."""
        _, number = self.subject.features(reading)
        return Q(f"{'est' if number == 's' else 'sont'} {self.subject.french(reading, AFFIRM).realize()}")


Subject = Words | Pronoun | Name | Noun
Part = Subject | Quality | Calling | Place | Location


class Clause(NamedTuple):
    """A subject (none in an order), a verb and what follows it, in some mood."""

    subject: Subject | None
    verb: Pair
    rest: tuple[Part, ...] = ()
    mood: Mood = AFFIRM

    def english(self, contract: bool) -> str:
        """Return the English words, with contractions (*don't*) where asked for."""
        tense, progressive, negation, question, modal = self.mood
        # pyrealb asks "have I a boat?", so "own" stands in for "have" until the words are there.
        head, *particle = self.verb[0].replace("have", "own").split()
        early = [Q("never")] if negation == "jamais" else []
        late = [Q("anymore")] if negation == "plus" else []
        rest = [*map(Q, particle), *(part.english(self.mood) for part in self.rest), *late]
        if modal == "want":
            verb = VP(V("want").t(TENSES[tense].english), VP(V(head).t("b-to"), *rest))
        else:
            verb = VP(V(head).t(TENSES[tense].english), *early if head == "be" else [], *rest)
        if tense == "let":
            return f"let's {'not ' if negation else ''}{verb.realize()}"
        subject = [self.subject.english(AFFIRM)] if self.subject else []
        options = {
            "neg": negation in ("pas", "plus"),
            "prog": progressive,
            "contr": contract,
            "int": question and "yon",
            "mod": ENGLISH_MODALS.get(modal),
        }
        clause = SP(*subject, *early if head != "be" else [], verb)
        words = clause.typ({option: value for option, value in options.items() if value}).realize()
        words = words.rstrip("? ").replace("be not ", "don't be ")
        return re.sub(r"\bown(s|ed|ing|)\b", lambda own: FORMS_OF_HAVE[own[1]], words)

    def french(self, reading: Reading) -> str:
        """Return the French words, without *est-ce que*."""
        tense, _, negation, _, modal = self.mood
        reading.note(TENSES[tense].phenomenon, "negation" if negation else "")
        if self.subject:
            reading.subject = self.subject.features(reading)
        else:
            reading.subject = (reading.choose_gender(), reading.address() if tense == "order" else "p")
        rest = [part.french(reading, AFFIRM if self.verb == BE else self.mood) for part in self.rest]
        main, inner = (FRENCH_MODALS[modal], self.verb[1]) if modal else (self.verb[1], "")
        verb = V(main).t(TENSES[tense].french)
        if not self.subject:
            verb = verb.pe(2 if tense == "order" else 1).n(reading.subject[1])
        if tense == "past" and verb.getProp("aux") == "êt" and reading.subject != ("m", "s"):
            reading.note("agreement", number=reading.subject[1])
        phrase = VP(verb, VP(V(inner).t("b"), *rest)) if inner else VP(verb, *rest)
        subject = [self.subject.french(reading, AFFIRM)] if self.subject else []
        second_half = "" if negation == "personne" else negation  # its subject: personne ne chante
        return SP(*subject, phrase).typ({"neg": second_half} if negation else {}).realize()


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
            part.english(contract) if isinstance(part, Clause) else part.english(self.mood).realize().strip()
            for part in self.parts
        )
        return polish(self.en.format(*parts)).replace(" ?", "?")

    def french(self, reading: Reading) -> str:
        """Return the French sentence, and leave its phenomena in ``reading.tags``."""
        loadFr()
        reading.note("question" if "?" in self.fr else "", "negation" if self.mood.negation else "")
        reading.note(TENSES[self.mood.tense].phenomenon)
        parts = (
            part.french(reading)
            if isinstance(part, Clause)
            else part.french(reading, self.mood).realize().strip()
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
