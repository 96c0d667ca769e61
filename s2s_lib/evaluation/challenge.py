"""Minimal pairs: two sentences that differ in one phenomenon only (derived in 06_error_analysis)."""

from collections.abc import Callable, Iterable
from importlib import resources

import numpy as np
import pandas as pd

from s2s_lib.data.vocabulary import prepare_text
from s2s_lib.evaluation.errors import error_table
from s2s_lib.evaluation.metrics import wilson_interval

Translate = Callable[[list[str]], Iterable[str]]


def load_challenge() -> pd.DataFrame:
    """Return the hand-written challenge set, which ships with the package: one row for each minimal pair.

    ``phenomenon``, ``source_a``, ``source_b`` (str), ``references_a``, ``references_b`` (lists of str, all
    usual French versions).

    >>> pair = load_challenge().iloc[0]
    >>> pair["phenomenon"], pair["source_a"], pair["source_b"]
    ('negation', 'The otter likes rain.', "The otter doesn't like rain.")
    >>> pair["references_b"]
    ["La loutre n'aime pas la pluie."]
    """
    with (resources.files("s2s_lib") / "resources" / "challenge.tsv").open(encoding="utf-8") as file:
        pairs = pd.read_csv(file, sep="\t", quoting=3, dtype=str, keep_default_na=False)
    for side in "ab":
        pairs[f"references_{side}"] = pairs[f"references_{side}"].str.split(" | ", regex=False)
    return pairs


def sentences(pairs: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the single sentences of minimal pairs (all by default): all first ones, then all second ones.

    >>> sentences()["source"].tolist()[:2]
    ['The otter likes rain.', 'I see the lighthouse.']
    """
    pairs = load_challenge() if pairs is None else pairs
    names = ["phenomenon", "source", "references"]
    sides = (pairs[["phenomenon", f"source_{side}", f"references_{side}"]] for side in "ab")
    return pd.concat([side.set_axis(names, axis=1) for side in sides], ignore_index=True)


def judge_challenge(translate: Translate, pairs: pd.DataFrame | None = None) -> pd.DataFrame:
    """Translate both sentences of each minimal pair (rows of `load_challenge`) and judge them.

    Adds ``translation_a``, ``translation_b`` (str), ``right_a``, ``right_b`` (bool: equal to one of the
    references, typography folded), ``right`` (both are), ``contrast`` (the translations differ). ValueError
    if there is no pair, or not one translation for each sentence.
    """
    pairs = (load_challenge() if pairs is None else pairs).copy()
    if pairs.empty:
        raise ValueError("no minimal pair to judge")
    asked = sentences(pairs)
    translations = list(translate(asked["source"].tolist()))
    if len(translations) != len(asked):
        raise ValueError(f"{len(asked)} sources, but {len(translations)} translations")
    exact = error_table(asked["source"], translations, asked["references"])["exact"].to_numpy()
    folded = np.array([prepare_text(text, fold=True) for text in translations], dtype=object)
    half = len(pairs)
    pairs["translation_a"], pairs["translation_b"] = translations[:half], translations[half:]
    pairs["right_a"], pairs["right_b"] = exact[:half], exact[half:]
    pairs["right"] = pairs["right_a"] & pairs["right_b"]
    pairs["contrast"] = folded[:half] != folded[half:]
    return pairs


def score_challenge(translate: Translate, pairs: pd.DataFrame | None = None) -> pd.DataFrame:
    """Score minimal pairs by phenomenon: a pair counts only when both of its sentences are right.

    One row for each phenomenon, in file order, then "all": ``phenomenon``, ``n`` (pairs), ``right`` (share
    with both sentences right), ``low`` and ``high`` (its 95 % Wilson interval), ``member_accuracy`` (share
    of single sentences right), ``contrast`` (share whose two translations differ at all). Errors as in
    `judge_challenge`.

    >>> answers = {"She sings.": "Elle chante.", "She sang.": "Elle chante."}
    >>> pair = {"phenomenon": ["tense"], "source_a": ["She sings."], "references_a": [["Elle chante."]]}
    >>> pair |= {"source_b": ["She sang."], "references_b": [["Elle a chanté."]]}
    >>> scores = score_challenge(lambda texts: [answers[text] for text in texts], pd.DataFrame(pair))
    >>> scores.loc[0, ["right", "member_accuracy", "contrast"]].to_dict()
    {'right': 0.0, 'member_accuracy': 0.5, 'contrast': 0.0}
    """
    judged = judge_challenge(translate, pairs)
    slices = pd.concat([judged, judged.assign(phenomenon="all")]).groupby("phenomenon", sort=False)
    n, right = slices.size(), slices["right"].mean()
    low, high = wilson_interval(slices["right"].sum(), n)
    members = slices[["right_a", "right_b"]].mean().mean(axis=1)
    scores = {"n": n, "right": right, "low": low, "high": high, "member_accuracy": members}
    return pd.DataFrame({**scores, "contrast": slices["contrast"].mean()}).reset_index()
