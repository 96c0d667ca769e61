"""Keras on PyTorch, with PyTorch's fused LSTM: for long trainings on a processor.

    KERAS_BACKEND=torch python …        with fused_lstm(): train(…)

On a processor, Keras on PyTorch loops over timesteps in Python. The fused LSTM runs a whole sequence in one
call (oneDNN; in bfloat16 on the matrix units of processors that have them). It has no masks, so one more
input marks padding: where it is 1, large weights shut the input gate and open the forget gate, and the cell
state passes through unchanged. The results are those of Keras' own loop. PyTorch is not a dependency of ours.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

Tensor = Any  # torch.Tensor
SHUT = 40.0  # input of a gate at which its sigmoid is 0 or 1 in single precision
MULTIPLE = 16  # of input features: oneDNN reads other widths several times slower


def inner_loop(
    layer: keras.layers.LSTM,
    sequences: Tensor,
    initial_state: Sequence[Tensor],
    mask: Tensor,
    training: bool = False,
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Do in one call what `keras.layers.LSTM` without dropout of its own does step by step.

    From float ``(batch, timesteps, features)``, two states ``(batch, units)`` and a mask, None or bool
    ``(batch, timesteps)`` with False only on the right: to the last output, all outputs in reading order (of
    no meaning on padding), and the last two states.
    """
    import torch
    from torch.nn.functional import pad

    kernel, recurrent, bias = (
        keras.ops.cast(weight, layer.compute_dtype)
        for weight in (layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias)
    )
    dtype = kernel.dtype
    if mask is None:
        mask = torch.ones(sequences.shape[:2], dtype=torch.bool)
    inputs = torch.cat([sequences.to(dtype), (~mask).to(dtype)[:, :, None]], dim=-1)
    if layer.go_backwards:
        inputs = inputs.flip(1)
    gates = torch.tensor([-SHUT, SHUT, 0.0, 0.0], dtype=dtype).repeat_interleave(layer.units)
    kernel = torch.cat([kernel, gates[None]]).T
    unused = 0, -inputs.shape[-1] % MULTIPLE
    states = [state.to(dtype)[None].contiguous() for state in initial_state]
    weights = [pad(kernel, unused).contiguous(), recurrent.T.contiguous(), bias, torch.zeros_like(bias)]
    # has biases, layers, dropout, training (keeps what gradients need), bidirectional, batch first
    how = True, 1, 0.0, torch.is_grad_enabled(), False, True
    outputs, _, cell = torch.lstm(pad(inputs, unused), states, weights, *how)
    # The last real timestep; read backwards, padding comes first and the last timestep is real.
    last = -1 if layer.go_backwards else mask.sum(dim=1).clamp(min=1) - 1
    hidden = outputs[torch.arange(len(outputs)), last]
    return hidden, outputs, [hidden, cell[0]]


@contextmanager
def fused_lstm() -> Iterator[None]:
    """Let every `keras.layers.LSTM` run fused within the context; on other backends nothing changes."""
    if keras.backend.backend() != "torch":
        yield
        return
    usual = keras.layers.LSTM.inner_loop

    def either(layer: keras.layers.LSTM, sequences: Tensor, *others: Any, **named: Any) -> Any:
        symbolic = sequences.device.type == "meta"  # while a model is built: only shapes count
        return (usual if symbolic else inner_loop)(layer, sequences, *others, **named)

    keras.layers.LSTM.inner_loop = either
    try:
        yield
    finally:
        keras.layers.LSTM.inner_loop = usual
