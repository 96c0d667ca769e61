"""Scores are those of plain loops and of sacrebleu, intervals are honest, baselines know nothing."""

import json
import random
import subprocess
import sys
import time
import unicodedata

import numpy as np
import pandas as pd
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from s2s_lib.data.vocabulary import prepare_text
from s2s_lib.evaluation import metrics
from s2s_lib.evaluation.metrics import Score, wilson_interval

HYPOTHESES = ["La loutre dort.", "Le chat mange un gros poisson.", "Va !", "Où est la gare ?", "Non."]
REFERENCES = [
    ["La loutre dort.", "Une loutre dort ici."],
    ["Le chat mange du poisson."],
    ["Allez-y !", "Va\u202f!", "Pars !"],
    ["Où se trouve la gare ?", "La gare est où ?"],
    ["Je ne l’ai pas vu hier soir."],
]
NAMES = ["exact", "cer", "chrf", "bleu"]
few_examples = settings(max_examples=40)
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


@few_examples
@given(texts, st.lists(texts, min_size=1, max_size=5))
def test_the_nearest_reference_has_the_fewest_edits_and_of_equals_the_greatest_length(hypothesis, references):
    by_hand = [(distance_by_hand(hypothesis, reference), -len(reference)) for reference in references]
    nearest, edits = metrics.nearest_reference(hypothesis, references)
    assert (edits, -len(nearest)) == min(by_hand)
    assert nearest in references


@few_examples
@given(texts, texts)
def test_edits_are_the_same_in_both_directions(a, b):
    assert metrics.nearest_reference(a, [b])[1] == metrics.nearest_reference(b, [a])[1]


@few_examples
@given(corpora)
def test_the_character_error_rate_is_summed_edits_over_summed_lengths(corpus):
    hypotheses, references = zip(*corpus, strict=True)
    nearest = [
        min((distance_by_hand(hypothesis, text), -len(text)) for text in texts)
        for hypothesis, texts in corpus
    ]
    expected = sum(edits for edits, _ in nearest) / sum(-length for _, length in nearest)
    assert metrics.character_error_rate(hypotheses, references).value == expected


@few_examples
@given(corpora)
def test_exact_match_is_the_share_of_hypotheses_among_their_references(corpus):
    hypotheses, references = zip(*corpus, strict=True)
    expected = sum(hypothesis in texts for hypothesis, texts in corpus) / len(corpus)
    assert metrics.exact_match(hypotheses, references).value == expected


@pytest.mark.parametrize("name", ["chrf", "bleu"])
def test_scores_equal_sacrebleus_on_any_number_of_references(name):
    oracle = {"chrf": sacrebleu.corpus_chrf, "bleu": sacrebleu.corpus_bleu}[name]
    hypotheses = [prepare_text(text, fold=True) for text in HYPOTHESES]
    references = [[prepare_text(text, fold=True) for text in texts] for texts in REFERENCES]
    ours, theirs = getattr(metrics, name)(HYPOTHESES, REFERENCES), oracle(hypotheses, padded(references))
    assert ours.value == theirs.score


@few_examples
@given(corpora)
def test_chrf_equals_sacrebleus_on_any_text(corpus):
    hypotheses, references = map(list, zip(*corpus, strict=True))
    expected = sacrebleu.corpus_chrf(hypotheses, padded(references)).score
    assert metrics.chrf(hypotheses, references).value == expected


def test_missing_references_are_none_to_sacrebleu_since_blank_ones_would_change_bleu():
    hypotheses = ["Allez vite", "La loutre dort ici."]
    references = [["Allez vite là-bas maintenant !"], ["La loutre dort ici.", "Une loutre dort."]]
    none, blank = (
        sacrebleu.corpus_bleu(hypotheses, padded(references, filling)).score for filling in (None, "")
    )
    assert none < blank
    assert metrics.bleu(hypotheses, references).value == none


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
    expected = (0.25, 0.25 - reach, 0.25 + reach, 400)
    assert score == pytest.approx(expected, abs=0.006)


def test_one_seed_gives_one_interval_and_another_seed_another():
    hypotheses, references = babble(50)
    first, again, other = (metrics.chrf(hypotheses, references, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.value == other.value
    assert (first.low, first.high) != (other.low, other.high)


def test_evaluate_gives_the_four_scores_and_sacrebleus_signatures():
    scores = metrics.evaluate(HYPOTHESES, REFERENCES)
    assert scores.exact == metrics.exact_match(HYPOTHESES, REFERENCES)
    assert scores.cer == metrics.character_error_rate(HYPOTHESES, REFERENCES)
    assert scores.chrf == metrics.chrf(HYPOTHESES, REFERENCES)
    assert scores.bleu == metrics.bleu(HYPOTHESES, REFERENCES)
    version = f"version:{sacrebleu.__version__}"
    assert scores.signature == (
        f"chrF2|nrefs:var|case:mixed|eff:yes|nc:6|nw:0|space:no|{version} "
        f"BLEU|nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|{version}"
    )


def test_scores_are_written_as_records_hold_them_and_every_number_comes_back():
    scores = metrics.evaluate(HYPOTHESES, REFERENCES)
    written = json.loads(json.dumps(scores.to_json()))
    assert list(written) == [*NAMES, "signature"]
    assert written["signature"] == scores.signature
    for name in NAMES:
        assert list(written[name]) == ["score", "low", "high", "n"]
        assert Score(*written[name].values()) == getattr(scores, name)


@pytest.mark.parametrize(
    ("text", "tokenizer"),
    [
        ("La loutre dort.", "13a"),
        ("Выдра спит.", "13a"),
        ("늑대가 잔다.", "13a"),
        ("水獭在睡觉。", "zh"),
        ("ตัวนากกำลังหลับ", "char"),
        ("OK, 水獭!", "13a"),  # as many Latin letters
        ("12 + 3 = 15", "13a"),
        ("", "13a"),
    ],
)
def test_bleu_counts_tokens_as_the_script_of_most_letters_parts_words(text, tokenizer):
    assert metrics.bleu_tokenizer([[text]]) == tokenizer


def test_japanese_is_tokenized_where_mecab_is_installed_and_by_characters_elsewhere(monkeypatch):
    references = [["カワウソが寝ている。"]]
    for found, tokenizer in ((None, "char"), ("a module", "ja-mecab")):
        monkeypatch.setattr(metrics, "find_spec", lambda name, found=found: found)
        assert metrics.bleu_tokenizer(references) == tokenizer


def test_bleu_of_chinese_is_sacrebleus_with_its_chinese_tokens():
    hypotheses, references = ["水獭在睡觉。", "猫吃鱼"], [["水獭正在睡觉。"], ["猫在吃鱼。"]]
    theirs = sacrebleu.corpus_bleu(hypotheses, padded(references), tokenize="zh", force=True)
    assert metrics.bleu(hypotheses, references).value == theirs.score > 0
    assert "tok:zh" in metrics.evaluate(hypotheses, references).signature


def test_bleu_is_undefined_where_no_reference_has_four_tokens():
    hypotheses, references = ["Va !", "Non."], [["Va !", "Pars !"], ["Non."]]
    score = metrics.bleu(hypotheses, references)
    assert np.isnan(score[:3]).all() and score.n == 2
    assert f"{score:.1f}" == "n/a" and f"{score._replace(value=2.0):.1f}" == "2.0"
    scores = metrics.evaluate(hypotheses, references)
    assert scores.to_json()["bleu"] == {"score": None, "low": None, "high": None, "n": 2}
    assert scores.exact.value == 1 and scores.chrf.value == 100


def test_scores_are_the_same_however_accents_and_typography_were_typed():
    expected = metrics.evaluate(HYPOTHESES, REFERENCES)
    other = [unicodedata.normalize("NFD", text).replace(" !", "\u202f!") for text in HYPOTHESES]
    assert other != HYPOTHESES
    assert metrics.evaluate(other, REFERENCES) == expected
    references = [
        [unicodedata.normalize("NFD", text).replace("’", "'") for text in row] for row in REFERENCES
    ]
    assert metrics.evaluate(HYPOTHESES, references) == expected


def test_perfect_and_empty_translations_have_the_extreme_scores():
    references = [["La loutre dort sur la rive.", "Elle dort."], ["Le chat mange du poisson."]]
    perfect = metrics.evaluate([texts[0] for texts in references], references)
    assert [getattr(perfect, name).value for name in NAMES] == [1, 0, 100, pytest.approx(100)]
    empty = metrics.evaluate(["", ""], references)
    assert [getattr(empty, name).value for name in NAMES] == [0, 1, 0, 0]
    assert metrics.character_error_rate(["bla" * 50], [["Va !"]]).value > 1


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (0, 20), (1, 1), (7, 20), (50, 1000)])
def test_the_wilson_interval_solves_its_defining_equation(hits, n):
    low, high = wilson_interval(hits, n)
    for bound in {float(low), float(high)} - {0.0, 1.0}:
        deviation = abs(hits / n - bound) / np.sqrt(bound * (1 - bound) / n)
        assert deviation == pytest.approx(1.96, abs=1e-4)
    assert 0 <= low <= hits / n <= high <= 1


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
    code = "from s2s_lib.evaluation import metrics; metrics.bleu(['la la .'] * 150, [['la la .']] * 150)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout + run.stderr == ""


def test_three_thousand_sentences_are_scored_in_seconds():
    hypotheses, references = babble(3_000)
    start = time.process_time()
    metrics.evaluate(hypotheses, references)
    assert time.process_time() - start < 5


@few_examples
@given(st.lists(texts, max_size=5), st.lists(texts, min_size=1, max_size=6), st.integers(1, 3))
def test_the_nearest_text_is_the_first_with_the_fewest_edits(queries, choices, chunk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "CHUNK", chunk)
        index, edits = metrics.nearest_texts(queries, choices)
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
