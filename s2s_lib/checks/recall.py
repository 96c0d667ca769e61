"""Recall questions about earlier notebooks: three open each notebook but 01_data."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Question:
    """A question with lettered choices, each with the reply to whoever chose it."""

    question: str
    answer: str  # the letter of the right choice
    choices: Mapping[str, tuple[str, str]]  # letter: (text, reply)

    def __post_init__(self) -> None:
        if self.answer not in self.choices or len(self.choices) < 3:
            raise ValueError(f"{self.question!r} needs three choices, and the answer among them")

    def markdown(self) -> str:
        """Return question and choices as Markdown."""
        listed = "\n".join(f"- **{letter}** {text}" for letter, (text, _) in self.choices.items())
        return f"{self.question}\n\n{listed}"

    def reply(self, answer: Any) -> str:
        """Return what to say to an answer, ``...`` if there is none yet."""
        letters = ", ".join(f'"{letter}"' for letter in self.choices)
        if answer is ... or answer is None:
            return f"Not answered yet. (recall, about a minute; one of {letters})"
        letter = answer.strip().lower() if isinstance(answer, str) else ""
        if letter not in self.choices:
            return f"Not yet. The answer is one of {letters}, and yours is {answer!r}."
        return f"{'Right' if letter == self.answer else 'Not yet'}. {self.choices[letter][1]}"


def read_questions() -> dict[str, Question]:
    """Return all questions by the number of their exercise."""
    text = (resources.files("s2s_lib") / "resources" / "recall.toml").read_text(encoding="utf-8")
    return {
        number: Question(
            entry["question"], entry["answer"], {k: (v[0], v[1]) for k, v in entry["choices"].items()}
        )
        for number, entry in tomllib.loads(text).items()
    }


QUESTIONS = read_questions()
