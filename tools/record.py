"""Make the records that the course quotes: numbers only, no sentence of the real corpus.

    python -m tools.record corpus
    python -m tools.record example --work DIR
    python -m tools.record models --work DIR --only attention_1
    python -m tools.record curve --work DIR
    python -m tools.record errors

corpus   counts of the real corpus: less than a minute, and 1.5 GB of memory
example  the famous example's own training on real pairs: half an hour on two cores
models   three kinds of model on the first 10,000 pairs: some 10 to 25 CPU minutes for each row
curve    attention on more and more pairs: an hour for pairs_50000
errors   the shipped translator's errors on the frozen test set, and what training has shown of the challenge
         set: some five CPU minutes

`models` and `curve` train a row and put it into its record at once; without --only, every row that the record
lacks. The work folder, outside the checkout, keeps a checkpoint after each epoch, and the same command goes
on from there. Each row decodes greedily, and is scored at the epoch whose translations of the validation
sources had the highest chrF.
"""

import hashlib
import json
import unicodedata
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pandas as pd

from s2s_lib import example, records
from s2s_lib.data import splitting
from s2s_lib.data.batches import BucketedBatches
from s2s_lib.data.corpus import PINNED_RELEASE, PINNED_SHA256, load_pairs
from s2s_lib.data.splitting import multi_reference, split_hash, split_pairs
from s2s_lib.data.vectorization import id_arrays
from s2s_lib.data.vocabulary import CharVocabulary, prepare_text
from s2s_lib.evaluation import challenge, errors, exposure, metrics
from s2s_lib.evaluation.held_out import score
from s2s_lib.training import Checkpoint, Recipe
from s2s_lib.translator import Translator
from tools import shared
from tools.shared import RECORDS, RESOURCES, EpochScore, Record, Translate
from tools.ship import NUM_VALIDATION_SOURCES, fit, validation_sources
from tools.sides import example_arrays

CORPUS, NUM_SAMPLES = "fra-eng", 10_000
HELD_OUT = 0.2  # share of the pairs that the example's validation_split takes
BLANKS_AND_APOSTROPHES = " \u00a0\u2009\u202f'\u2019"
# What the Keras example's own page prints, of a later release.
PUBLISHED = {"pairs": 10_000, "source_characters": 70, "target_characters": 93}
PUBLISHED |= {"longest_source": 14, "longest_target": 59}
EXAMPLE: Record = {"latent_dim": 256, "batch_size": 64, "epochs": 50, "seed": 1}
ATTENTION = Recipe(
    corpus=CORPUS, num_samples=NUM_SAMPLES, model="attention", latent_dim=256, embedding_dim=64, dropout=0.3,
    batch_size=64, epochs=30, learning_rate=2e-3, fold_typography=True, seed=1,
)  # fmt: skip
MODELS = {"embedding": replace(ATTENTION, model="embedding")}
MODELS |= {f"attention_{seed}": replace(ATTENTION, seed=seed) for seed in (1, 2, 3)}
CURVE = {  # training pairs and recipe: fewer passes over more pairs
    f"pairs_{number}": (number, replace(ATTENTION, num_samples=None, max_length=60, epochs=epochs))
    for number, epochs in ((2_000, 60), (10_000, 30), (50_000, 12))
}
ROWS = {  # record, what it is, the names of its rows
    "models": (
        "models_10000",
        "kinds of model, each trained on the training part of the first 10,000 pairs of fra-eng, scored on "
        "the unique sources of that split's test part, all versions",
        ["nearest", "example", *MODELS],
    ),
    "curve": (
        "data_curve",
        "attention on nested random parts of fra-eng's training set, scored on the whole frozen test set: "
        "unique sources, all versions; the last row is the shipped translator, of another size",
        [*CURVE, "all"],
    ),
}
SEED = 0
NUM_SCORED, NUM_DECODED, NUM_NEAREST, NUM_EXPOSED = 500, 3_000, 500, 2_000
LENGTH_EDGES = [0, 15, 20, 25, 30, 40, 400]
LEAST_REACHING = 50  # targets that reach a position of the exposure table


# ---- corpus ----
def counts(pairs: pd.DataFrame) -> Record:
    """Count sentence pairs: lengths, characters, repeats, leaks, padding, memory."""
    sources, targets = pairs["source"], pairs["target"]
    lengths, target_lengths = sources.str.len(), targets.str.len()
    source_characters, target_characters = set().union(*sources), set().union(*targets)
    framed = len({example.TARGET_START, example.TARGET_END} | target_characters)
    component, versions = np.bincount(splitting.components(pairs)), sources.value_counts()
    tail = int(HELD_OUT * len(pairs))
    return {
        "pairs": len(pairs),
        "distinct_pairs": len(pairs[["source", "target"]].drop_duplicates()),
        **{f"unique_{side}s": int(pairs[side].nunique()) for side in ("source", "target")},
        "source_characters": len(source_characters),
        "target_characters": framed,
        "longest_source": int(lengths.max()),
        "longest_target": int(target_lengths.max()) + 2,
        "as_the_example_counts": "target_characters and longest_target count the tab and the newline",
        "source_lengths": np.bincount(lengths).tolist(),
        "target_lengths": np.bincount(target_lengths).tolist(),
        "blanks_and_apostrophes": {
            side: {unicodedata.name(c): int(pairs[side].str.count(c).sum()) for c in BLANKS_AND_APOSTROPHES}
            for side in ("source", "target")
        },
        "target_characters_seen_below_10_times": sum(n < 10 for n in Counter("".join(targets)).values()),
        "not_nfc": sum(not unicodedata.is_normalized("NFC", text) for text in [*sources, *targets]),
        "translations_per_source": {str(k): int(n) for k, n in versions.value_counts().sort_index().items()},
        "components": {"number": len(component), "largest": int(component.max())},
        "leaks": leaks(pairs),
        "tail_mean_source_length": {
            "training": round(lengths[:-tail].mean(), 2),
            "tail": round(lengths[-tail:].mean(), 2),
        },
        **padding_and_memory(pairs, len(source_characters | {" "}), framed),
    }


def leaks(pairs: pd.DataFrame) -> Record:
    """Return how much of the held-out fifth stands in training, for three ways to hold it out.

    A held-out pair leaks if its source, or its target, is that of a training pair; ``plain`` compares
    normalized sentences. The component split holds out validation and test together.
    """
    size = int(HELD_OUT * len(pairs))
    splits = {
        "random": pairs.index.isin(pairs.sample(size, random_state=0).index),
        "tail": np.arange(len(pairs)) >= len(pairs) - size,
        "components": (split_pairs(pairs)["split"] != "train").to_numpy(),
    }
    plain = pairs[["source", "target"]].map(splitting.normalize_sentence)
    found = {}
    for name, held_out in splits.items():
        source, target, plain_source, plain_target = (
            table.loc[held_out, side].isin(set(table.loc[~held_out, side]))
            for table in (pairs, plain)
            for side in ("source", "target")
        )
        seen = {"source_seen": source, "target_seen": target, "either_seen": source | target}
        seen["either_seen_plain"] = plain_source | plain_target
        shares = {name: round(float(flags.mean()), 5) for name, flags in seen.items()}
        found[name] = {"held_out_pairs": int(held_out.sum()), **shares}
    return found


def padding_and_memory(pairs: pd.DataFrame, num_source_tokens: int, num_target_tokens: int) -> Record:
    """Return the share of timesteps that are padding, and bytes: of the example's arrays, and of ids."""
    sources, targets, n = pairs["source"].str.len(), pairs["target"].str.len() + 2, len(pairs)
    width, target_width = int(sources.max()), int(targets.max())
    used = {
        "encoder_input": sources.sum(),
        "decoder_input": targets.sum(),
        "decoder_target": targets.sum() - n,
    }
    room = {"encoder_input": n * width, "decoder_input": n * target_width, "decoder_target": n * target_width}
    used["all_three"], room["all_three"] = sum(used.values()), sum(room.values())
    vocabularies = CharVocabulary.from_texts(pairs["source"]), CharVocabulary.from_texts(pairs["target"])
    batches = BucketedBatches(pairs["source"], pairs["target"], *vocabularies, batch_size=64)
    used["buckets_of_64"] = room["buckets_of_64"] = 0
    for inputs, decoder_target, _ in map(batches.__getitem__, range(len(batches))):
        for ids in (*inputs, decoder_target):
            used["buckets_of_64"] += int(np.count_nonzero(ids))
            room["buckets_of_64"] += ids.size
    sizes = {
        "one_hot_float32": 4 * n * (width * num_source_tokens + 2 * target_width * num_target_tokens),
        "padded_ids_int32": 4 * n * (width + 2 * (target_width - 1)),  # ids need no mark after the end mark
        "unpadded_ids_uint16": 2 * int(sources.sum() + targets.sum() - 2 * n),
    }
    memory = {f"{name}_bytes": size for name, size in sizes.items()}
    return {
        "padding": {name: round(1 - int(used[name]) / room[name], 5) for name in used},
        "memory": memory | {f"{name}_GB": round(size / 1e9, 4) for name, size in sizes.items()},
    }


def record_corpus() -> Record:
    """Return counts of the corpus, whole, and of its first pairs."""
    return {
        "what": "counts of the real corpus, whole and of its first lines; no sentence stands here",
        "corpus": CORPUS,
        "release": PINNED_RELEASE,
        "sha256": PINNED_SHA256,
        "full": counts(load_pairs(CORPUS)),
        f"first_{NUM_SAMPLES}": counts(load_pairs(CORPUS, num_samples=NUM_SAMPLES)),
        "published": PUBLISHED,
    }


# ---- example ----
def record_example(work: Path, *, epochs: int) -> Record:
    """Train as the example's authors do, leave the models in ``work``, return curves and scores."""
    pairs, seed = load_pairs(CORPUS, num_samples=NUM_SAMPLES), SEED
    arrays = example.one_hot_arrays(pairs["source"], pairs["target"])
    files = {"last epoch": work / "last.keras", "least validation loss": work / "best.keras"}
    best = keras.callbacks.ModelCheckpoint(files["least validation loss"], save_best_only=True)
    model, history = example.train_example(arrays, epochs=epochs, seed=seed, callbacks=[best], verbose=2)
    model.save(files["last epoch"])
    return {
        "what": "the Keras example: one-hot characters, RMSprop, batch 64, the file's tail as validation",
        "corpus": CORPUS,
        "num_samples": len(pairs),
        "num_source_tokens": len(arrays.source_characters),
        "num_target_tokens": len(arrays.target_characters),
        "source_timesteps": arrays.encoder_input.shape[1],
        "target_timesteps": arrays.decoder_input.shape[1],
        "parameters": model.count_params(),
        "batch_size": 64,
        "validation_split": HELD_OUT,
        "epochs": epochs,
        "seed": seed,
        **seconds_of(history),
        "history": history,
        "scores": {label: example_scores(file, pairs) for label, file in files.items()},
    }


def seconds_of(history: dict[str, list[float]]) -> dict[str, float]:
    """Return what a training took in all."""
    return {name: round(sum(history[name]), 1) for name in ("wall_seconds", "cpu_seconds")}


def example_scores(file: Path, pairs: pd.DataFrame) -> Record:
    """Score sources that the model was trained on, and those of the tail that it never saw."""
    translator = example.from_keras(file, pairs["source"], pairs["target"])
    cut = len(pairs) - int(HELD_OUT * len(pairs))
    learned, tail = pairs["source"][:cut].drop_duplicates(), pairs["source"][cut:].drop_duplicates()
    chosen = learned.sample(min(NUM_SCORED, len(learned)), random_state=0)
    versions, found = pairs.groupby("source")["target"].agg(list), {}
    for name, sources in {"training": chosen, "tail": tail[~tail.isin(set(learned))]}.items():
        found[name] = metrics.evaluate(translator.translate(list(sources)), list(versions[sources])).to_json()
        signature = found[name].pop("signature")
    return found | {"signature": signature}


# ---- models, curve ----
class Experiment(NamedTuple):
    """What a row is trained and scored on."""

    pairs: pd.DataFrame  # of training and validation: source, target, split
    validation: pd.DataFrame  # one row for each source, with its references
    test: pd.DataFrame
    split_hash: str  # of the whole test set
    max_target_length: int  # in characters: where a translation is cut off


def load_split(num_samples: int | None = None) -> pd.DataFrame:
    """Return the corpus, or its first pairs, with the leak-free split."""
    return split_pairs(load_pairs(CORPUS, num_samples=num_samples))


def experiment_on(
    split: pd.DataFrame, num_train: int | None = None, *, num_validation: int = NUM_VALIDATION_SOURCES
) -> Experiment:
    """Return the experiment on a split: all its training pairs or ``num_train``, and its whole test set."""
    validation, test = (
        validation_sources(split, num_validation),
        multi_reference(split[split["split"] == "test"]),
    )
    num_train = num_train or int((split["split"] == "train").sum())
    learned = splitting.training_subset(split, num_train)
    watched = split[(split["split"] == "validation") & split["source"].isin(validation["source"])]
    longest = int(learned["target"].str.len().max())
    return Experiment(pd.concat([learned, watched]), validation, test, split_hash(split), longest)


def test_scores(experiment: Experiment, translate: Translate) -> Record:
    """Return what `s2s_lib.evaluation.held_out.score` says of translations of the test sources."""
    translations = translate(list(experiment.test["source"]))
    return score(translations, list(experiment.test["references"]), split_hash=experiment.split_hash)


def finish(row: Record, experiment: Experiment, translate: Translate) -> Record:
    """Return a trained row with its best epoch and its scores."""
    more = {"max_target_length": experiment.max_target_length, "scores": test_scores(experiment, translate)}
    return row | epochs_of(row["history"]) | more


def epochs_of(history: dict[str, list[float]]) -> dict[str, int]:
    """Return how many epochs a training ran, and the best of them by validation chrF, counted from 1."""
    curve = history["score"]
    return {"epochs": len(curve), "best_epoch": curve.index(max(curve)) + 1}


def library_row(experiment: Experiment, recipe: Recipe, checkpoint: Path | None = None) -> Record:
    """Train by a recipe of the library; return the row."""
    settings = {"max_target_length": experiment.max_target_length}
    translator = fit(experiment.pairs, recipe, experiment.validation, checkpoint=checkpoint, **settings)
    return finish(dict(translator.settings.record), experiment, translator.translate)


def example_row(
    experiment: Experiment, checkpoint: Path | None = None, *, epochs: int, **options: Any
) -> Record:
    """Train the famous example's model as its authors do, but on training pairs alone; return the row."""
    arrays, validation_split = example_arrays(experiment.pairs, known_only=True)

    def start(model: keras.Model) -> Translate:
        return example.ExampleTranslator.of(model, arrays).translate

    digest = f"example {json.dumps(options)} {experiment.split_hash} {len(experiment.pairs)}"
    keeper = Checkpoint(digest, file=checkpoint, score=EpochScore(experiment.validation, start))
    fitting = options | {"validation_split": validation_split, "checkpoint": keeper, "verbose": 2}
    model, _ = example.train_example(arrays, epochs=epochs, **fitting)
    history = {name: [row[name] for row in keeper.history] for name in keeper.history[0]}
    parts = experiment.pairs["split"].value_counts()
    row = {
        "recipe": {"model": "example", "optimizer": "rmsprop", "epochs": epochs, **options},
        "parameters": model.count_params(),
        "num_train": int(parts["train"]),
        "num_validation": int(parts["validation"]),
        **records.environment(),
        **seconds_of(history),
        "peak_memory_mb": records.peak_memory_mb(),
        "history": history,
    }
    return finish(row, experiment, start(model))


def nearest_row(experiment: Experiment) -> Record:
    """Return the baseline: the translation of the training source that takes the fewest edits."""
    known = experiment.pairs[experiment.pairs["split"] == "train"]
    scores = test_scores(experiment, partial(metrics.nearest_source_translation, known))
    return {
        "recipe": {"model": "nearest training source"},
        "parameters": 0,
        "num_train": len(known),
        "scores": scores,
    }


def shipped_row() -> Record:
    """Return the row of the translator that ships: its own record, and its greedy scores."""
    record = records.load_record("fra-eng")
    names = ["recipe", "digest", "parameters", "num_train", "num_validation", "versions", "backend", "device"]
    names += ["wall_seconds", "cpu_seconds", "history"]
    return {
        "note": " ".join(["The shipped translator, of its own size and recipe.", record.get("note", "")]),
        **{name: record[name] for name in names},
        **epochs_of(record["history"]),
        "scores": record["scores"]["greedy"],
    }


def make_row(name: str, work: Path) -> Record:
    """Train and score one row of `ROWS`; its checkpoint stands in ``work``."""
    if name == "all":
        return shipped_row()
    if name in CURVE:
        num_train, recipe = CURVE[name]
        return library_row(experiment_on(load_split(), num_train), recipe, work / f"{name}.npz")
    experiment = experiment_on(load_split(NUM_SAMPLES), num_validation=NUM_SAMPLES)
    if name == "nearest":
        return nearest_row(experiment)
    if name == "example":
        return example_row(experiment, work / f"{name}.npz", **EXAMPLE)
    return library_row(experiment, MODELS[name], work / f"{name}.npz")


# ---- errors ----
def record_errors(limit: int = NUM_DECODED) -> Record:
    """Return the errors on the first ``limit`` of the shuffled test sources."""
    translator, pairs = Translator.load("fra-eng"), load_split()
    learned, test_pairs = (pairs[pairs["split"] == name] for name in ("train", "test"))
    test = multi_reference(test_pairs).sample(frac=1, random_state=SEED)
    decoded, near = test[:limit], test[: min(limit, NUM_NEAREST)]
    translations = translator.translate(list(decoded["source"]))
    table = errors.error_table(decoded["source"], translations, decoded["references"])
    kinds, settings = errors.failure_kinds(table), translator.settings
    numbers = [min(len(texts), 5) for texts in decoded["references"]]
    exact = table["exact"][: len(near)].to_numpy()
    copies = (
        errors.nearest_training_target(table["hypothesis"][: len(near)], learned)["edits"].to_numpy() == 0
    )
    baselines = {
        "copy the source": (test, metrics.copy_source(test["source"])),
        "most frequent target": (test, metrics.most_frequent_target(learned, test["source"])),
        "nearest training source": (near, metrics.nearest_source_translation(learned, near["source"])),
    }
    return {
        "what": "errors of the shipped translator on the frozen test set, cut by length, novelty, kind, "
        "position, phenomenon; numbers only",
        "note": f"Length, novelty, kinds of failure: {len(decoded)} of {len(test)} test sources, drawn with"
        f" seed {SEED}, decoded as the translator does by default. The two nearest-neighbour searches (share"
        f" copied from training, nearest training source): {len(near)} of those. Exposure: greedy decoding.",
        "digest": settings.record["digest"],
        "split_hash": split_hash(pairs),
        "decoding": {"beam_width": settings.beam_width, "length_power": settings.length_power},
        "seed": SEED,
        "n_test": len(test),
        "n_decoded": len(decoded),
        "by_length": cells(errors.by_length(table, LENGTH_EDGES)),
        "by_novelty": cells(errors.by_novelty(table, errors.novelty(decoded["source"], learned))),
        "by_number_of_references": cells(errors.score_by(table, numbers)),
        "failure_kinds": {name: share((kinds == name).to_numpy()) for name in kinds.cat.categories},
        "copied_from_training": {
            "all": share(copies),
            "wrong": share(copies[~exact]),
            "right": share(copies[exact]),
        },
        "baselines": {
            name: without_signature(metrics.evaluate(texts, part["references"]))
            for name, (part, texts) in baselines.items()
        },
        **by_position(translator, test_pairs, limit),
        **by_phenomenon(translator, learned),
    }


def without_signature(scores: metrics.Scores) -> Record:
    """Return scores as JSON values; a record says once how they are computed."""
    return {name: value for name, value in scores.to_json().items() if name != "signature"}


def cells(table: pd.DataFrame) -> list[Record]:
    """Return a table as JSON values, shares to four digits."""
    return [{str(name): value for name, value in row.items()} for row in table.round(4).to_dict("records")]


def share(hits: np.ndarray) -> Record:
    """Return a share with n and its 95 % interval; None where there is nothing to share."""
    if not len(hits):
        return {"share": None, "low": None, "high": None, "n": 0}
    low, high = metrics.wilson_interval(np.sum(hits), len(hits))
    found = {"share": np.mean(hits), "low": low, "high": high}
    return {name: round(float(value), 4) for name, value in found.items()} | {"n": len(hits)}


def by_position(translator: Translator, pairs: pd.DataFrame, limit: int) -> Record:
    """Return bits per character over test pairs, and the exposure table of some of them."""
    pairs, fold = pairs.sample(frac=1, random_state=SEED), translator.settings.fold_typography
    pairs = pairs if limit >= NUM_DECODED else pairs[:limit]
    texts = pairs[["source", "target"]].map(partial(prepare_text, fold=fold))
    vocabularies = translator.source_vocabulary, translator.target_vocabulary
    every, few = (
        id_arrays(part["source"], part["target"], *vocabularies) for part in (texts, texts[:NUM_EXPOSED])
    )
    bits = exposure.bits_per_character(translator.model, every)
    table, n = exposure.exposure_bias(translator.model, translator.decoder(1), few), len(few.encoder_input)
    interval = dict(zip(("score", "low", "high", "n"), bits, strict=True))
    return {
        "bits_per_character": interval | {"n_pairs": len(pairs)},
        "n_exposure_pairs": n,
        "exposure": cells(table[table["n"] >= min(LEAST_REACHING, n)]),
    }


def seen_in_training(learned: pd.DataFrame) -> np.ndarray:
    """Tell of each sentence of the challenge set whether training has shown its English."""
    return errors.novelty(challenge.sentences()["source"], learned)["seen_source"].to_numpy()


def by_phenomenon(translator: Translator, learned: pd.DataFrame) -> Record:
    """Return the scores of the challenge set, and the share of its sentences right, seen and novel."""
    translations = translator.translate(list(challenge.sentences()["source"]))
    judged, seen = challenge.judge_challenge(lambda _: translations), seen_in_training(learned)
    right = np.concatenate([judged["right_a"], judged["right_b"]])
    return {
        "challenge": cells(challenge.score_challenge(lambda _: translations)),
        "challenge_by_mark": {"seen in training": share(right[seen]), "novel": share(right[~seen])},
    }


def record_marks() -> Record:
    """Return what training has shown of the challenge set; it depends on no weights."""
    pairs = load_split()
    seen_a, seen_b = np.split(seen_in_training(pairs[pairs["split"] == "train"]), 2)
    return {
        "what": "whether the real corpus' training pairs hold the English of each member of the challenge "
        "set, case and punctuation set aside; in the order of its rows",
        "challenge_sha256": hashlib.sha256((RESOURCES / "challenge.tsv").read_bytes()).hexdigest(),
        "split_hash": split_hash(pairs),
        "seen_a": seen_a.tolist(),
        "seen_b": seen_b.tolist(),
    }


# ---- command line ----
def main(arguments: list[str] | None = None) -> None:
    """Make the record that the command line names."""
    parser = shared.command_line(__doc__)
    parser.add_argument("what", choices=["corpus", "example", *ROWS, "errors"])
    parser.add_argument("--work", type=Path, help="folder of checkpoints (example, models, curve)")
    parser.add_argument("--only", nargs="+", metavar="ROW", help="rows to make (models, curve)")
    parser.add_argument("--epochs", type=shared.count, default=100, help="of the example")
    parser.add_argument(
        "--limit", type=shared.count, default=NUM_DECODED, help="test sources to decode (errors)"
    )
    parser.add_argument("--marks-only", action="store_true", help="errors: write challenge_fra-eng.json only")
    parser.add_argument("--records", type=Path, default=RECORDS, help="folder of the records")
    options = shared.parse(parser, arguments)

    def write(name: str, record: Record, command: str = options.command) -> None:
        computed = records.environment() | {"peak_memory_mb": records.peak_memory_mb()}
        shared.write_record(options.records / f"{name}.json", **{"command": command} | record | computed)

    if options.what in ("example", *ROWS):
        if not options.work:
            parser.error(f"say --work DIR, where {options.what} keeps weights and checkpoints")
        options.work.mkdir(parents=True, exist_ok=True)
    if options.what in ROWS:
        name, says, rows = ROWS[options.what]
        makers = {row: partial(make_row, row, options.work) for row in rows}
        if unknown := set(options.only or ()) - set(makers):
            parser.error(f"no row {', '.join(sorted(unknown))}; there are: {', '.join(makers)}")
        head = {"what": says, "command": f"{parser.prog} {options.what} --work DIR", **records.environment()}
        shared.record_rows(options.records / f"{name}.json", head, makers, options.only)
    elif options.what == "corpus":
        write("corpus_fra-eng", record_corpus())
    elif options.what == "example":
        write("example_10000", record_example(options.work, epochs=options.epochs))
    else:
        write("challenge_fra-eng", record_marks(), f"{parser.prog} errors --marks-only")
        if not options.marks_only:
            write("errors_fra-eng", record_errors(options.limit))


if __name__ == "__main__":
    main()
