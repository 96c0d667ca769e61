"""Minimal pairs: two sentences that differ in one phenomenon only (derived in 06_error_analysis)."""

from importlib import resources

import pandas as pd

from s2s_lib.analysis import error_table, wilson_interval
from s2s_lib.metrics import normalize_for_scoring

MEMBERS = ("a", "b")


def load_challenge():
    """Return the hand-written challenge set, which ships with the package.

    Returns
    -------
    DataFrame
        One row a minimal pair: ``phenomenon`` (str), ``source_a``, ``source_b`` (str), ``references_a`` and
        ``references_b`` (lists of str, all usual French versions).

    Examples
    --------
    >>> pair = load_challenge().iloc[0]
    >>> pair["phenomenon"], pair["source_a"], pair["source_b"]
    ('negation', 'The otter likes rain.', "The otter doesn't like rain.")
    >>> pair["references_b"]
    ["La loutre n'aime pas la pluie."]
    """
    with resources.files("s2s_lib").joinpath("data", "challenge.tsv").open(encoding="utf-8") as file:
        pairs = pd.read_csv(file, sep="\t", quoting=3, dtype=str, keep_default_na=False)
    for member in MEMBERS:
        pairs[f"references_{member}"] = pairs[f"references_{member}"].str.split(" | ", regex=False)
    return pairs


def members(pairs=None):
    """Return the single sentences of minimal pairs, all first members, then all second ones.

    Parameters
    ----------
    pairs : DataFrame, optional
        Rows of `load_challenge`; all of them by default.

    Returns
    -------
    DataFrame
        ``phenomenon``, ``source`` (str), ``references`` (list of str).

    Examples
    --------
    >>> members()["source"].tolist()[:2]
    ['The otter likes rain.', 'I see the lighthouse.']
    """
    pairs = load_challenge() if pairs is None else pairs
    names = ["phenomenon", "source", "references"]
    tables = [
        pairs[["phenomenon", f"source_{m}", f"references_{m}"]].set_axis(names, axis=1) for m in MEMBERS
    ]
    return pd.concat(tables, ignore_index=True)


def judge_challenge(translate, pairs=None):
    """Translate both members of each minimal pair and judge them.

    Parameters
    ----------
    translate : callable
        Takes a list of str, returns as many translations, like ``Translator.translate``.
    pairs : DataFrame, optional
        Rows of `load_challenge`; all of them by default.

    Returns
    -------
    DataFrame
        The rows with ``translation_a``, ``translation_b`` (str), ``right_a``, ``right_b`` (bool: equal to one
        of the references, typography folded), ``right`` (both are), ``contrast`` (the translations differ).

    Raises
    ------
    ValueError
        If there is no pair, or not one translation a sentence.
    """
    pairs = (load_challenge() if pairs is None else pairs).copy()
    if pairs.empty:
        raise ValueError("no minimal pair to judge")
    sources = [*pairs["source_a"], *pairs["source_b"]]
    translations = list(translate(sources))
    if len(translations) != len(sources):
        raise ValueError(f"{len(sources)} sentences, but {len(translations)} translations")
    for place, member in enumerate(MEMBERS):
        texts = translations[place * len(pairs) : (place + 1) * len(pairs)]
        pairs[f"translation_{member}"] = texts
        judged = error_table(pairs[f"source_{member}"], texts, pairs[f"references_{member}"])
        pairs[f"right_{member}"] = judged["exact"].to_numpy()
    pairs["right"] = pairs["right_a"] & pairs["right_b"]
    folded = [pairs[f"translation_{member}"].map(normalize_for_scoring) for member in MEMBERS]
    pairs["contrast"] = folded[0] != folded[1]
    return pairs


def score_challenge(translate, pairs=None):
    """Score minimal pairs by phenomenon: a pair counts only when both members are right.

    Parameters and errors are those of `judge_challenge`.

    Returns
    -------
    DataFrame
        One row a phenomenon, in file order, then "all": ``phenomenon``, ``n`` (pairs), ``right`` (share with
        both members right), ``low`` and ``high`` (its 95 % Wilson interval), ``member_accuracy`` (share of
        single sentences right), ``contrast`` (share whose two translations differ at all).

    Examples
    --------
    >>> answers = {"She sings.": "Elle chante.", "She sang.": "Elle chante."}
    >>> pair = {"phenomenon": ["tense"], "source_a": ["She sings."], "references_a": [["Elle chante."]]}
    >>> pair |= {"source_b": ["She sang."], "references_b": [["Elle a chanté."]]}
    >>> scores = score_challenge(lambda texts: [answers[text] for text in texts], pd.DataFrame(pair))
    >>> scores.loc[0, ["right", "member_accuracy", "contrast"]].to_dict()
    {'right': 0.0, 'member_accuracy': 0.5, 'contrast': 0.0}
    """
    judged = judge_challenge(translate, pairs)
    slices = {name: rows for name, rows in judged.groupby("phenomenon", sort=False)} | {"all": judged}
    table = []
    for name, rows in slices.items():
        low, high = wilson_interval(rows["right"].sum(), len(rows))
        table.append(
            {
                "phenomenon": name,
                "n": len(rows),
                "right": float(rows["right"].mean()),
                "low": float(low),
                "high": float(high),
                "member_accuracy": float(rows[["right_a", "right_b"]].to_numpy().mean()),
                "contrast": float(rows["contrast"].mean()),
            }
        )
    return pd.DataFrame(table)
