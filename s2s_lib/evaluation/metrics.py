"""How good is a translation? Scores with intervals, and trivial baselines (derived in 09_scores)."""

import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist
from sacrebleu.metrics import BLEU, CHRF

from s2s_lib.data.vocabulary import prepare_text

NUM_RESAMPLES = 1_000
UNSPACED = ("THAI", "LAO", "KHMER", "MYANMAR")  # scripts that put no spaces between words
CHUNK = 128  # queries compared at once with all choices

References = Sequence[Sequence[str]]


class Score(NamedTuple):
    """A score over ``n`` sources and its 95 % interval from ``low`` to ``high``; "n/a" if undefined."""

    value: float
    low: float
    high: float
    n: int

    def __format__(self, specification: str) -> str:
        """Format the value as a float, or as "n/a" where there is none."""
        return "n/a" if math.isnan(self.value) else format(self.value, specification)


class Scores(NamedTuple):
    """All four scores of `evaluate`, and sacrebleu's signatures of chrF and BLEU."""

    exact: Score
    cer: Score
    chrf: Score
    bleu: Score
    signature: str

    def to_json(self) -> dict[str, Any]:
        """Return ``{"exact": {"score", "low", "high", "n"}, …, "signature"}``, as records hold it."""
        scores = {"exact": self.exact, "cer": self.cer, "chrf": self.chrf, "bleu": self.bleu}
        values: dict[str, Any] = {
            name: {
                "score": _or_none(score.value),
                "low": _or_none(score.low),
                "high": _or_none(score.high),
                "n": score.n,
            }
            for name, score in scores.items()
        }
        return values | {"signature": self.signature}


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def nearest_reference(hypothesis: str, references: Sequence[str]) -> tuple[str, int]:
    """Return ``(reference, edits)`` of the reference with the fewest edits; of equals, the longest.

    An edit inserts, deletes or replaces one character. The texts are compared as they are given.

    >>> nearest_reference("La loutre dors.", ["Le chat dort.", "La loutre dort."])
    ('La loutre dort.', 1)
    """
    edits = [Levenshtein.distance(hypothesis, reference) for reference in references]
    best = min(range(len(edits)), key=lambda i: (edits[i], -len(references[i])))
    return references[best], edits[best]


# ---- intervals ----
def bootstrap(
    statistics: Sequence[Sequence[float]] | np.ndarray, score_of_sums: Callable[[Any], float], *, seed: int
) -> Score:
    """Score the summed statistics of all sentences, and those of sentences drawn again with replacement.

    ``statistics`` is ``(n, num_statistics)``, a row for each sentence; ``score_of_sums`` turns the sums of
    all columns into a score. The interval is the 95 % percentile interval of 1,000 draws.

    >>> edits_and_lengths = [[1, 4], [0, 4]]
    >>> bootstrap(edits_and_lengths, lambda sums: sums[0] / sums[1], seed=0).value
    0.125
    """
    statistics = np.asarray(statistics)
    n, generator = len(statistics), np.random.default_rng(seed)
    resampled = []
    for _ in range(NUM_RESAMPLES):
        times_drawn = np.bincount(generator.integers(n, size=n), minlength=n)
        resampled.append(score_of_sums((times_drawn @ statistics).tolist()))
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Score(float(score_of_sums(statistics.sum(axis=0).tolist())), float(low), float(high), n)


def wilson_interval(hits: Any, n: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % interval ``(low, high)`` of a share of ``hits`` in ``n``, honest even at 0 or few.

    Wilson (1927), Journal of the American Statistical Association 22, 209–212. Takes arrays as well.

    >>> [round(float(bound), 3) for bound in wilson_interval(0, 20)]
    [0.0, 0.161]
    """
    z, share = 1.959963984540054, np.asarray(hits) / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return np.clip(middle - reach, 0.0, share), np.clip(middle + reach, share, 1.0)


# ---- scores ----
def evaluate(hypotheses: Iterable[str], references: Iterable[Sequence[str]], *, seed: int = 0) -> Scores:
    """Return all four scores and sacrebleu's signatures; parameters and errors as in `exact_match`."""
    texts = _prepare(hypotheses, references)
    chrf_metric, bleu_metric = CHRF(), BLEU(force=True, tokenize=bleu_tokenizer(texts[1]))
    return Scores(
        exact=_exact_match(*texts, seed=seed),
        cer=_character_error_rate(*texts, seed=seed),
        chrf=_sacrebleu_score(chrf_metric, *texts, seed=seed),
        bleu=_bleu_score(bleu_metric, *texts, seed=seed),
        signature=f"chrF2|{chrf_metric.get_signature()} BLEU|{bleu_metric.get_signature()}",
    )


def exact_match(hypotheses: Iterable[str], references: Iterable[Sequence[str]], *, seed: int = 0) -> Score:
    r"""Return the share of hypotheses that equal one of their references, from 0 to 1.

    Parameters
    ----------
    hypotheses
        ``n`` translations.
    references
        For each hypothesis all right translations of its source, at least one. Both sides are prepared alike:
        composed, typographic spaces and apostrophes made plain.
    seed
        Of the bootstrap: the same seed draws the same sources for every score.

    Raises
    ------
    ValueError
        If there is nothing to score, the lengths differ, or a sentence has no reference.

    Examples
    --------
    >>> exact_match(["Va !", "Viens !"], [["Va\u202f!", "Pars !"], ["Venez !"]]).value
    0.5
    """
    return _exact_match(*_prepare(hypotheses, references), seed=seed)


def character_error_rate(
    hypotheses: Iterable[str], references: Iterable[Sequence[str]], *, seed: int = 0
) -> Score:
    """Return summed edits over the summed lengths of the nearest references; see `exact_match`.

    0 is perfect; an empty hypothesis scores 1, and a rambling one can exceed 1.

    >>> character_error_rate(["Va ?"], [["Pars !", "Va !"]]).value
    0.25
    """
    return _character_error_rate(*_prepare(hypotheses, references), seed=seed)


def chrf(hypotheses: Iterable[str], references: Iterable[Sequence[str]], *, seed: int = 0) -> Score:
    """Return sacrebleu's chrF2 over the corpus, between 0 and 100; see `exact_match`.

    >>> chrf(["La loutre dort."], [["La loutre dort."]]).value
    100.0
    """
    return _sacrebleu_score(CHRF(), *_prepare(hypotheses, references), seed=seed)


def bleu(hypotheses: Iterable[str], references: Iterable[Sequence[str]], *, seed: int = 0) -> Score:
    """Return sacrebleu's BLEU over the corpus, between 0 and 100; see `exact_match` and `bleu_tokenizer`.

    Not a number where no reference has four tokens: BLEU counts runs of four.

    >>> round(bleu(["La loutre dort ici."], [["La loutre dort ici."]]).value)
    100
    """
    texts = _prepare(hypotheses, references)
    return _bleu_score(BLEU(force=True, tokenize=bleu_tokenizer(texts[1])), *texts, seed=seed)


def bleu_tokenizer(references: Iterable[Sequence[str]]) -> str:
    """Return the name of sacrebleu's tokenizer for the script of most letters in the references.

    "zh" for Chinese, "ja-mecab" for Japanese where it is installed, "char" for other scripts that put no
    spaces between words (Thai, Lao, Khmer, Burmese), "13a" for all others.

    >>> bleu_tokenizer([["La loutre dort."]]), bleu_tokenizer([["水獭在睡觉。"]])
    ('13a', 'zh')
    """
    scripts = Counter(
        unicodedata.name(character, "").split(" ")[0].split("-")[0]
        for texts in references
        for text in texts
        for character in text
        if not character.isascii() and unicodedata.category(character)[0] == "L"
    )
    ascii_letters = sum(c.isascii() and c.isalpha() for texts in references for text in texts for c in text)
    kana = scripts["HIRAGANA"] + scripts["KATAKANA"]
    if kana and kana + scripts["CJK"] > ascii_letters and kana > 0.05 * scripts["CJK"]:
        return "ja-mecab" if find_spec("MeCab") and find_spec("ipadic") else "char"
    script, count = max(scripts.items(), key=lambda item: item[1], default=("LATIN", 0))
    if count <= ascii_letters:
        return "13a"
    return {"CJK": "zh"}.get(script, "char" if script in UNSPACED else "13a")


def _prepare(
    hypotheses: Iterable[str], references: Iterable[Sequence[str]]
) -> tuple[list[str], list[list[str]]]:
    """Return both sides prepared for scoring, or raise ValueError naming what is wrong."""
    hypotheses, references = list(hypotheses), list(references)
    if len(hypotheses) != len(references):
        raise ValueError(
            f"{len(hypotheses)} hypotheses but {len(references)} lists of references: give a list for each"
        )
    if not hypotheses:
        raise ValueError("no sentence to score")
    for index, texts in enumerate(references):
        if isinstance(texts, str):
            raise ValueError(f"references[{index}] is one string: give a list of strings for each hypothesis")
        if not len(texts) or not all(text.strip() for text in texts):
            raise ValueError(f"references[{index}] is empty or holds a blank: give each sentence a reference")
    return (
        [prepare_text(text, fold=True) for text in hypotheses],
        [[prepare_text(text, fold=True) for text in texts] for texts in references],
    )


def _exact_match(hypotheses: list[str], references: References, *, seed: int) -> Score:
    hits = [[int(hypothesis in texts), 1] for hypothesis, texts in zip(hypotheses, references, strict=True)]
    return bootstrap(hits, lambda sums: sums[0] / sums[1], seed=seed)


def _character_error_rate(hypotheses: list[str], references: References, *, seed: int) -> Score:
    nearest = map(nearest_reference, hypotheses, references)
    statistics = [[edits, len(reference)] for reference, edits in nearest]
    return bootstrap(statistics, lambda sums: sums[0] / sums[1], seed=seed)


def _sacrebleu_score(metric: Any, hypotheses: list[str], references: References, *, seed: int) -> Score:
    """Score with a sacrebleu metric, whose signature then tells of these references.

    The two protected methods are those that sacrebleu's own `significance` module calls. Its public
    `n_bootstrap` gives no percentiles, and takes over a gigabyte at 13,000 sentences.
    """
    most = max(map(len, references))
    streams = [[texts[i] if i < len(texts) else None for texts in references] for i in range(most)]
    statistics = metric._extract_corpus_statistics(hypotheses, streams)
    return bootstrap(statistics, lambda sums: metric._compute_score_from_stats(sums).score, seed=seed)


def _bleu_score(metric: Any, hypotheses: list[str], references: References, *, seed: int) -> Score:
    score = _sacrebleu_score(metric, hypotheses, references, seed=seed)
    if any(len(metric.tokenizer(text).split()) >= 4 for texts in references for text in texts):
        return score
    return Score(math.nan, math.nan, math.nan, score.n)


# ---- baselines ----
def nearest_texts(queries: Iterable[str], choices: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return int arrays ``(index, edits)``, each ``(num_queries,)``: the choice with the fewest edits.

    Of equally near choices the first counts. ValueError if there are no choices.

    >>> index, edits = nearest_texts(["The otters sleep."], ["I see.", "The otter sleeps."])
    >>> int(index[0]), int(edits[0])
    (1, 2)
    """
    queries, choices = list(queries), list(choices)
    if not choices:
        raise ValueError("no texts to choose the nearest from")
    index, edits = np.zeros(len(queries), dtype=int), np.zeros(len(queries), dtype=int)
    for start in range(0, len(queries), CHUNK):
        rows = slice(start, start + CHUNK)
        distances = cdist(queries[rows], choices, scorer=Levenshtein.distance, dtype=np.int32, workers=-1)
        index[rows], edits[rows] = distances.argmin(axis=1), distances.min(axis=1)
    return index, edits


def copy_source(sources: Iterable[str]) -> list[str]:
    """Return the baseline that knows no French: each source as it stands.

    >>> copy_source(["The otter sleeps."])
    ['The otter sleeps.']
    """
    return list(sources)


def most_frequent_target(train_pairs: pd.DataFrame, sources: Iterable[str]) -> list[str]:
    """Return the baseline that never reads: the most frequent training target, for each source.

    ``train_pairs`` has a column ``target``; of equally frequent ones the first in alphabetical order counts.
    """
    target, _ = min(Counter(train_pairs["target"]).items(), key=lambda item: (-item[1], item[0]))
    return [target] * len(list(sources))


def nearest_source_translation(train_pairs: pd.DataFrame, sources: Iterable[str]) -> list[str]:
    """Return the baseline that only looks up: the translation of the training source with the fewest edits.

    ``train_pairs`` has columns ``source`` and ``target``; the first pair of a source counts.
    """
    known = train_pairs.drop_duplicates("source")
    index, _ = nearest_texts(sources, known["source"])
    translations: list[str] = known["target"].iloc[index].tolist()
    return translations
