"""Companion of the course: a character-level encoder–decoder turns short English sentences into French.

Nothing heavy is imported until it is used: ``import s2s_lib`` takes milliseconds, and ``s2s_lib.load_pairs``
brings in pandas, ``s2s_lib.build_seq2seq`` brings in Keras.
"""

from importlib import import_module

__version__ = "0.1.0"

_MODULES = {
    "corpus": ["cache_dir", "load_pairs"],
    "splitting": ["components", "normalize_sentence", "split_hash", "split_pairs", "training_subset"],
    "vocabulary": ["CharVocabulary"],
    "vectorization": ["IdArrays", "OneHotArrays", "id_arrays", "one_hot_arrays"],
    "batches": ["BucketedBatches"],
    "callbacks": [],
    "example": ["train_example"],
    "records": ["load_record"],
    "models": ["build_attention_seq2seq", "build_embedding_seq2seq", "build_seq2seq"],
    "training": ["Recipe", "train"],
    "beam": ["BeamDecoder"],
    "decoding": ["GreedyDecoder", "stepper"],
    "sampling": ["SamplingDecoder"],
    "bundle": [],
    "translator": ["Translator", "train_or_load"],
    "metrics": [],
    "evaluate": [],
    "analysis": ["multi_reference"],
    "challenge": ["load_challenge", "score_challenge"],
    "exposure": ["bits_per_character", "exposure_bias"],
    "plots": [],
    "comparisons": [],
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}
__all__ = sorted([*_MODULES, *_HOME])


def __getattr__(name):
    """Import a public name, or a module of the package, when it is first asked for."""
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return __all__
