"""How good is a translation? Scores with intervals, and trivial baselines (derived in 06_error_analysis)."""

from collections import Counter
from typing import NamedTuple

import numpy as np
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist
from sacrebleu.metrics import BLEU, CHRF

from s2s_lib.vocabulary import fold_typography

NUM_RESAMPLES = 1_000


class Score(NamedTuple):
    """A score over ``n`` sources and its 95 % bootstrap interval from ``low`` to ``high``."""

    score: float
    low: float
    high: float
    n: int


def normalize_for_scoring(text):
    r"""Return ``text`` with U+202F, U+2009 and U+00A0 as a space and ’ as '; case and punctuation stay.

    >>> normalize_for_scoring("L’otarie dort\u202f!")
    "L'otarie dort !"
    """
    return fold_typography(text)


def nearest_reference(hypothesis, references):
    """Return ``(reference, edits)`` of the reference with the fewest edits; of equals, the longest.

    An edit inserts, deletes or replaces one character. The texts are compared as they are given.

    >>> nearest_reference("La loutre dors.", ["Le chat dort.", "La loutre dort."])
    ('La loutre dort.', 1)
    """
    edits = [Levenshtein.distance(hypothesis, reference) for reference in references]
    best = min(range(len(edits)), key=lambda i: (edits[i], -len(references[i])))
    return references[best], edits[best]


def _prepared(hypotheses, references):
    """Return both sides normalized for scoring, or raise ValueError naming what is wrong."""
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
        [normalize_for_scoring(text) for text in hypotheses],
        [[normalize_for_scoring(text) for text in texts] for texts in references],
    )


def bootstrapped(statistics, score_of_sums, *, seed):
    """Score the sums of statistics ``(n, num_statistics)``, one row a sentence, and those of rows redrawn.

    >>> edits_and_lengths = [[1, 4], [0, 4]]
    >>> bootstrapped(edits_and_lengths, lambda sums: sums[0] / sums[1], seed=0).score
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


def _exact_match(hypotheses, references, *, seed):
    hits = [[hypothesis in texts, 1] for hypothesis, texts in zip(hypotheses, references, strict=True)]
    return bootstrapped(np.array(hits, dtype=int), lambda sums: sums[0] / sums[1], seed=seed)


def _character_error_rate(hypotheses, references, *, seed):
    nearest = map(nearest_reference, hypotheses, references)
    statistics = [[edits, len(reference)] for reference, edits in nearest]
    return bootstrapped(statistics, lambda sums: sums[0] / sums[1], seed=seed)


def _sacrebleu_score(metric, hypotheses, references, *, seed):
    """Score with a sacrebleu metric, whose signature then tells of these references.

    The two protected methods are those that sacrebleu's own `significance` module calls. Its public
    `n_bootstrap` gives no percentiles, and takes over a gigabyte at 13,000 sentences.
    """
    most = max(map(len, references))
    streams = [[texts[i] if i < len(texts) else None for texts in references] for i in range(most)]
    statistics = metric._extract_corpus_statistics(hypotheses, streams)
    return bootstrapped(statistics, lambda sums: metric._compute_score_from_stats(sums).score, seed=seed)


def exact_match(hypotheses, references, *, seed=0):
    r"""Return the share of hypotheses that equal one of their references.

    Parameters
    ----------
    hypotheses : sequence of str, length ``n``
    references : sequence of (list of str), length ``n``
        All right translations of each source, one at least. Both sides are normalized for scoring.
    seed : int
        Seed of the bootstrap: the same seed draws the same sources for every score.

    Returns
    -------
    Score
        Between 0 and 1.

    Raises
    ------
    ValueError
        If there is nothing to score, the lengths differ, or a sentence has no reference.

    Examples
    --------
    >>> exact_match(["Va !", "Viens !"], [["Va\u202f!", "Pars !"], ["Venez !"]]).score
    0.5
    """
    return _exact_match(*_prepared(hypotheses, references), seed=seed)


def character_error_rate(hypotheses, references, *, seed=0):
    """Return summed edits over the summed lengths of the nearest references; see `exact_match`.

    0 is perfect, an empty hypothesis counts 1, a babbling one more. Examples:

    >>> character_error_rate(["Va ?"], [["Pars !", "Va !"]]).score
    0.25
    """
    return _character_error_rate(*_prepared(hypotheses, references), seed=seed)


def chrf(hypotheses, references, *, seed=0):
    """Return sacrebleu's chrF2 over the corpus, between 0 and 100; see `exact_match`.

    >>> chrf(["La loutre dort."], [["La loutre dort."]]).score
    100.0
    """
    return _sacrebleu_score(CHRF(), *_prepared(hypotheses, references), seed=seed)


def bleu(hypotheses, references, *, seed=0):
    """Return sacrebleu's BLEU over the corpus (13a tokens), between 0 and 100; see `exact_match`.

    >>> round(bleu(["La loutre dort ici."], [["La loutre dort ici."]]).score)
    100
    """
    return _sacrebleu_score(BLEU(force=True), *_prepared(hypotheses, references), seed=seed)


def evaluate(hypotheses, references, *, seed=0):
    """Return all four scores and sacrebleu's signatures of two of them.

    Parameters and errors are those of `exact_match`.

    Returns
    -------
    dict
        `Score` under ``exact``, ``cer``, ``chrf`` and ``bleu``; str under ``signature``.
    """
    texts = _prepared(hypotheses, references)
    chrf_metric, bleu_metric = CHRF(), BLEU(force=True)
    return {
        "exact": _exact_match(*texts, seed=seed),
        "cer": _character_error_rate(*texts, seed=seed),
        "chrf": _sacrebleu_score(chrf_metric, *texts, seed=seed),
        "bleu": _sacrebleu_score(bleu_metric, *texts, seed=seed),
        "signature": f"chrF2|{chrf_metric.get_signature()} BLEU|{bleu_metric.get_signature()}",
    }


def nearest_texts(queries, choices, *, chunk_size=128):
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
    for start in range(0, len(queries), chunk_size):
        rows = slice(start, start + chunk_size)
        distances = cdist(queries[rows], choices, scorer=Levenshtein.distance, dtype=np.int32, workers=-1)
        index[rows], edits[rows] = distances.argmin(axis=1), distances.min(axis=1)
    return index, edits


def copy_source(sources):
    """Return the baseline that knows no French: each source as it stands.

    >>> copy_source(["The otter sleeps."])
    ['The otter sleeps.']
    """
    return list(sources)


def most_frequent_target(train_pairs, sources):
    """Return the baseline that never reads: the most frequent training target, for each source.

    ``train_pairs`` is a DataFrame with column ``target``; of equally frequent targets the first in
    alphabetical order counts.
    """
    target, _ = min(Counter(train_pairs["target"]).items(), key=lambda item: (-item[1], item[0]))
    return [target] * len(list(sources))


def nearest_source_translation(train_pairs, sources):
    """Return the baseline that only looks up: the translation of the training source with fewest edits.

    ``train_pairs`` is a DataFrame with columns ``source`` and ``target``; the first pair of a source counts.
    """
    known = train_pairs.drop_duplicates("source")
    index, _ = nearest_texts(sources, known["source"])
    return known["target"].iloc[index].tolist()
