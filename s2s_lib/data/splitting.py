"""What a model may see in training: a split that cannot leak (derived in notebook 01_data)."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import pandas as pd

RUNNING_PAIR = "The otter isn't sad.", "La loutre n'est pas triste."
APOSTROPHES = re.compile("[’‘‛ʼʹ′´`＇]")
NOT_COMPARED = re.compile(r"[^\w' ]")
# Neither letter nor usual punctuation, or a sign before a digit: whether it counts must be weighed.
UNUSUAL = re.compile(r"""[^\w' !"#$%&()*+,./:;<=>?@\[\\\]^{|}~«»…–—“”„¿¡-]|[^\w' ](?=\d)""")
SIGNS, SEPARATORS = "-−", ".,:·٫٬"


def normalize_sentence(text: str) -> str:
    """Return the part of a sentence that remains when case, punctuation and kinds of spaces do not count.

    Typographic apostrophes become ``'`` and each run of blanks becomes one space; then come NFKC, lower case,
    and the deletion of everything but letters, digits, ``_``, ``'`` and spaces. Marks on letters stay (Hindi
    vowel signs, say), but for the few that Latin letters still carry; so do a minus sign and a slash before a
    digit and, in sentences without Latin letters, what separates digits ("3.50"): with Latin letters, a rule
    for these would move the frozen split of the pinned corpus. A sentence of punctuation alone ("?!") keeps
    it; otherwise all such sentences would be equal. Normalizing twice changes nothing.

    >>> normalize_sentence("L’été, enfin !")
    "l'été enfin"
    >>> normalize_sentence("?!")
    '?!'
    """
    text = unicodedata.normalize("NFKC", _fold(text))
    text = _fold(text.lower())
    compared = _fold(_compared(text) if UNUSUAL.search(text) else NOT_COMPARED.sub("", text))
    return unicodedata.normalize("NFKC", compared or text)


def components(pairs: pd.DataFrame) -> np.ndarray:
    """Return the number of the group that each pair belongs to: pairs linked by a shared source or target.

    Two pairs are linked when their normalized sources are equal, or their normalized targets; links chain.
    A source and a target that look alike do not link. int64 ``(num_pairs,)``, numbered from 0 in order of
    first appearance. ValueError if a column or a sentence is missing.

    >>> rows = [("Dive!", "Plonge !"), ("Swim!", "Nage !"), ("Dive in!", "Plonge."), ("dive", "Plongez !")]
    >>> components(pd.DataFrame(rows, columns=["source", "target"]))
    array([0, 1, 0, 0])
    """
    return _components(_normalized(pairs, "source"), _normalized(pairs, "target"))


def split_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs with a column ``split``, "train", "validation" or "test", that cannot leak.

    Whole `components` are divided 80/10/10: the smallest normalized source of a component, hashed to a number
    between 0 and 1, decides. So no sentence appears in two parts, and the split depends only on the set of
    pairs, not on their order, repeats, the machine or a seed. It is a split of *these* pairs: a part of a
    corpus has its own. ValueError if a column or a sentence is missing.

    >>> rows = [("Swim!", "Nage !"), ("Dive!", "Plonge !"), ("SWIM!", "Nagez !"), ("Good night.", "Dors !")]
    >>> split_pairs(pd.DataFrame(rows, columns=["source", "target"]))["split"].tolist()
    ['validation', 'train', 'validation', 'test']
    """
    sources, targets = _normalized(pairs, "source"), _normalized(pairs, "target")
    component = _components(sources, targets)
    smallest: dict[int, str] = {}
    for number, source in zip(component, sources, strict=True):
        smallest[number] = min(source, smallest.get(number, source))
    fractions = np.array([int(_sha256(source)[:12], 16) / 16**12 for source in smallest.values()])
    names = np.array(["train", "validation", "test"])[np.digitize(fractions, [0.8, 0.9])]
    return pairs.assign(split=pd.Series(names[component], index=pairs.index, dtype="str"))


def reverse_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs with source and target exchanged: split first, then reverse, and both share one split.

    >>> reverse_pairs(pd.DataFrame({"source": ["Dive!"], "target": ["Plonge !"]})).iloc[0].to_dict()
    {'source': 'Plonge !', 'target': 'Dive!'}
    """
    return pairs.assign(source=pairs["target"], target=pairs["source"])


def split_hash(split: pd.DataFrame) -> str:
    r"""Return the fingerprint of a split's test set, by which scores state what they were measured on.

    It is the sha256 (64 hexadecimal digits) of the distinct test pairs, sorted by code points, as UTF-8 lines
    ``source<TAB>target<LF>``: the same for the same test pairs, however the frame is ordered.

    >>> test = pd.DataFrame({"source": ["Dive!"], "target": ["Plonge !"], "split": ["test"]})
    >>> split_hash(test) == hashlib.sha256(b"Dive!\tPlonge !\n").hexdigest()
    True
    """
    test = split[split["split"] == "test"]
    return _sha256("".join(f"{line}\n" for line in sorted(set(_lines(test)))))


def training_subset(split: pd.DataFrame, num_pairs: int) -> pd.DataFrame:
    """Return ``num_pairs`` training pairs, as if drawn at random; a smaller subset is part of a larger one.

    Rows are ranked by a hash of their own text, so a subset does not depend on their order or a seed; they
    keep the frame's order and index. ValueError if there are not that many, or ``num_pairs`` is below 1.

    >>> split = pd.DataFrame({"source": ["a", "b", "c"], "target": ["d", "e", "f"], "split": "train"})
    >>> set(training_subset(split, 1)["source"]) < set(training_subset(split, 2)["source"])
    True
    """
    train = split[split["split"] == "train"]
    if not 1 <= num_pairs <= len(train):
        raise ValueError(f"cannot take {num_pairs:,} training pairs: choose between 1 and {len(train):,}")
    rank = np.argsort([_sha256(line) for line in _lines(train)], kind="stable")
    return train.iloc[np.sort(rank[:num_pairs])]


def running_pair(pairs: pd.DataFrame) -> tuple[str, str]:
    """Return the pair that runs through the course: ours where ``pairs`` hold it, else a short held-out one.

    ``pairs`` come from `split_pairs`, and may be reversed. Without a held-out pair, any short one will do.
    """
    ours = pairs["source"].isin(RUNNING_PAIR) & pairs["target"].isin(RUNNING_PAIR)
    held_out = pairs[pairs["split"] == "test"]
    candidates = next(found for found in (pairs[ours], held_out, pairs) if len(found))
    unlike = (candidates["source"].str.len() - len(RUNNING_PAIR[0])).abs()
    nearest = candidates.iloc[int(unlike.argmin())]
    return nearest["source"], nearest["target"]


def phenomena(attribution: str) -> frozenset[str]:
    """Return the phenomena named in a pair's attribution; none where it names none.

    >>> sorted(phenomena("s2s_lib sample, Apache-2.0; phenomena: negation, question"))
    ['negation', 'question']
    """
    _, _, names = attribution.partition("phenomena:")
    return frozenset(name.strip() for name in names.partition(";")[0].split(",") if name.strip())


def multi_reference(pairs: pd.DataFrame) -> pd.DataFrame:
    """Gather all translations of each source.

    One row for each source, in file order: ``source`` (str), ``references`` (list of str, without repeats),
    ``phenomena`` (frozenset, those of all its pairs) and ``split`` if ``pairs`` has it.

    >>> pairs = pd.DataFrame({"source": ["Go!", "Go!"], "target": ["Va !", "Allez !"], "attribution": ""})
    >>> multi_reference(pairs)["references"].tolist()
    [['Va !', 'Allez !']]
    """
    references: dict[str, dict[str, None]] = {}  # a dict keeps the order, and each target once
    found: dict[str, frozenset[str]] = {}
    columns = pairs["source"], pairs["target"], pairs["attribution"]
    for source, target, attribution in zip(*columns, strict=True):
        references.setdefault(source, {})[target] = None
        found[source] = found.get(source, frozenset()) | phenomena(attribution)
    table = pd.DataFrame(
        {"source": list(references), "references": [list(texts) for texts in references.values()]}
    )
    table["phenomena"] = pd.Series(list(found.values()), dtype=object)
    if "split" in pairs:
        table["split"] = pairs.drop_duplicates("source")["split"].tolist()
    return table


def _compared(text: str) -> str:
    """Return the characters that count; whether a mark or a sign does depends on those kept before it."""
    kept = ""
    latin = any(_is_latin(character) for character in text)
    for place, character in enumerate(text):
        before, base = kept[-1:], next((c for c in reversed(kept) if unicodedata.category(c)[0] != "M"), "")
        if not NOT_COMPARED.match(character):
            counts = True
        elif unicodedata.category(character)[0] == "M":
            counts = base.strip() != "" and not _is_latin(base)
        elif not text[place + 1 : place + 2].isdigit():
            counts = False
        elif character in SIGNS:
            counts = not re.match(r"\w", before)
        else:
            counts = before.isdigit() and (character == "/" or (character in SEPARATORS and not latin))
        kept += ("-" if character in SIGNS else character) if counts else ""
    return kept


def _is_latin(character: str) -> bool:
    return character.isalpha() and unicodedata.name(character, "").startswith("LATIN")


def _fold(text: str) -> str:
    """Return ``text`` with plain apostrophes and single spaces, none at either end."""
    return " ".join(APOSTROPHES.sub("'", text).split())


def _normalized(pairs: pd.DataFrame, column: str) -> list[str]:
    """Return the normalized sentences of one column."""
    if column not in pairs.columns:
        raise ValueError(f"sentence pairs need a column {column!r}, these have {[*pairs.columns]}")
    for row, text in enumerate(pairs[column]):
        if not isinstance(text, str):
            raise ValueError(f"column {column!r} must hold str only, found {text!r} in row {row}")
    return [normalize_sentence(text) for text in pairs[column]]


def _components(sources: Sequence[str], targets: Sequence[str]) -> np.ndarray:
    """Return the connected component of each edge (source, target), by union-find with path halving."""
    source, target = (pd.factorize(np.array(texts, dtype=object))[0] for texts in (sources, targets))
    target += source.max(initial=-1) + 1  # a node for each source, then a node for each target
    parent = list(range(target.max(initial=-1) + 1))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]  # each node on the way now points to its grandparent
        return node

    for one, other in zip(source.tolist(), target.tolist(), strict=True):
        parent[root(one)] = root(other)
    return pd.factorize(np.array([root(node) for node in source.tolist()], np.int64))[0]


def _lines(pairs: pd.DataFrame) -> list[str]:
    """Return each pair as ``source<TAB>target``."""
    return [f"{source}\t{target}" for source, target in zip(pairs["source"], pairs["target"], strict=True)]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
