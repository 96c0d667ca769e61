"""A translator as ONNX, for runtimes without Keras: an encoder and one step (shown in 05_inference).

Both graphs are written from the weights as plain arrays: a second oracle of the page's engine, too.
ONNX orders an LSTM's gates input, output, forget, candidate, Keras input, forget, candidate, output; a GRU's
are update, reset, candidate in both.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from s2s_lib import records

OPSET = 17
GATES = {"lstm": [0, 3, 1, 2], "gru": [0, 1, 2]}  # where ONNX's gates stand among Keras'
STATES = {"lstm": ("hidden", "cell"), "gru": ("hidden",)}


class _Graph:
    """Nodes and weights of a graph under construction; each node has one output, named like the node."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: dict[str, np.ndarray] = {}

    def weight(self, name: str, value: Any) -> str:
        """Add a constant array, and return its name."""
        self.weights[name] = np.asarray(value)
        return name

    def node(self, kind: str, inputs: Sequence[str], name: str, *others: str, **attributes: Any) -> str:
        """Add a node, and return the name of its first output."""
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [name, *others], name=name, **attributes))
        return name

    def reshape(self, value: str, shape: Sequence[int], name: str) -> str:
        """Reshape: 0 keeps an axis, -1 takes the rest."""
        return self.node("Reshape", [value, self.weight(f"{name}_shape", np.array(shape, np.int64))], name)

    def save(self, path: Path, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
        """Check the graph and write it, atomically; inputs and outputs are name: (type, shape)."""
        import onnx
        from onnx import helper, numpy_helper

        given, found = (
            [helper.make_tensor_value_info(name, *each) for name, each in values.items()]
            for values in (inputs, outputs)
        )
        arrays = [numpy_helper.from_array(value, name) for name, value in self.weights.items()]
        graph = helper.make_graph(self.nodes, path.stem, given, found, arrays)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        with records.atomic_write(path) as partial:
            partial.write_bytes(model.SerializeToString())


def _recurrent(
    graph: _Graph, cell: str, weights: Sequence[np.ndarray], inputs: Sequence[str], name: str
) -> str:
    """Add an LSTM or GRU of one or two directions; its outputs are the sequence and each last state."""
    ways = len(weights) // 3
    order, units = GATES[cell], weights[1].shape[0]

    def blocks(array: np.ndarray) -> np.ndarray:
        """Return a Keras array of the shape (inputs, gates * units), as ONNX wants it."""
        parts = np.split(array, len(order), axis=-1)
        return np.concatenate([parts[i] for i in order], axis=-1).T

    kernels, recurrents, biases = (weights[i::3] for i in range(3))
    if cell == "lstm":
        biases = [np.stack([bias, np.zeros_like(bias)]) for bias in biases]
    given = [
        graph.weight(f"{name}_kernel", np.stack([blocks(kernel) for kernel in kernels])),
        graph.weight(f"{name}_recurrent", np.stack([blocks(kernel) for kernel in recurrents])),
        graph.weight(
            f"{name}_bias", np.stack([np.concatenate([blocks(row) for row in bias]) for bias in biases])
        ),
    ]
    attributes: dict[str, Any] = {
        "hidden_size": units,
        "direction": "bidirectional" if ways == 2 else "forward",
    }
    if cell == "gru":
        attributes["linear_before_reset"] = 1
    sequence, *others = inputs
    outputs = [f"{name}_last_{state}" for state in STATES[cell]]
    return graph.node(cell.upper(), [sequence, *given, *others], f"{name}_all", *outputs, **attributes)


def export_onnx(
    folder: str | os.PathLike[str], model: str, sizes: Mapping[str, Any], weights: Mapping[str, np.ndarray],
    vocabulary: Mapping[str, Any],
) -> None:  # fmt: skip
    """Write ``encoder.onnx``, ``step.onnx`` and ``vocabulary.json``; see `s2s_lib.Translator.export_onnx`."""
    from onnx import TensorProto

    folder = Path(folder)
    records.make_folder(folder)
    layers, cell, dim = sizes["layers"], sizes["cell"], sizes["latent_dim"]
    looks_back, number = model == "attention", TensorProto.FLOAT
    states = {f"{kind}_{i}": (number, ["batch", dim]) for i in range(layers) for kind in STATES[cell]}
    memory = {"values": (number, ["batch", "source", dim]), "mask": (TensorProto.BOOL, ["batch", "source"])}

    def of(layer: str) -> list[np.ndarray]:
        found = [name for name in weights if name.rpartition("/")[0] == layer]
        return [weights[name] for name in sorted(found, key=lambda name: int(name.rpartition("/")[2]))]

    def numbered(name: str, i: int) -> str:
        return f"{name}_{i + 1}" if i else name

    graph = _Graph()
    zero = graph.weight("padding", np.array(0, np.int64))
    graph.node("Not", [graph.node("Equal", ["source", zero], "is_padding")], "mask")
    counted = graph.node("Cast", ["mask"], "ones", to=TensorProto.INT32)
    lengths = graph.node("ReduceSum", [counted, graph.weight("axis", np.array([1]))], "lengths", keepdims=0)
    embedded = graph.node(
        "Gather", [graph.weight("embedding", of("source_embedding")[0]), "source"], "embedded"
    )
    sequence = graph.node("Transpose", [embedded], "by_timestep", perm=[1, 0, 2])
    for i in range(layers):
        name = numbered(f"encoder_{cell}", i)
        all_states = _recurrent(graph, cell, of(name), [sequence, lengths], name)
        for kind in STATES[cell]:  # from (directions, batch, units) to (batch, directions * units)
            last = graph.node("Transpose", [f"{name}_last_{kind}"], f"{name}_{kind}_by_row", perm=[1, 0, 2])
            graph.reshape(last, [0, -1], f"{kind}_{i}")
        by_row = graph.node("Transpose", [all_states], f"{name}_by_row", perm=[0, 2, 1, 3])
        sequence = graph.reshape(by_row, [0, 0, -1], f"{name}_sequence")
    graph.node("Transpose", [sequence], "values", perm=[1, 0, 2])
    outputs = states | (memory if looks_back else {})
    graph.save(folder / "encoder.onnx", {"source": (TensorProto.INT64, ["batch", "source"])}, outputs)

    graph = _Graph()
    hidden = graph.node(
        "Gather", [graph.weight("embedding", of("target_embedding")[0]), "tokens"], "embedded"
    )
    for i in range(layers):
        name, first = numbered(f"decoder_{cell}", i), graph.weight(f"first_{i}", np.array([0], np.int64))
        one = graph.node("Unsqueeze", [hidden, first], f"{name}_input")
        before = [
            graph.node("Unsqueeze", [f"{kind}_{i}", first], f"{name}_{kind}_before") for kind in STATES[cell]
        ]
        _recurrent(graph, cell, of(name), [one, "", *before], name)
        for kind in STATES[cell]:
            graph.node("Squeeze", [f"{name}_last_{kind}", first], f"next_{kind}_{i}")
        hidden = f"next_hidden_{i}"
    if looks_back:
        last, middle = (graph.weight(f"axis_{n}", np.array([n])) for n in (2, 1))
        asked = graph.node("MatMul", ["values", graph.node("Unsqueeze", [hidden, last], "query")], "scores")
        never = graph.weight("never", np.array(-1e9, np.float32))
        scores = graph.node("Where", ["mask", graph.node("Squeeze", [asked, last], "flat"), never], "masked")
        looks = graph.node("Softmax", [scores], "attention", axis=1)
        context = graph.node("MatMul", [graph.node("Unsqueeze", [looks, middle], "row"), "values"], "mean")
        both = graph.node(
            "Concat", [hidden, graph.node("Squeeze", [context, middle], "context")], "both", axis=1
        )
        kernel, bias = (graph.weight(f"attentive_{i}", part) for i, part in enumerate(of("attentive_hidden")))
        hidden = graph.node("Tanh", [graph.node("Gemm", [both, kernel, bias], "mixed")], "attentive")
    kernel, bias = (graph.weight(f"logits_{i}", part) for i, part in enumerate(of("target_logits")))
    graph.node(
        "LogSoftmax", [graph.node("Gemm", [hidden, kernel, bias], "logits")], "log_probabilities", axis=1
    )
    given = {"tokens": (TensorProto.INT64, ["batch"])} | states | (memory if looks_back else {})
    found = {"log_probabilities": (number, ["batch", sizes["num_target_tokens"]])}
    found |= {f"next_{name}": each for name, each in states.items()}
    found |= {"attention": (number, ["batch", "source"])} if looks_back else {}
    graph.save(folder / "step.onnx", given, found)
    with records.atomic_write(folder / "vocabulary.json") as partial:
        partial.write_text(json.dumps(vocabulary, ensure_ascii=False, indent=1), encoding="utf-8")
