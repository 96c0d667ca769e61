"""The page's engine reads the files that `Translator.save` writes, and writes what Python writes."""

import json
import random
import shutil
import subprocess
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest

from s2s_lib import Translator, bundle, load_pairs, multi_reference, split_pairs
from s2s_lib.data.vectorization import id_arrays
from s2s_lib.models import build
from s2s_lib.translator import CharVocabulary


def has_node():
    """Tell if there is a node that knows DecompressionStream("deflate-raw")."""
    if not shutil.which("node"):
        return False
    found = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip("v\n")
    return [int(number) for number in found.split(".")[:2]] >= [20, 12]


pytestmark = [
    pytest.mark.skipif(
        not has_node(), reason="*** no node from 20.12 on: the engine is not tested there ***"
    ),
    pytest.mark.filterwarnings("ignore:.*(unknown to the model|cut after):UserWarning"),
]
SAMPLE = str(bundle.find("sample"))


def ask(tmp_path, *questions):
    """Return the engine's answers."""
    file = tmp_path / "questions.json"
    file.write_text(json.dumps(questions), encoding="utf-8")
    command = ["node", str(Path(__file__).with_name("engine.mjs")), str(file)]
    return json.loads(subprocess.run(command, capture_output=True, check=True, timeout=600).stdout)


def odd_texts(number=500):
    """Return strings that nobody would type, and some that a keyboard might."""
    dice = random.Random(0)
    signs = "aeiouTheotrsn'.?!,  éÉçœ’\u00a0\u202f\u200b\ufeff\u0301\t\n\x1c\x85😀👩🏽‍🚀ﬁÅ가ẞ漢 عŁ"
    texts = ["".join(dice.choices(signs, k=dice.randrange(40))) for _ in range(number - 4)]
    return [*texts, "", " \u2003\n", "x" * 3000, unicodedata.normalize("NFD", "Où est-ce que Lina a mangé ?")]


@pytest.fixture(scope="module")
def held_out():
    sources = multi_reference(split_pairs(load_pairs("sample", num_samples=7000)))
    return list(sources.loc[sources["split"] == "test", "source"])


def test_held_out_sources_and_odd_strings_become_the_same_characters(held_out, tmp_path):
    texts = held_out + odd_texts()
    assert len(held_out) == 626
    translator = Translator.load("sample")
    widths = (1, 4)
    answers = ask(tmp_path, *({"file": SAMPLE, "texts": texts, "beamWidth": width} for width in widths))
    for width, answer in zip(widths, answers, strict=True):
        assert answer == translator.translate(texts, beam_width=width)


def test_attention_and_probabilities_agree_to_four_digits(held_out, tmp_path):
    texts = held_out[:40]
    (answers,) = ask(tmp_path, {"file": SAMPLE, "texts": texts, "attention": True})
    translator = Translator.load("sample")
    written = translator.translate(texts)
    vocabularies = translator.source_vocabulary, translator.target_vocabulary
    layer = translator.model.get_layer("attention")
    for text, translation, steps in zip(texts, written, answers, strict=True):
        arrays = id_arrays([text], [translation], *vocabularies)
        logits = np.asarray(translator.model(list(arrays[:2])), dtype="float64")[0]
        scores = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        np.testing.assert_allclose([one["scores"] for one in steps], scores, atol=1e-4)
        assert layer is not None
        assert np.allclose([sum(one["attention"]) for one in steps], 1, atol=1e-6)


def test_attention_weights_are_those_of_keras(held_out, tmp_path):
    texts = held_out[:20]
    (answers,) = ask(tmp_path, {"file": SAMPLE, "texts": texts, "attention": True})
    translator = Translator.load("sample")
    for text, steps in zip(texts, answers, strict=True):
        ids = np.array([translator.source_vocabulary.encode(text)])
        state = translator.model.encode(ids)
        token = np.array([1])
        for one in steps:
            queries, _ = _hidden(translator.model, token, state)
            values = np.asarray(state.memory[0])[0]
            scores = values @ queries
            weights = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
            np.testing.assert_allclose(one["attention"], weights, atol=1e-4)
            probabilities, state = translator.model.step(token, state)
            token = np.asarray(probabilities).argmax(axis=-1)


def _hidden(model, token, state):
    """Return the decoder's hidden state after a token, by the layers themselves."""
    embedded = model.get_layer("target_embedding")(token)
    hidden, states = model.get_layer("decoder_lstm").cell(embedded, list(state.recurrent))
    return np.asarray(hidden)[0], states


@pytest.mark.parametrize("sampling", [{}, {"temperature": 1.5, "topK": 5}, {"topP": 0.9}], ids=str)
def test_a_hundred_seeds_draw_the_same_sentences(held_out, tmp_path, sampling):
    texts, seeds = held_out[:2], [*range(98), 2**32, 2**40 + 7]
    (answers,) = ask(tmp_path, {"file": SAMPLE, "texts": texts, "seeds": seeds, "sampling": sampling})
    names = {"temperature": "temperature", "topK": "top_k", "topP": "top_p"}
    options = {names[name]: value for name, value in sampling.items()}
    translator = Translator.load("sample")
    expected = [translator.sample(texts, seed=seed, **options) for seed in seeds]
    assert answers == [list(column) for column in zip(*expected, strict=True)]


@pytest.mark.parametrize("model", ["embedding", "attention"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("half_precision", [True, False])
def test_every_model_of_the_course_is_read(tmp_path, model, cell, layers, half_precision):
    vocabulary = CharVocabulary("abcdefgh")
    sizes = {"latent_dim": 6, "embedding_dim": 3, "layers": layers, "cell": cell}
    built = build(model, num_source_tokens=12, num_target_tokens=12, **sizes)
    dice = np.random.default_rng(1)
    built.set_weights([dice.normal(scale=0.7, size=weight.shape) for weight in built.get_weights()])
    limits = {"max_source_length": 9, "max_target_length": 12, "beam_width": 3}
    Translator(built, vocabulary, vocabulary, limits).save(tmp_path / "x.s2s", half_precision=half_precision)
    texts = ["abc", "hgfedcba", "a", "zzz", "aaaaaaaaaaaaaaaa"]
    translator = Translator.load(tmp_path / "x.s2s")
    question = {"file": str(tmp_path / "x.s2s"), "texts": texts}
    answers = ask(tmp_path, question, question | {"beamWidth": 1}, question | {"beamWidth": 20})
    expected = [translator.translate(texts, beam_width=width) for width in (3, 1, 20)]
    assert answers == expected


@pytest.mark.slow
def test_the_large_translator_writes_the_same_for_two_hundred_sentences(tmp_path):
    texts = list(dict.fromkeys(load_pairs("sample")["source"]))[::60][:200]
    (answers,) = ask(tmp_path, {"file": str(bundle.find("fra-eng")), "texts": texts, "beamWidth": 1})
    assert len(texts) == 200 and answers == Translator.load("fra-eng").translate(texts, beam_width=1)


def changed(tmp_path, name, **members):
    """Return a copy of the sample's file with other members."""
    path = tmp_path / f"{name}.s2s"
    with zipfile.ZipFile(SAMPLE) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            content = old.read(member)
            change = members.get(member.partition(".")[0])
            new.writestr(member, change(content) if change else content)
    return str(path)


def test_a_file_from_a_stranger_is_refused_in_a_sentence(tmp_path):
    def setting(**values):
        return lambda content: json.dumps(json.loads(content) | values)

    def size(**values):
        def change(content):
            model = json.loads(content)
            return json.dumps(model | {"sizes": model["sizes"] | values})

        return change

    whole = Path(SAMPLE).read_bytes()
    (tmp_path / "cut").write_bytes(whole[:-100])
    (tmp_path / "text").write_bytes(b"hello")
    (tmp_path / "flipped").write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    files = {
        str(tmp_path / "cut"): "no zip archive",
        str(tmp_path / "text"): "no zip archive",
        str(tmp_path / "flipped"): "",
        changed(tmp_path, "units", model=size(latent_dim=24_000)): "latent_dim must be from 1 to",
        changed(tmp_path, "layers", model=size(layers=2)): "must have the shape",
        changed(tmp_path, "length", config=setting(max_target_length=10**9)): "max_target_length",
        changed(tmp_path, "width", config=setting(beam_width="x")): "beam_width",
        changed(tmp_path, "format", config=setting(format="s2s-translator-1")): "another version",
        changed(tmp_path, "name", model=lambda _: '{"model": "mine", "sizes": {}}'): "no model named mine",
        changed(tmp_path, "bomb", config=lambda _: "0" * 5_000_000): "too much",
        changed(tmp_path, "order", target_vocabulary=lambda _: '{"characters": "ba"}'): "not sorted",
    }
    answers = ask(tmp_path, *({"file": file, "texts": ["Go!"]} for file in files))
    for answer, words in zip(answers, files.values(), strict=True):
        assert words in answer["error"] and "\n" not in answer["error"]
