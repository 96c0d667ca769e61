"""Characters and their ids (derived in notebook 02_vectorization)."""

import json
import unicodedata

import numpy as np

PADDING, START, END, UNKNOWN = range(4)


def fold_typography(text):
    """Return ``text`` with typographic spaces (U+00A0, U+2009, U+202F) and apostrophes (U+2019) made plain.

    Examples
    --------
    >>> fold_typography("L\u2019otarie\u202f!")
    "L'otarie !"
    """
    return text.translate({0xA0: " ", 0x2009: " ", 0x202F: " ", 0x2019: "'"})


def code_points(texts):
    """Return the code points of all texts end to end, and the length of each text, after composition (NFC).

    Parameters
    ----------
    texts : iterable of str

    Returns
    -------
    uint32 ``(num_characters,)`` and int64 ``(num_texts,)``
    """
    texts = list(texts)
    joined = "".join(texts)
    if not unicodedata.is_normalized("NFC", joined):  # every part of a composed text is composed
        texts = [unicodedata.normalize("NFC", text) for text in texts]
        joined = "".join(texts)
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    return np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype="<u4"), lengths


class CharVocabulary:
    """The characters a model knows, each with an id, behind four special ids.

    Ids 0 to 3 stand for padding, start of sentence, end of sentence and an unknown character; the
    characters follow in sorted order. Text is brought to Unicode's composed form (NFC) first, so that
    "é" is one character however it was typed.

    Parameters
    ----------
    characters : iterable of str
        Single characters; repeats and order do not matter.

    Raises
    ------
    ValueError
        If an item is not exactly one character.

    Examples
    --------
    >>> vocabulary = CharVocabulary("cab")
    >>> vocabulary.encode("abba?")
    [4, 5, 5, 4, 3]
    >>> vocabulary.decode([4, 5, 2, 6])
    'ab'
    """

    def __init__(self, characters):
        characters = list(characters)
        for character in characters:
            if not isinstance(character, str) or len(character) != 1:
                raise ValueError(f"a vocabulary holds single characters, not {character!r}")
        self.characters = tuple(sorted(set(characters)))
        self._id_of = {character: UNKNOWN + 1 + i for i, character in enumerate(self.characters)}

    @classmethod
    def from_texts(cls, texts):
        """Build the vocabulary of all characters in ``texts`` (an iterable of str)."""
        return cls(map(chr, np.flatnonzero(np.bincount(code_points(texts)[0]))))

    def encode(self, text):
        """Return the ids of ``text`` as a list of int; a character never seen becomes the unknown id."""
        return [self._id_of.get(character, UNKNOWN) for character in unicodedata.normalize("NFC", text)]

    def decode(self, ids):
        """Return the text of ``ids`` up to the first end mark; other special ids leave no character.

        Raises
        ------
        ValueError
            If an id lies outside the vocabulary.
        """
        text = []
        for token in ids:
            if not 0 <= token < len(self):
                raise ValueError(f"id {token} is outside this vocabulary of {len(self)} ids")
            if token == END:
                break
            if token > UNKNOWN:
                text.append(self.characters[token - UNKNOWN - 1])
        return "".join(text)

    def to_json(self):
        """Return the vocabulary as a JSON text that `from_json` reads."""
        return json.dumps({"characters": "".join(self.characters)})

    @classmethod
    def from_json(cls, text):
        """Rebuild a vocabulary from `to_json`'s text.

        Raises
        ------
        ValueError
            If the text is not such a JSON object.
        """
        try:
            characters = json.loads(text)["characters"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError('not a vocabulary: expected JSON like {"characters": "abc"}') from error
        if not isinstance(characters, str):
            raise ValueError('not a vocabulary: "characters" must be one string')
        return cls(characters)

    def __len__(self):
        """Return the number of ids, the four special ones included."""
        return UNKNOWN + 1 + len(self.characters)

    def __eq__(self, other):
        return isinstance(other, CharVocabulary) and self.characters == other.characters

    def __hash__(self):
        return hash(self.characters)

    def __repr__(self):
        return f"CharVocabulary({len(self.characters)} characters, {len(self)} ids)"
