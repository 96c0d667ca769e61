"""Cut the shipped translator's errors on the frozen test set and write the record that notebook 06 draws.

    python tools/record_errors.py

Some five CPU minutes. Numbers only, no sentence of the corpus. What takes long is done on a part of the test
set, drawn with a fixed seed; the record says which. ``--marks-only`` writes just the other record, which says
of each sentence of the challenge set whether training has shown it.
"""

import argparse
import hashlib
import sys
from importlib import resources
from pathlib import Path

import numpy as np

from s2s_lib import Translator, analysis, id_arrays, load_pairs, metrics, records, split_hash, split_pairs
from s2s_lib.challenge import MEMBERS, judge_challenge, load_challenge, score_challenge
from s2s_lib.exposure import bits_per_character, exposure_bias
from s2s_lib.vocabulary import fold_typography

RECORDS = Path(__file__).resolve().parent.parent / "s2s_lib" / "records"
SEED = 0
NUM_DECODED, NUM_NEAREST, NUM_EXPOSED = 3_000, 500, 2_000
LENGTH_EDGES = [0, 15, 20, 25, 30, 40, 400]
LEAST_REACHING = 50  # targets that reach a position of the exposure table


def record_errors(limit, *, num_exposed=NUM_EXPOSED):
    """Return the record: errors of the first ``limit`` of the shuffled test sources, and the rest."""
    translator = Translator.load("fra-eng")
    pairs = split_pairs(load_pairs("fra-eng"))
    train = pairs[pairs["split"] == "train"]
    test = analysis.multi_reference(pairs[pairs["split"] == "test"])
    test = test.sample(frac=1, random_state=SEED)
    decoded, near = test[:limit], test[: min(limit, NUM_NEAREST)]
    table = analysis.error_table(
        decoded["source"], translator.translate(list(decoded["source"])), decoded["references"]
    )
    novelty = analysis.novelty(decoded["source"], train)
    return {
        "what": "errors of the shipped translator on the frozen test set, cut by length, novelty, kind, "
        "position, phenomenon; numbers only",
        "command": " ".join(["python", "tools/record_errors.py", *sys.argv[1:]]),
        "note": f"Length, novelty, kinds of failure: {len(decoded)} of {len(test)} test sources, drawn with"
        f" seed {SEED}, decoded as the translator does by default. The two nearest-neighbour searches (share"
        f" copied from training, nearest training source): {len(near)} of those. Exposure: greedy decoding.",
        "digest": translator.config["record"]["digest"],
        "split_hash": split_hash(pairs),
        "decoding": {name: translator.config[name] for name in ("beam_width", "length_power")},
        "seed": SEED,
        "n_test": len(test),
        "n_decoded": len(decoded),
        "by_length": rows(analysis.by_length(table, LENGTH_EDGES)),
        "by_novelty": rows(analysis.by_novelty(table, novelty)),
        "by_number_of_references": rows(
            analysis.score_by(table, np.minimum(decoded["references"].str.len(), 5).to_numpy())
        ),
        "failure_kinds": shares(analysis.failure_kinds(table)),
        "copied_from_training": copied(table[: len(near)], train),
        "baselines": baselines(test, near, train),
        **by_position(translator, pairs[pairs["split"] == "test"], num_exposed, limit),
        **by_phenomenon(translator, train),
        **records.environment(),
        "peak_memory_mb": records.peak_memory_mb(),
    }


def rows(table):
    """Return a DataFrame as JSON values, shares to four digits."""
    return table.round(4).to_dict("records")


def share(hits):
    """Return a share with n and its 95 % interval."""
    low, high = analysis.wilson_interval(np.sum(hits), len(hits))
    found = {"share": np.mean(hits), "low": low, "high": high}
    return {name: round(float(value), 4) for name, value in found.items()} | {"n": len(hits)}


def shares(kinds):
    """Return the share of each category."""
    return {name: share((kinds == name).to_numpy()) for name in kinds.cat.categories}


def copied(table, train):
    """Return how often a translation stands in training as it is: of all, of wrong and of right ones."""
    copies = (analysis.nearest_training_target(table["hypothesis"], train)["edits"] == 0).to_numpy()
    exact = table["exact"].to_numpy()
    found = {"all": copies, "wrong": copies[~exact], "right": copies[exact]}
    return {name: share(flags) for name, flags in found.items() if len(flags)}


def baselines(test, near, train):
    """Return the scores of three translators that know nothing."""
    said = {
        "copy the source": (test, metrics.copy_source(test["source"])),
        "most frequent target": (test, metrics.most_frequent_target(train, test["source"])),
        "nearest training source": (near, metrics.nearest_source_translation(train, near["source"])),
    }
    found = {}
    for name, (part, texts) in said.items():
        scores = metrics.evaluate(texts, part["references"])
        found[name] = {kind: scores[kind]._asdict() for kind in ("exact", "cer", "chrf", "bleu")}
    return found


def by_position(translator, pairs, num_exposed, limit):
    """Return bits per character over the test pairs, and the exposure table of some of them."""
    if translator.config.get("fold_typography"):
        pairs = pairs.assign(source=pairs["source"].map(fold_typography))
        pairs = pairs.assign(target=pairs["target"].map(fold_typography))
    vocabularies = translator.source_vocabulary, translator.target_vocabulary
    pairs = pairs.sample(frac=1, random_state=SEED)
    measured = pairs if limit >= NUM_DECODED else pairs[:limit]
    bits = bits_per_character(
        translator.model, id_arrays(measured["source"], measured["target"], *vocabularies)
    )
    part = pairs[: min(num_exposed, len(measured))]
    arrays = id_arrays(part["source"], part["target"], *vocabularies)
    table = exposure_bias(translator.model, translator.decoder(1), arrays)
    return {
        "bits_per_character": {**bits._asdict(), "n_pairs": len(measured)},
        "n_exposure_pairs": len(part),
        "exposure": rows(table[table["n"] >= min(LEAST_REACHING, len(part))]),
    }


def marks(train):
    """Return for each member of the challenge set whether training has shown its English sentence."""
    challenge = load_challenge()
    return {
        f"seen_{member}": analysis.novelty(challenge[f"source_{member}"], train)["seen_source"].tolist()
        for member in MEMBERS
    }


def by_phenomenon(translator, train):
    """Return the scores of the challenge set, and the share of its sentences right, seen and novel."""
    challenge, seen = load_challenge(), marks(train)
    sources = [*challenge["source_a"], *challenge["source_b"]]
    said = dict(zip(sources, translator.translate(sources), strict=True))

    def translate(texts):
        return [said[text] for text in texts]

    judged = judge_challenge(translate, challenge)
    right = np.concatenate([judged[f"right_{member}"].to_numpy() for member in MEMBERS])
    shown = np.concatenate([seen[f"seen_{member}"] for member in MEMBERS])
    groups = {"seen in training": right[shown], "novel": right[~shown]}
    return {
        "challenge": rows(score_challenge(translate, challenge)),
        "challenge_by_mark": {name: share(flags) for name, flags in groups.items() if len(flags)},
    }


def record_marks():
    """Return the record of what training has shown of the challenge set; it hangs on no weights."""
    pairs = split_pairs(load_pairs("fra-eng"))
    challenge = resources.files("s2s_lib").joinpath("data", "challenge.tsv").read_bytes()
    return {
        "what": "whether the real corpus' training pairs hold the English of each member of the challenge "
        "set, case and punctuation set aside; in the order of its rows",
        "command": "python tools/record_errors.py --marks-only",
        "challenge_sha256": hashlib.sha256(challenge).hexdigest(),
        "split_hash": split_hash(pairs),
        **marks(pairs[pairs["split"] == "train"]),
        **records.environment(),
    }


def main():
    """Read the command line, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--limit", type=int, default=NUM_DECODED, help="test sources to decode")
    parser.add_argument("--marks-only", action="store_true", help="write challenge_fra-eng.json only")
    parser.add_argument("--folder", type=Path, default=RECORDS, help="where the records go")
    options = parser.parse_args()
    records.write_json(record_marks(), options.folder / "challenge_fra-eng.json")
    if not options.marks_only:
        record = record_errors(options.limit)
        records.write_json(record, options.folder / "errors_fra-eng.json")
        print({name: record[name] for name in ("bits_per_character", "failure_kinds", "challenge")})


if __name__ == "__main__":
    main()
