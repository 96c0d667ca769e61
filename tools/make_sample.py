"""Write the bundled sample corpus, ``s2s_lib/data/sample.tsv``.

The sample is authored, not collected: a lexicon and some forty sentence patterns say what can be said, and
pyrealb conjugates, agrees and elides it in both languages.  One English sentence is realized under every
:class:`Reading` that French tells apart (``tu`` or ``vous``, masculine or feminine), so a source has as many
rows as it has translations.  A pattern yields every sentence that it allows; :func:`thin` keeps those with
the smallest SHA-256, hence the same ones on every machine.

    python tools/make_sample.py            # write the file
    python tools/make_sample.py --check    # regenerate and compare, byte for byte
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

from pyrealb import AP, CP, NP, PP, SP, VP, A, C, D, N, P, Pro, Q, V, loadEn, loadFr

SAMPLE = Path(__file__).resolve().parent.parent / "s2s_lib" / "data" / "sample.tsv"
ATTRIBUTION = "s2s_lib sample, Apache-2.0; phenomena: "
LENGTHS = range(2, 61)


def entries(text: str) -> dict[str, str]:
    """Read ``"otter=loutre, cat=chat"``."""
    return dict(entry.split("=") for entry in text.split(", "))


# --------------------------------------------------------------------------------------------------- lexicon
# english=french, by selectional class: who or what the word can sensibly be said of.

NAMES = entries(
    "Alma=f, Chloé=f, Inès=f, Lina=f, Nadia=f, Rosa=f, Bruno=m, Marc=m, Omar=m, Paul=m, Samuel=m, Victor=m"
)

NOUNS = {
    "animal": "otter=loutre, cat=chat, dog=chien, bird=oiseau, horse=cheval, seagull=mouette, seal=phoque",
    "worker": "baker=boulanger, singer=chanteur, gardener=jardinier, nurse=infirmier, musician=musicien, "
    "dancer=danseur, sailor=marin",
    "family": "sister=sœur, brother=frère, mother=mère, father=père, friend=ami, neighbor=voisin",
    "belonging": "lantern=lanterne, key=clé, letter=lettre, book=livre, hat=chapeau, coat=manteau, "
    "scarf=écharpe, "
    "basket=panier, umbrella=parapluie, violin=violon, map=carte, cup=tasse",
    "furniture": "table=table, chair=chaise, ladder=échelle, clock=horloge",
    "vehicle": "boat=bateau, bicycle=vélo",
    "opening": "door=porte, window=fenêtre, box=boîte",
    "food": "apple=pomme, pear=poire, egg=œuf, cake=gâteau",
    "dish": "soup=soupe, bread=pain, cheese=fromage",
    "drink": "water=eau, milk=lait, tea=thé",
    "place": "harbor=port, lighthouse=phare, market=marché, beach=plage, bakery=boulangerie, station=gare, "
    "museum=musée, hotel=hôtel, river=rivière, island=île, bridge=pont, garden=jardin, kitchen=cuisine, "
    "house=maison",
}
TRANSLATION = {english: french for text in NOUNS.values() for english, french in entries(text).items()}

ADJECTIVES = {
    "person animal belonging furniture vehicle place": "small=petit, old=vieux",
    "animal belonging furniture vehicle place": "big=grand, beautiful=beau",
    "person animal": "happy=heureux, sad=triste, tired=fatigué, sick=malade, calm=calme, curious=curieux, "
    "strong=fort, brave=courageux, funny=drôle, shy=timide, lazy=paresseux, young=jeune",
    "person": "tall=grand, proud=fier, kind=gentil, rich=riche, famous=célèbre, serious=sérieux, "
    "patient=patient, "
    "ready=prêt",
    "belonging furniture vehicle": "heavy=lourd, clean=propre, dirty=sale, expensive=cher",
    "belonging furniture vehicle opening": "red=rouge, blue=bleu, green=vert, white=blanc, black=noir, "
    "yellow=jaune",
    "opening": "open=ouvert, closed=fermé",
    "opening furniture vehicle": "broken=cassé",
    "dish drink food": "good=bon",
    "dish drink": "cold=froid, hot=chaud",
}
STEADY = {"tall", "young", "old", "small", "famous", "rich", "strong", "funny", "brave", "curious"}
DEGREES = entries("very=très, too=trop")

INTRANSITIVE = {
    "skill person": "sing=chanter, dance=danser, read=lire, write=écrire, cook=cuisiner",
    "skill person animal": "swim=nager",
    "habit person": "work=travailler, talk=parler",
    "habit person animal": "sleep=dormir, eat=manger, play=jouer, wait=attendre, listen=écouter, run=courir, "
    "walk=marcher",
    "reflex person": "cry=pleurer, smile=sourire, laugh=rire",
    "reflex person animal": "dream=rêver",
    "event person": "win=gagner",
    "event person animal": "leave=partir, stay=rester, come back=revenir",
    "accident person animal": "fall=tomber, arrive=arriver",
}

TRANSITIVE = {  # how it happens, and to what
    ("activity", "belonging vehicle furniture"): "look for=chercher, buy=acheter, sell=vendre",
    ("activity", "belonging furniture"): "carry=porter",
    ("activity", "belonging"): "hide=cacher",
    ("activity", "vehicle furniture opening"): "wash=laver, paint=peindre",
    ("activity", "animal vehicle"): "draw=dessiner",
    ("activity", "animal worker family"): "watch=regarder, follow=suivre, call=appeler, wait for=attendre",
    ("activity", "worker family"): "help=aider",
    ("activity", "animal"): "feed=nourrir",
    ("activity", "opening"): "open=ouvrir, close=fermer",
    ("activity", "food dish"): "eat=manger",
    ("activity", "drink"): "drink=boire",
    ("result", "belonging"): "find=trouver, lose=perdre, forget=oublier",
    ("result", "furniture opening"): "break=casser",
    ("state", "animal worker family place belonging vehicle"): "see=voir",
    ("state", "worker family"): "know=connaître",
    ("state", "belonging food"): "want=vouloir",
}
# People are hungry (avoir faim), the weather is cold (faire froid).
BE, BE_HAVING, BE_DOING = ("be", "être"), ("be", "avoir"), ("be", "faire")
HAVE, LIKE, LIKING, GO, COME = (
    ("have", "avoir"),
    ("like", "aimer"),
    ("like", "vouloir"),
    ("go", "aller"),
    ("come", "venir"),
)

SUITED = {  # the determiners that a kind of noun takes, where they are not all
    "family": "my his her our your",
    "worker": "the a this some",
    "opening": "the this",
    "place": "the this",
    "dish": "the my this some",
    "drink": "the my this some",
}
MASS, UNCOUNTED = {"dish", "drink"}, {"dish", "drink", "place", "family"}
UNFIT = {"open", "closed", "broken", "clean"}  # adjectives that say little beside a noun
NEW = ("new", "nouveau")  # only beside a noun: un nouveau chapeau, but le chapeau est neuf

NEEDS = entries(
    "hungry=faim, thirsty=soif, cold=froid, hot=chaud, afraid=peur, sleepy=sommeil, right=raison, wrong=tort"
)
NUMERALS = entries("two=deux, three=trois, four=quatre, five=cinq, six=six, ten=dix")
ARTICLES = {"the": "le", "a": "un", "some": "un", "this": "ce", "which": "quel", "": "le"}
POSSESSIVES = {
    "my": ("mon", 1),
    "his": ("mon", 3),
    "her": ("mon", 3),
    "our": ("notre", 1),
    "their": ("notre", 3),
}

WHEREABOUTS = {  # where people and animals are
    "at=à": "harbor lighthouse market beach bakery station museum hotel river",
    "in=dans": "garden kitchen house boat",
    "on=sur": "island bridge boat",
    "near=près de": "harbor lighthouse beach station hotel river bridge",
    "behind=derrière": "lighthouse house hotel",
    "in front of=devant": "bakery museum house station",
}
WILD = {  # where animals are
    "on=sur": "beach island bridge",
    "in=dans": "garden boat house kitchen",
    "near=près de": "harbor lighthouse river bridge house",
    "under=sous": "bridge table chair",
    "behind=derrière": "lighthouse house door",
}
SPOTS = {  # where things lie
    "on=sur": "chair table",
    "under=sous": "chair table",
    "in=dans": "box basket kitchen boat",
    "behind=derrière": "door chair",
    "near=près de": "door window clock",
}
WHEN = {
    "past": "yesterday=hier, this morning=ce matin",
    "future": "tomorrow=demain, tonight=ce soir",
    "now": "now=maintenant, today=aujourd'hui",
    "habit": "every day=tous les jours, here=ici",
}
GREETINGS = entries(
    "hello=bonjour, hi=salut, good night=bonne nuit, good evening=bonsoir, goodbye=au revoir, "
    "thank you=merci, see you tomorrow=à demain, welcome=bienvenue"
)
OUTCRIES = entries(
    "yes=oui, no=non, me too=moi aussi, never=jamais, not yet=pas encore, of course=bien sûr, "
    "maybe=peut-être, too late=trop tard, good luck=bonne chance, too bad=tant pis"
)


def of_class(table: dict[str, str], *wanted: str) -> list[tuple[str, str]]:
    """Return the entries of the rows of `table` that name every wanted class."""
    return [
        pair
        for row, text in table.items()
        if set(wanted) <= set(row.split())
        for pair in entries(text).items()
    ]


# ------------------------------------------------------------------------------------------ mood and reading
class Mood(NamedTuple):
    """Tense, aspect, polarity, modality; ``negation`` is the French second half (*pas*, *jamais*, …)."""

    tense: str = "present"
    progressive: bool = False
    negation: str = ""
    question: bool = False
    modal: str = ""


ENGLISH_TENSE = {
    "present": "p",
    "past": "ps",
    "was": "ps",
    "future": "f",
    "would": "c",
    "order": "ip",
    "let": "b",
}
FRENCH_TENSE = {
    "present": "p",
    "past": "pc",
    "was": "i",
    "future": "f",
    "would": "c",
    "order": "ip",
    "let": "ip",
}
TENSE_TAGS = {
    "past": "past",
    "was": "past",
    "future": "future",
    "would": "conditional",
    "order": "imperative",
    "let": "imperative",
}
ENGLISH_MODAL = {"can": "poss", "must": "obli"}
FRENCH_MODAL = {"can": "pouvoir", "must": "devoir", "want": "vouloir"}

AFFIRM, DENY, ASK = Mood(), Mood(negation="pas"), Mood(question=True)
HABITS = [AFFIRM, DENY, ASK, Mood(negation="jamais"), Mood(negation="plus")]
ACTIONS = [mood._replace(progressive=True) for mood in (AFFIRM, DENY, ASK)]
PAST, FUTURE = ([mood._replace(tense=tense) for mood in (AFFIRM, DENY, ASK)] for tense in ("past", "future"))
EVENTS = PAST + FUTURE[:2]
WISHES = [mood._replace(modal="want") for mood in (AFFIRM, DENY, ASK)] + [Mood(modal="must")]
ABILITIES = [mood._replace(modal="can") for mood in (AFFIRM, DENY, ASK)]
STATES = [AFFIRM, DENY, ASK, Mood("was"), Mood("was", negation="pas")]
ORDERS = [Mood("order"), Mood("order", negation="pas")]
MOODS = {
    "skill": HABITS + ACTIONS + EVENTS + WISHES,
    "habit": HABITS + ACTIONS + EVENTS + WISHES + ABILITIES,
    "reflex": HABITS + ACTIONS + EVENTS,
    "event": ACTIONS + EVENTS + WISHES + ABILITIES,
    "accident": ACTIONS + EVENTS,
    "activity": ACTIONS + EVENTS,
    "result": EVENTS,
    "state": [AFFIRM, DENY, ASK],
}


@dataclass
class Reading:
    """One way to take an English sentence in French, and the phenomena met while saying it."""

    you: str
    gender: str
    tags: set[str] = field(default_factory=set)
    subject: tuple[str, str] = ("m", "s")
    gendered: bool = False

    def choose_gender(self) -> str:
        """Return the gender of whoever English leaves open."""
        self.gendered = True
        return self.gender

    def address(self) -> str:
        """Return the number in which the reading addresses *you*."""
        self.tags.add(self.you)
        return "s" if self.you == "tu" else "p"

    def note_agreement(self, lemma: str, gender: str, number: str) -> None:
        """Note an adjective that visibly differs from its masculine singular."""
        if inflected(lemma, gender, number) != lemma:
            self.tags |= {"agreement"} | ({"plural"} if number == "p" else set())


@cache
def inflected(adjective: str, gender: str, number: str) -> str:
    """Return the form of a French adjective."""
    loadFr()
    return A(adjective).g(gender).n(number).realize()


@cache
def lexical_gender(noun: str) -> str:
    """Return ``m`` or ``f``, or nothing for a person's noun that has both (*boulanger, boulangère*)."""
    loadFr()
    gender = N(noun).getProp("g")
    if gender != "x":
        return gender
    return "" if any(noun in entries(NOUNS[kind]).values() for kind in ("worker", "family")) else "m"


# --------------------------------------------------------------------------------------- parts of a sentence
class Words(NamedTuple):
    """Words that do not inflect; French may tell ``tu|vous`` apart."""

    en: str
    fr: str
    tags: str = ""

    def english(self, mood: Mood):
        """Return the English constituent."""
        return Q(self.en)

    def french(self, reading: Reading, mood: Mood):
        """Return the French constituent."""
        tu, _, vous = self.fr.partition("|")
        reading.tags |= set(self.tags.split())
        return Q(vous if vous and reading.address() == "p" else tu)

    def features(self, reading: Reading) -> tuple[str, str]:
        """Return gender and number in French."""
        return "m", "s"


class Pronoun(NamedTuple):
    """A personal pronoun; no gender means that the reading decides."""

    en: str
    person: int
    number: str
    gender: str = ""
    role: str = "subject"

    def english(self, mood: Mood):
        """Return the English constituent."""
        pronoun = Pro("I" if self.role in ("subject", "ce", "il") else "me").pe(self.person).n(self.number)
        return pronoun.g(self.gender) if self.gender and self.en != "it" else pronoun

    def french(self, reading: Reading, mood: Mood):
        """Return the French constituent: a subject, a clitic object, or a strong form (*avec moi*)."""
        gender, number = self.features(reading)
        reading.tags |= {"plural"} if self.en in ("they", "them") else set()
        if self.role == "object":
            reading.tags.add("pronoun_object")
            return Pro("moi").c("acc").pe(self.person).n(number).g(gender)
        if self.role in ("ce", "il"):
            return Pro("ce") if self.role == "ce" else Q("il")
        pronoun = Pro("je") if self.role == "subject" else Pro("moi").tn("")
        return pronoun.pe(self.person).n(number).g(gender)

    def features(self, reading: Reading) -> tuple[str, str]:
        """Return gender and number in French."""
        return self.gender or reading.choose_gender(), reading.address() if self.person == 2 else self.number


class Name(NamedTuple):
    """A first name, or two."""

    en: str
    other: str = ""

    def english(self, mood: Mood):
        """Return the English constituent."""
        return CP(C("and"), NP(Q(self.en)), NP(Q(self.other))) if self.other else NP(Q(self.en))

    def french(self, reading: Reading, mood: Mood):
        """Return the French constituent."""
        reading.tags |= {"name", "plural"} if self.other else {"name"}
        first, *second = (NP(Q(name)).g(NAMES[name]) for name in (self.en, self.other) if name)
        return CP(C("et"), first, *second) if second else first

    def features(self, reading: Reading) -> tuple[str, str]:
        """Return gender and number in French."""
        feminine = {NAMES[self.en], NAMES.get(self.other, "f")} == {"f"}
        return "f" if feminine else "m", "p" if self.other else "s"


class Noun(NamedTuple):
    """A noun with its determiner, number and adjective; ``owner`` is a name (*Nadia's boat*)."""

    det: str
    en: str
    number: str = "s"
    adjective: tuple[str, str] | tuple[()] = ()
    owner: str = ""

    def english(self, mood: Mood):
        """Return the English constituent."""
        det = "any" if self.det == "some" and (mood.negation or mood.question) else self.det
        det = f"{self.owner}'s" if self.owner else det
        start = [D(det) if det in ("the", "a", "this") else Q(det)] if det else []
        return NP(*start, *[A(word) for word in self.adjective[:1]], N(self.en)).n(self.number)

    def french(self, reading: Reading, mood: Mood):
        """Return the French constituent."""
        gender, number = self.features(reading)
        noun, adjective = N(TRANSLATION[self.en]).g(gender), self.french_adjective(reading)
        reading.tags |= {"plural"} if number == "p" else set()
        if self.det in ("a", "some") and mood.negation:
            return NP(P("de"), noun, *adjective).n(number)
        if self.det == "some" and number == "s":
            reading.tags |= {"contraction"} if self.contracts(reading) else set()
            return NP(P("de"), NP(D("le"), noun))
        owner = [PP(P("de"), Q(self.owner))] if self.owner else []
        reading.tags |= {"name", "possessive"} if owner else set()
        return NP(self.french_determiner(reading), noun, *adjective, *owner).n(number)

    def french_determiner(self, reading: Reading):
        """Return the French determiner: a numeral, a possessive or an article."""
        if self.det in NUMERALS:
            reading.tags.add("numeral")
            return Q(NUMERALS[self.det])
        if self.det == "your":
            reading.tags.add("possessive")
            return D("mon" if reading.address() == "s" else "votre").pe(2)
        if self.det in POSSESSIVES:
            reading.tags.add("possessive")
            word, person = POSSESSIVES[self.det]
            return D(word).pe(person)
        return D(ARTICLES[self.det])

    def french_adjective(self, reading: Reading) -> list:
        """Return the attributive adjective, if any; pyrealb knows its place."""
        if not self.adjective:
            return []
        reading.note_agreement(self.adjective[1], *self.features(reading))
        return [A(self.adjective[1])]

    def features(self, reading: Reading) -> tuple[str, str]:
        """Return gender and number in French."""
        return lexical_gender(TRANSLATION[self.en]) or reading.choose_gender(), self.number

    def contracts(self, reading: Reading) -> bool:
        """Tell whether *à* or *de* melts into the article: *au port*, but *à la gare, à l'hôtel*."""
        definite = self.det in ("the", "some") and not self.owner
        vowel = TRANSLATION[self.en][0] in "aeiouhéœî"
        return definite and (self.number == "p" or (self.features(reading)[0] == "m" and not vowel))


class Quality(NamedTuple):
    """A predicative adjective, perhaps with a degree or compared with somebody."""

    en: str
    fr: str
    degree: str = ""
    than: Name | Noun | None = None

    def english(self, mood: Mood):
        """Return the English constituent."""
        if self.than:
            return AP(A(self.en).f("co"), Q("than"), self.than.english(AFFIRM))
        return AP(*[Q(self.degree)] if self.degree else [], Q(self.en))

    def french(self, reading: Reading, mood: Mood):
        """Return the French constituent, which agrees with the clause's subject."""
        gender, number = reading.subject
        reading.note_agreement(self.fr, gender, number)
        adjective = A(self.fr).g(gender).n(number)
        if self.than:
            return AP(adjective.f("co"), SP(C("que"), self.than.french(reading, AFFIRM)))
        return AP(*[Q(DEGREES[self.degree])] if self.degree else [], adjective)


class Calling(NamedTuple):
    """A profession as predicate: an article in English, none in French."""

    en: str
    number: str

    def english(self, mood: Mood):
        """Return the English constituent."""
        return NP(*[D("a")] if self.number == "s" else [], N(self.en)).n(self.number)

    def french(self, reading: Reading, mood: Mood):
        """Return the French constituent, in the gender of the clause's subject."""
        return NP(N(TRANSLATION[self.en]).g(reading.subject[0])).n(self.number)


class Place(NamedTuple):
    """A preposition (*near=près de*) and its noun phrase."""

    preposition: str
    noun: Noun | Name | Pronoun

    def english(self, mood: Mood):
        """Return the English constituent."""
        return PP(Q(self.preposition.split("=")[0]), self.noun.english(AFFIRM))

    def french(self, reading: Reading, mood: Mood):
        """Return the French constituent; pyrealb contracts *à le* and *de le*."""
        *before, last = self.preposition.split("=")[1].split()
        if isinstance(self.noun, Noun) and last in ("à", "de") and self.noun.contracts(reading):
            reading.tags.add("contraction")
        return PP(*map(Q, before), P(last), self.noun.french(reading, AFFIRM))


class Clause(NamedTuple):
    """A subject (none in an order), a verb and what follows it, in some mood."""

    subject: Words | Pronoun | Name | Noun | None
    verb: tuple[str, str]
    rest: tuple = ()
    mood: Mood = AFFIRM

    def english(self, contract: bool) -> str:
        """Return the English words; pyrealb says *have I a boat?*, so *own* stands in for *have*."""
        tense, progressive, negation, question, modal = self.mood
        head, *particle = self.verb[0].replace("have", "own").split()
        late = {"plus": ["anymore"], "rien": ["anything"]}.get(negation, [])
        early = [Q("never")] if negation == "jamais" else []
        rest = [*map(Q, particle), *(part.english(self.mood) for part in self.rest), *map(Q, late)]
        if modal == "want":
            verb = VP(V("want").t(ENGLISH_TENSE[tense]), VP(V(head).t("b-to"), *rest))
        else:
            verb = VP(V(head).t(ENGLISH_TENSE[tense]), *early if head == "be" else [], *rest)
        subject = [self.subject.english(AFFIRM)] if self.subject else []
        kind = {
            "neg": negation in ("pas", "plus", "rien"),
            "prog": progressive,
            "contr": contract,
            "int": question and "yon",
            "mod": ENGLISH_MODAL.get(modal),
        }
        if tense == "let":
            return f"let's {'not ' if negation else ''}{verb.realize()}"
        clause = SP(*subject, *early if head != "be" else [], verb).typ(
            {key: on for key, on in kind.items() if on}
        )
        return re.sub(
            r"\bown(s|ed|ing|)\b",
            lambda own: HAVE_FORMS[own[1]],
            clause.realize().rstrip("? ").replace("be not ", "don't be "),
        )

    def french(self, reading: Reading, mood: Mood) -> str:
        """Return the French words, without *est-ce que*."""
        tense, negation, modal = self.mood.tense, self.mood.negation, self.mood.modal
        reading.tags |= {TENSE_TAGS[tense]} if tense in TENSE_TAGS else set()
        reading.tags |= {"negation"} if negation else set()
        if self.subject:
            reading.subject = self.subject.features(reading)
        else:
            reading.subject = (reading.choose_gender(), reading.address() if tense == "order" else "p")
        rest = [part.french(reading, AFFIRM if self.verb == BE else self.mood) for part in self.rest]
        main, inner = (FRENCH_MODAL[modal], self.verb[1]) if modal else (self.verb[1], "")
        verb = V(main).t(FRENCH_TENSE[tense])
        if not self.subject:
            verb = verb.pe(2 if tense == "order" else 1).n(reading.subject[1])
        if tense == "past" and verb.getProp("aux") == "êt" and reading.subject != ("m", "s"):
            reading.tags |= {"agreement"} | ({"plural"} if reading.subject[1] == "p" else set())
        phrase = VP(verb, VP(V(inner).t("b"), *rest)) if inner else VP(verb, *rest)
        subject = [self.subject.french(reading, AFFIRM)] if self.subject else []
        return SP(*subject, phrase).typ({"neg": NEGATION[negation]} if negation else {}).realize()


HAVE_FORMS = {"": "have", "s": "has", "ed": "had", "ing": "having"}
NEGATION = {"pas": "pas", "jamais": "jamais", "plus": "plus", "rien": "rien", "personne": ""}


class Location(NamedTuple):
    """A verb *to be* before its subject, as in *where is the otter*."""

    subject: Noun | Name

    def english(self, mood: Mood):
        """Return the English constituent."""
        be = {"s": "is", "p": "are"}[self.subject.features(Reading("tu", "m"))[1]]
        return Q(f"{be} {self.subject.english(AFFIRM).realize()}")

    def french(self, reading: Reading, mood: Mood):
        """Return the French constituent."""
        be = {"s": "est", "p": "sont"}[self.subject.features(reading)[1]]
        return Q(f"{be} {self.subject.french(reading, AFFIRM).realize()}")


class Sentence(NamedTuple):
    """An English and a French frame whose ``{0}, {1}, …`` the parts fill.

    ``mood`` tells noun phrases outside a clause whether they are denied or asked for; ``you`` and ``gender``
    name the readings that the sentence allows.
    """

    en: str
    fr: str
    parts: tuple = ()
    mood: Mood = AFFIRM
    you: str = "tu vous"
    gender: str = "mf"

    def digest(self) -> int:
        """Return a number that is the same in every process and Python version."""
        return int(hashlib.sha256(repr(self).encode()).hexdigest(), 16)

    def english(self) -> str:
        """Return the English sentence; three in four that can contract do."""
        loadEn()
        contract = self.digest() % 4 > 0
        return polish(
            self.en.format(
                *(
                    part.english(contract)
                    if isinstance(part, Clause)
                    else part.english(self.mood).realize().strip()
                    for part in self.parts
                )
            )
        ).replace(" ?", "?")

    def french(self, reading: Reading) -> str:
        """Return the French sentence, and leave its phenomena in ``reading.tags``."""
        loadFr()
        reading.tags |= {"question"} if "?" in self.fr else set()
        reading.tags |= {"negation"} if self.mood.negation else set()
        reading.tags |= {TENSE_TAGS[self.mood.tense]} if self.mood.tense in TENSE_TAGS else set()
        parts = (part.french(reading, self.mood) for part in self.parts)
        text = typeset(
            polish(
                self.fr.format(*(part if isinstance(part, str) else part.realize().strip() for part in parts))
            )
        )
        reading.tags |= {"elision"} if re.search(r"\b(?:[cdjlmnst]|qu)'", text, re.IGNORECASE) else set()
        return text


def polish(text: str) -> str:
    """Tidy blanks, mend pyrealb's *oe*, elide what the frame put together, and start with a capital."""
    text = (
        re.sub(r"\s+(?=[.]|$)", "", re.sub(r"\s+", " ", text)).replace("soeur", "sœur").replace("oeuf", "œuf")
    )
    text = re.sub(r"\b(qu|d)e (?=[aeiouyhéèêœîAEIOUÉ])", r"\1'", text)
    return text[0].upper() + text[1:]


def typeset(text: str) -> str:
    """Put French no-break spaces before high punctuation."""
    return re.sub(r" (?=[!?;])", "\u202f", text).replace(" :", "\u00a0:")


# -------------------------------------------------------------------------------------------------- patterns
Pattern = Callable[[], Iterable[Sentence]]
PATTERNS: list[tuple[Pattern, int]] = []


def pattern(wanted: int) -> Callable[[Pattern], Pattern]:
    """Register a generator of sentences, of which `wanted` are kept."""

    def register(generate: Pattern) -> Pattern:
        PATTERNS.append((generate, wanted))
        return generate

    return register


def is_natural(subject, mood: Mood) -> bool:
    """Tell whether one would say so: nobody asks *do I sleep?*."""
    return not (subject in SELVES and mood.question and mood.tense == "present" and mood.modal != "can")


def say(subject, verb, *rest, mood=AFFIRM) -> Sentence:
    """Return a statement or, as its mood says, a question."""
    clause = Clause(subject, verb, rest, mood)
    if mood.question:
        return Sentence("{0}?", "est-ce que {0} ?", (clause,))
    return Sentence("{0}.", "{0}.", (clause,))


def nouns(kinds: str, dets: str, number: str = "s") -> list[Noun]:
    """Return the nouns of some kinds under those of `dets` that suit them; no determiner is ``-``."""
    found = []
    for kind in kinds.split():
        suited = set(dets.split()) & {"-", *SUITED.get(kind, dets).split()}
        if number == "s" and kind not in MASS:
            suited -= {"some"}
        if number == "s" or kind not in UNCOUNTED:
            found += [
                Noun(det.strip("-"), noun, number)
                for noun, det in product(entries(NOUNS[kind]), sorted(suited))
            ]
    return found


def places(table: dict[str, str]) -> list[Place]:
    """Return prepositional phrases: *near the harbor*."""
    return [
        Place(preposition, Noun("the", noun)) for preposition, row in table.items() for noun in row.split()
    ]


def adverbs(time: str) -> list[Words]:
    """Return the adverbs that go with a tense."""
    return [Words(*pair) for pair in entries(WHEN[time]).items()]


def adjectives(kind: str) -> list[tuple[str, str]]:
    """Return the adjectives for a kind of noun; workers and relatives are persons."""
    return of_class(ADJECTIVES, "person" if kind in ("worker", "family") else kind)


def described(kind: str, dets: str) -> list[Noun]:
    """Return the nouns of a kind beside every adjective that suits them: *a small otter*."""
    suitable = [word for word in adjectives(kind) if word[0] not in UNFIT] + [NEW] * (kind != "animal")
    return [noun._replace(adjective=word) for noun, word in product(nouns(kind, dets), suitable)]


PRONOUNS = [
    Pronoun("I", 1, "s"),
    Pronoun("you", 2, "s"),
    Pronoun("he", 3, "s", "m"),
    Pronoun("she", 3, "s", "f"),
    Pronoun("we", 1, "p"),
    Pronoun("they", 3, "p"),
]
SELVES, (WE, THEY) = (PRONOUNS[0], PRONOUNS[4]), PRONOUNS[4:]
IT, WEATHER = Pronoun("it", 3, "s", "m", "ce"), Pronoun("it", 3, "s", "m", "il")
OBJECTS = [
    Pronoun("me", 1, "s", "m", "object"),
    Pronoun("you", 2, "s", "m", "object"),
    Pronoun("him", 3, "s", "m", "object"),
    Pronoun("her", 3, "s", "f", "object"),
    Pronoun("us", 1, "p", "m", "object"),
    Pronoun("them", 3, "p", "m", "object"),
]
FIRST_NAMES = [Name(name) for name in NAMES]
COUPLES = [Name(one, other) for one, other in zip(NAMES, list(NAMES)[6:] + list(NAMES)[:6], strict=True)]
SPEAKERS = PRONOUNS + FIRST_NAMES
RELATIVES = nouns("worker", "the this") + nouns("family", "my your her")
ANIMALS = nouns("animal", "the this my") + nouns("animal", "the our", "p")
OTTERS = [Noun(det, "otter", number) for det, number in product(("the", "my", "our"), "sp")]
THINGS = [
    (kind, noun)
    for kind in ("belonging", "furniture", "vehicle", "opening")
    for noun in nouns(kind, "the my this") + nouns(kind, "the", "p")
]


def verbs(who: str) -> Iterator[tuple[tuple[str, str], Mood]]:
    """Return every intransitive verb in every mood that suits it."""
    for group, moods in MOODS.items():
        yield from product(of_class(INTRANSITIVE, group, who), moods)


@pattern(1650)
def a_person_does_something():
    """Yield *Nadia sings*, *Does she dance?*."""
    for subject, (verb, mood) in product(SPEAKERS, verbs("person")):
        if is_natural(subject, mood):
            yield say(subject, verb, mood=mood)


@pattern(200)
def the_otter():
    """Yield *The otter sleeps*, *Our otter is hungry*, *My otters are small*: every one of these."""
    for otter in OTTERS:
        for group in ("skill", "habit", "reflex"):
            yield from (say(otter, verb) for verb in of_class(INTRANSITIVE, group, "animal"))
        yield from (say(otter, BE_HAVING, Words(*need)) for need in list(NEEDS.items())[:6])
        yield from (say(otter, BE, Quality(*adjective)) for adjective in adjectives("animal"))


@pattern(250)
def a_relative_does_something():
    """Yield *The baker works*."""
    for subject, (verb, mood) in product(RELATIVES + COUPLES, verbs("person")):
        yield say(subject, verb, mood=mood)


@pattern(650)
def an_animal_does_something():
    """Yield *The otter sleeps*."""
    for subject, (verb, mood) in product(ANIMALS + OTTERS, verbs("animal")):
        yield say(subject, verb, mood=mood)


@pattern(450)
def somebody_does_something_sometime():
    """Yield *Omar will sing tomorrow*."""
    for time, group, mood in (
        ("past", "habit", PAST[0]),
        ("past", "event", PAST[0]),
        ("past", "skill", PAST[1]),
        ("future", "event", FUTURE[0]),
        ("future", "skill", FUTURE[0]),
        ("future", "habit", FUTURE[1]),
        ("now", "habit", ACTIONS[0]),
        ("habit", "skill", HABITS[0]),
        ("habit", "habit", HABITS[0]),
    ):
        for verb, subject, adverb in product(
            of_class(INTRANSITIVE, group, "person"), SPEAKERS + RELATIVES, adverbs(time)
        ):
            yield say(subject, verb, adverb, mood=mood)


@pattern(130)
def somebody_does_something_well():
    """Yield *Inès dances well*."""
    manners = [Words("well", "bien"), Words("a lot", "beaucoup")]
    for verb, subject, manner in product(of_class(INTRANSITIVE, "skill"), SPEAKERS, manners):
        yield from (say(subject, verb, manner, mood=mood) for mood in STATES[:3] if is_natural(subject, mood))


@pattern(300)
def somebody_does_something_somewhere():
    """Yield *She is reading in the garden*."""
    # Not "talk": parler à la boulangerie is to talk to it.
    deeds = [verb for verb in of_class(INTRANSITIVE, "habit", "person") if verb[0] != "talk"]
    deeds += of_class(INTRANSITIVE, "skill")
    for verb, subject, place, mood in product(
        deeds, SPEAKERS + COUPLES + RELATIVES, places(WHEREABOUTS), ACTIONS + PAST[:1] + FUTURE[:1]
    ):
        if is_natural(subject, mood):
            yield say(subject, verb, place, mood=mood)


@pattern(150)
def an_animal_does_something_somewhere():
    """Yield *The otter is sleeping under the bridge*."""
    deeds = [verb for verb in of_class(INTRANSITIVE, "habit", "animal") if verb[0] != "listen"]
    for verb, subject, place, mood in product(deeds, ANIMALS, places(WILD), ACTIONS[:1] + PAST[:1]):
        yield say(subject, verb, place, mood=mood)


@pattern(130)
def somebody_does_something_with_somebody():
    """Yield *Marc is playing with Rosa*."""
    friends = [
        Place("with=avec", who)
        for who in FIRST_NAMES
        + nouns("family", "my our")
        + [pronoun._replace(role="strong") for pronoun in (OBJECTS[0], OBJECTS[4])]
    ]
    for english in ("sing", "dance", "cook", "swim", "work", "play", "eat", "walk"):
        verb = english, dict(of_class(INTRANSITIVE, "person"))[english]
        for subject, friend, mood in product(
            SPEAKERS[1:] + OTTERS[::2], friends, (ACTIONS[0], PAST[0], FUTURE[0])
        ):
            if subject not in (WE, friend.noun) and (
                english in ("swim", "play", "walk") or subject not in OTTERS
            ):
                yield say(subject, verb, friend, mood=mood)


@pattern(850)
def somebody_is_somehow():
    """Yield *Nadia is happy*."""
    for subject, adjective in product(SPEAKERS + RELATIVES + COUPLES, adjectives("person")):
        moods = STATES if adjective[0] in STEADY else STATES + HABITS[3:]
        yield from (say(subject, BE, Quality(*adjective), mood=mood) for mood in moods)
        yield from (
            say(subject, BE, Quality(*adjective, degree)) for degree in DEGREES if adjective[0] != "ready"
        )


@pattern(450)
def an_animal_is_somehow():
    """Yield *The otters are small*."""
    for subject, adjective in product(ANIMALS + OTTERS, adjectives("animal")):
        yield from (say(subject, BE, Quality(*adjective), mood=mood) for mood in STATES)
        yield from (say(subject, BE, Quality(*adjective, degree)) for degree in DEGREES)


@pattern(800)
def a_thing_is_somehow():
    """Yield *The lantern is heavy*."""
    for kind, subject in THINGS:
        for adjective in adjectives(kind):
            yield from (say(subject, BE, Quality(*adjective), mood=mood) for mood in STATES)
    for kind in ("dish", "drink", "place"):
        for subject, adjective in product(nouns(kind, "the this"), adjectives(kind)):
            yield from (say(subject, BE, Quality(*adjective), mood=mood) for mood in STATES[:4])
            yield from (say(subject, BE, Quality(*adjective, degree)) for degree in DEGREES)


@pattern(230)
def a_door_is_somehow():
    """Yield *The windows are open*, *This soup is good*."""
    states = (entries(ADJECTIVES["opening"]) | entries(ADJECTIVES["opening furniture vehicle"])).items()
    doors = product(nouns("opening", "the this") + nouns("opening", "the", "p"), states)
    meals = product(nouns("dish drink food", "the this my"), [("good", "bon")])
    for (subject, adjective), mood in product([*doors, *meals], STATES):
        yield say(subject, BE, Quality(*adjective), mood=mood)


@pattern(150)
def what_is_somebodys_is_somehow():
    """Yield *Nadia's hat is red*."""
    for kind in ("belonging", "vehicle", "animal"):
        for noun, owner, adjective in product(nouns(kind, "the"), NAMES, adjectives(kind)):
            yield from (
                say(noun._replace(owner=owner), BE, Quality(*adjective), mood=mood) for mood in STATES[:4]
            )


@pattern(90)
def one_is_more_so_than_another():
    """Yield *Bruno is taller than Lina*."""
    for one, other, adjective in product(FIRST_NAMES, FIRST_NAMES, adjectives("person")):
        if one != other and adjective[0] not in ("ready", "sick"):
            yield say(one, BE, Quality(*adjective, than=other))
    for one, other, adjective in product(
        nouns("animal", "the"), nouns("animal", "the"), adjectives("animal")
    ):
        if one != other and adjective[0] not in ("sick",):
            yield say(one, BE, Quality(*adjective, than=other))


@pattern(420)
def somebody_needs_something():
    """Yield *The otter is hungry*."""
    needs = [Words(*need) for need in NEEDS.items()]
    everybody = [*product(SPEAKERS + RELATIVES + COUPLES, needs), *product(ANIMALS + OTTERS, needs[:6])]
    for (subject, need), mood in product(everybody, STATES):
        yield say(subject, BE_HAVING, need, mood=mood)


@pattern(100)
def somebody_is_so_old():
    """Yield *Nadia is ten years old*."""
    ages = [Words(f"{en} years old", f"{fr} ans", "numeral plural") for en, fr in NUMERALS.items()]
    for subject, age, mood in product(SPEAKERS + ANIMALS, ages, STATES[:4]):
        yield say(subject, BE_HAVING, age, mood=mood)


@pattern(130)
def somebody_has_a_calling():
    """Yield *She is a baker*."""
    callings = [noun for noun in entries(NOUNS["worker"]) if not lexical_gender(TRANSLATION[noun])]
    for subject, calling, mood in product(SPEAKERS + nouns("family", "my your"), callings, STATES[:4]):
        yield say(subject, BE, Calling(calling, "p" if subject in (WE, THEY) else "s"), mood=mood)


@pattern(280)
def somebody_has_something():
    """Yield *Paul has three boats*."""
    things = nouns("belonging vehicle animal food", "a") + nouns("belonging animal food", "some", "p")
    relatives = [Noun("a", noun) for noun in ("sister", "brother", "friend")]
    for subject, thing, mood in product(SPEAKERS[1:], things + relatives, STATES[:3]):
        yield say(subject, HAVE, thing, mood=mood)
    for subject, thing in product(SPEAKERS, nouns("belonging vehicle animal food", " ".join(NUMERALS), "p")):
        yield say(subject, HAVE, thing)


@pattern(190)
def somebody_likes_something():
    """Yield *Lina likes otters*."""
    things = nouns("animal food", "-", "p") + nouns("dish drink", "-") + nouns("place animal", "the this")
    for subject, thing, mood in product(SPEAKERS + RELATIVES, things, STATES[:3]):
        if is_natural(subject, mood):
            yield say(subject, LIKE, thing, mood=mood)


@pattern(130)
def somebody_would_like_something():
    """Yield *I'd like some bread*."""
    things = nouns("dish drink", "some") + nouns("food belonging", "a") + nouns("food", "two some", "p")
    for subject, thing in product(SPEAKERS, things):
        yield say(subject, LIKING, thing, mood=Mood("would"))


@pattern(680)
def somebody_does_something_to_something():
    """Yield *Samuel is looking for the lantern*."""
    for (manner, kinds), words in TRANSITIVE.items():
        dets = "the my this" if "worker" in kinds or manner == "result" else "the my a this"
        things = nouns(kinds, dets) + nouns(kinds, "the", "p")
        for verb, thing, mood, subject in product(entries(words).items(), things, MOODS[manner], SPEAKERS):
            if is_natural(subject, mood):
                yield say(subject, verb, thing, mood=mood)


@pattern(130)
def a_relative_does_something_to_something():
    """Yield *The baker is washing the window*."""
    for (manner, kinds), words in TRANSITIVE.items():
        for verb, thing, mood, subject in product(
            entries(words).items(), nouns(kinds, "the"), MOODS[manner], RELATIVES
        ):
            if thing.en != subject.en:
                yield say(subject, verb, thing, mood=mood)


@pattern(170)
def an_animal_does_something_to_something():
    """Yield *The otter is following the boat*."""
    deeds = [
        (ANIMALS + OTTERS, "animal worker", "follow=suivre, watch=regarder, look for=chercher"),
        (ANIMALS + OTTERS, "food", "eat=manger"),
        (OTTERS, "belonging", "hide=cacher, look for=chercher"),
        (OTTERS, "vehicle", "follow=suivre, watch=regarder"),
    ]
    for subjects, kinds, words in deeds:
        for verb, subject, thing, mood in product(
            entries(words).items(), subjects, nouns(kinds, "the"), ACTIONS + PAST
        ):
            if thing.en != subject.en:
                yield say(subject, verb, thing, mood=mood)


@pattern(180)
def somebody_does_something_to_a_described_thing():
    """Yield *Rosa is drawing a small otter*."""
    for (manner, kinds), words in TRANSITIVE.items():
        for kind in {"animal", "belonging", "furniture", "vehicle"} & set(kinds.split()):
            for verb, thing, mood, subject in product(
                entries(words).items(), described(kind, "the a"), MOODS[manner], SPEAKERS[::3]
            ):
                if is_natural(subject, mood) and not mood.negation:
                    yield say(subject, verb, thing, mood=mood)


@pattern(190)
def somebody_opens_or_finds_something():
    """Yield *Victor opened the window*, *We lost the key*."""
    for manner, kind, words in (
        ("activity", "opening", "open=ouvrir, close=fermer"),
        ("result", "opening", "break=casser"),
        ("result", "belonging", "find=trouver, lose=perdre"),
    ):
        for subject, verb, thing, mood in product(
            SPEAKERS + RELATIVES, entries(words).items(), nouns(kind, "the"), MOODS[manner]
        ):
            if is_natural(subject, mood):
                yield say(subject, verb, thing, mood=mood)


@pattern(70)
def somebody_has_something_new():
    """Yield *Paul has a new boat*."""
    for kind, subject, mood in product(("belonging", "vehicle"), SPEAKERS[1:], (AFFIRM, ASK)):
        yield from (
            say(subject, HAVE, thing, mood=mood) for thing in described(kind, "a") if thing.adjective == NEW
        )


@pattern(220)
def somebody_eats_and_drinks():
    """Yield *Inès is drinking some tea*."""
    meals = nouns("food", "a the") + nouns("food", "some", "p") + nouns("dish", "some the")
    drinks = nouns("drink", "some the my")
    for (verb, thing), subject, mood in product(
        [*product([("eat", "manger")], meals), *product([("drink", "boire")], drinks)],
        SPEAKERS + RELATIVES,
        ACTIONS + EVENTS,
    ):
        if is_natural(subject, mood):
            yield say(subject, verb, thing, mood=mood)


@pattern(280)
def somebody_does_something_to_somebody():
    """Yield *Victor is waiting for us*."""
    people = [
        (manner, verb)
        for (manner, kinds), words in TRANSITIVE.items()
        if "family" in kinds
        for verb in entries(words).items()
    ]
    for (manner, verb), subject, thing in product(people, SPEAKERS + RELATIVES + OTTERS, OBJECTS):
        itself = isinstance(subject, Pronoun) and subject.person == thing.person < 3
        moods = MOODS["state"] if manner == "state" else ACTIONS + FUTURE[:2]
        yield from (
            say(subject, verb, thing, mood=mood) for mood in moods if not itself and is_natural(subject, mood)
        )


@pattern(200)
def somebody_is_somewhere():
    """Yield *My sister is at the market*."""
    for subject, place, mood in product(SPEAKERS + RELATIVES + COUPLES, places(WHEREABOUTS), STATES):
        yield say(subject, BE, place, mood=mood)
    for subject, place, mood in product(ANIMALS + OTTERS, places(WILD), STATES[:4]):
        yield say(subject, BE, place, mood=mood)


@pattern(300)
def somebody_goes_somewhere():
    """Yield *We are going to the harbor*."""
    goals = [Place("to=à", Noun("the", noun)) for noun in WHEREABOUTS["at=à"].split()]
    for subject, goal, mood in product(SPEAKERS + RELATIVES + COUPLES, goals, ACTIONS + EVENTS):
        yield say(subject, GO, goal, mood=mood)
    origins = [Place("from=de", goal.noun) for goal in goals]
    for subject, origin, mood in product(SPEAKERS[1:] + RELATIVES, origins, ACTIONS[:2]):
        yield say(subject, COME, origin, mood=mood)


@pattern(230)
def a_thing_is_somewhere():
    """Yield *The key is under the table*."""
    for subject, place, mood in product(
        nouns("belonging food", "the my") + nouns("belonging food", "the", "p"), places(SPOTS), STATES[:4]
    ):
        if subject.en != place.noun.en:
            yield say(subject, BE, place, mood=mood)


THERE = [  # English singular, English plural, French, mood
    ("there is {0} {1}.", "there are {0} {1}.", "il y a {0} {1}.", AFFIRM),
    ("there isn't {0} {1}.", "there aren't {0} {1}.", "il n'y a pas {0} {1}.", DENY),
    ("is there {0} {1}?", "are there {0} {1}?", "est-ce qu'il y a {0} {1} ?", ASK),
    ("there was {0} {1}.", "there were {0} {1}.", "il y avait {0} {1}.", Mood("was")),
]


@pattern(300)
def there_is_something():
    """Yield *There is an otter in the garden*."""
    for kinds, table in (("animal", WILD), ("worker", WHEREABOUTS), ("belonging food", SPOTS)):
        things = nouns(kinds, "a") + nouns(kinds, "some " + " ".join(NUMERALS), "p")
        spots = [Words("", "")] * (kinds != "worker") + places(table)[::2]
        for thing, spot, (one, many, french, mood) in product(things, spots, THERE):
            if thing.en != getattr(spot, "noun", thing._replace(en="")).en and not (
                thing.det in NUMERALS and mood == DENY
            ):
                yield Sentence(many if thing.number == "p" else one, french, (thing, spot), mood)


@pattern(280)
def it_is_something():
    """Yield *It's my lantern*."""
    things = nouns("animal belonging vehicle furniture", "a my your our his her")
    for thing, mood in product(things, STATES[:4]):
        yield say(IT, BE, thing, mood=mood)
    for kind in ("animal", "belonging", "furniture", "vehicle"):
        yield from (
            say(IT, BE, thing, mood=mood) for thing, mood in product(described(kind, "a"), STATES[:3])
        )
    for thing, owner in product(nouns("animal belonging vehicle", "the"), NAMES):
        yield from (say(IT, BE, thing._replace(owner=owner), mood=mood) for mood in STATES[:3])


@pattern(90)
def somebody_is_meant():
    """Yield *It's for Nadia*."""
    for who in FIRST_NAMES + nouns("family", "my your our"):
        yield from (
            say(IT, BE, part, mood=mood) for part in (who, Place("for=pour", who)) for mood in STATES[:3]
        )


def deeds() -> Iterator[tuple[tuple[str, str], tuple]]:
    """Return what one may tell somebody to do: *sing, open the door, go to the harbor*."""
    for group in ("skill", "habit", "reflex", "event"):
        yield from ((verb, ()) for verb in of_class(INTRANSITIVE, group, "person"))
    for (manner, kinds), words in TRANSITIVE.items():
        if manner == "activity":
            yield from product(
                entries(words).items(), ((thing,) for thing in nouns(kinds, "the my this some"))
            )
    for place in WHEREABOUTS["at=à"].split():
        yield GO, (Place("to=à", Noun("the", place)),)


ORDER_FRAMES = [("{0}.", "{0}."), ("{0}!", "{0} !"), ("please {0}.", "{0}, s'il {1} plaît.")]


@pattern(300)
def somebody_is_told():
    """Yield *Open the door*, *Don't wait!*."""
    for (verb, rest), mood, (english, french) in product(deeds(), ORDERS, ORDER_FRAMES):
        yield Sentence(english, french, (Clause(None, verb, rest, mood), Words("", "te|vous")))


@pattern(80)
def somebody_is_told_in_a_word():
    """Yield *Sing*, *Wait!*, *Don't cry*."""
    bare = [verb for verb, rest in deeds() if not rest and verb in of_class(INTRANSITIVE, "person")]
    for verb in [GO, *bare]:
        yield Sentence("{0}.", "{0}.", (Clause(None, verb, (), ORDERS[0]),))
        yield Sentence("{0}!", "{0} !", (Clause(None, verb, (), ORDERS[0]),))
    yield from (Sentence("{0}.", "{0}.", (Clause(None, verb, (), ORDERS[1]),)) for verb in bare)


@pattern(180)
def somebody_is_told_by_name():
    """Yield *Sing, Nadia*."""
    for (verb, rest), mood, name in product(deeds(), ORDERS, FIRST_NAMES):
        if len(repr(rest)) < 80:
            yield Sentence("{0}, {1}.", "{0}, {1}.", (Clause(None, verb, rest, mood), name), you="tu")


@pattern(40)
def somebody_is_told_to_be_somehow():
    """Yield *Be patient*, *Don't be shy, Omar*."""
    encouraged = [
        Quality(*word) for word in adjectives("person") if word[0] in {"kind", "calm", "patient", "brave"}
    ]
    discouraged = [Quality(*word) for word in adjectives("person") if word[0] in {"sad", "shy", "lazy"}]
    for qualities, mood in zip((encouraged, discouraged), ORDERS, strict=True):
        for quality in qualities:
            clause = Clause(None, BE, (quality,), mood)
            yield Sentence("{0}.", "{0}.", (clause,))
            for name in FIRST_NAMES:
                yield Sentence("{0}, {1}.", "{0}, {1}.", (clause, name), you="tu", gender=NAMES[name.en])


@pattern(130)
def we_are_told():
    """Yield *Let's sing*."""
    for (verb, rest), negation in product(deeds(), ("", "", "pas")):
        yield Sentence("{0}.", "{0}.", (Clause(None, verb, rest, Mood("let", negation=negation)),))


@pattern(200)
def who_does_something():
    """Yield *Who is singing?*, *Nobody sings*, *Everyone laughed*."""
    for verb, mood in verbs("person"):
        if not (mood.question or mood.modal or mood.negation):
            yield Sentence("{0}?", "{0} ?", (Clause(Words("who", "qui"), verb, (), mood),))
            yield say(Words("nobody", "personne"), verb, mood=mood._replace(negation="personne"))
            yield say(Words("everyone", "tout le monde"), verb, mood=mood)


@pattern(250)
def why_when_where():
    """Yield *Why are you laughing?*."""
    asking = [
        ("why", "pourquoi", "skill habit reflex event", (ACTIONS[2], PAST[2])),
        ("where", "où", "skill habit", (ACTIONS[2], PAST[2])),
        ("when", "quand", "event accident", (PAST[2], FUTURE[2])),
    ]
    for word, french, groups, moods in asking:
        for subject, group, mood in product(SPEAKERS[1:] + OTTERS, groups.split(), moods):
            for verb in of_class(INTRANSITIVE, group, "animal" if isinstance(subject, Noun) else "person"):
                yield Sentence(
                    word + " {0}?", french + " est-ce que {0} ?", (Clause(subject, verb, (), mood),)
                )


@pattern(130)
def where_is_something():
    """Yield *Where is the otter?*."""
    for subject in (
        FIRST_NAMES
        + nouns("animal belonging family place", "the my your our")
        + nouns("animal belonging", "the", "p")
        + COUPLES
    ):
        yield Sentence("where {0}?", "où {0} ?", (Location(subject),))


@pattern(60)
def who_owns_something():
    """Yield *Whose lantern is this?*, *Whose keys are these?*."""
    for noun in nouns("belonging animal vehicle furniture food", "this"):
        yield Sentence("whose {0} is this?", "à qui est {1} ?", (noun._replace(det=""), noun))
    for noun in nouns("belonging animal food", "this", "p"):
        yield Sentence("whose {0} are these?", "à qui sont {1} ?", (noun._replace(det=""), noun))


@pattern(130)
def what_a_thing():
    """Yield *What a beautiful otter!*."""
    for kind in ("animal", "belonging", "vehicle", "furniture"):
        for noun in described(kind, "a"):
            yield Sentence("what {0}!", "{1} !", (noun, noun._replace(det="which")))


@pattern(70)
def somebody_is_told_with_a_pronoun():
    """Yield *Wait for me*, *Don't wait for me*."""
    verbs = entries("follow=suivre, watch=regarder, help=aider, call=appeler, wait for=attendre").items()
    objects = zip(OBJECTS[:1] + OBJECTS[2:], ("moi", "le", "la", "nous", "les"), strict=True)
    for verb, (thing, clitic) in product(verbs, objects):
        name = Words(thing.en, clitic, "pronoun_object plural" if thing.en == "them" else "pronoun_object")
        yield Sentence("{0} {1}.", "{0}-{1}.", (Clause(None, verb, (), ORDERS[0]), name))
        yield Sentence("{0}.", "{0}.", (Clause(None, verb, (thing,), ORDERS[1]),))


@pattern(200)
def the_weather():
    """Yield *It's cold in the harbor today*."""
    regions = [
        (),
        *((place,) for place in places({"at=à": "harbor beach market", "on=sur": "island bridge"})),
    ]
    times = {
        AFFIRM: adverbs("now"),
        DENY: adverbs("now"),
        STATES[3]: adverbs("past"),
        FUTURE[0]: adverbs("future"),
    }
    for feel, region, mood in product(("cold=froid", "hot=chaud"), regions, times):
        for time in [(), *((word,) for word in times[mood])]:
            yield say(WEATHER, BE_DOING, Words(*feel.split("=")), *region, *time, mood=mood)
    for verb, region, mood in product((("rain", "pleuvoir"), ("snow", "neiger")), regions, ACTIONS + EVENTS):
        yield say(WEATHER, verb, *region, mood=mood)


@pattern(70)
def the_time():
    """Yield *Nadia arrived at two o'clock*."""
    for english, french in NUMERALS.items():
        yield Sentence(
            f"it's {english} o'clock.", f"il est {french} heures.", (Words("", "", "numeral plural"),)
        )
        hour = Words(f"at {english} o'clock", f"à {french} heures", "numeral plural")
        for subject, verb, mood in product(
            SPEAKERS, of_class(INTRANSITIVE, "event", "animal"), (PAST[0], FUTURE[0])
        ):
            yield say(subject, verb, hour, mood=mood)


@pattern(130)
def somebody_thinks_something():
    """Yield *I think the otter is hungry*."""
    subjects = PRONOUNS[2:] + FIRST_NAMES + OTTERS
    frames = [("I think {0}.", "je crois que {0}."), ("I know {0}.", "je sais que {0}.")]
    inner = [
        Clause(subject, BE, (Quality(*adjective),))
        for subject, adjective in product(subjects, of_class(ADJECTIVES, "person", "animal"))
    ]
    inner += [
        Clause(subject, BE_HAVING, (Words(*need),)) for subject, need in product(subjects, NEEDS.items())
    ]
    inner += [
        Clause(subject, verb, (), mood)
        for subject, verb, mood in product(
            subjects, of_class(INTRANSITIVE, "habit", "animal"), (ACTIONS[0], FUTURE[0])
        )
    ]
    for (english, french), clause in product(frames, inner):
        yield Sentence(english, french, (clause,))


@pattern(130)
def two_things_happen():
    """Yield *Nadia is singing and Omar is dancing*."""
    deeds = of_class(INTRANSITIVE, "skill") + of_class(INTRANSITIVE, "habit", "person")[:8]
    frames = [
        ("{0} and {1}.", "{0} et {1}."),
        ("{0} but {1}.", "{0} mais {1}."),
        ("{0} because {1}.", "{0} parce que {1}."),
    ]
    for (english, french), one, other, left, right in product(
        frames, FIRST_NAMES, FIRST_NAMES, deeds, deeds[:6]
    ):
        if one != other and left != right:
            mood = ACTIONS[1] if "but" in english else ACTIONS[0]
            yield Sentence(
                english, french, (Clause(one, left, (), ACTIONS[0]), Clause(other, right, (), mood))
            )


@pattern(130)
def people_greet():
    """Yield *Good night, Nadia*, *Maybe*."""
    for (english, french), name in product(GREETINGS.items(), FIRST_NAMES):
        yield Sentence(f"{english}, {{0}}.", f"{french}, {{0}}.", (name,))
    for english, french in (GREETINGS | OUTCRIES).items():
        yield Sentence(f"{english}.", f"{french}.")
        yield Sentence(f"{english}!", f"{french} !")


# ------------------------------------------------------------------------------------------------ the corpus
def thin(sentences: Iterable[Sentence], wanted: int) -> list[Sentence]:
    """Keep the `wanted` sentences whose digests are smallest."""
    return sorted(set(sentences), key=Sentence.digest)[:wanted]


def translations(sentence: Sentence) -> Iterator[tuple[str, str, str]]:
    """Yield the rows of one sentence: a French target for each reading that makes a difference."""
    source, seen, told = sentence.english(), set(), {"you": True, "gender": True}
    for you, gender in product(sentence.you.split(), sentence.gender):
        if (you == "vous" and not told["you"]) or (gender == "f" and not told["gender"]):
            continue
        reading = Reading(you, gender)
        target = sentence.french(reading)
        told = {"you": you in reading.tags, "gender": reading.gendered}
        if target not in seen and len(source) in LENGTHS and len(target) in LENGTHS:
            seen.add(target)
            yield source, target, ATTRIBUTION + (", ".join(sorted(reading.tags)) or "plain")


def sample() -> str:
    """Return the whole file: rows sorted by the source's length, then alphabetically."""
    rows = {
        row[:2]: row
        for generate, wanted in PATTERNS
        for sentence in thin(generate(), wanted)
        for row in translations(sentence)
    }
    ordered = sorted(rows.values(), key=lambda row: (len(row[0]), *row))
    return "".join("\t".join(row) + "\n" for row in ordered)


def write(text: str, path: Path) -> None:
    """Write a file whole or not at all."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=path.parent, delete=False
    ) as draft:
        draft.write(text)
    os.chmod(draft.name, 0o644)
    os.replace(draft.name, path)


def main(arguments: list[str] | None = None) -> int:
    """Write the sample, or check that the file is what would be written."""
    parser = argparse.ArgumentParser(description="Write the bundled sample corpus.")
    parser.add_argument(
        "--check", action="store_true", help="compare instead of writing; exit 1 on a difference"
    )
    text = sample() if (options := parser.parse_args(arguments)) else ""
    if options.check:
        if SAMPLE.is_file() and SAMPLE.read_bytes() == text.encode():
            return 0
        print(f"{SAMPLE} is not what tools/make_sample.py writes; run it without --check.", file=sys.stderr)
        return 1
    SAMPLE.parent.mkdir(parents=True, exist_ok=True)
    write(text, SAMPLE)
    print(f"{text.count(chr(10)):,} sentence pairs in {SAMPLE}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
