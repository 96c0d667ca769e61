"""Characters and their ids, and the one place that prepares text (derived in 02_vectorization)."""

import json
import re
import unicodedata
from collections.abc import Iterable

import numpy as np

PADDING, START, END, UNKNOWN = range(4)
# Byte order mark, zero-width space, soft hyphen, word joiner, marks of direction: they change no sentence.
# U+200C and U+200D stay: Persian, Hindi, Bengali and emoji need them.
INVISIBLE = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


def fold_typography(text: str) -> str:
    """Return ``text`` with typographic spaces (U+00A0, U+2009, U+202F) and apostrophes (U+2019) made plain.

    >>> fold_typography("L\u2019otarie\u202f!")
    "L'otarie !"
    """
    return text.translate({0xA0: " ", 0x2009: " ", 0x202F: " ", 0x2019: "'"})


def prepare_text(text: str, *, fold: bool = False) -> str:
    """Return ``text`` composed (NFC), without invisible characters, and with typography folded if asked for.

    >>> len("e\u0301te\u0301"), len(prepare_text("e\u0301te\u0301"))
    (5, 3)
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", INVISIBLE.sub("", text))
    return fold_typography(text) if fold else text


def code_points(texts: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the code points of all composed texts end to end, and the length of each.

    uint32 ``(num_characters,)`` and int64 ``(num_texts,)``.
    """
    composed = [unicodedata.normalize("NFC", text) for text in texts]
    lengths = np.array([len(text) for text in composed], dtype=np.int64)
    return np.frombuffer("".join(composed).encode("utf-32-le", "surrogatepass"), dtype="<u4"), lengths


class CharVocabulary:
    """The characters that a model knows, each with an id, after four special ids.

    Ids 0 to 3 stand for padding, start of sentence, end of sentence and an unknown character; the characters
    follow in sorted order, without repeats. Text is brought to Unicode's composed form (NFC) first, so that
    "é" is one character however it was typed. ValueError if an item is not exactly one character.

    >>> vocabulary = CharVocabulary("cab")
    >>> vocabulary.encode("abba?")
    [4, 5, 5, 4, 3]
    >>> vocabulary.decode([4, 5, 2, 6])
    'ab'
    """

    def __init__(self, characters: Iterable[str]) -> None:
        characters = list(characters)
        for character in characters:
            if not isinstance(character, str) or len(character) != 1:
                raise ValueError(f"a vocabulary holds single characters, not {character!r}")
        self.characters = tuple(sorted(set(characters)))
        self._id_of = {character: id for id, character in enumerate(self.characters, start=UNKNOWN + 1)}

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> "CharVocabulary":
        """Build the vocabulary of all characters in ``texts``."""
        return cls(map(chr, np.unique(code_points(texts)[0])))

    def encode(self, text: str) -> list[int]:
        """Return the ids of ``text``; a character never seen becomes the unknown id."""
        return [self._id_of.get(character, UNKNOWN) for character in unicodedata.normalize("NFC", text)]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ``ids`` up to the first end mark; the other special ids leave no character.

        ValueError if an id lies outside the vocabulary.
        """
        text = ""
        for token in ids:
            if not 0 <= token < len(self):
                raise ValueError(f"id {token} is outside this vocabulary of {len(self)} ids")
            if token == END:
                break
            if token > UNKNOWN:
                text += self.characters[token - UNKNOWN - 1]
        return text

    def to_json(self) -> str:
        """Return the vocabulary as a JSON text that `from_json` reads."""
        return json.dumps({"characters": "".join(self.characters)})

    @classmethod
    def from_json(cls, text: str | bytes) -> "CharVocabulary":
        """Rebuild a vocabulary from `to_json`'s text, or raise ValueError if it is not such a JSON object."""
        try:
            characters = json.loads(text)["characters"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError('not a vocabulary: expected JSON like {"characters": "abc"}') from error
        if not isinstance(characters, str):
            raise ValueError('not a vocabulary: "characters" must be one string')
        return cls(characters)

    def __len__(self) -> int:
        """Return the number of ids, the four special ones included."""
        return UNKNOWN + 1 + len(self.characters)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CharVocabulary) and self.characters == other.characters

    def __hash__(self) -> int:
        return hash(self.characters)

    def __repr__(self) -> str:
        return f"CharVocabulary({len(self.characters)} characters, {len(self)} ids)"
