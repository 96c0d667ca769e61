import random
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from s2s_lib import metrics

HYPOTHESES = ["La loutre dort.", "Le chat mange un gros poisson.", "Va !", "Où est la gare ?", "Non."]
REFERENCES = [
    ["La loutre dort.", "Une loutre dort ici."],
    ["Le chat mange du poisson."],
    ["Allez-y !", "Va\u202f!", "Pars !"],
    ["Où se trouve la gare ?", "La gare est où ?"],
    ["Je ne l’ai pas vu hier soir."],
]
texts = st.text("ab é.", max_size=12)
sentences = st.text("abcd é.", min_size=1, max_size=20).filter(str.strip)
corpora = st.lists(st.tuples(sentences, st.lists(sentences, min_size=1, max_size=4)), min_size=1, max_size=8)


def distance_by_hand(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(previous[j] + 1, row[-1] + 1, previous[j - 1] + (x != y)))
    return row[-1]


def padded(references, filling=None):
    most = max(map(len, references))
    return [[(texts + [filling] * most)[i] for texts in references] for i in range(most)]


def babble(num_sentences, seed=0):
    generator = random.Random(seed)
    words = ["la", "loutre", "dort", "mange", "le", "poisson", "gris", "ne", "pas", "où", "ici", "là-bas"]
    texts = [
        " ".join(generator.choices(words, k=generator.randint(2, 9))) + "." for _ in range(num_sentences)
    ]
    references = [[text] * generator.randint(1, 2) + [texts[0]] * generator.randint(0, 2) for text in texts]
    return [text[: generator.randint(3, 60)] for text in texts], references


def test_typographic_blanks_and_apostrophes_are_folded_and_all_else_stays():
    assert metrics.normalize_for_scoring("Ah\u202f! L’Été\u00a0: «\u2009Où\u2009»") == "Ah ! L'Été : « Où »"


@settings(deadline=None, max_examples=40)
@given(st.text())
def test_normalizing_twice_changes_nothing(text):
    once = metrics.normalize_for_scoring(text)
    assert metrics.normalize_for_scoring(once) == once
    assert len(once) == len(text)


@settings(deadline=None, max_examples=40)
@given(texts, st.lists(texts, min_size=1, max_size=5))
def test_the_nearest_reference_has_the_fewest_edits_and_of_equals_the_greatest_length(hypothesis, references):
    by_hand = [(distance_by_hand(hypothesis, reference), -len(reference)) for reference in references]
    nearest, edits = metrics.nearest_reference(hypothesis, references)
    assert (edits, -len(nearest)) == min(by_hand)
    assert nearest in references


@settings(deadline=None, max_examples=40)
@given(texts, texts)
def test_edits_are_the_same_in_both_directions(a, b):
    assert metrics.nearest_reference(a, [b])[1] == metrics.nearest_reference(b, [a])[1]


@settings(deadline=None, max_examples=40)
@given(corpora)
def test_the_character_error_rate_is_summed_edits_over_summed_lengths(corpus):
    hypotheses, references = zip(*corpus, strict=True)
    nearest = [
        min((distance_by_hand(hypothesis, text), -len(text)) for text in texts)
        for hypothesis, texts in corpus
    ]
    expected = sum(edits for edits, _ in nearest) / sum(-length for _, length in nearest)
    assert metrics.character_error_rate(hypotheses, references).score == expected


@settings(deadline=None, max_examples=40)
@given(corpora)
def test_exact_match_is_the_share_of_hypotheses_among_their_references(corpus):
    hypotheses, references = zip(*corpus, strict=True)
    expected = sum(hypothesis in texts for hypothesis, texts in corpus) / len(corpus)
    assert metrics.exact_match(hypotheses, references).score == expected


@pytest.mark.parametrize("name", ["chrf", "bleu"])
def test_scores_equal_sacrebleus_on_any_number_of_references(name):
    oracle = {"chrf": sacrebleu.corpus_chrf, "bleu": sacrebleu.corpus_bleu}[name]
    hypotheses = [metrics.normalize_for_scoring(text) for text in HYPOTHESES]
    references = [[metrics.normalize_for_scoring(text) for text in texts] for texts in REFERENCES]
    assert (
        getattr(metrics, name)(HYPOTHESES, REFERENCES).score == oracle(hypotheses, padded(references)).score
    )


@settings(deadline=None, max_examples=40)
@given(corpora)
def test_chrf_equals_sacrebleus_on_any_text(corpus):
    hypotheses, references = map(list, zip(*corpus, strict=True))
    expected = sacrebleu.corpus_chrf(hypotheses, padded(references)).score
    assert metrics.chrf(hypotheses, references).score == expected


def test_missing_references_are_none_to_sacrebleu_since_blank_ones_would_change_bleu():
    hypotheses = ["Allez vite", "La loutre dort ici."]
    references = [["Allez vite là-bas maintenant !"], ["La loutre dort ici.", "Une loutre dort."]]
    none, blank = (
        sacrebleu.corpus_bleu(hypotheses, padded(references, filling)).score for filling in (None, "")
    )
    assert none < blank
    assert metrics.bleu(hypotheses, references).score == none


@pytest.mark.parametrize("name", ["chrf", "bleu"])
def test_intervals_are_as_wide_as_sacrebleus_own(name, monkeypatch):
    monkeypatch.setenv("SACREBLEU_SEED", "7")
    hypotheses, references = babble(200)
    ours = getattr(metrics, name)(hypotheses, references)
    metric = {"chrf": sacrebleu.CHRF(), "bleu": sacrebleu.BLEU()}[name]
    theirs = metric.corpus_score(hypotheses, padded(references), n_bootstrap=1000)
    assert (ours.high - ours.low) / 2 == pytest.approx(theirs._ci, rel=0.15)
    assert ours.low < theirs.score < ours.high


def test_the_interval_of_exact_match_is_the_binomials():
    hypotheses, references = ["a"] * 400, [["a"]] * 100 + [["b"]] * 300
    score = metrics.exact_match(hypotheses, references)
    reach = 1.96 * np.sqrt(0.25 * 0.75 / 400)
    assert (score.low, score.score, score.high) == pytest.approx(
        (0.25 - reach, 0.25, 0.25 + reach), abs=0.006
    )
    assert score.n == 400


def test_one_seed_gives_one_interval_and_another_seed_another():
    hypotheses, references = babble(50)
    first, again, other = (metrics.chrf(hypotheses, references, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.score == other.score
    assert (first.low, first.high) != (other.low, other.high)


def test_evaluate_gives_the_four_scores_and_sacrebleus_signatures():
    scores = metrics.evaluate(HYPOTHESES, REFERENCES)
    signature = scores.pop("signature")
    assert scores == {
        "exact": metrics.exact_match(HYPOTHESES, REFERENCES),
        "cer": metrics.character_error_rate(HYPOTHESES, REFERENCES),
        "chrf": metrics.chrf(HYPOTHESES, REFERENCES),
        "bleu": metrics.bleu(HYPOTHESES, REFERENCES),
    }
    version = f"version:{sacrebleu.__version__}"
    assert signature == (
        f"chrF2|nrefs:var|case:mixed|eff:yes|nc:6|nw:0|space:no|{version} "
        f"BLEU|nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|{version}"
    )


def test_perfect_and_empty_translations_have_the_extreme_scores():
    references = [["La loutre dort sur la rive.", "Elle dort."], ["Le chat mange du poisson."]]
    perfect = metrics.evaluate([texts[0] for texts in references], references)
    assert [perfect[name].score for name in ("exact", "cer", "chrf")] == [1, 0, 100]
    assert perfect["bleu"].score == pytest.approx(100)
    empty = metrics.evaluate(["", ""], references)
    assert [empty[name].score for name in ("exact", "cer", "chrf", "bleu")] == [0, 1, 0, 0]
    assert metrics.character_error_rate(["bla" * 50], [["Va !"]]).score > 1


def test_no_sentences_unequal_lengths_and_missing_references_are_named():
    with pytest.raises(ValueError, match="no sentence to score"):
        metrics.evaluate([], [])
    with pytest.raises(ValueError, match="2 hypotheses but 1 lists"):
        metrics.evaluate(["a", "b"], [["a"]])
    with pytest.raises(ValueError, match=r"references\[1\] is empty"):
        metrics.evaluate(["a", "b"], [["a"], []])
    with pytest.raises(ValueError, match=r"references\[0\] is empty or holds a blank"):
        metrics.chrf(["a"], [["a", " "]])
    with pytest.raises(ValueError, match=r"references\[0\] is one string"):
        metrics.bleu(["a"], ["a"])


def test_a_crowd_of_tokenized_full_stops_raises_no_warning_on_the_screen():
    code = "from s2s_lib import metrics; metrics.bleu(['la la .'] * 150, [['la la .']] * 150)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout + run.stderr == ""


def test_thirteen_thousand_sentences_are_scored_in_seconds():
    hypotheses, references = babble(13_000)
    start = time.process_time()
    metrics.evaluate(hypotheses, references)
    assert time.process_time() - start < 20


@settings(deadline=None, max_examples=40)
@given(st.lists(texts, max_size=5), st.lists(texts, min_size=1, max_size=6), st.integers(1, 3))
def test_the_nearest_text_is_the_first_with_the_fewest_edits(queries, choices, chunk_size):
    index, edits = metrics.nearest_texts(queries, choices, chunk_size=chunk_size)
    by_hand = [
        min((distance_by_hand(query, choice), i) for i, choice in enumerate(choices)) for query in queries
    ]
    assert list(zip(edits, index, strict=True)) == by_hand


def test_nothing_to_choose_from_is_named():
    with pytest.raises(ValueError, match="no texts to choose"):
        metrics.nearest_texts(["a"], [])


def test_the_baselines_copy_repeat_and_look_up():
    rows = [("Go!", "Va !"), ("Go!", "Pars !"), ("Hide!", "Pars !"), ("I see.", "Je vois."), ("Yes!", "Va !")]
    train = pd.DataFrame(rows, columns=["source", "target"])
    sources = ["Go.", "I seem."]
    assert metrics.copy_source(sources) == sources
    assert metrics.most_frequent_target(train, sources) == ["Pars !", "Pars !"]
    assert metrics.most_frequent_target(train[::-1], sources) == ["Pars !", "Pars !"]
    assert metrics.nearest_source_translation(train, sources) == ["Va !", "Je vois."]


def test_looking_up_a_thousand_sources_among_ten_thousand_takes_seconds():
    generator = random.Random(1)
    sources = ["".join(generator.choices("abcdefgh ", k=generator.randint(5, 40))) for _ in range(11_000)]
    train = pd.DataFrame({"source": sources[1000:], "target": sources[1000:]})
    start = time.process_time()
    assert len(metrics.nearest_source_translation(train, sources[:1000])) == 1000
    assert time.process_time() - start < 10
