"""Keras on PyTorch's fused LSTM: the outputs and gradients are those of Keras' own loop."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from tools.fused_lstm import fused_lstm

ROOT = Path(__file__).resolve().parents[2]
COMPARE = """
import keras, numpy as np
from s2s_lib import build_attention_seq2seq, build_embedding_seq2seq
from tools.fused_lstm import fused_lstm

generator = np.random.default_rng(0)
source, target = (generator.integers(4, 20, (8, width)).astype("int32") for width in (12, 15))
for row, length in enumerate([12, 11, 7, 3, 1, 0, 5, 12]):
    source[row, length:] = 0
weight = keras.ops.convert_to_tensor(generator.normal(size=(8, 15, 20)).astype("float32"))
for build in (build_embedding_seq2seq, build_attention_seq2seq):
    keras.utils.set_random_seed(0)
    model = build(num_source_tokens=20, num_target_tokens=20, latent_dim=32, embedding_dim=9)

    def outputs_and_gradients():
        outputs = model([source, target])
        model.zero_grad()
        (outputs * weight).sum().backward()
        gradients = [variable.value.grad.numpy().copy() for variable in model.trainable_variables]
        return [outputs.detach().numpy(), *gradients]

    stepped = outputs_and_gradients()
    with fused_lstm():
        fused = outputs_and_gradients()
    for mine, theirs in zip(fused, stepped, strict=True):
        assert np.abs(theirs).max() > 0
        np.testing.assert_allclose(mine, theirs, atol=2e-5 * np.abs(theirs).max())
print("equal")
"""


def test_without_pytorch_nothing_changes():
    usual = keras.layers.LSTM.inner_loop
    with fused_lstm():
        assert (keras.layers.LSTM.inner_loop is usual) == (keras.backend.backend() != "torch")
    assert keras.layers.LSTM.inner_loop is usual


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="PyTorch, no dependency, is not installed")
def test_outputs_and_gradients_are_those_of_the_loop_over_timesteps_padding_included():
    environment = os.environ | {"KERAS_BACKEND": "torch", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", COMPARE], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "equal"
