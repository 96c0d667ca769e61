"""Where and how translations fail: by length, phenomenon, novelty (derived in 06_error_analysis)."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from rapidfuzz.distance import Levenshtein

from s2s_lib.data.splitting import normalize_sentence
from s2s_lib.data.vocabulary import prepare_text
from s2s_lib.evaluation.metrics import nearest_reference, nearest_texts, wilson_interval

_REPEAT = re.compile(r"(\S.+?)(?:\s*\1){2}")


def error_table(
    sources: Iterable[str], hypotheses: Iterable[str], references: Iterable[Sequence[str]]
) -> pd.DataFrame:
    """Return one row for each sentence, with texts as they are scored; ValueError if the lengths differ.

    ``source``, ``hypothesis``, ``nearest_reference`` (str), ``exact`` (bool), ``edits`` (int), ``cer``
    (float: edits over the length of the nearest reference), ``source_length`` (int).
    """
    sources, hypotheses, references = list(sources), list(hypotheses), list(references)
    if not len(sources) == len(hypotheses) == len(references):
        raise ValueError(
            f"{len(sources)} sources, {len(hypotheses)} hypotheses and {len(references)} lists of references:"
            " give one of each for every sentence"
        )
    hypotheses = [prepare_text(text, fold=True) for text in hypotheses]
    prepared = ([prepare_text(text, fold=True) for text in texts] for texts in references)
    table = pd.DataFrame({"source": sources, "hypothesis": hypotheses})
    table[["nearest_reference", "edits"]] = list(map(nearest_reference, hypotheses, prepared))
    table.insert(3, "exact", table["edits"] == 0)
    table["cer"] = table["edits"] / table["nearest_reference"].str.len()
    table["source_length"] = [len(prepare_text(text)) for text in sources]
    return table


def score_by(table: pd.DataFrame, by: str | Sequence[object] | pd.Series) -> pd.DataFrame:
    """Cut an `error_table` into slices and score each.

    ``by`` is a column's name, or the slice of each row; categories keep their order, other values are
    sorted. One row for each slice: ``slice``, ``n``, ``exact`` (share), ``low`` and ``high`` (its 95 %
    Wilson interval), ``cer`` (summed edits over summed lengths).
    """
    slices = table[by] if isinstance(by, str) else pd.Series(by)
    lengths = table["nearest_reference"].str.len()
    frame = table[["exact", "edits"]].assign(length=lengths, slice=slices.array)
    grouped = frame.groupby("slice", observed=True)
    sums, n = grouped.sum(), grouped.size()
    low, high = wilson_interval(sums["exact"], n)
    cer = sums["edits"] / sums["length"]
    scores = {"n": n, "exact": sums["exact"] / n, "low": low, "high": high, "cer": cer}
    return pd.DataFrame(scores).reset_index()


def by_length(table: pd.DataFrame, edges: Sequence[int]) -> pd.DataFrame:
    """Score slices of source length: ``edges=[0, 10, 20]`` gives "1–10" and "11–20" characters.

    ValueError if a source lies outside the edges.
    """
    labels = [f"{low + 1}–{high}" for low, high in pairwise(edges)]
    slices = pd.cut(table["source_length"], edges, labels=labels)
    if slices.isna().any():
        outside = table["source_length"][slices.isna()].iloc[0]
        raise ValueError(f"a source of {outside} characters lies outside the edges {list(edges)}: widen them")
    return score_by(table, slices)


def by_phenomenon(table: pd.DataFrame, phenomena: Iterable[frozenset[str]]) -> pd.DataFrame:
    """Score the sentences of each phenomenon; a sentence counts in each of its own, or under "none".

    ``phenomena`` holds a frozenset for each row of ``table``, as `s2s_lib.multi_reference` gives them.
    """
    rows = [(i, name) for i, names in enumerate(phenomena) for name in sorted(names or {"none"})]
    return score_by(table.iloc[[i for i, _ in rows]], [name for _, name in rows])


def novelty(sources: Iterable[str], train_pairs: pd.DataFrame) -> pd.DataFrame:
    """Tell how much of each source the training pairs have shown; case and punctuation do not count.

    ``source``, ``seen_source`` (bool: the whole sentence), ``unseen_words`` (int), ``share_seen`` (float, of
    its words), ``rarest_count`` (int: training sources with its rarest word; 0 without words).
    """
    known = [normalize_sentence(text) for text in pd.unique(train_pairs["source"])]
    sentences, counts = set(known), Counter(word for text in known for word in set(text.split()))
    rows = []
    for source in sources:
        sentence = normalize_sentence(source)
        seen = [counts[word] for word in sentence.split()] or [0]
        rows.append((source, sentence in sentences, seen.count(0), 1 - seen.count(0) / len(seen), min(seen)))
    return pd.DataFrame(rows, columns=["source", "seen_source", "unseen_words", "share_seen", "rarest_count"])


def by_novelty(table: pd.DataFrame, novelty: pd.DataFrame) -> pd.DataFrame:
    """Score slices by how many training sources hold a sentence's rarest word: none, 1–9, 10–99, 100+."""
    labels = ["none", "1–9", "10–99", "100+"]
    return score_by(table, pd.cut(novelty["rarest_count"], [-1, 0, 9, 99, np.inf], labels=labels))


def character_confusions(table: pd.DataFrame) -> pd.DataFrame:
    """Count the edits of one shortest way from each nearest reference to its hypothesis.

    ``reference_char``, ``hypothesis_char`` ("" where a character was inserted or left out), ``count``, the
    most frequent first.

    >>> character_confusions(error_table(["Go."], ["Pare"], [["Pars !"]])).values.tolist()
    [[' ', '', 1], ['!', '', 1], ['s', 'e', 1]]
    """
    counts: Counter[tuple[str, str]] = Counter()
    for reference, hypothesis in zip(table["nearest_reference"], table["hypothesis"], strict=True):
        for kind, i, j in Levenshtein.editops(reference, hypothesis):
            counts["" if kind == "insert" else reference[i], "" if kind == "delete" else hypothesis[j]] += 1
    rows = sorted(((*pair, count) for pair, count in counts.items()), key=lambda row: (-row[2], row[:2]))
    return pd.DataFrame(rows, columns=["reference_char", "hypothesis_char", "count"])


def nearest_training_target(hypotheses: Iterable[str], train_pairs: pd.DataFrame) -> pd.DataFrame:
    """Find what a model may have copied: the training target with the fewest edits (0: a copy).

    Columns ``hypothesis``, ``nearest_target``, ``edits``.
    """
    hypotheses = [prepare_text(text, fold=True) for text in hypotheses]
    targets = pd.unique(train_pairs["target"].map(lambda text: prepare_text(text, fold=True)))
    index, edits = nearest_texts(hypotheses, targets)
    return pd.DataFrame({"hypothesis": hypotheses, "nearest_target": targets[index], "edits": edits})


def failure_kinds(table: pd.DataFrame) -> pd.Series:
    """Name how each sentence of an `error_table` fails, by the first that fits, as an ordered category.

    "exact"; "near" (error rate of at most 0.2); "repeats" (some text three times running); "stops early"
    (under half the reference's length); "other".
    """
    repeats = table["hypothesis"].map(lambda text: _REPEAT.search(text) is not None)
    length = table["hypothesis"].str.len() / table["nearest_reference"].str.len()
    tests = {
        "exact": table["exact"],
        "near": table["cer"] <= 0.2,
        "repeats": repeats,
        "stops early": length < 0.5,
    }
    kinds = np.select([np.array(test) for test in tests.values()], [*tests], default="other")
    names = [*tests, "other"]
    return pd.Series(pd.Categorical(kinds, categories=names, ordered=True), index=table.index, name="kind")
