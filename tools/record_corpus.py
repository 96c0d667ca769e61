"""Count the real corpus and write the record that notebooks 01 and 02 show beside the sample: no rows.

    python tools/record_corpus.py

Less than a minute, and 1.5 GB of memory. The corpus comes from ``S2S_DATA_DIR``, or is downloaded.
"""

import argparse
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np

from s2s_lib import (
    BucketedBatches,
    CharVocabulary,
    components,
    id_arrays,
    load_pairs,
    normalize_sentence,
    one_hot_arrays,
    records,
    split_pairs,
)
from s2s_lib.corpus import PINNED_RELEASE, PINNED_SHA256
from s2s_lib.vectorization import TARGET_END, TARGET_START

HELD_OUT = 0.2  # share of the pairs that the example's validation_split takes
BLANKS_AND_APOSTROPHES = " \u00a0\u2009\u202f'\u2019"
PUBLISHED = {  # what the Keras example's own page prints, of a later release
    "pairs": 10_000,
    "source_characters": 70,
    "target_characters": 93,
    "longest_source": 14,
    "longest_target": 59,
}
FLOAT32, INT32 = 4, 4  # bytes


def record_corpus(*, corpus, num_samples):
    """Return the record of a corpus: counted whole, and its first ``num_samples`` lines."""
    return {
        "what": "counts of the real corpus, whole and of its first lines; no sentence stands here",
        "command": " ".join(["python tools/record_corpus.py", *sys.argv[1:]]),
        "corpus": corpus,
        "release": PINNED_RELEASE,
        "sha256": PINNED_SHA256,
        "full": counts(load_pairs(corpus)),
        f"first_{num_samples}": counts(load_pairs(corpus, num_samples=num_samples), check_arrays=True),
        "published": PUBLISHED,
        **records.environment(),
        "peak_memory_mb": records.peak_memory_mb(),
    }


def counts(pairs, *, check_arrays=False):
    """Count sentence pairs: lengths, characters, repeats, leaks, padding, memory.

    Parameters
    ----------
    pairs : pandas.DataFrame
    check_arrays : bool
        Also build the one-hot arrays and compare: small corpora only.
    """
    sources, targets = pairs["source"], pairs["target"]
    source_characters, target_characters = set().union(*sources), set().union(*targets)
    framed = len({TARGET_START, TARGET_END} | target_characters)
    longest_source, longest_framed = int(sources.str.len().max()), int(targets.str.len().max()) + 2
    component = np.bincount(components(pairs))
    versions = sources.value_counts()
    found = {
        "pairs": len(pairs),
        "distinct_pairs": len(pairs[["source", "target"]].drop_duplicates()),
        "unique_sources": int(sources.nunique()),
        "unique_targets": int(targets.nunique()),
        "source_characters": len(source_characters),
        "target_characters": framed,
        "longest_source": longest_source,
        "longest_target": longest_framed,
        "as_the_example_counts": "target_characters and longest_target count the tab and the newline",
        "source_lengths": np.bincount(sources.str.len()).tolist(),
        "target_lengths": np.bincount(targets.str.len()).tolist(),
        "blanks_and_apostrophes": {
            side: {
                unicodedata.name(sign): int(pairs[side].str.count(sign).sum())
                for sign in BLANKS_AND_APOSTROPHES
            }
            for side in ("source", "target")
        },
        "target_characters_seen_below_10_times": sum(n < 10 for n in Counter("".join(targets)).values()),
        "not_nfc": sum(unicodedata.normalize("NFC", text) != text for text in [*sources, *targets]),
        "translations_per_source": {str(k): int(n) for k, n in versions.value_counts().sort_index().items()},
        "components": {"number": len(component), "largest": int(component.max())},
        "leaks": leaks(pairs),
        "tail_mean_source_length": mean_lengths(pairs),
        "padding": padding(pairs, longest_source=longest_source, longest_framed=longest_framed),
        "memory": memory(pairs, longest_source, longest_framed, len(source_characters | {" "}), framed),
    }
    if check_arrays:
        arrays = one_hot_arrays(sources, targets)
        one_hot = arrays.encoder_input, arrays.decoder_input, arrays.decoder_target
        assert sum(array.nbytes for array in one_hot) == found["memory"]["one_hot_float32_bytes"]
        vocabularies = CharVocabulary.from_texts(sources), CharVocabulary.from_texts(targets)
        ids = id_arrays(sources, targets, *vocabularies)
        assert sum(array.nbytes for array in ids) == found["memory"]["padded_ids_int32_bytes"]
        used = np.count_nonzero(ids.decoder_target)  # ids stop at the end mark, one timestep earlier
        assert round(1 - used / (len(pairs) * longest_framed), 5) == found["padding"]["decoder_target"]
    return found


def leaks(pairs):
    """Return how much of the held-out fifth stands in training, for three ways to hold it out.

    A held-out pair leaks if its source, or its target, is that of a training pair; ``plain`` compares
    normalized sentences. The component split holds out validation and test together.
    """
    size = int(HELD_OUT * len(pairs))
    drawn = pairs.index.isin(pairs.sample(size, random_state=0).index)
    splits = {
        "random": drawn,
        "tail": np.arange(len(pairs)) >= len(pairs) - size,
        "components": (split_pairs(pairs)["split"] != "train").to_numpy(),
    }
    found = {}
    for name, held_out in splits.items():
        source, target = (seen(pairs[side], held_out) for side in ("source", "target"))
        plain = [seen(pairs[side].map(normalize_sentence), held_out) for side in ("source", "target")]
        found[name] = {
            "held_out_pairs": int(held_out.sum()),
            "source_seen": share(source),
            "target_seen": share(target),
            "either_seen": share(source | target),
            "either_seen_plain": share(plain[0] | plain[1]),
        }
    return found


def seen(sentences, held_out):
    """Whether each held-out sentence stands among those that are not held out."""
    return sentences[held_out].isin(set(sentences[~held_out]))


def mean_lengths(pairs):
    """Return the mean source length of the file's tail, and of what stands before it."""
    lengths, size = pairs["source"].str.len(), int(HELD_OUT * len(pairs))
    return {"training": round(lengths[:-size].mean(), 2), "tail": round(lengths[-size:].mean(), 2)}


def share(flags):
    """Return the share of what is true, to five digits."""
    return round(float(np.mean(flags)), 5)


def padding(pairs, *, longest_source, longest_framed):
    """Return the share of timesteps that are padding: in the example's three arrays, in buckets of 64."""
    sources, targets = pairs["source"].str.len(), pairs["target"].str.len()
    real = {
        "encoder_input": (sources.sum(), longest_source),
        "decoder_input": ((targets + 2).sum(), longest_framed),
        "decoder_target": ((targets + 1).sum(), longest_framed),
    }
    found = {name: round(float(1 - used / (len(pairs) * width)), 5) for name, (used, width) in real.items()}
    cells = len(pairs) * sum(width for _, width in real.values())
    found["all_three"] = round(float(1 - sum(used for used, _ in real.values()) / cells), 5)
    vocabularies = CharVocabulary.from_texts(pairs["source"]), CharVocabulary.from_texts(pairs["target"])
    batches = BucketedBatches(pairs["source"], pairs["target"], *vocabularies, batch_size=64)
    used, room = 0, 0
    for inputs, decoder_target, _ in (batches[i] for i in range(len(batches))):
        for ids in (*inputs, decoder_target):
            used, room = used + np.count_nonzero(ids), room + ids.size
    return found | {"buckets_of_64": round(1 - used / room, 5)}


def memory(pairs, longest_source, longest_framed, num_source_tokens, num_target_tokens):
    """Return bytes: the example's float32 arrays, padded int32 ids, and ids without padding (uint16)."""
    one_hot = longest_source * num_source_tokens + 2 * longest_framed * num_target_tokens
    padded = longest_source + 2 * (longest_framed - 1)  # ids need no mark after the end mark
    ragged = 2 * (pairs["source"].str.len().sum() + pairs["target"].str.len().sum())
    return {
        "one_hot_float32_bytes": len(pairs) * one_hot * FLOAT32,
        "one_hot_float32_GB": round(len(pairs) * one_hot * FLOAT32 / 1e9, 3),
        "padded_ids_int32_bytes": len(pairs) * padded * INT32,
        "padded_ids_int32_GB": round(len(pairs) * padded * INT32 / 1e9, 3),
        "unpadded_ids_uint16_bytes": int(ragged),
        "unpadded_ids_uint16_GB": round(int(ragged) / 1e9, 4),
    }


def main():
    """Read the command line, count, write the record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", default="fra-eng")
    parser.add_argument("--num-samples", type=int, default=10_000)
    parser.add_argument("--record", type=Path, default=Path("s2s_lib/records/corpus_fra-eng.json"))
    options = parser.parse_args()
    record = record_corpus(corpus=options.corpus, num_samples=options.num_samples)
    first = record[f"first_{options.num_samples}"]
    print(
        f"Number of samples: {first['pairs']}",
        f"Number of unique input tokens: {first['source_characters']}",
        f"Number of unique output tokens: {first['target_characters']}",
        f"Max sequence length for inputs: {first['longest_source']}",
        f"Max sequence length for outputs: {first['longest_target']}",
        sep="\n",
    )
    records.write_json(record, options.record)


if __name__ == "__main__":
    main()
