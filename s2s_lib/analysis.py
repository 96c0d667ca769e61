"""Where and how translations fail: by length, phenomenon, novelty (derived in 06_error_analysis)."""

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
from rapidfuzz.distance import Levenshtein

from s2s_lib.metrics import nearest_reference, nearest_texts, normalize_for_scoring
from s2s_lib.splitting import normalize_sentence

_REPEAT = re.compile(r"(\S.+?)(?:\s*\1){2}")


def phenomena(attribution):
    """Return the phenomena named in a pair's attribution; none where it names none.

    >>> sorted(phenomena("s2s_lib sample, Apache-2.0; phenomena: negation, question"))
    ['negation', 'question']
    """
    _, _, names = attribution.partition("phenomena:")
    return frozenset(name.strip() for name in names.partition(";")[0].split(",") if name.strip())


def multi_reference(pairs):
    """Gather all translations of each source.

    Parameters
    ----------
    pairs : DataFrame
        Columns ``source``, ``target``, ``attribution`` and perhaps ``split``.

    Returns
    -------
    DataFrame
        One row a source, in file order: ``source`` (str), ``references`` (list of str, without repeats),
        ``phenomena`` (frozenset, those of all its pairs) and ``split`` if ``pairs`` has it.

    Examples
    --------
    >>> pairs = pd.DataFrame({"source": ["Go!", "Go!"], "target": ["Va !", "Allez !"], "attribution": ""})
    >>> multi_reference(pairs)["references"].tolist()
    [['Va !', 'Allez !']]
    """
    references, found = {}, {}
    for source, target, attribution in zip(
        pairs["source"], pairs["target"], pairs["attribution"], strict=True
    ):
        references.setdefault(source, {})[target] = None
        found[source] = found.get(source, frozenset()) | phenomena(attribution)
    table = {"source": list(references), "references": [list(targets) for targets in references.values()]}
    table["phenomena"] = list(found.values())
    if "split" in pairs:
        table["split"] = pairs.drop_duplicates("source")["split"].tolist()
    return pd.DataFrame(table)


def error_table(sources, hypotheses, references):
    """Return one row a sentence, with texts as they are scored (see `metrics.normalize_for_scoring`).

    Parameters
    ----------
    sources, hypotheses : sequence of str, length ``n``
    references : sequence of (list of str), length ``n``

    Returns
    -------
    DataFrame
        ``source``, ``hypothesis``, ``nearest_reference`` (str), ``exact`` (bool), ``edits`` (int), ``cer``
        (float: edits over the length of the nearest reference), ``source_length`` (int).

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    sources, hypotheses, references = list(sources), list(hypotheses), list(references)
    if not len(sources) == len(hypotheses) == len(references):
        raise ValueError(
            f"{len(sources)} sources, {len(hypotheses)} hypotheses and {len(references)} lists of references:"
            " give one of each for every sentence"
        )
    hypotheses = [normalize_for_scoring(text) for text in hypotheses]
    nearest = [
        nearest_reference(hypothesis, [normalize_for_scoring(text) for text in texts])
        for hypothesis, texts in zip(hypotheses, references, strict=True)
    ]
    table = pd.DataFrame({"source": sources, "hypothesis": hypotheses})
    table["nearest_reference"] = [reference for reference, _ in nearest]
    table["edits"] = [edits for _, edits in nearest]
    table.insert(3, "exact", table["edits"] == 0)
    table["cer"] = table["edits"] / table["nearest_reference"].str.len()
    table["source_length"] = table["source"].str.len()
    return table


def wilson_interval(hits, n):
    """Return the 95 % interval ``(low, high)`` of a share of ``hits`` in ``n``, honest even at 0 or few.

    Wilson (1927), Journal of the American Statistical Association 22, 209–212. Takes arrays as well.

    >>> [round(float(bound), 3) for bound in wilson_interval(0, 20)]
    [0.0, 0.161]
    """
    z, share = 1.959963984540054, np.asarray(hits) / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return np.clip(middle - reach, 0.0, share), np.clip(middle + reach, share, 1.0)


def score_by(table, by):
    """Cut an `error_table` into slices and score each.

    Parameters
    ----------
    table : DataFrame
    by : str or sequence, length ``len(table)``
        A column's name, or the slice of each row. Categories keep their order, other values are sorted.

    Returns
    -------
    DataFrame
        One row a slice: ``slice``, ``n``, ``exact`` (share), ``low`` and ``high`` (its 95 % Wilson interval),
        ``cer`` (summed edits over summed lengths).
    """
    by = table[by] if isinstance(by, str) else pd.Series(by)
    lengths = table["nearest_reference"].str.len()
    frame = table[["exact", "edits"]].assign(length=lengths, slice=by.array)
    grouped = frame.groupby("slice", observed=True)
    sums, n = grouped.sum(), grouped.size()
    low, high = wilson_interval(sums["exact"], n)
    scores = {"n": n, "exact": sums["exact"] / n, "low": low, "high": high}
    return pd.DataFrame({**scores, "cer": sums["edits"] / sums["length"]}).reset_index()


def by_length(table, edges):
    """Score slices of source length: ``edges=[0, 10, 20]`` gives "1–10" and "11–20" characters.

    ValueError if a source lies outside the edges.
    """
    labels = [f"{low + 1}–{high}" for low, high in pairwise(edges)]
    slices = pd.cut(table["source_length"], edges, labels=labels)
    if slices.isna().any():
        outside = table["source_length"][slices.isna()].iloc[0]
        raise ValueError(f"a source of {outside} characters lies outside the edges {list(edges)}: widen them")
    return score_by(table, slices)


def by_phenomenon(table, phenomena):
    """Score the sentences of each phenomenon; a sentence counts in each of its own, or under "none".

    ``phenomena`` holds one frozenset a row of ``table``, as in `multi_reference`.
    """
    rows = [(i, name) for i, names in enumerate(phenomena) for name in sorted(names or {"none"})]
    return score_by(table.iloc[[i for i, _ in rows]], [name for _, name in rows])


def novelty(sources, train_pairs):
    """Tell how much of each source the training pairs have shown.

    Case and punctuation are set aside, as in splitting.

    Returns
    -------
    DataFrame
        ``source``, ``seen_source`` (bool: the whole sentence), ``unseen_words`` (int), ``share_seen`` (float,
        of its words), ``rarest_count`` (int: training sources with its rarest word; 0 without words).
    """
    known = [normalize_sentence(text) for text in pd.unique(train_pairs["source"])]
    sentences, counts = set(known), Counter(word for text in known for word in set(text.split()))
    rows = []
    for source in sources:
        sentence = normalize_sentence(source)
        seen = [counts[word] for word in sentence.split()] or [0]
        rows.append((source, sentence in sentences, seen.count(0), 1 - seen.count(0) / len(seen), min(seen)))
    return pd.DataFrame(rows, columns=["source", "seen_source", "unseen_words", "share_seen", "rarest_count"])


def by_novelty(table, novelty):
    """Score slices by how many training sources hold a sentence's rarest word: none, 1–9, 10–99, 100+."""
    labels = ["none", "1–9", "10–99", "100+"]
    return score_by(table, pd.cut(novelty["rarest_count"], [-1, 0, 9, 99, np.inf], labels=labels))


def character_confusions(table):
    """Count the edits of one shortest way from each nearest reference to its hypothesis.

    Returns
    -------
    DataFrame
        ``reference_char``, ``hypothesis_char`` ("" where one was put in or left out), ``count``, falling.

    Examples
    --------
    >>> character_confusions(error_table(["Go."], ["Pare"], [["Pars !"]])).values.tolist()
    [[' ', '', 1], ['!', '', 1], ['s', 'e', 1]]
    """
    counts = Counter()
    for reference, hypothesis in zip(table["nearest_reference"], table["hypothesis"], strict=True):
        for kind, i, j in Levenshtein.editops(reference, hypothesis):
            counts["" if kind == "insert" else reference[i], "" if kind == "delete" else hypothesis[j]] += 1
    rows = sorted(((*pair, count) for pair, count in counts.items()), key=lambda row: (-row[2], row[:2]))
    return pd.DataFrame(rows, columns=["reference_char", "hypothesis_char", "count"])


def nearest_training_target(hypotheses, train_pairs):
    """Find what a model may have copied.

    Returns
    -------
    DataFrame
        ``hypothesis``, ``nearest_target`` (the training target with the fewest edits), ``edits`` (0: a copy).
    """
    hypotheses = [normalize_for_scoring(text) for text in hypotheses]
    targets = pd.unique(train_pairs["target"].map(normalize_for_scoring))
    index, edits = nearest_texts(hypotheses, targets)
    nearest = [targets[i] for i in index]
    return pd.DataFrame({"hypothesis": hypotheses, "nearest_target": nearest, "edits": edits})


def failure_kinds(table):
    """Name how each sentence of an `error_table` fails, the first that fits.

    Returns
    -------
    Series of an ordered category
        "exact"; "near" (error rate of at most 0.2); "repeats" (some text three times running); "stops early"
        (under half the reference's length); "other".
    """
    length = table["hypothesis"].str.len() / table["nearest_reference"].str.len()
    repeats = [bool(_REPEAT.search(text)) for text in table["hypothesis"]]
    names = ["exact", "near", "repeats", "stops early", "other"]
    tests = [table["exact"], table["cer"] <= 0.2, repeats, length < 0.5]
    kinds = np.select(tests, names[:4], default=names[4])
    return pd.Series(pd.Categorical(kinds, categories=names, ordered=True), index=table.index, name="kind")
