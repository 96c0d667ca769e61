"""Train the translators that ship, and put them into the package with their records.

    python -m tools.ship sample
    KERAS_BACKEND=torch python -m tools.ship train --work /tmp/fra-eng
    python -m tools.ship ship --work /tmp/fra-eng
    python -m tools.ship convert OLD.s2s NEW.s2s

sample   the course's demonstration on the bundled sample, in about a minute on two cores
train    the translator of the real corpus, in hours; where PyTorch is not installed (`pip install torch`),
         leave KERAS_BACKEND out. The work folder, outside the checkout, keeps a checkpoint after each epoch,
         and the same command goes on from there. The best epoch is chosen on validation sources.
ship     choose how that translator decodes on validation sources, then score the test set once; afterwards
         `python -m tools.tables` writes the model card
convert  write a translator file of the former format anew, with the same weights
"""

import json
import time
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from s2s_lib import models
from s2s_lib.bundle import OLD_FORMAT
from s2s_lib.data.corpus import languages, load_pairs
from s2s_lib.data.splitting import multi_reference, split_hash, split_pairs
from s2s_lib.data.vocabulary import CharVocabulary
from s2s_lib.evaluation.held_out import score
from s2s_lib.evaluation.metrics import bleu, chrf, evaluate
from s2s_lib.training import Recipe, Trained, train
from s2s_lib.translator import Settings, Translator, train_or_load
from tools.fused_lstm import fused_lstm
from tools.shared import RECORDS, RESOURCES, EpochScore, Record, command_line, parse, write_record

DEMONSTRATION = Recipe(corpus="sample", num_samples=7000, epochs=12, seed=1)
RECIPE = Recipe(
    corpus="fra-eng", model="attention", latent_dim=512, embedding_dim=64, dropout=0.3, batch_size=128,
    epochs=20, learning_rate=2e-3, warmup=0.04, precision="mixed_bfloat16", max_length=70,
    fold_typography=True, seed=1,
)  # fmt: skip
LIMITS: dict[str, Any] = {"max_source_length": 200, "max_target_length": 250, "fold_typography": True}
NUM_VALIDATION_SOURCES = 500
BEAMS = [
    {"beam_width": width, "length_power": power}
    for width, power in ((1, 1.0), (4, 1.0), (8, 1.0), (8, 1.3), (12, 1.0), (12, 1.15))
]


def translator_of(trained: Trained, **settings: Any) -> Translator:
    """Return the translator of a model trained on a real corpus."""
    return Translator(*trained[:3], Settings(**LIMITS | settings, record=trained.record))


def validation_sources(pairs: pd.DataFrame, number: int = NUM_VALIDATION_SOURCES) -> pd.DataFrame:
    """Return the validation sources that a model is chosen on, with their references."""
    table = multi_reference(pairs[pairs["split"] == "validation"])
    return table.sample(min(number, len(table)), random_state=0)


def fit(
    pairs: pd.DataFrame, recipe: Recipe, table: pd.DataFrame, *, checkpoint: Path | None, **settings: Any
) -> Translator:
    """Train to the best epoch by greedy chrF on the sources of ``table``; return the translator."""
    score = EpochScore(table, lambda trained: translator_of(trained, **settings).translate)
    with fused_lstm():  # on PyTorch; elsewhere nothing changes
        return translator_of(train(pairs, recipe, checkpoint=checkpoint, score=score), **settings)


def choose_decoding(translator: Translator, table: pd.DataFrame) -> tuple[Record, list[Record]]:
    """Return the way to decode of the highest chrF plus BLEU on ``table``, and all that were tried."""
    tried = []
    for way in BEAMS:
        translations = with_settings(translator, **way).translate(list(table["source"]))
        scores = {
            metric.__name__: round(metric(translations, list(table["references"])).value, 2)
            for metric in (chrf, bleu)
        }
        tried.append(way | scores)
        print(json.dumps(tried[-1]), flush=True)
    best = max(tried, key=lambda way: way["chrf"] + way["bleu"])
    return {name: best[name] for name in BEAMS[0]}, tried


def with_settings(translator: Translator, **changes: Any) -> Translator:
    """Return a translator with the same model, and other settings."""
    vocabularies = translator.source_vocabulary, translator.target_vocabulary
    return Translator(translator.model, *vocabularies, replace(translator.settings, **changes))


def ship(pairs: pd.DataFrame, work: Path, *, note: str = "") -> Record:
    """Choose how to decode, write the translator's file, score the test set, write and return the record."""
    translator = Translator.load(work / "trained.s2s")
    decoding, tried = choose_decoding(translator, validation_sources(pairs))
    shipped = RESOURCES / "fra-eng.s2s"
    with_settings(translator, **decoding).save(shipped, half_precision=True)
    translator = Translator.load(shipped)  # scored as it ships, in half precision
    test = multi_reference(pairs[pairs["split"] == "test"])
    scores, seconds = {}, {}
    for name, width in (("greedy", 1), ("beam", decoding["beam_width"])):
        started = time.perf_counter()
        translations = translator.translate(list(test["source"]), beam_width=width)
        seconds[name] = round(time.perf_counter() - started, 1)
        scores[name] = score(translations, list(test["references"]), split_hash=split_hash(pairs))
    return write_record(
        RECORDS / "fra-eng.json",
        what="attention, full training split, scored on the frozen test set: unique sources, all versions",
        command=f"python -m tools.ship train --work {work}, then ship",
        **({"note": note} if note else {}),
        **translator.settings.record,
        **LIMITS,
        decoding=decoding,
        decodings_tried_on_validation=tried,
        test_seconds=seconds,
        scores=scores,
    )


def ship_sample() -> Record:
    """Train the demonstration, score it on its test split; write its file and its record, and return this."""
    translator = train_or_load(DEMONSTRATION, retrain=True)
    translator.save(RESOURCES / "sample.s2s", half_precision=True)
    pairs = split_pairs(load_pairs(DEMONSTRATION.corpus, num_samples=DEMONSTRATION.num_samples))
    test = multi_reference(pairs[pairs["split"] == "test"])
    return write_record(
        RECORDS / "sample.json",
        what="notebook 04's demonstration: attention, on the bundled sample, scored on its test split",
        command="python -m tools.ship sample",
        **translator.settings.record,
        scores=evaluate(translator.translate(list(test["source"])), list(test["references"])).to_json(),
    )


def convert(old: Path, new: Path) -> None:
    """Write a translator file of the former format anew, with the same weights; its graph is never read."""
    with zipfile.ZipFile(old) as archive:
        settings = json.loads(archive.read("config.json"))
        if settings.pop("format", None) != OLD_FORMAT:
            raise ValueError(f"{old} is not a translator file of the format {OLD_FORMAT!r}")
        names = "source_vocabulary.json", "target_vocabulary.json"
        vocabularies = [CharVocabulary.from_json(archive.read(name)) for name in names]
        with np.load(BytesIO(archive.read("weights.npz")), allow_pickle=False) as saved:
            weights = dict(saved)
    recipe = settings["record"]["recipe"]
    sizes = {name: recipe[name] for name in ("latent_dim", "embedding_dim", "dropout")}
    sizes |= dict(zip(("num_source_tokens", "num_target_tokens"), map(len, vocabularies), strict=True))
    half_precision = {array.dtype for array in weights.values()} == {np.dtype("float16")}
    model = models.build(recipe["model"], **sizes)
    for layer in model.layers:
        arrays = [weights.pop(f"{layer.name}/{i}") for i in range(len(layer.weights))]
        layer.set_weights([array.astype(np.float32) for array in arrays])
    if weights:
        raise ValueError(f"{old} has weights that no layer of {recipe['model']} takes: {[*weights]}")
    source, target = languages(recipe["corpus"])
    settings |= {"source_language": source, "target_language": target}
    translator = Translator(model, vocabularies[0], vocabularies[1], settings)
    translator.save(new, half_precision=half_precision)


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and do what it says."""
    parser = command_line(__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    commands.add_parser("sample")
    for name in ("train", "ship"):
        command = commands.add_parser(name)
        command.add_argument("--work", type=Path, required=True, help="folder of checkpoints")
    command.add_argument("--note", default="", help="what else the record should say of the training")
    command = commands.add_parser("convert")
    command.add_argument("old", type=Path)
    command.add_argument("new", type=Path)
    options = parse(parser, arguments)
    if options.what == "convert":
        return convert(options.old, options.new)
    if options.what == "sample":
        record = ship_sample()
    else:
        options.work.mkdir(parents=True, exist_ok=True)
        pairs = split_pairs(load_pairs(RECIPE.corpus))
        if options.what == "train":
            checkpoint = options.work / "checkpoint.npz"
            translator = fit(pairs, RECIPE, validation_sources(pairs), checkpoint=checkpoint)
            return translator.save(options.work / "trained.s2s")
        record = ship(pairs, options.work, note=options.note)
    print(json.dumps(record["scores"], indent=1))


if __name__ == "__main__":
    main()
