"""The bundled sample corpus, written from a lexicon and a grammar: `python -m tools.sample`."""
