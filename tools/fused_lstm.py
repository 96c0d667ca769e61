"""Keras on PyTorch, with PyTorch's fused LSTM: for long trainings on a processor.

    KERAS_BACKEND=torch python …        with fused_lstm(): train(…)

On a processor Keras steps through time in Python there. The fused LSTM runs a whole sequence in one call
(oneDNN; in bfloat16 on the matrix units of processors that have them). It knows no masks, so padding is told
by one input more: where it is 1, large weights shut the input gate and open the forget gate, and the cell
state passes through unchanged. The results are those of Keras' own loop. PyTorch is no dependency of ours.
"""

from contextlib import contextmanager

import keras

SHUT = 40.0  # a gate's input at which its sigmoid is 0 or 1 in single precision
MULTIPLE = 16  # of input features: oneDNN reads other widths several times slower


def inner_loop(layer, sequences, initial_state, mask, training=False):
    """Do what `keras.layers.LSTM` does step by step in one call.

    Parameters
    ----------
    layer : keras.layers.LSTM
        Without dropout of its own.
    sequences : torch.Tensor
        float ``(batch, timesteps, features)``.
    initial_state : pair of torch.Tensor
        Hidden and cell state, each ``(batch, units)``.
    mask : torch.Tensor or None
        bool ``(batch, timesteps)``, False on padding, which stands on the right.
    training : bool
        As Keras hands it over; without dropout it changes nothing.

    Returns
    -------
    last_output, outputs, [hidden, cell]
        ``(batch, units)``; ``(batch, timesteps, units)`` in the order in which the layer reads, of no meaning
        on padding; the last states.
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
    outputs, _, cell = torch.lstm(
        pad(inputs, unused),
        [state.to(dtype)[None].contiguous() for state in initial_state],
        [pad(kernel, unused).contiguous(), recurrent.T.contiguous(), bias, torch.zeros_like(bias)],
        True, 1, 0.0, torch.is_grad_enabled(), False, True,
    )  # fmt: skip
    last = -1 if layer.go_backwards else mask.sum(dim=1).clamp(min=1) - 1  # padding is behind, or read first
    hidden = outputs[torch.arange(len(outputs)), last]
    return hidden, outputs, [hidden, cell[0]]


@contextmanager
def fused_lstm():
    """Let every `keras.layers.LSTM` run fused for as long as the context lasts; on PyTorch only.

    On other backends nothing changes.
    """
    if keras.backend.backend() != "torch":
        yield
        return
    usual = keras.layers.LSTM.inner_loop

    def either(layer, sequences, initial_state, mask, training=False):
        symbolic = sequences.device.type == "meta"  # a model is being built: only shapes are asked for
        return (usual if symbolic else inner_loop)(layer, sequences, initial_state, mask, training)

    keras.layers.LSTM.inner_loop = either
    try:
        yield
    finally:
        keras.layers.LSTM.inner_loop = usual
