"""The exercises of notebook 01_data."""

from typing import Any

import numpy as np
import pandas as pd

from s2s_lib.checks.exercise import Exercise
from s2s_lib.data.splitting import components

BLANKS = "\u202f\u00a0\u2009"
ODD = ["Qui court\u202f?", "J’ai\u00a0faim\u2009!", "Il dort."]


def make_plain(text: str, blank: str = " ", apostrophe: str = "'") -> str:
    """Replace typographic blanks and apostrophes."""
    for odd in BLANKS:
        text = text.replace(odd, blank)
    return text.replace("’", apostrophe)


def some_sources(pairs: pd.DataFrame) -> list[tuple[str]]:
    """Return sources with several translations, with one, and with none."""
    counts = pairs["source"].value_counts(sort=False)
    several = counts[counts > 1].index[-3:]
    return [(source,) for source in [*several, counts.index[0], "no such sentence"]]


def all_right(source: str, pairs: pd.DataFrame) -> list[str]:
    """Return all targets of a source, each once, in order."""
    return list(dict.fromkeys(pairs.loc[pairs["source"] == source, "target"]))


def chain() -> list[tuple[str, pd.DataFrame, np.ndarray]]:
    """Return a source of a group that chains over two links, and one that stands alone."""
    rows = [("A", "1"), ("A", "2"), ("B", "2"), ("B", "3"), ("C", "3"), ("D", "4")]
    pairs = pd.DataFrame(rows, columns=["source", "target"], index=range(10, 16))
    return [("A", pairs, components(pairs)), ("D", pairs, components(pairs))]


def group_of(source: str, pairs: pd.DataFrame, component: np.ndarray) -> pd.DataFrame:
    """Return all pairs of the groups that a source belongs to."""
    return pairs[np.isin(component, component[pairs["source"] == source])]


def linked(source: str, pairs: pd.DataFrame, component: np.ndarray) -> pd.DataFrame:
    """Return the pairs that share a target with a source: one link only."""
    return pairs[pairs["target"].isin(pairs.loc[pairs["source"] == source, "target"])]


def judge_sources(answer: Any, *, pairs: pd.DataFrame) -> str | None:
    """Check that whole sources are held out, about a fifth, and that the share is that of the targets."""
    found = answer(pairs)
    if found is None or found is ...:
        return None
    if not isinstance(found, tuple) or len(found) != 2 or np.shape(found[0]) != (len(pairs),):
        return "Return a tuple: a boolean array with one entry for each pair, and a share."
    held_out, share = np.asarray(found[0], dtype=bool), float(found[1])
    sides = [set(pairs.loc[held_out, "source"]), set(pairs.loc[~held_out, "source"])]
    if sides[0] & sides[1]:
        return "Some sources stand on both sides: draw among pairs['source'].unique(), not among the pairs."
    if not 0.15 < len(sides[0]) / pairs["source"].nunique() < 0.25:
        return "About a fifth of the different sources should be held out."
    known = pairs.loc[held_out, "target"].isin(set(pairs.loc[~held_out, "target"])).mean()
    if abs(share - known) < 1e-6:
        return ""
    if share == 0:
        return "A share of 0 is that of the sources: ask how many held-out targets stand in training."
    return "The groups are fine, the share is not: compare the held-out targets with those of training."


EXERCISES = {
    "01.1": Exercise(
        kind="do",
        minutes=3,
        look="Print repr() of what goes in and what comes out: which characters are still there?",
        cases=lambda: [(text,) for text in ODD],
        expected=make_plain,
        mistakes={
            "deletes": (lambda text: make_plain(text, blank=""), "The blanks are gone: put a space."),
            "apostrophe": (
                lambda text: make_plain(text, apostrophe="’"),
                "The blanks are right, the apostrophe ’ is still there.",
            ),
            "unchanged": (
                lambda text: text,
                "Nothing has changed: replace returns a new string, so keep what it returns.",
            ),
        },
        right="Blanks and apostrophes no longer decide if a translation is right.",
    ),
    "01.2": Exercise(
        kind="do",
        minutes=5,
        look="Print your list beside versions[source]: what is missing, or too much?",
        cases=some_sources,
        expected=all_right,
        mistakes={
            "first": (lambda source, pairs: all_right(source, pairs)[:1], "Some have several targets."),
            "targets": (
                lambda source, pairs: [],
                "Your list is empty: compare pairs['source'], not the targets.",
            ),
        },
        right="A source that is not there gives an empty list, without any special case.",
    ),
    "01.3": Exercise(
        kind="do",
        minutes=5,
        look="Return rows of pairs: those whose number in component is that of the source's pairs.",
        cases=chain,
        expected=group_of,
        mistakes={
            "own": (
                lambda source, pairs, component: pairs[pairs["source"] == source],
                "These are the source's own pairs: those linked through a shared target are missing.",
            ),
            "one link": (linked, "Links are missing: a group chains on. Compare numbers, not sentences."),
        },
        right="The group holds pairs that share no sentence, only a chain of them.",
    ),
    "01.4": Exercise(
        kind="stretch",
        minutes=10,
        look="Compare with share_seen above.",
        judge=judge_sources,
        right="The sources no longer leak, but their targets do: only whole groups close it.",
    ),
}
