"""Train on the real corpus' full training split; put translator and record into the package.

    KERAS_BACKEND=torch python tools/ship_fra_eng.py train --work /tmp/fra-eng
    python tools/ship_fra_eng.py ship --work /tmp/fra-eng

The first takes hours on two cores; with PyTorch installed (``pip install torch``) it runs on the fused LSTM,
else leave ``KERAS_BACKEND`` out. The work folder, outside the checkout, keeps a checkpoint after each epoch:
the same command goes on from there. The best epoch is chosen on validation sources. The second chooses how to
decode on validation sources, and scores the test set once. ``python tools/render_results.py`` then writes the
model card.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from s2s_lib import Recipe, Translator, load_pairs, multi_reference, records, split_hash, split_pairs
from s2s_lib.evaluate import score
from s2s_lib.metrics import bleu, chrf
from s2s_lib.training import train

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))  # a program started by its path finds only what stands beside it

from tools.fused_lstm import fused_lstm  # noqa: E402

PACKAGE = ROOT / "s2s_lib"
RECIPE = Recipe(
    corpus="fra-eng", model="attention", latent_dim=512, embedding_dim=64, dropout=0.3, batch_size=128,
    epochs=20, learning_rate=2e-3, warmup=0.04, precision="mixed_bfloat16", max_length=70,
    fold_typography=True, seed=1,
)  # fmt: skip
LIMITS = {"max_source_length": 200, "max_target_length": 250, "fold_typography": True}
NUM_VALIDATION_SOURCES = 500
BEAMS = [{"beam_width": 1, "length_power": 1.0}] + [
    {"beam_width": width, "length_power": power}
    for width, power in ((4, 1.0), (8, 1.0), (8, 1.3), (12, 1.0), (12, 1.15))
]


def translator_of(trained, **config):
    """Return the translator of a fitted model."""
    return Translator(*trained[:3], LIMITS | config | {"record": trained.record})


def validation_sources(pairs):
    """Return the validation sources that a model is chosen on, with their references."""
    table = multi_reference(pairs[pairs["split"] == "validation"])
    return table.sample(NUM_VALIDATION_SOURCES, random_state=0)


def chrf_on(table, translate):
    """Return the chrF of what ``translate`` makes of the sources of ``table``."""
    return chrf(translate(list(table["source"])), list(table["references"])).score


def fit(pairs, work):
    """Train, the best epoch by greedy chrF on validation sources; keep the translator in ``work``."""
    table, kept = validation_sources(pairs), {}

    def score_epoch(trained):
        if not kept:
            kept["translate"] = translator_of(trained).translate  # compiled once, for all epochs
        return chrf_on(table, kept["translate"])

    with fused_lstm():
        trained = train(pairs, RECIPE, checkpoint=work / "checkpoint.npz", score=score_epoch)
    translator_of(trained).save(work / "trained.s2s")


def ship(pairs, work, *, package=PACKAGE, note=""):
    """Choose how to decode on validation sources, score the test set, write bundle and record."""
    translator = Translator.load(work / "trained.s2s")
    trained, table, tried = translator.config, validation_sources(pairs), []
    for config in BEAMS:
        candidate = Translator(
            translator.model, translator.source_vocabulary, translator.target_vocabulary, trained | config
        )
        translations = candidate.translate(list(table["source"]))
        found = {
            metric.__name__: round(metric(translations, list(table["references"])).score, 2)
            for metric in (chrf, bleu)
        }
        tried.append(config | found)
        print(json.dumps(tried[-1]), flush=True)
    best = max(tried, key=lambda config: config["chrf"] + config["bleu"])
    decoding = {name: best[name] for name in BEAMS[0]}
    translator.config.update(decoding)
    shipped = package / "data" / "fra-eng.s2s"
    translator.save(shipped, half_precision=True)
    translator = Translator.load(shipped)  # what ships, half precision and all, is what is scored
    test = multi_reference(pairs[pairs["split"] == "test"])
    scores, seconds = {}, {}
    for name, width in (("greedy", 1), ("beam", decoding["beam_width"])):
        started = time.perf_counter()
        translations = translator.translate(list(test["source"]), beam_width=width)
        seconds[name] = round(time.perf_counter() - started, 1)
        scores[name] = score(translations, list(test["references"]), split_hash=split_hash(pairs))
    record = {
        "what": "attention, full training split, scored on the frozen test set: unique sources, all versions",
        "command": f"python tools/ship_fra_eng.py train --work {work}, then ship",
        **({"note": note} if note else {}),
        **trained["record"],
        **LIMITS,
        "decoding": decoding,
        "decodings_tried_on_validation": tried,
        "test_seconds": seconds,
        "scores": scores,
    }
    records.write_json(record, package / "records" / "fra-eng.json")
    return scores


def main(arguments=None):
    """Train, or ship what was trained."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["train", "ship"])
    parser.add_argument(
        "--work", type=Path, required=True, help="folder of the checkpoint, outside the checkout"
    )
    parser.add_argument("--note", default="", help="what else the record shall say of the training")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    pairs = split_pairs(load_pairs(RECIPE.corpus))
    if options.what == "train":
        fit(pairs, options.work)
    else:
        print(ship(pairs, options.work, note=options.note))


if __name__ == "__main__":
    main()
