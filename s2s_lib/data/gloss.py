"""French word by word in English, for readers without French (shown in all notebooks)."""

import re
from functools import cache
from importlib import resources

WORD = re.compile(r"[^\W\d_]+'?")


def gloss(text: str) -> str:
    """Return French text with each word in English, as far as the sample knows it, else "?".

    The order stays French, so that a wrong sentence shows what is wrong with it.

    >>> gloss("La loutre n'est pas triste."), gloss("Le loutrx est triste.")
    ('the otter (not) is not sad.', 'the ? is sad.')
    """
    words = glosses()
    plain = text.replace("’", "'").replace("\u202f", "").replace("\u00a0", "")
    found = WORD.sub(lambda word: words.get(word[0].lower(), "?") + " " * word[0].endswith("'"), plain)
    return " ".join(found.split())


@cache
def glosses() -> dict[str, str]:
    """Return a word of English for each French word form of the sample, in lower case."""
    with (resources.files("s2s_lib") / "resources" / "gloss.tsv").open(encoding="utf-8") as file:
        return dict(line.rstrip("\n").split("\t") for line in file if not line.startswith("#"))
