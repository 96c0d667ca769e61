"""The tools that make, run, measure and record the course, each started as `python -m tools.NAME`."""

from contextlib import suppress

with suppress(ImportError):  # `tools.setup` runs before anything is installed
    import s2s_lib  # noqa: F401  # before Keras: it keeps TensorFlow's start-up lines off the screen
