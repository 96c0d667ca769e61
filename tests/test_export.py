"""ONNX files write what Keras writes, for every model of the course."""

import json

import numpy as np
import pytest

from s2s_lib import Translator, build_embedding_seq2seq, load_pairs, multi_reference, split_pairs
from s2s_lib.data.vectorization import pad, ragged_ids
from s2s_lib.data.vocabulary import CharVocabulary
from s2s_lib.models import build

onnxruntime = pytest.importorskip("onnxruntime")


def translate(folder, sentences):
    """Translate greedily, by nothing but the files: read the vocabulary, encode, step, choose."""
    told = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
    encoder, step = (onnxruntime.InferenceSession(folder / f"{name}.onnx") for name in ("encoder", "step"))
    vocabulary = CharVocabulary(told["source"])
    ids = ragged_ids(sentences, vocabulary)
    source = pad(ids, np.arange(len(sentences)), width=int(ids.lengths.max())).astype(np.int64)
    names = [output.name for output in encoder.get_outputs()]
    state = dict(zip(names, encoder.run(None, {"source": source}), strict=True))
    tokens = np.full(len(sentences), told["ids"]["start"], np.int64)
    written = []
    for _ in range(told["settings"]["max_target_length"] + 1):
        found = dict(
            zip([o.name for o in step.get_outputs()], step.run(None, {"tokens": tokens} | state), strict=True)
        )
        chosen = found["log_probabilities"].argmax(axis=-1)
        tokens = np.where(tokens == told["ids"]["end"], told["ids"]["end"], chosen)
        state |= {name: found[f"next_{name}"] for name in state if f"next_{name}" in found}
        written.append(tokens)
    target = CharVocabulary(told["target"])
    return [target.decode(row) for row in np.array(written).T]


@pytest.mark.parametrize("model", ["embedding", "attention"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2])
def test_every_model_writes_the_same(tmp_path, model, cell, layers):
    vocabulary = CharVocabulary("abcdefgh")
    sizes = {"latent_dim": 6, "embedding_dim": 3, "layers": layers, "cell": cell}
    built = build(model, num_source_tokens=12, num_target_tokens=12, **sizes)
    dice = np.random.default_rng(1)
    built.set_weights([dice.normal(scale=0.7, size=weight.shape) for weight in built.get_weights()])
    translator = Translator(built, vocabulary, vocabulary, {"max_source_length": 9, "max_target_length": 12})
    translator.export_onnx(tmp_path)
    texts = ["abc", "hgfedcba", "a", "abcdefgh"]
    assert translate(tmp_path, texts) == translator.translate(texts)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "encoder.onnx",
        "step.onnx",
        "vocabulary.json",
    ]


def test_the_sample_writes_the_same_and_looks_at_the_same_letters(tmp_path):
    translator = Translator.load("sample")
    translator.export_onnx(tmp_path / "new" / "folder")
    sources = multi_reference(split_pairs(load_pairs("sample", num_samples=7000)))
    texts = list(sources.loc[sources["split"] == "test", "source"])[:200]
    assert translate(tmp_path / "new" / "folder", texts) == translator.translate(texts)


def test_a_model_that_is_none_of_the_courses_own_is_refused(tmp_path):
    model = build_embedding_seq2seq(num_source_tokens=6, num_target_tokens=6, latent_dim=2, embedding_dim=2)
    vocabulary = CharVocabulary("ab")
    del model.specification
    with pytest.raises(ValueError, match="only the models attention and embedding"):
        Translator(model, vocabulary, vocabulary, {}).export_onnx(tmp_path)
    assert list(tmp_path.iterdir()) == []
