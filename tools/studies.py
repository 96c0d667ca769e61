"""Make the records of small studies on the bundled sample, which the notebooks show: all rows are our own.

    python -m tools.studies example_sample --work DIR
    python -m tools.studies recipes_sample
    python -m tools.studies leak_sample
    python -m tools.studies seeds_sample
    python -m tools.studies notebooks
    python -m tools.studies trace_sample

example_sample  the famous example's recipe, 100 epochs, with its translations: a quarter of an hour
recipes_sample  from that recipe to ours, one change a row, the same pairs and epochs: about ten minutes
leak_sample     the same model, with and without other versions of test sources in training: about ten minutes
seeds_sample    the demonstration with ten seeds on the backend of KERAS_BACKEND: ten minutes or more
notebooks       what each notebook costs at its defaults, seconds and memory: five minutes
trace_sample    the running sentence after each epoch of the demonstration, for the page: a minute

A study of several rows writes each at once, and makes only the rows that its record lacks.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import nbformat
import numpy as np
import pandas as pd

from s2s_lib import example, records
from s2s_lib.data.batches import BucketedBatches
from s2s_lib.data.corpus import load_pairs
from s2s_lib.data.splitting import multi_reference, running_pair, split_pairs
from s2s_lib.data.vectorization import id_arrays
from s2s_lib.data.vocabulary import END, START, CharVocabulary
from s2s_lib.decoding import GreedyDecoder
from s2s_lib.evaluation import metrics
from s2s_lib.models import build_attention_seq2seq, build_embedding_seq2seq
from s2s_lib.training import EpochClock, Recipe, Trained, compile_for_ids, train
from tools import notebooks
from tools.shared import RECORDS, Record, Translate, command_line, record_rows
from tools.ship import translator_of
from tools.sides import example_arrays

NUM_SAMPLES, NUM_LEARNED, SEED = 7000, 200, 1
BACKENDS = ("tensorflow", "jax")
EPOCHS, LATENT_DIM = 12, 128  # of the recipes compared


def sample_split() -> pd.DataFrame:
    """Return the pairs of the demonstration with their split."""
    return split_pairs(load_pairs("sample", num_samples=NUM_SAMPLES))


def scores_of(translations: Sequence[str], references: Sequence[Sequence[str]]) -> Record:
    """Return the scores without their signature."""
    found = metrics.evaluate(translations, references).to_json()
    found.pop("signature")
    return found


# ---- the famous example, and its translations ----
def example_sample(work: Path, *, epochs: int = 100, num_samples: int = NUM_SAMPLES) -> Record:
    """Train the example's recipe on the leak-free training split; return curves, scores and translations."""
    pairs = split_pairs(load_pairs("sample", num_samples=num_samples))
    learned = pairs[pairs["split"] == "train"]
    arrays, validation_split = example_arrays(pairs, known_only=True)
    best = keras.callbacks.ModelCheckpoint(work / "best.keras", save_best_only=True)
    options: dict[str, Any] = {"validation_split": validation_split, "callbacks": [best], "verbose": 2}
    model, history = example.train_example(arrays, epochs=epochs, seed=SEED, **options)
    model.save(work / "last.keras")
    sources = multi_reference(pairs)
    shown = {
        "training": sources[sources["split"] == "train"].sample(NUM_LEARNED, random_state=0).sort_index(),
        "test": sources[sources["split"] == "test"],
    }
    best_model = example.build_seq2seq(
        num_source_tokens=len(arrays.source_characters),
        num_target_tokens=len(arrays.target_characters),
        latent_dim=256,
    )
    best_model.set_weights(keras.models.load_model(work / "best.keras", compile=False).get_weights())
    models = {"last epoch": model, "least validation loss": best_model}
    scores: Record = {label: {} for label in [*models, "nearest training source"]}
    translations: list[Record] = []
    for part, rows in shown.items():
        texts = {
            label: example.ExampleTranslator.of(one, arrays).translate(list(rows["source"]))
            for label, one in models.items()
        }
        texts["nearest training source"] = metrics.nearest_source_translation(learned, rows["source"])
        for label, translated in texts.items():
            scores[label][part] = scores_of(translated, list(rows["references"]))
        for i, row in enumerate(rows.itertuples()):
            kept = {
                label: translated[i]
                for label, translated in texts.items()
                if label != "least validation loss"
            }
            translations.append({"part": part, "source": row.source, "references": row.references, **kept})
    return {
        "corpus": "sample",
        "num_samples": len(pairs),
        "num_train": len(learned),
        "parameters": model.count_params(),
        "batch_size": 64,
        "epochs": epochs,
        "seed": SEED,
        "wall_seconds": round(sum(history["wall_seconds"]), 1),
        "cpu_seconds": round(sum(history["cpu_seconds"]), 1),
        "history": history,
        "scores": scores,
        "translations": translations,
    }


# ---- from the example's recipe to ours, one change a row ----
def recipe_row(name: str, *, epochs: int = EPOCHS, num_samples: int = NUM_SAMPLES) -> Record:
    """Train one row; each row makes the changes of all rows before it, and one more."""
    place = list(CHANGES).index(name)
    changed = set(list(CHANGES)[: place + 1])
    pairs = split_pairs(load_pairs("sample", num_samples=num_samples))
    parts = {part: pairs[pairs["split"] == part] for part in ("train", "validation")}
    test = multi_reference(pairs[pairs["split"] == "test"])
    longest = int(parts["train"]["target"].str.len().max())
    if name == "the example's recipe":
        arrays, validation_split = example_arrays(pairs, known_only=True)
        options: dict[str, Any] = {"latent_dim": LATENT_DIM, "validation_split": validation_split}
        model, history = example.train_example(arrays, epochs=epochs, seed=SEED, **options)
        translate: Translate = example.ExampleTranslator.of(model, arrays).translate
    else:
        source, target = (CharVocabulary.from_texts(parts["train"][side]) for side in ("source", "target"))
        model, history = fit_on_ids(changed, parts, source, target, epochs)
        greedy = GreedyDecoder(model, start_id=START, end_id=END, max_length=longest + 1)
        translate = partial(translate_with, greedy, source, target)
    start = time.monotonic()
    scores = scores_of(translate(list(test["source"])), list(test["references"]))
    return {
        "changes": place,
        "parameters": model.count_params(),
        "epochs": epochs,
        "num_train": len(parts["train"]),
        "wall_seconds": round(sum(history["wall_seconds"]), 1),
        "cpu_seconds": round(sum(history["cpu_seconds"]), 1),
        "seconds_to_translate": round(time.monotonic() - start, 1),
        "scores": scores,
    }


def fit_on_ids(
    changed: set[str],
    parts: Mapping[str, pd.DataFrame],
    source: CharVocabulary,
    target: CharVocabulary,
    epochs: int,
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Fit a model on ids with the changes made so far; return it and its history."""
    keras.utils.set_random_seed(SEED)
    build = build_attention_seq2seq if "attention" in changed else build_embedding_seq2seq
    model = build(
        num_source_tokens=len(source), num_target_tokens=len(target), latent_dim=LATENT_DIM, embedding_dim=32
    )
    steps = -(-len(parts["train"]) // 64) * epochs
    if "a learning rate that rises and falls" in changed:
        compile_for_ids(model, Recipe(epochs=epochs, latent_dim=LATENT_DIM, batch_size=64), steps=steps)
    else:
        optimizer = keras.optimizers.Adam() if "Adam" in changed else keras.optimizers.RMSprop()
        model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    fed: dict[str, Any] = {}
    for name, part in parts.items():
        texts = part["source"], part["target"]
        if "batches of like length" in changed:
            shuffle = name == "train"
            fed[name] = BucketedBatches(*texts, source, target, batch_size=64, seed=SEED, shuffle=shuffle)
        else:
            ids = id_arrays(*texts, source, target)
            real = ids.decoder_target != 0 if "padding not counted" in changed else ids.decoder_target >= 0
            fed[name] = list(ids[:2]), ids.decoder_target, real.astype("float32")
    if isinstance(fed["train"], tuple):
        x, y, weights = fed["train"]
        training: Record = {"x": x, "y": y, "sample_weight": weights, "batch_size": 64}
    else:
        training = {"x": fed["train"]}
    options: Record = {"epochs": epochs, "callbacks": [EpochClock()], "verbose": 0}
    return model, model.fit(**training, validation_data=fed["validation"], **options).history


CHANGES = {
    "the example's recipe": "one-hot rows, padding counted, RMSprop, no schedule, random batches",
    "ids and embeddings": "a look-up in place of one-hot rows",
    "padding not counted": "loss over real characters only",
    "Adam": "in place of RMSprop",
    "a learning rate that rises and falls": "warm-up, then a cosine down to zero, and clipped gradients",
    "batches of like length": "in place of one width for all",
    "attention": "an encoder that reads both ways, and a decoder that looks back",
}


def translate_with(
    greedy: GreedyDecoder, source: CharVocabulary, target: CharVocabulary, texts: Sequence[str]
) -> list[str]:
    """Translate greedily with a bare model."""
    ids = id_arrays(texts, texts, source, source).encoder_input
    return [target.decode(row) for row in greedy.predict(ids, batch_size=256, verbose=0)]


# ---- the price of a leak ----
def leak_row(seed: int, *, leaky: bool, epochs: int = EPOCHS, num_samples: int = NUM_SAMPLES) -> Record:
    """Train on the training split, with or without one version of each test source that has several.

    Both training sets have one size: where versions of test sources come in, as many other pairs go out.
    """
    pairs = split_pairs(load_pairs("sample", num_samples=num_samples))
    test = multi_reference(pairs[pairs["split"] == "test"])
    several = test["references"].str.len() > 1
    known = pairs[(pairs["split"] == "test") & pairs["source"].isin(test.loc[several, "source"])]
    known = known.drop_duplicates("source")  # one version of each
    learned = pairs[pairs["split"] == "train"]
    if leaky:
        learned = pd.concat([learned.sample(len(learned) - len(known), random_state=0), known]).sort_index()
    rows = pd.concat([learned.assign(split="train"), pairs[pairs["split"] == "validation"]])
    trained = train(rows, Recipe(corpus="sample", epochs=epochs, seed=seed), progress=False)
    longest = int(learned["target"].str.len().max())
    texts = np.array(translator_of(trained, max_target_length=longest).translate(list(test["source"])))
    groups = {"all": several | ~several, "several versions": several, "one version": ~several}
    return {
        "seed": seed,
        "leaky": leaky,
        "num_train": len(learned),
        "cpu_seconds": round(sum(trained.record["history"]["cpu_seconds"]), 1),
        "scores": {
            name: scores_of(texts[rows.to_numpy()].tolist(), list(test.loc[rows, "references"]))
            for name, rows in groups.items()
        },
    }


# ---- seeds ----
def seed_row(seed: int, *, epochs: int = EPOCHS, num_samples: int = NUM_SAMPLES) -> Record:
    """Train the demonstration with one seed, and score it."""
    pairs = split_pairs(load_pairs("sample", num_samples=num_samples))
    test = multi_reference(pairs[pairs["split"] == "test"])
    trained = train(
        pairs, Recipe(corpus="sample", num_samples=num_samples, epochs=epochs, seed=seed), progress=False
    )
    longest = int(pairs.loc[pairs["split"] == "train", "target"].str.len().max())
    texts = translator_of(trained, max_target_length=longest).translate(list(test["source"]))
    history = trained.record["history"]
    spent = {name: round(sum(history[name]), 1) for name in ("wall_seconds", "cpu_seconds")}
    return {
        "seed": seed,
        "backend": keras.backend.backend(),
        **spent,
        "scores": scores_of(texts, list(test["references"])),
    }


# ---- the running sentence while the model learns ----
def trace_sample(*, epochs: int = EPOCHS, num_samples: int = NUM_SAMPLES) -> Record:
    """Train the demonstration; return text, attention and losses of the running sentence after each epoch."""
    pairs = split_pairs(load_pairs("sample", num_samples=num_samples))
    source, target = running_pair(pairs)
    traced: list[Record] = []

    def trace(trained: Trained) -> float:
        translator = translator_of(trained, max_target_length=2 * len(target))
        (text,) = translator.translate([source])
        ids = id_arrays([source], [text], translator.source_vocabulary, translator.target_vocabulary)
        looks = keras.Model(trained.model.inputs, attention_of(trained.model))
        traced.append(
            {"text": text, "attention": np.round(looks.predict_on_batch(list(ids[:2]))[0], 3).tolist()}
        )
        return 0.0

    recipe = Recipe(corpus="sample", num_samples=num_samples, epochs=epochs, seed=SEED)
    history = train(pairs, recipe, score=trace, progress=False).record["history"]
    for i, row in enumerate(traced):
        row |= {"loss": history["real_loss"][i], "val_loss": history["val_real_loss"][i]}
    return {"source": source, "target": target, "epochs": traced}


def attention_of(model: keras.Model) -> Any:
    """Return the attention weights of a model as a tensor of its graph, ``(batch, target, source)``."""
    layer = model.get_layer("attention")
    queries, values = layer.input[:2]
    scores = keras.ops.matmul(queries, keras.ops.transpose(values, (0, 2, 1)))
    return keras.ops.softmax(scores, axis=-1)


# ---- what a notebook costs ----
LAST_CELL = """\
import json, time
from s2s_lib.records import peak_memory_mb
print(json.dumps([time.process_time(), peak_memory_mb()]))"""


def notebook_row(path: Path) -> Record:
    """Run a notebook alone at its defaults; return seconds, CPU seconds and peak memory of its kernel."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(LAST_CELL))
    with tempfile.TemporaryDirectory(prefix="s2s-cost-") as name:
        notebooks.set_kernel_environment(Path(name, "cache"))
        nbformat.write(notebook, copy := Path(name, path.name))
        start = time.monotonic()
        executed = notebooks.execute(copy, None, {}, Path(name))
        seconds = time.monotonic() - start
    cpu_seconds, memory = json.loads(executed.cells[-1].outputs[0].text)
    return {"seconds": round(seconds, 1), "cpu_seconds": round(cpu_seconds, 1), "peak_memory_mb": memory}


STUDIES: dict[str, tuple[str, dict[str, Callable[[], Record]]]] = {
    "recipes_sample": (
        "from the example's recipe to ours, one change a row, on the same pairs of the sample",
        {name: partial(recipe_row, name) for name in CHANGES},
    ),
    "leak_sample": (
        "one model, trained with and without other versions of test sources, scored on all test sources",
        {
            f"{'leaky' if leaky else 'clean'}, seed {seed}": partial(leak_row, seed, leaky=leaky)
            for seed in (1, 2, 3)
            for leaky in (False, True)
        },
    ),
    "seeds_sample": (
        "the demonstration trained with ten seeds on two backends",
        {f"{backend}, seed {n}": partial(seed_row, n) for backend in BACKENDS for n in range(1, 11)},
    ),
    "notebooks": (
        "what the kernel of each notebook takes at the defaults, one notebook after the other",
        {path.stem: partial(notebook_row, path) for path in notebooks.numbered(notebooks.COURSE)},
    ),
}


def main(arguments: list[str] | None = None) -> None:
    """Make the record that the command line names."""
    parser = command_line(__doc__)
    parser.add_argument("what", choices=["example_sample", "trace_sample", *STUDIES])
    parser.add_argument("--work", type=Path, help="folder of weights (example_sample)")
    parser.add_argument("--records", type=Path, default=RECORDS, help="folder of the records")
    options = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    head: Record = {"command": f"python -m tools.studies {options.what}"}
    file = options.records / f"{options.what}.json"
    if options.what == "example_sample":
        if not options.work:
            parser.error("say --work DIR, where example_sample keeps weights")
        options.work.mkdir(parents=True, exist_ok=True)
        what = "the Keras example's recipe on the bundled sample, with its translations"
        record = example_sample(options.work)
        head = {"what": what, "command": f"{head['command']} --work DIR"} | record | records.environment()
        records.write_json(head | {"peak_memory_mb": records.peak_memory_mb()}, file)
    elif options.what == "trace_sample":
        head = {"what": "the running sentence after each epoch of the demonstration"} | head
        records.write_json(head | trace_sample() | records.environment(), file)
    else:
        what, makers = STUDIES[options.what]
        there = json.loads(file.read_text(encoding="utf-8"))["rows"] if file.exists() else {}
        other = [backend for backend in BACKENDS if backend != keras.backend.backend()]
        only = [name for name in makers if name not in there and name.partition(",")[0] not in other]
        record_rows(file, {"what": what} | head | records.environment(), makers, only)


if __name__ == "__main__":
    main()
