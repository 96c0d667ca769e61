"""The exercises of notebook 03_model."""

from typing import Any

import numpy as np

from s2s_lib.checks.exercise import Exercise

ASKED = "The otter isn't fast, but it counts the letters t."


def sigmoid(z: Any) -> Any:
    """Squeeze numbers into 0 to 1."""
    return 1 / (1 + np.exp(-np.asarray(z, dtype=float)))


def new_cell(cell: Any, input_gate: Any, forget_gate: Any, new: Any) -> Any:
    """Return the next cell state of an LSTM (Hochreiter and Schmidhuber, 1997; forget gate: Gers, 2000)."""
    return forget_gate * cell + input_gate * np.tanh(new)


def some_cells() -> list[tuple[np.ndarray, ...]]:
    """Return cell states, gates and contents of three units."""
    dice = np.random.default_rng(0)
    return [(dice.normal(size=3), *dice.uniform(size=(2, 3)), dice.normal(size=3)) for _ in range(2)]


def parameters(units: int, *, bias: int = 1, softmax: int = 1) -> int:
    """Return the number of parameters of the famous example."""
    lstms = sum(4 * units * (inputs + units + bias) for inputs in (70, 93))
    return lstms + softmax * (units + bias) * 93


def counted(weights: Any, characters: list[str]) -> np.ndarray:
    """Return the cell state of a one-unit LSTM after each character of `ASKED`."""
    kernel, recurrent_kernel, bias = (np.asarray(each, dtype=float) for each in weights)
    hidden, cell, cells = np.zeros(1), np.zeros(1), []
    for character in ASKED:
        row = kernel[characters.index(character)]
        i, f, new, o = np.split(row + hidden @ recurrent_kernel + bias, 4)
        cell = new_cell(cell, sigmoid(i), sigmoid(f), new)
        hidden = sigmoid(o) * np.tanh(cell)
        cells.append(cell[0])
    return np.array(cells)


def judge_counter(answer: Any) -> str | None:
    """Let the LSTM read, and compare its cell state with the number of t."""
    characters = sorted(set(ASKED))
    weights = answer(characters)
    if weights is None or weights is ...:
        return None
    shapes = [(len(characters), 4), (1, 4), (4,)]
    found = [np.shape(each) for each in weights] if isinstance(weights, tuple) else weights
    if found != shapes:
        return f"Return a tuple of three arrays of the shapes {shapes}; yours are {found}."
    cells = counted(weights, characters)
    truth = np.cumsum([character == "t" for character in ASKED])
    if np.allclose(cells, truth, atol=0.05):
        return ""
    if np.allclose(np.diff(cells), 1, atol=0.1):
        return "It counts every character: the input gate must be shut for all rows but that of t."
    if cells.max() < 1.1:
        return "It notices a t and loses it again: is the forget gate open at every step?"
    return f"After the whole sentence it says {cells[-1]:.1f}, and there are {truth[-1]}."


EXERCISES = {
    "03.4": Exercise(
        kind="do",
        minutes=5,
        look="Compare with the line of `cell` in lstm_step: which gate belongs to what?",
        cases=some_cells,
        expected=new_cell,
        mistakes={
            "swapped": (lambda c, i, f, new: new_cell(c, f, i, new), "The two gates are swapped."),
            "no tanh": (lambda c, i, f, new: f * c + i * new, "The new content must go through tanh."),
            "no memory": (
                lambda c, i, f, new: i * np.tanh(new),
                "The old cell state is gone: the forget gate's share of it must stay.",
            ),
        },
        right="Forget a share, add something new: that is the whole memory.",
    ),
    "03.5": Exercise(
        kind="do",
        minutes=5,
        look="What happens to a memory in one step? And in the next one?",
        expected=lambda: float(sigmoid(1.0) ** 20),
        mistakes={
            "times": (
                lambda: float(20 * sigmoid(1.0)),
                "A share cannot exceed 1: each step multiplies again.",
            ),
            "lost": (lambda: float(1 - sigmoid(1.0) ** 20), "That is what is lost. What is left?"),
            "bias": (lambda: 1.0, "1 is the bias: the gate is its sigmoid."),
        },
        right="Nearly nothing is left: a fresh LSTM forgets fast.",
        tolerance=2e-4,
    ),
    "03.6": Exercise(
        kind="do",
        minutes=5,
        look="Three terms: an LSTM for 70 inputs, one for 93, and the softmax.",
        expected=lambda: parameters(512),
        mistakes={
            "doubled": (
                lambda: 2 * parameters(256),
                "Units enter squared: twice the units is more than that.",
            ),
            "softmax": (
                lambda: parameters(512, softmax=0),
                "The softmax layer is missing: (units + 1) × 93.",
            ),
            "bias": (lambda: parameters(512, bias=0), "The biases are missing: one for each unit and block."),
        },
        right="About three and a half times as many as with 256 units.",
        tolerance=1e-9,
    ),
    "03.7": Exercise(
        kind="stretch",
        minutes=15,
        look="Which gate must depend on the letter, and which must always be open?",
        judge=judge_counter,
        right="You have done by hand what training does by small steps.",
    ),
}
