"""What may be seen in training: a split that cannot leak (derived in notebook 01_data)."""

import hashlib
import re
import unicodedata

import numpy as np
import pandas as pd

APOSTROPHES = re.compile("[’‘‛ʼʹ′´`＇]")
NOT_COMPARED = re.compile(r"[^\w' ]")


def normalize_sentence(text):
    """Return what is left of a sentence when case, punctuation and the kinds of blanks do not count.

    Typographic apostrophes become ``'`` and each run of blanks one space; then come NFKC, lower case, and
    the deletion of everything but letters, digits, ``_``, ``'`` and spaces; blanks that now meet become one.
    A sentence of punctuation alone ("?!") keeps it, or all such sentences would be the same. Normalizing
    twice changes nothing.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        "" only where ``text`` is blank.

    Examples
    --------
    >>> normalize_sentence("L’été, enfin !")
    "l'été enfin"
    >>> normalize_sentence("?!")
    '?!'
    """
    text = unicodedata.normalize("NFKC", _fold(text))
    text = _fold(text.lower())
    compared = _fold(NOT_COMPARED.sub("", text))
    return unicodedata.normalize("NFKC", compared or text)


def components(pairs):
    """Return the number of the group each pair belongs to: pairs that hang together by shared sentences.

    Two pairs belong together when their normalized sources are equal, or their normalized targets, or when
    other pairs connect them so. A source and a target that look alike do not connect.

    Parameters
    ----------
    pairs : pandas.DataFrame
        With columns ``source`` and ``target``.

    Returns
    -------
    numpy.ndarray, int64, ``(num_pairs,)``
        The component of each row, numbered from 0 in the order of first appearance.

    Raises
    ------
    ValueError
        If a column or a sentence is missing.

    Examples
    --------
    >>> rows = [("Dive!", "Plonge !"), ("Swim!", "Nage !"), ("Dive in!", "Plonge."), ("dive", "Plongez !")]
    >>> components(pd.DataFrame(rows, columns=["source", "target"]))
    array([0, 1, 0, 0])
    """
    return _components(_normalized(pairs, "source"), _normalized(pairs, "target"))


def split_pairs(pairs):
    """Put each pair into training, validation or test so that no sentence stands in two of them.

    Whole `components` are divided 80/10/10: a component's smallest normalized source, hashed to a number
    between 0 and 1, decides. So the split depends on the set of pairs alone, not on their order, their
    repeats, the machine or a seed. It is a split of *these* pairs: a part of a corpus has its own.

    Parameters
    ----------
    pairs : pandas.DataFrame
        With columns ``source`` and ``target``.

    Returns
    -------
    pandas.DataFrame
        A copy with a column ``split``: ``"train"``, ``"validation"`` or ``"test"``.

    Raises
    ------
    ValueError
        If a column or a sentence is missing.

    Examples
    --------
    >>> rows = [("Swim!", "Nage !"), ("Dive!", "Plonge !"), ("SWIM!", "Nagez !"), ("Good night.", "Dors !")]
    >>> split_pairs(pd.DataFrame(rows, columns=["source", "target"]))["split"].tolist()
    ['validation', 'train', 'validation', 'test']
    """
    sources, targets = _normalized(pairs, "source"), _normalized(pairs, "target")
    component = _components(sources, targets)
    smallest = {}
    for number, source in zip(component, sources, strict=True):
        smallest[number] = min(source, smallest.get(number, source))
    fractions = np.array([int(_sha256(source)[:12], 16) / 16**12 for source in smallest.values()])
    names = np.array(["train", "validation", "test"])[np.digitize(fractions, [0.8, 0.9])]
    return pairs.assign(split=pd.Series(names[component], index=pairs.index, dtype="str"))


def split_hash(split):
    r"""Return the fingerprint of a split's test set, by which scores say what they were measured on.

    It is the sha256 (hex) of the test pairs, each once, sorted by code points, as UTF-8 lines
    ``source<TAB>target<LF>``: the same for the same test pairs, however the frame is ordered.

    Parameters
    ----------
    split : pandas.DataFrame
        What `split_pairs` returns.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> test = pd.DataFrame({"source": ["Dive!"], "target": ["Plonge !"], "split": ["test"]})
    >>> split_hash(test) == hashlib.sha256(b"Dive!\tPlonge !\n").hexdigest()
    True
    """
    test = split[split["split"] == "test"]
    return _sha256("".join(f"{line}\n" for line in sorted(set(_lines(test)))))


def training_subset(split, num_pairs):
    """Return ``num_pairs`` training pairs, as if drawn at random; a smaller subset is part of a larger one.

    Rows are ranked by a hash of their own text, so a subset does not depend on their order or a seed.

    Parameters
    ----------
    split : pandas.DataFrame
        What `split_pairs` returns.
    num_pairs : int
        How many.

    Returns
    -------
    pandas.DataFrame, ``(num_pairs, ...)``
        Training rows in the frame's order, with their index.

    Raises
    ------
    ValueError
        If there are not that many, or ``num_pairs`` is below 1.

    Examples
    --------
    >>> split = pd.DataFrame({"source": ["a", "b", "c"], "target": ["d", "e", "f"], "split": "train"})
    >>> set(training_subset(split, 1)["source"]) < set(training_subset(split, 2)["source"])
    True
    """
    train = split[split["split"] == "train"]
    if not 1 <= num_pairs <= len(train):
        raise ValueError(f"cannot take {num_pairs:,} training pairs: choose between 1 and {len(train):,}")
    rank = np.argsort([_sha256(line) for line in _lines(train)], kind="stable")
    return train.iloc[np.sort(rank[:num_pairs])]


def _fold(text):
    """Return ``text`` with plain apostrophes and single spaces, none at either end."""
    return " ".join(APOSTROPHES.sub("'", text).split())


def _normalized(pairs, column):
    """Return the normalized sentences of one column as a list."""
    if column not in pairs.columns:
        raise ValueError(f"sentence pairs need a column {column!r}, these have {[*pairs.columns]}")
    for row, text in enumerate(pairs[column]):
        if not isinstance(text, str):
            raise ValueError(f"column {column!r} must hold str only, found {text!r} in row {row}")
    return [normalize_sentence(text) for text in pairs[column]]


def _components(sources, targets):
    """Return the connected component of each edge (source, target), found by union and find."""
    sources, targets = (pd.factorize(np.array(texts, dtype=object))[0] for texts in (sources, targets))
    targets += sources.max(initial=-1) + 1  # a node for each source, then a node for each target
    parent = list(range(targets.max(initial=-1) + 1))

    def root(node):
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    for source, target in zip(sources.tolist(), targets.tolist(), strict=True):
        parent[root(source)] = root(target)
    return pd.factorize(np.array([root(source) for source in sources.tolist()], np.int64))[0]


def _lines(pairs):
    """Return each pair as ``source<TAB>target``."""
    return [f"{source}\t{target}" for source, target in zip(pairs["source"], pairs["target"], strict=True)]


def _sha256(text):
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
