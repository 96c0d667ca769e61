"""Train on the real corpus' full training split and put translator and record into the package.

    python tools/ship_fra_eng.py --work /tmp/fra-eng

Hours on two cores. The work folder, outside the checkout, keeps a checkpoint after each epoch; the same
command goes on from there. The best epoch is chosen on validation sources; the test set is scored once, at
the end. ``python tools/render_results.py`` then writes the model card.
"""

import argparse
import sys
import time
from pathlib import Path

from s2s_lib import Recipe, Translator, load_pairs, multi_reference, records, split_hash, split_pairs
from s2s_lib.evaluate import score
from s2s_lib.metrics import chrf
from s2s_lib.training import train

PACKAGE = Path(__file__).resolve().parent.parent / "s2s_lib"
RECIPE = Recipe(
    corpus="fra-eng", model="attention", latent_dim=384, embedding_dim=64, dropout=0.1, batch_size=128,
    epochs=8, learning_rate=2e-3, warmup=0.04, precision="mixed_bfloat16", max_length=60,
    fold_typography=True, seed=1,
)  # fmt: skip
LIMITS = {"max_source_length": 200, "max_target_length": 250, "fold_typography": True}
NUM_VALIDATION_SOURCES = 500
BEAMS = [{"beam_width": width, "length_power": power} for width in (1, 4) for power in (0.7, 1.0)][1:]


def translator_of(trained, **config):
    """Return the translator of a fitted model."""
    return Translator(*trained[:3], LIMITS | config | {"record": trained.record})


def validation_score(pairs):
    """Return a function that scores a fitted model by chrF on validation sources, greedily."""
    table = multi_reference(pairs[pairs["split"] == "validation"])
    table = table.sample(NUM_VALIDATION_SOURCES, random_state=0)
    kept = {}

    def chrf_of(trained, **config):
        if not kept or config:
            kept["translator"] = translator_of(trained, **config)
        translations = kept["translator"].translate(list(table["source"]))
        return chrf(translations, list(table["references"])).score

    return chrf_of


def ship(pairs, trained, validate, *, command, note=""):
    """Choose how to decode on validation, score the test set, write bundle and record."""
    tried = [config | {"chrf": round(validate(trained, **config), 2)} for config in BEAMS]
    best = max(tried, key=lambda config: config["chrf"])
    config = {name: best[name] for name in ("beam_width", "length_power")}
    translator_of(trained, **config).save(PACKAGE / "data" / "fra-eng.s2s", half_precision=True)
    translator = Translator.load("fra-eng")  # what ships, half precision and all, is what is scored
    test = multi_reference(pairs[pairs["split"] == "test"])
    scores, seconds = {}, {}
    for name, width in (("greedy", 1), ("beam", config["beam_width"])):
        started = time.perf_counter()
        translations = translator.translate(list(test["source"]), beam_width=width)
        seconds[name] = round(time.perf_counter() - started, 1)
        scores[name] = score(translations, list(test["references"]), split_hash=split_hash(pairs))
    record = {
        "what": "attention, full training split, scored on the frozen test set: unique sources, all versions",
        "command": command,
        **({"note": note} if note else {}),
        **trained.record,
        **LIMITS,
        "decoding": config,
        "decodings_tried_on_validation": tried,
        "test_seconds": seconds,
        "scores": scores,
    }
    records.write_json(record, PACKAGE / "records" / "fra-eng.json")
    return record


def main():
    """Train, then ship."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--work", type=Path, required=True, help="folder of the checkpoint, outside the checkout"
    )
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    pairs = split_pairs(load_pairs(RECIPE.corpus))
    validate = validation_score(pairs)
    trained = train(pairs, RECIPE, checkpoint=options.work / "checkpoint.npz", score=validate)
    record = ship(
        pairs, trained, validate, command=" ".join(["python", "tools/ship_fra_eng.py", *sys.argv[1:]])
    )
    print(record["scores"])


if __name__ == "__main__":
    main()
