"""The sentence patterns of the sample, and how many sentences of each it keeps.

A pattern allows every sensible combination of its subjects, verbs, moods and complements; :func:`keep` draws
from them. Above each pattern stands an example of what it allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, product

from tools.sample.grammar import (
    AFFIRM,
    BE,
    BE_DOING,
    BE_HAVING,
    DEGREES,
    LEXICON,
    NAMES,
    NUMERALS,
    Calling,
    Clause,
    Location,
    Mood,
    Name,
    Noun,
    Pair,
    Part,
    Place,
    Pronoun,
    Quality,
    Sentence,
    Subject,
    Words,
)

Subjects = Sequence[Subject]
Parts = Iterable[Part | None]
Sentences = Iterator[Sentence]
Patterns = Iterator[list[Sentence]]

HAVE, LIKE, WOULD_LIKE = ("have", "avoir"), ("like", "aimer"), ("like", "vouloir")
GO, COME = ("go", "aller"), ("come", "venir")

# ------------------------------------------------------------------------------------------------------ moods
DENY, ASK = Mood(negation="pas"), Mood(question=True)
HABITS = [AFFIRM, DENY, ASK, Mood(negation="jamais"), Mood(negation="plus")]
ACTIONS = [mood._replace(progressive=True) for mood in (AFFIRM, DENY, ASK)]
PAST, FUTURE = ([mood._replace(tense=tense) for mood in (AFFIRM, DENY, ASK)] for tense in ("past", "future"))
EVENTS = PAST + FUTURE[:2]
WISHES = [mood._replace(modal="want") for mood in (AFFIRM, DENY, ASK)] + [Mood(modal="must")]
ABILITIES = [mood._replace(modal="can") for mood in (AFFIRM, DENY, ASK)]
WAS, WAS_NOT, WOULD = Mood("was"), Mood("was", negation="pas"), Mood("would")
STATES = [AFFIRM, DENY, ASK, WAS, WAS_NOT]
ORDER, FORBID, LET, LET_NOT = (
    Mood(tense, negation=half) for tense in ("order", "let") for half in ("", "pas")
)
MOODS = {  # in which each group of verbs in the lexicon is used
    "skill": HABITS + ACTIONS + EVENTS + WISHES,
    "habit": HABITS + ACTIONS + EVENTS + WISHES + ABILITIES,
    "reflex": HABITS + ACTIONS + EVENTS,
    "event": ACTIONS + EVENTS + WISHES + ABILITIES,
    "accident": ACTIONS + EVENTS,
    "activity": ACTIONS + EVENTS,
    "result": EVENTS,
    "state": STATES[:3],
}


# ---------------------------------------------------------------------------------- words and groups of words
def select(table: str, wanted: str = "", but: str = "") -> list[Pair]:
    """Return the words of a table whose other columns hold every wanted mark; ``but`` bars marks or words."""
    found = []
    for row in LEXICON[table]:
        marks = {mark for column, text in row.items() if column not in ("en", "fr") for mark in text.split()}
        if set(wanted.split()) <= marks and not set(but.split()) & {*marks, row["en"]}:
            found.append((row["en"], row["fr"]))
    return found


KINDS = {row["kind"]: row for row in LEXICON["kinds"]}
intransitive = partial(select, "intransitive")
VERBS = {pair[0]: pair for pair in intransitive() + select("transitive")}
TRANSITIVE = [(VERBS[row["en"]], row["group"], row["what"]) for row in LEXICON["transitive"]]


def verbs(english: str) -> list[Pair]:
    """Return the verbs of a list: *follow, look for*."""
    return [VERBS[verb] for verb in english.split(", ")]


def words(table: str, wanted: str = "") -> list[Words]:
    """Return the selected words as parts of a sentence."""
    return [Words(*pair) for pair in select(table, wanted)]


def nouns(kinds: str, determiners: str, number: str = "s") -> list[Noun]:
    """Return the nouns of some kinds under the determiners that suit them; no determiner is ``-``."""
    found = []
    for kind in kinds.split():
        limits, suited = KINDS[kind], set(determiners.split())
        if limits["determiners"] != "any":
            suited &= {"-", *limits["determiners"].split()}
        if number == "s" and limits["number"] != "mass":
            suited -= {"some"}
        if number == "s" or limits["number"] == "both":
            found += [
                Noun(det.strip("-"), en, number) for (en, _), det in product(select("nouns", kind), suited)
            ]
    return found


def described(kinds: str, determiners: str, mark: str = "") -> list[Noun]:
    """Return the nouns of some kinds beside every adjective that suits them: *a small otter*."""
    return [
        noun._replace(adjective=pair)
        for kind in kinds.split()
        for pair in select("adjectives", f"{kind} {mark}", but="predicative")
        for noun in nouns(kind, determiners)
    ]


def owned(kinds: str) -> list[Noun]:
    """Return the nouns of some kinds with every owner: *Nadia's boat*."""
    return [noun._replace(owner=name) for noun, name in product(nouns(kinds, "the"), NAMES)]


def qualities(wanted: str, but: str = "", degrees: Iterable[str] = ("",)) -> list[Quality]:
    """Return the adjectives that can follow *to be*, with every degree: *tall*, *very tall*."""
    adjectives = select("adjectives", wanted, but=f"attributive {but}")
    return [Quality(*pair, degree) for pair, degree in product(adjectives, degrees)]


def places(who: str) -> list[Place]:
    """Return where people, animals or things are: *near the harbor*."""
    rows = [row for row in LEXICON["places"] if row["who"] == who]
    return [
        Place(f"{row['en']}={row['fr']}", Noun("the", noun)) for row in rows for noun in row["nouns"].split()
    ]


PRONOUNS = [
    Pronoun("I", 1, "s"),
    Pronoun("you", 2, "s"),
    Pronoun("he", 3, "s", "m"),
    Pronoun("she", 3, "s", "f"),
    Pronoun("we", 1, "p"),
    Pronoun("they", 3, "p"),
]
OBJECTS = [
    pronoun._replace(en=en, gender=pronoun.gender or "m", role="object")
    for pronoun, en in zip(PRONOUNS, ("me", "you", "him", "her", "us", "them"), strict=True)
]
(SELF, _, HE, SHE, WE, THEY), (ME, _, HIM, HER, US, THEM) = PRONOUNS, OBJECTS
IT, WEATHER = Pronoun("it", 3, "s", "m", "ce"), Pronoun("it", 3, "s", "m", "il")
WOMEN, MEN = ([name for name in NAMES if NAMES[name] == gender] for gender in "fm")
FIRST_NAMES = [Name(name) for name in NAMES]
COUPLES = [Name(*pair) for pair in zip(WOMEN + MEN, MEN + WOMEN, strict=True)]
RELATIVES = nouns("worker", "the this") + nouns("family", "my your her")
OTTERS = [Noun(det, "otter", number) for det, number in product(("the", "my", "our"), "sp")]
BEASTS = nouns("animal", "the this my") + nouns("animal", "the our", "p")
ANIMALS = BEASTS + OTTERS
SPEAKERS: Subjects = [*PRONOUNS, *FIRST_NAMES]
OTHERS: Subjects = [speaker for speaker in SPEAKERS if speaker != SELF]
CITIZENS: Subjects = [*SPEAKERS, *RELATIVES]
PEOPLE: Subjects = [*CITIZENS, *COUPLES]
MOVABLES, COUNTED = "animal belonging furniture vehicle", " ".join(NUMERALS)
TO_PLACES = [place._replace(preposition="to=à") for place in places("person") if place.preposition == "at=à"]


# ---------------------------------------------------------------------------------------- groups of sentences
def say(subject: Subject, verb: Pair, *rest: Part, mood: Mood = AFFIRM) -> Sentence:
    """Return a statement or, as its mood says, a question."""
    clause = Clause(subject, verb, rest, mood)
    if mood.question:
        return Sentence("{0}?", "est-ce que {0} ?", (clause,))
    return Sentence("{0}.", "{0}.", (clause,))


def is_sensible(subject: Subject, verb: Pair, mood: Mood, rest: Iterable[Part]) -> bool:
    """Tell whether one would say so: not *Do I sleep?*, nor *The otter is following the otter*."""
    asks_about_now = mood.question and mood.tense == "present" and mood.modal != "can"
    asks_itself = asks_about_now and subject in (SELF, WE) and verb[0] not in ("be", "have", "go")
    return not asks_itself and not any(is_itself(subject, part) for part in rest)


def is_itself(subject: Subject | Part, part: Part) -> bool:
    """Tell whether a complement names the subject again."""
    thing = part.noun if isinstance(part, Place) else part
    if isinstance(subject, Pronoun) and isinstance(thing, Pronoun):
        return subject.person == thing.person < 3
    if isinstance(subject, Noun) and isinstance(thing, Noun):
        return subject.en == thing.en
    return subject == thing


def cross(subjects: Subjects, verbs: Iterable[Pair], moods: Iterable[Mood], *rest: Parts) -> Sentences:
    """Yield every sensible combination; a complement that is None is left out."""
    for subject, verb, mood in product(subjects, verbs, moods):
        for complements in product(*rest):
            parts = [part for part in complements if part is not None]
            if is_sensible(subject, verb, mood, parts):
                yield say(subject, verb, *parts, mood=mood)


def be(subjects: Subjects, moods: Iterable[Mood], *rest: Parts) -> Sentences:
    """Yield *Nadia is happy*, *It isn't my boat*."""
    return cross(subjects, [BE], moods, *rest)


def act(subjects: Subjects, who: str) -> Sentences:
    """Yield every intransitive verb in every mood that suits it."""
    for group, moods in MOODS.items():
        yield from cross(subjects, intransitive(f"{group} {who}"), moods)


def deal(subjects: Subjects, determiners: str, number: str = "s", but: str = "") -> Sentences:
    """Yield every transitive verb in every mood, with every noun that suits it; ``but`` bars verbs."""
    for verb, group, kinds in TRANSITIVE:
        if not set(but.split()) & {group, *kinds.split()}:
            yield from cross(subjects, [verb], MOODS[group], nouns(kinds, determiners, number))


def compare(ones: Sequence[Name | Noun], who: str) -> Sentences:
    """Yield *Bruno is taller than Lina*."""
    for one, other, quality in product(ones, ones, qualities(who, but="uncompared")):
        if one != other:
            yield say(one, BE, quality._replace(than=other))


def there_is(kinds: str, spots: Sequence[Place | Words]) -> Sentences:
    """Yield what there is, was, is not, or may be somewhere."""
    things = nouns(kinds, "a") + nouns(kinds, f"some {COUNTED}", "p")
    frames = [  # for one thing, for several, in French
        ("there is {0} {1}.", "there are {0} {1}.", "il y a {0} {1}.", AFFIRM),
        ("there isn't {0} {1}.", "there aren't {0} {1}.", "il n'y a pas {0} {1}.", DENY),
        ("is there {0} {1}?", "are there {0} {1}?", "est-ce qu'il y a {0} {1} ?", ASK),
        ("there was {0} {1}.", "there were {0} {1}.", "il y avait {0} {1}.", WAS),
    ]
    for thing, spot, (one, several, french, mood) in product(things, spots, frames):
        if not is_itself(thing, spot) and not (mood == DENY and thing.det in NUMERALS):
            yield Sentence(several if thing.number == "p" else one, french, (thing, spot), mood)


def deeds(mood: Mood) -> Iterator[Clause]:
    """Yield what one may tell somebody to do: *sing, open the door, go to the harbor*."""
    for group in ("skill", "habit", "reflex", "event"):
        yield from (Clause(None, verb, (), mood) for verb in intransitive(f"{group} person"))
    for verb, group, kinds in TRANSITIVE:
        if group == "activity":
            yield from (Clause(None, verb, (thing,), mood) for thing in nouns(kinds, "the my this some"))
    yield from (Clause(None, GO, (place,), mood) for place in TO_PLACES)


def fill(
    english: str, french: str, *parts: Iterable[Part | Clause], you: str = "tu vous", gender: str = "mf"
) -> Sentences:
    """Yield a frame with every combination of parts."""
    return (Sentence(english, french, filling, you=you, gender=gender) for filling in product(*parts))


# ----------------------------------------------- the patterns: how many sentences to keep, and all they allow
def keep(wanted: int, *patterns: Iterable[Sentence]) -> list[Sentence]:
    """Return the sentences with the smallest digests: the same ones on every machine."""
    return sorted(set(chain(*patterns)), key=Sentence.digest)[:wanted]


def doings() -> Patterns:
    """Yield what people and animals do, when, where and with whom."""
    # Nadia sings. Does she dance?
    yield keep(1650, act(SPEAKERS, "person"))
    # The otter sleeps. Our otter is hungry. My otters are small.
    pastimes = [verb for group in ("skill", "habit", "reflex") for verb in intransitive(f"{group} animal")]
    yield keep(
        200,
        cross(OTTERS, pastimes, [AFFIRM]),
        cross(OTTERS, [BE_HAVING], [AFFIRM], words("needs", "animal")),
        be(OTTERS, [AFFIRM], qualities("animal")),
    )
    # The baker works.
    yield keep(250, act([*RELATIVES, *COUPLES], "person"))
    # The seagulls are swimming.
    yield keep(650, act(ANIMALS, "animal"))
    # Omar will sing tomorrow.
    occasions = [
        ("past", "habit", PAST[0]),
        ("past", "event", PAST[0]),
        ("past", "skill", PAST[1]),
        ("future", "event", FUTURE[0]),
        ("future", "skill", FUTURE[0]),
        ("future", "habit", FUTURE[1]),
        ("now", "habit", ACTIONS[0]),
        ("habit", "skill", HABITS[0]),
        ("habit", "habit", HABITS[0]),
    ]
    yield keep(
        450,
        *(
            cross(CITIZENS, intransitive(f"{group} person"), [mood], words("times", when))
            for when, group, mood in occasions
        ),
    )
    # Inès dances well.
    yield keep(130, cross(SPEAKERS, intransitive("skill"), STATES[:3], words("manners")))
    # She is reading in the garden. (Not "talking": on parle à la boulangerie addresses the bakery.)
    pastimes = intransitive("habit person", but="talk") + intransitive("skill")
    yield keep(300, cross(PEOPLE, pastimes, [*ACTIONS, PAST[0], FUTURE[0]], places("person")))
    # The otter is sleeping under the bridge.
    pastimes = intransitive("habit animal", but="listen")
    yield keep(150, cross(BEASTS, pastimes, [ACTIONS[0], PAST[0]], places("animal")))
    # Marc is playing with Rosa.
    company: list[Name | Noun | Pronoun] = [*FIRST_NAMES, *nouns("family", "my our")]
    company += [pronoun._replace(role="strong") for pronoun in (ME, US)]
    friends, moods = [Place("with=avec", who) for who in company], [ACTIONS[0], PAST[0], FUTURE[0]]
    people, otters = [one for one in OTHERS if one != WE], [one for one in OTTERS if one.number == "s"]
    yield keep(
        130,
        cross(people, verbs("sing, dance, cook, work, eat"), moods, friends),
        cross([*people, *otters], verbs("swim, play, walk"), moods, friends),
    )


def states() -> Patterns:
    """Yield how people, animals and things are."""
    # Nadia is happy. (She may be happy no longer, but nobody is tall no longer.)
    yield keep(
        850,
        be(PEOPLE, STATES, qualities("person")),
        be(PEOPLE, HABITS[3:], qualities("person", but="lasting")),
        be(PEOPLE, [AFFIRM], qualities("person", "ungraded", DEGREES)),
    )
    # The otters are small.
    small, very_small = qualities("animal"), qualities("animal", "ungraded", DEGREES)
    yield keep(450, be(ANIMALS, STATES, small), be(ANIMALS, [AFFIRM], very_small))
    # The lantern is heavy. This soup is too hot.
    things, served = ("belonging", "furniture", "vehicle", "opening"), ("dish", "drink", "place")
    yield keep(
        800,
        *(be(nouns(kind, "the my this"), STATES, qualities(kind)) for kind in things),
        *(be(nouns(kind, "the", "p"), STATES, qualities(kind)) for kind in things),
        *(be(nouns(kind, "the this"), STATES[:4], qualities(kind)) for kind in served),
        *(be(nouns(kind, "the this"), [AFFIRM], qualities(kind, "ungraded", DEGREES)) for kind in served),
    )
    # The windows are open. My soup is good.
    openings, meals = nouns("opening", "the this"), nouns("dish drink food", "the this my")
    yield keep(
        230,
        be(openings + nouns("opening", "the", "p"), STATES, qualities("opening predicative")),
        be(meals, STATES, qualities("dish drink food")),
    )
    # Nadia's hat is red.
    kinds = ("belonging", "vehicle", "animal")
    yield keep(150, *(be(owned(kind), STATES[:4], qualities(kind)) for kind in kinds))
    # Bruno is taller than Lina.
    yield keep(90, compare(FIRST_NAMES, "person"), compare(nouns("animal", "the"), "animal"))
    # The otter is hungry.
    yield keep(
        420,
        cross(PEOPLE, [BE_HAVING], STATES, words("needs")),
        cross(ANIMALS, [BE_HAVING], STATES, words("needs", "animal")),
    )
    # Nadia is ten years old.
    ages = [Words(f"{en} years old", f"{fr} ans", "numeral plural") for en, fr in NUMERALS.items()]
    yield keep(100, cross([*SPEAKERS, *BEASTS], [BE_HAVING], STATES[:4], ages))
    # She is a baker. They are bakers.
    one, many = ([Calling(en, number) for en, _ in select("nouns", "worker mf")] for number in "sp")
    single = [*(speaker for speaker in SPEAKERS if speaker not in (WE, THEY)), *nouns("family", "my your")]
    yield keep(130, be(single, STATES[:4], one), be([WE, THEY], STATES[:4], many))


def possessions() -> Patterns:
    """Yield what people have and like."""
    # Paul has a boat. Do they have any apples? You have three keys.
    things = nouns("belonging vehicle animal food", "a") + nouns("belonging animal food", "some", "p")
    things += [Noun("a", relative) for relative in ("sister", "brother", "friend")]
    several = nouns("belonging vehicle animal food", COUNTED, "p")
    yield keep(280, cross(OTHERS, [HAVE], STATES[:3], things), cross(SPEAKERS, [HAVE], [AFFIRM], several))
    # Lina likes otters.
    things = nouns("animal food", "-", "p") + nouns("dish drink", "-") + nouns("place animal", "the this")
    yield keep(190, cross(CITIZENS, [LIKE], STATES[:3], things))
    # I'd like some bread.
    things = nouns("dish drink", "some") + nouns("food belonging", "a") + nouns("food", "two some", "p")
    yield keep(130, cross(SPEAKERS, [WOULD_LIKE], [WOULD], things))


def dealings() -> Patterns:
    """Yield what people and animals do to things, and to each other."""
    # Samuel is looking for the lantern.
    some = deal(SPEAKERS, "a", but="result worker")
    yield keep(680, deal(SPEAKERS, "the my this"), deal(SPEAKERS, "the", "p"), some)
    # The baker is washing the window.
    yield keep(130, deal(RELATIVES, "the"))
    # The otter is following the boat.
    moods = ACTIONS + PAST
    yield keep(
        170,
        cross(ANIMALS, verbs("follow, watch, look for"), moods, nouns("animal worker", "the")),
        cross(ANIMALS, verbs("eat"), moods, nouns("food", "the")),
        cross(OTTERS, verbs("hide, look for"), moods, nouns("belonging", "the")),
        cross(OTTERS, verbs("follow, watch"), moods, nouns("vehicle", "the")),
    )
    # Rosa is drawing a small otter.
    yield keep(
        180,
        *(
            cross(SPEAKERS[::3], [verb], [mood], described(kind, "the a"))
            for verb, group, kinds in TRANSITIVE
            for kind, mood in product(kinds.split(), MOODS[group])
            if kind in MOVABLES.split() and not mood.negation
        ),
    )
    # Victor opened the window. We lost the key.
    openings, belongings = nouns("opening", "the"), nouns("belonging", "the")
    yield keep(
        190,
        cross(CITIZENS, verbs("open, close"), MOODS["activity"], openings),
        cross(CITIZENS, verbs("break"), MOODS["result"], openings),
        cross(CITIZENS, verbs("find, lose"), MOODS["result"], belongings),
    )
    # Paul has a new boat.
    yield keep(70, cross(OTHERS, [HAVE], [AFFIRM, ASK], described("belonging vehicle", "a", "attributive")))
    # Inès is drinking some tea.
    meals = nouns("food", "a the") + nouns("food", "some", "p") + nouns("dish", "some the")
    drinks = nouns("drink", "some the my")
    moods = ACTIONS + EVENTS
    yield keep(
        220, cross(CITIZENS, verbs("eat"), moods, meals), cross(CITIZENS, verbs("drink"), moods, drinks)
    )
    # Victor is waiting for us.
    moods_by_group = {"activity": ACTIONS + FUTURE[:2], "state": STATES[:3]}
    yield keep(
        280,
        *(
            cross([*CITIZENS, *OTTERS], [verb], moods_by_group[group], OBJECTS)
            for verb, group, kinds in TRANSITIVE
            if "family" in kinds
        ),
    )


def whereabouts() -> Patterns:
    """Yield where somebody or something is, what there is, and whose it is."""
    # My sister is at the market.
    yield keep(200, be(PEOPLE, STATES, places("person")), be(ANIMALS, STATES[:4], places("animal")))
    # We are going to the harbor. He is coming from the beach.
    origins = [place._replace(preposition="from=de") for place in TO_PLACES]
    yield keep(
        300,
        cross(PEOPLE, [GO], ACTIONS + EVENTS, TO_PLACES),
        cross([*OTHERS, *RELATIVES], [COME], ACTIONS[:2], origins),
    )
    # The key is under the table.
    things = nouns("belonging food", "the my") + nouns("belonging food", "the", "p")
    yield keep(230, be(things, STATES[:4], places("thing")))
    # There is an otter in the garden. Are there any apples?
    nowhere = Words("", "")
    yield keep(
        300,
        there_is("animal", [nowhere, *places("animal")[::2]]),
        there_is("worker", places("person")[::2]),
        there_is("belonging food", [nowhere, *places("thing")[::2]]),
    )
    # It's my lantern. It isn't an old boat. Is it Nadia's cat?
    yield keep(
        280,
        be([IT], STATES[:4], nouns(MOVABLES, "a my your our his her")),
        be([IT], STATES[:3], described(MOVABLES, "a")),
        be([IT], STATES[:3], owned("animal belonging vehicle")),
    )
    # It's Omar. It's for Nadia.
    people = FIRST_NAMES + nouns("family", "my your our")
    yield keep(
        90, be([IT], STATES[:3], people), be([IT], STATES[:3], [Place("for=pour", who) for who in people])
    )


def orders() -> Patterns:
    """Yield what somebody is told to do."""
    told = [*deeds(ORDER), *deeds(FORBID)]
    # Open the door. Don't wait! Please sing.
    please = [Words("", "te|vous")]
    yield keep(
        300,
        fill("{0}.", "{0}.", told, please),
        fill("{0}!", "{0} !", told, please),
        fill("please {0}.", "{0}, s'il {1} plaît.", told, please),
    )
    # Sing. Wait! Don't cry.
    simple, forbidden = ([clause for clause in deeds(mood) if not clause.rest] for mood in (ORDER, FORBID))
    simple.append(Clause(None, GO, (), ORDER))
    yield keep(
        80, fill("{0}.", "{0}.", simple), fill("{0}!", "{0} !", simple), fill("{0}.", "{0}.", forbidden)
    )
    # Sing, Nadia.
    nearby = [clause for clause in told if clause.verb != GO]
    yield keep(180, fill("{0}, {1}.", "{0}, {1}.", nearby, FIRST_NAMES, you="tu"))
    # Be patient. Don't be shy, Omar.
    traits = [Clause(None, BE, (quality,), ORDER) for quality in qualities("urged")]
    traits += [Clause(None, BE, (quality,), FORBID) for quality in qualities("discouraged")]
    named = (
        fill("{0}, {1}.", "{0}, {1}.", traits, [name], you="tu", gender=NAMES[name.en])
        for name in FIRST_NAMES
    )
    yield keep(40, fill("{0}.", "{0}.", traits), *named)
    # Let's sing. Let's not open the door.
    yield keep(130, fill("{0}.", "{0}.", [*deeds(LET), *deeds(LET_NOT)]))


def questions() -> Patterns:
    """Yield questions with a question word, and exclamations."""
    # Who is singing? Nobody sings. Everyone laughed.
    who, nobody, everyone = words("anybody")
    plain = [
        (verb, mood)
        for group, moods in MOODS.items()
        for verb, mood in product(intransitive(f"{group} person"), moods)
        if not (mood.question or mood.modal or mood.negation)
    ]
    yield keep(
        200,
        fill("{0}?", "{0} ?", [Clause(who, verb, (), mood) for verb, mood in plain]),
        (say(nobody, verb, mood=mood._replace(negation="personne")) for verb, mood in plain),
        (say(everyone, verb, mood=mood) for verb, mood in plain),
    )
    # Why are you laughing? Where did the otter sleep?
    asking = [
        ("why", "pourquoi", "skill habit reflex event", (ACTIONS[2], PAST[2])),
        ("where", "où", "skill habit", (ACTIONS[2], PAST[2])),
        ("when", "quand", "event accident", (PAST[2], FUTURE[2])),
    ]
    yield keep(
        250,
        *(
            fill(f"{en} {{0}}?", f"{fr} est-ce que {{0}} ?", [Clause(subject, verb, (), mood)])
            for en, fr, groups, moods in asking
            for group in groups.split()
            for subjects, kind in ((OTHERS, "person"), (OTTERS, "animal"))
            for subject, verb, mood in product(subjects, intransitive(f"{group} {kind}"), moods)
        ),
    )
    # Where is the otter?
    sought = nouns("animal belonging family place", "the my your our") + nouns("animal belonging", "the", "p")
    located = [*map(Location, FIRST_NAMES + COUPLES), *map(Location, sought)]
    yield keep(130, fill("where {0}?", "où {0} ?", located))
    # Whose lantern is this? Whose keys are these?
    single, several = nouns(f"{MOVABLES} food", "this"), nouns("belonging animal food", "this", "p")
    yield keep(
        60,
        *(fill("whose {0} is this?", "à qui est {1} ?", [noun._replace(det="")], [noun]) for noun in single),
        *(
            fill("whose {0} are these?", "à qui sont {1} ?", [noun._replace(det="")], [noun])
            for noun in several
        ),
    )
    # What a beautiful otter!
    yield keep(
        130,
        *(
            fill("what {0}!", "{1} !", [noun], [noun._replace(det="which")])
            for noun in described(MOVABLES, "a")
        ),
    )


def remarks() -> Patterns:
    """Yield what remains: orders with a pronoun, the weather, the time, thoughts, greetings."""
    # Wait for me. Don't wait for me.
    social = verbs("follow, watch, help, call, wait for")
    clitics = {ME: "moi", HIM: "le", HER: "la", US: "nous", THEM: "les"}
    tags = {THEM: "pronoun_object plural"}
    objects = [Words(thing.en, clitics[thing], tags.get(thing, "pronoun_object")) for thing in clitics]
    forbidden = [Clause(None, verb, (thing,), FORBID) for verb, thing in product(social, clitics)]
    yield keep(
        70,
        fill("{0} {1}.", "{0}-{1}.", [Clause(None, verb, (), ORDER) for verb in social], objects),
        fill("{0}.", "{0}.", forbidden),
    )
    # It's cold in the harbor today. It will snow.
    regions = [None, *places("weather")]
    times = {AFFIRM: "now", DENY: "now", WAS: "past", FUTURE[0]: "future"}
    yield keep(
        200,
        *(
            cross([WEATHER], [BE_DOING], [mood], words("weather"), regions, [None, *words("times", when)])
            for mood, when in times.items()
        ),
        cross([WEATHER], intransitive("weather"), ACTIONS + EVENTS, regions),
    )
    # It's two o'clock. Nadia arrived at two o'clock.
    hours = [Words(f"at {en} o'clock", f"à {fr} heures", "numeral plural") for en, fr in NUMERALS.items()]
    silent = [Words("", "", "numeral plural")]
    yield keep(
        70,
        *(fill(f"it's {en} o'clock.", f"il est {fr} heures.", silent) for en, fr in NUMERALS.items()),
        cross(SPEAKERS, intransitive("event animal"), [PAST[0], FUTURE[0]], hours),
    )
    # I think the otter is hungry.
    subjects: Subjects = [HE, SHE, WE, THEY, *FIRST_NAMES, *OTTERS]
    thoughts = chain(
        be(subjects, [AFFIRM], qualities("person animal")),
        cross(subjects, [BE_HAVING], [AFFIRM], words("needs")),
        cross(subjects, intransitive("habit animal"), [ACTIONS[0], FUTURE[0]]),
    )
    clauses = [part for thought in thoughts for part in thought.parts]
    yield keep(
        130,
        fill("I think {0}.", "je crois que {0}.", clauses),
        fill("I know {0}.", "je sais que {0}.", clauses),
    )
    # Nadia is singing and Omar is dancing.
    skills = intransitive("skill")
    pastimes = skills + intransitive("habit person")[:8]
    joins = [("and", "et", ACTIONS[0]), ("but", "mais", ACTIONS[1]), ("because", "parce que", ACTIONS[0])]
    yield keep(
        130,
        *(
            fill(
                f"{{0}} {en} {{1}}.",
                f"{{0}} {fr} {{1}}.",
                [Clause(one, left, (), ACTIONS[0])],
                [Clause(other, right, (), mood)],
            )
            for one, other, left, right in product(FIRST_NAMES, FIRST_NAMES, pastimes, skills)
            if one != other and left != right
            for en, fr, mood in joins
        ),
    )
    # Good night, Nadia. Maybe.
    greetings = select("greetings")
    yield keep(
        130,
        *(fill(f"{en}, {{0}}.", f"{fr}, {{0}}.", FIRST_NAMES) for en, fr in greetings),
        (Sentence(f"{en}.", f"{fr}.") for en, fr in greetings + select("outcries")),
        (Sentence(f"{en}!", f"{fr} !") for en, fr in greetings + select("outcries")),
    )


TOPICS = (doings, states, possessions, dealings, whereabouts, orders, questions, remarks)


def sample() -> str:
    """Return the text of the sample: rows sorted by the source's length, then alphabetically."""
    sentences = (sentence for topic in TOPICS for pattern in topic() for sentence in pattern)
    rows = {row[:2]: row for sentence in sentences for row in sentence.rows()}
    ordered = sorted(rows.values(), key=lambda row: (len(row[0]), *row))
    return "".join("\t".join(row) + "\n" for row in ordered)
