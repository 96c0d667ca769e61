"""Train the famous example's own recipe on real pairs and write the record that notebook 04 draws.

    python tools/record_example.py --epochs 100 --work /tmp/example

About half an hour on two cores. Weights go to the work folder, the record into the package.
"""

import argparse
import sys
from pathlib import Path

import keras

from s2s_lib import load_pairs, records
from s2s_lib.decoding import GreedyDecoder
from s2s_lib.example import train_example
from s2s_lib.metrics import evaluate
from s2s_lib.vectorization import TARGET_END, TARGET_START, one_hot_arrays


def record_example(*, corpus, num_samples, epochs, seed, work):
    """Train, leave the weights in ``work``, return the record."""
    pairs = load_pairs(corpus, num_samples=num_samples)
    arrays = one_hot_arrays(pairs["source"], pairs["target"])
    callbacks = [
        keras.callbacks.CSVLogger(work / "history.csv"),
        keras.callbacks.ModelCheckpoint(work / "best.keras", save_best_only=True),
    ]
    model, history = train_example(arrays, epochs=epochs, seed=seed, callbacks=callbacks, verbose=2)
    model.save(work / "last.keras")
    best = keras.saving.load_model(work / "best.keras", compile=False)
    return {
        "what": "the Keras example: one-hot characters, RMSprop, batch 64, the file's tail as validation",
        "command": "python tools/record_example.py " + " ".join(sys.argv[1:]),
        "corpus": corpus,
        "num_samples": len(pairs),
        "num_source_tokens": len(arrays.source_characters),
        "num_target_tokens": len(arrays.target_characters),
        "source_timesteps": arrays.encoder_input.shape[1],
        "target_timesteps": arrays.decoder_input.shape[1],
        "parameters": model.count_params(),
        "batch_size": 64,
        "validation_split": 0.2,
        "epochs": epochs,
        "seed": seed,
        **records.environment(),
        "wall_seconds": round(sum(history["wall_seconds"]), 1),
        "cpu_seconds": round(sum(history["cpu_seconds"]), 1),
        "peak_memory_mb": records.peak_memory_mb(),
        "history": history,
        "scores": {
            "last epoch": scores(model, arrays, pairs),
            "least validation loss": scores(best, arrays, pairs),
        },
    }


def scores(model, arrays, pairs):
    """Score greedy translations of 500 sources the model was trained on, and of the tail's that it never saw.

    References are all French versions of a source among ``pairs``.
    """
    cut = len(pairs) - int(0.2 * len(pairs))
    trained, versions = set(pairs["source"][:cut]), pairs.groupby("source")["target"].agg(list)
    tail = pairs["source"][cut:].drop_duplicates()
    groups = {
        "training": pairs["source"][:cut].drop_duplicates().sample(500, random_state=0),
        "tail": tail[~tail.isin(trained)],
    }
    end_index = arrays.target_characters.index(TARGET_END)
    decoder = GreedyDecoder(
        model,
        start_id=arrays.target_characters.index(TARGET_START),
        end_id=end_index,
        max_length=arrays.decoder_input.shape[1],
    )
    report = {}
    for name, sources in groups.items():
        ids = decoder.predict(arrays.encoder_input[sources.index].argmax(axis=-1), batch_size=128, verbose=0)
        texts = ["".join(arrays.target_characters[i] for i in row if i != end_index) for row in ids]
        found = evaluate(texts, list(versions[sources]))
        report[name] = {key: value._asdict() for key, value in found.items() if key != "signature"}
    return report | {"signature": found["signature"]}


def main():
    """Read the command line, train, write the record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", default="fra-eng")
    parser.add_argument("--num-samples", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, required=True, help="folder for weights, outside the checkout")
    parser.add_argument("--record", type=Path, default=Path("s2s_lib/records/example_10000.json"))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    record = record_example(
        corpus=options.corpus,
        num_samples=options.num_samples,
        epochs=options.epochs,
        seed=options.seed,
        work=options.work,
    )
    records.write_json(record, options.record)


if __name__ == "__main__":
    main()
