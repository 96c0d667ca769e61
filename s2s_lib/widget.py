"""The open translator inside a notebook: type, translate, look (used in 05_inference and 07_attention)."""

import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

from s2s_lib.translator import Translator


def explore(translator: Translator, sentence: str) -> Any:
    """Return a widget in which a reader types a sentence and looks into each step of its translation.

    It runs the page's own `engine.js` in the browser. Where the package anywidget is missing, it says so and
    returns None: nothing in a notebook depends on it.
    """
    try:
        import anywidget
        import traitlets
    except ImportError:
        print("To type sentences here, install anywidget, and restart: pip install anywidget")
        return None
    web = resources.files("s2s_lib") / "resources" / "web"
    modules = [(web / name).read_text(encoding="utf-8") for name in ("engine.js", "widget.js")]
    with tempfile.TemporaryDirectory() as folder:
        translator.save(Path(folder, "shown.s2s"))
        packed = Path(folder, "shown.s2s").read_bytes()

    class OpenTranslator(anywidget.AnyWidget):
        """A sentence, and the translator's file, which the browser reads."""

        _esm = "\n".join(modules)
        translator = traitlets.Bytes(packed).tag(sync=True)
        sentence = traitlets.Unicode("").tag(sync=True)

        def __repr__(self) -> str:  # what a saved page shows
            return "(The open translator: run this cell to type a sentence.)"

    return OpenTranslator(sentence=sentence)
