"""A trained model and all it needs to be used again (derived in notebook 05_inference)."""

import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from s2s_lib import bundle, models, records
from s2s_lib.arguments import boolean, real_number, whole_number
from s2s_lib.data.corpus import cache_dir, languages, load_pairs
from s2s_lib.data.splitting import reverse_pairs, split_pairs
from s2s_lib.data.vectorization import pad, ragged_ids, round_up
from s2s_lib.data.vocabulary import END, PADDING, START, UNKNOWN, CharVocabulary, prepare_text
from s2s_lib.decoding import (
    MAX_BEAM_WIDTH,
    MAX_LENGTH,
    BeamDecoder,
    GreedyDecoder,
    SamplingDecoder,
    map_by_length,
)
from s2s_lib.export import export_onnx
from s2s_lib.training import Recipe, Trained, previous, train

Decode = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Settings:
    """What a translator knows besides its model: limits, how to decode, languages, and its record.

    Lengths are in characters: longer sources are cut, longer translations end there. ``fold_typography`` says
    that the model was trained on plain spaces and apostrophes. Settings check themselves when they are made:
    ValueError says which value cannot work.
    """

    max_source_length: int = 100
    max_target_length: int = 200
    fold_typography: bool = False
    beam_width: int = 1
    length_power: float = 1.0
    source_language: str = "the source language"
    target_language: str = "the target language"
    record: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("max_source_length", "max_target_length"):
            whole_number(name, getattr(self, name), at_least=1, at_most=MAX_LENGTH - 1)
        boolean("fold_typography", self.fold_typography)
        whole_number("beam_width", self.beam_width, at_least=1, at_most=MAX_BEAM_WIDTH)
        real_number("length_power", self.length_power, at_most=10.0)
        for name in ("source_language", "target_language"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"{name} must be a name, not {getattr(self, name)!r}")
        if not isinstance(self.record, Mapping):
            raise ValueError(f"record must be a JSON object, not {type(self.record).__name__}")


class Translator:
    """Translates sentences, and is saved as one file.

    ``model`` is a trained one, from `s2s_lib.models` or registered by you, the vocabularies are those it was
    trained with; a dict of `Settings`' fields will do as ``settings``.

    >>> translator = Translator.load("sample")
    >>> translator.translate(["", "  "])
    ['', '']
    """

    def __init__(
        self,
        model: keras.Model,
        source_vocabulary: CharVocabulary,
        target_vocabulary: CharVocabulary,
        settings: Settings | Mapping[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.source_vocabulary, self.target_vocabulary = source_vocabulary, target_vocabulary
        self.settings = settings if isinstance(settings, Settings) else _settings(settings or {})
        self._decoders: dict[tuple[Any, ...], Any] = {}  # each is compiled once, at its first use

    def translate(
        self, sentences: Sequence[str], *, beam_width: int | None = None, batch_size: int = 128
    ) -> list[str]:
        """Translate each sentence; blank ones become "".

        Parameters
        ----------
        sentences
            Characters that the model never saw are read as unknown; a sentence longer than
            ``max_source_length`` is cut, with one warning for all.
        beam_width
            Hypotheses to keep in beam search; 1 decodes greedily. By default that of the settings.
        batch_size
            Sentences decoded at once.

        Raises
        ------
        TypeError
            If ``sentences`` is a single str, or holds something else than str.
        ValueError
            If ``beam_width`` or ``batch_size`` is out of range.
        """
        decode = self.decoder(self.settings.beam_width if beam_width is None else beam_width)
        return self._decode(sentences, decode, batch_size)

    def sample(
        self,
        sentences: Sequence[str],
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        batch_size: int = 128,
    ) -> list[str]:
        """Translate each sentence by chance, from the model's probabilities.

        The same seed gives the same sample of a sentence, whatever else stands in the list; for another
        sample give another seed. A temperature near 0 almost always takes the likeliest character, 1.0 the
        model's own probabilities; ``top_k`` and ``top_p`` draw only from the ``top_k`` likeliest characters,
        or from the fewest that sum to ``top_p``. The rest, errors too, is as in `translate`.
        """
        whole_number("seed", seed, at_least=0)
        restriction: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        key = ("sample", *restriction.values())
        if key not in self._decoders:
            self._decoders[key] = SamplingDecoder(self.model, **self._marks(), **restriction)
        decoder = self._decoders[key]
        return self._decode(sentences, lambda source: decoder.sample(source, seed=seed), batch_size)

    def decoder(self, beam_width: int) -> Decode:
        """Return a function from padded source ids to target ids, both ``(batch, timesteps)``."""
        width = whole_number("beam_width", beam_width, at_least=1, at_most=MAX_BEAM_WIDTH)
        key = "beam", width
        if key not in self._decoders:
            if width == 1:
                self._decoders[key] = GreedyDecoder(self.model, **self._marks()).predict_on_batch
            else:
                power = self.settings.length_power
                beam = BeamDecoder(self.model, **self._marks(), beam_width=width, length_power=power)
                self._decoders[key] = lambda source: beam.predict_on_batch(source)[0][:, 0]
        decode: Decode = self._decoders[key]
        return decode

    def _marks(self) -> dict[str, int]:
        return {"start_id": START, "end_id": END, "max_length": self.settings.max_target_length + 1}

    def _decode(self, sentences: Sequence[str], decode: Decode, batch_size: int) -> list[str]:
        """Return what a function from padded source ids to target ids makes of each sentence."""
        whole_number("batch_size", batch_size, at_least=1)
        longest, fold = self.settings.max_source_length, self.settings.fold_typography
        sources = [prepare_text(sentence, fold=fold).strip() for sentence in _check_sentences(sentences)]
        cut = sum(len(source) > longest for source in sources)
        if cut:
            warnings.warn(
                f"{cut} of {len(sources)} sentences were cut after {longest} characters", stacklevel=3
            )
        sources = [source[:longest] for source in sources]
        known = set(self.source_vocabulary.characters)
        unknown = sum(character not in known for source in sources for character in source)
        if unknown:
            share = unknown / sum(map(len, sources))
            warnings.warn(
                f"{unknown:,} characters ({share:.1%}) of these sentences are unknown to the model",
                stacklevel=3,
            )
        rows = [row for row, source in enumerate(sources) if source]
        ids = ragged_ids([sources[row] for row in rows], self.source_vocabulary)

        def decode_batch(chosen: np.ndarray) -> list[str]:
            table = pad(
                ids, chosen, width=round_up(int(ids.lengths[chosen].max()), 8)
            )  # few shapes to compile
            return [self.target_vocabulary.decode(row) for row in decode(table)]

        translations = [""] * len(sources)
        for row, text in zip(
            rows, map_by_length(decode_batch, ids.lengths, batch_size=batch_size), strict=True
        ):
            translations[row] = text
        return translations

    def save(self, path: str | os.PathLike[str], *, half_precision: bool = False) -> None:
        """Write model, vocabularies and settings as one file, atomically; its folder must exist.

        ``half_precision`` stores weights as float16: half the size, the last digits lost. ValueError if the
        model was built by no registered builder.
        """
        specification = getattr(self.model, "specification", None)
        if specification is None:
            raise ValueError(
                "this model was built by no registered builder, so a file could not name it: put "
                '@s2s_lib.register_model("a name") above the function that builds it'
            )
        bundle.write(
            path,
            bundle.Bundle(
                settings=asdict(self.settings),
                source_vocabulary=self.source_vocabulary,
                target_vocabulary=self.target_vocabulary,
                model=specification.name,
                sizes=specification.sizes,
                weights={
                    name: keras.ops.convert_to_numpy(variable)
                    for name, variable in _variables(self.model).items()
                },
            ),
            half_precision=half_precision,
        )

    def export_onnx(self, folder: str | os.PathLike[str]) -> None:
        """Write the model for runtimes without Keras: ``encoder.onnx``, ``step.onnx``, ``vocabulary.json``.

        The encoder reads ``source``, int64 ids ``(batch, source)``, and returns ``hidden_0``, ``cell_0`` and
        so on for each layer, and with attention ``values`` and ``mask``. The step reads ``tokens``
        ``(batch,)`` and all of these; it returns ``log_probabilities``, ``next_hidden_0`` and so on, and
        ``attention``. ``vocabulary.json`` holds the characters from id 4 on, the marks' ids, the settings.
        Needs the package onnx. ValueError if the model is none of the course's own.
        """
        specification = getattr(self.model, "specification", None)
        if specification is None or specification.name not in bundle.OWN_MODELS:
            raise ValueError(f"only the models {' and '.join(bundle.OWN_MODELS)} can be written as ONNX")
        weights = {name: keras.ops.convert_to_numpy(each) for name, each in _variables(self.model).items()}
        settings = {name: value for name, value in asdict(self.settings).items() if name != "record"}
        vocabulary = {
            "source": list(self.source_vocabulary.characters),
            "target": list(self.target_vocabulary.characters),
            "ids": {"padding": PADDING, "start": START, "end": END, "unknown": UNKNOWN},
            "settings": settings,
        }
        export_onnx(folder, specification.name, specification.sizes, weights, vocabulary)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Translator":
        """Read a translator from a file that `save` wrote, or one that ships with the package by its name.

        Raises
        ------
        FileNotFoundError
            If there is no such file or name.
        ValueError
            If the file is no translator, is damaged, or names a model that is not registered; the message
            names the file.
        """
        held = bundle.read(bundle.find(path))
        try:
            settings = _settings(held.settings)
            model = models.build(held.model, **held.sizes)
            _set_weights(model, held.weights)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: not a translator file that can be read: {error}") from error
        return cls(model, held.source_vocabulary, held.target_vocabulary, settings)


def _check_sentences(sentences: Sequence[str]) -> list[str]:
    """Return the sentences as a list, or raise TypeError."""
    if isinstance(sentences, str):
        raise TypeError('give a list of sentences, not one str: ["…"]')
    sentences = list(sentences)
    for place, sentence in enumerate(sentences):
        if not isinstance(sentence, str):
            raise TypeError(f"sentence {place} is {type(sentence).__name__}, not str")
    return sentences


# ---- from and to the file ----
def _settings(values: Mapping[str, Any]) -> Settings:
    """Return settings of these values, or raise ValueError for a name that is none of theirs."""
    known = Settings.__dataclass_fields__
    unknown = [str(name) for name in values if name not in known]
    if unknown:
        raise ValueError(f"unknown settings {', '.join(unknown)}; there are: {', '.join(known)}")
    return Settings(**values)


def _variables(model: keras.Model) -> dict[str, Any]:
    """Return the model's variables by the names of their layers and their places, those of no layer last."""
    named = {
        f"{layer.name}/{i}": variable for layer in model.layers for i, variable in enumerate(layer.weights)
    }
    known = {id(variable) for variable in named.values()}
    others = (variable for variable in model.weights if id(variable) not in known)
    return named | {f"{model.name}/{i}": variable for i, variable in enumerate(others)}


def _set_weights(model: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Put weights into a model in their order, or raise ValueError where they do not fit.

    Not by name: Keras numbers layers without a name of their own anew in each process.
    """
    variables = _variables(model)
    if len(variables) != len(weights):
        raise ValueError(f"the file holds {len(weights)} weights, the model needs {len(variables)}")
    for (name, variable), (found, weight) in zip(variables.items(), weights.items(), strict=True):
        if weight.shape != tuple(variable.shape):
            shape = tuple(variable.shape)
            raise ValueError(f"weight {found} has shape {weight.shape}, the model needs {name} {shape}")
    for variable, weight in zip(variables.values(), weights.values(), strict=True):
        variable.assign(weight)


# ---- trained before, shipped, or trained now ----
def train_or_load(recipe: Recipe, *, retrain: bool = False, progress: bool = True) -> Translator:
    """Return the translator of a recipe: trained before, shipped with the package, or trained now.

    What is trained is kept in `s2s_lib.cache_dir()`, under a name made from recipe and data. It always passes
    through its file, in half precision, so that the answer is the same whichever way it came. ``retrain``
    trains even where a trained translator is at hand. An interrupted training goes on from its last epoch.
    """
    pairs = split_pairs(load_pairs(recipe.corpus, num_samples=recipe.num_samples))
    digest = recipe.digest(pairs)
    file = cache_dir() / f"{Path(recipe.corpus).stem}-{digest}.s2s"
    if not retrain:
        if file.is_file():
            return Translator.load(file)
        if bundle.shipped(recipe.corpus) and records.load_record(recipe.corpus)["digest"] == digest:
            return Translator.load(recipe.corpus)
    records.make_folder(file.parent)
    checkpoint = file.with_suffix(".checkpoint")
    translator = train_translator(pairs, recipe, checkpoint=checkpoint, progress=progress)
    translator.save(file, half_precision=True)
    for done in (checkpoint, previous(checkpoint)):
        done.unlink(missing_ok=True)
    return Translator.load(file)


def train_translator(
    pairs: pd.DataFrame,
    recipe: Recipe,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    start: Translator | None = None,
    progress: bool = True,
) -> Translator:
    """Train on split pairs as `s2s_lib.train` does; the longest training sentences set the limits.

    Training goes on from ``start``, a translator of the same model and sizes, if there is one.
    """
    given = Trained(start.model, start.source_vocabulary, start.target_vocabulary, {}) if start else None
    trained = train(pairs, recipe, checkpoint=checkpoint, start=given, progress=progress)
    learned = pairs[pairs["split"] == "train"]
    if recipe.reverse:
        learned = reverse_pairs(learned)
    source_language, target_language = languages(recipe.corpus, reverse=recipe.reverse)
    settings = Settings(
        max_source_length=recipe.max_length or _longest(learned["source"]),
        max_target_length=recipe.max_length or _longest(learned["target"]),
        fold_typography=recipe.fold_typography,
        source_language=source_language,
        target_language=target_language,
        record=trained.record,
    )
    return Translator(trained.model, trained.source_vocabulary, trained.target_vocabulary, settings)


def _longest(texts: Iterable[str]) -> int:
    return min(max(map(len, texts)), MAX_LENGTH - 1)
