"""Twelve languages: what notebooks do with a corpus holds for each. `make test-languages` runs them all."""

import subprocess
import sys
import unicodedata
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest

import s2s_lib
from s2s_lib import figures
from s2s_lib.data.vocabulary import INVISIBLE
from s2s_lib.evaluation import metrics
from tests import languages

NAMES = dict(
    zip(
        languages.LANGUAGES,
        [
            "German",
            "Russian",
            "Turkish",
            "Greek",
            "Hindi",
            "Bengali",
            "Thai",
            "Arabic",
            "Hebrew",
            "Chinese",
            "Japanese",
            "Korean",
        ],
        strict=True,
    )
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return {file.stem: file for file in languages.write(tmp_path_factory.mktemp("languages"))}


@pytest.fixture(scope="module", params=languages.LANGUAGES)
def corpus(request, files):
    with warnings.catch_warnings(action="ignore"):
        return request.param, s2s_lib.split_pairs(s2s_lib.load_pairs(files[request.param]))


def test_every_pair_is_read_composed_and_without_invisible_characters(corpus, files):
    code, pairs = corpus
    assert len(pairs) == len(languages.pairs(code)) + (code == "kor") > 3000
    for text in pairs["target"]:
        assert text == unicodedata.normalize("NFC", text) and not INVISIBLE.search(text)
    assert s2s_lib.languages(files[code]) == ("English", NAMES[code])
    assert set(pairs["split"]) == {"train", "validation", "test"}


def test_normalizing_keeps_different_sentences_apart(corpus):
    _, pairs = corpus
    plain = pairs["target"].map(s2s_lib.normalize_sentence)
    # A question may equal its statement, where only the question mark tells them apart.
    stripped = (
        pairs["target"].str.replace(r"[^\w\s\u0300-\u036f\u0900-\u0e7f]", "", regex=True).str.casefold()
    )
    assert plain.nunique() >= 0.95 * stripped.nunique()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_perfect_translations_are_right_however_they_are_composed(corpus, form):
    _, pairs = corpus
    test = s2s_lib.multi_reference(pairs[pairs["split"] == "test"])[:60]
    texts = [unicodedata.normalize(form, texts[0]) for texts in test["references"]]
    found = metrics.evaluate(texts, test["references"])
    assert found.exact.value == 1 and found.cer.value == 0 and found.chrf.value == pytest.approx(100)
    assert np.isnan(found.bleu.value) or found.bleu.value == pytest.approx(100)


def test_ids_lead_back_to_the_text(corpus):
    _, pairs = corpus
    vocabulary = s2s_lib.CharVocabulary.from_texts(pairs["target"])
    for text in pairs["target"][::97]:
        assert vocabulary.decode(vocabulary.encode(text)) == text


def test_the_running_pair_is_a_held_out_one_of_the_corpus(corpus):
    code, pairs = corpus
    for table in (pairs, s2s_lib.reverse_pairs(pairs)):
        source, target = s2s_lib.running_pair(table)
        found = table[(table["source"] == source) & (table["target"] == target)]
        assert set(found["split"]) == {"test"} and 10 <= len(source) <= 40, code


def test_figures_give_at_most_one_hint(corpus, monkeypatch):
    pytest.importorskip("IPython")
    _, pairs = corpus
    figures.use_course_style()
    figures._hint.cache_clear()
    source, target = s2s_lib.running_pair(pairs)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figures.show(figures.offset_picture("▷" + target, target + "◁"), alt="reads and writes")
        weights = np.full((len(target), len(source)), 1 / len(source))
        figures.show(figures.attention_heatmap(weights, source, target), alt="weights")
    plt.close("all")
    assert [str(warning.message) for warning in caught] in ([], [figures.HINT])


def test_figures_say_where_a_script_from_right_to_left_begins():
    axes = figures.attention_heatmap([[1.0]], "x", "لوتر"[:1])
    assert axes.get_ylabel() == "target character written (the first one on top)"
    assert axes.get_xlabel() == "source character"
    assert "the first one left" in figures.offset_picture("שלום", "שלום").get_xlabel()


def test_files_are_written_from_the_command_line(tmp_path):
    command = [sys.executable, "-m", "tests.languages", str(tmp_path / "made")]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert len(out.splitlines()) == len(languages.LANGUAGES) == 12
