"""The bench: its arithmetic is right, its sides do what they say, and a short run fills every key."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import bench
import numpy as np
import pytest
import sides

from s2s_lib import comparisons, records

ROOT = Path(__file__).resolve().parent.parent
WANTED = {
    "machine", "versions", "corpus", "num_samples", "vectorize_speedup", "train_cpu_ratio",
    "train_wall_ratio", "time_to_quality_ratio", "time_to_chrf_ratio", "useful_flops_fraction",
    "decode_speedup", "decode_identical", "peak_rss_mb", "full_corpus_peak_rss_mb", "import_seconds",
}  # fmt: skip

EPOCHS = [
    {"cpu_seconds": 2.0, "val_real_loss": 3.0},
    {"cpu_seconds": 1.0, "val_real_loss": 1.5},
    {"cpu_seconds": 4.0, "val_real_loss": 1.8},
]


def test_time_to_quality_counts_every_epoch_up_to_the_first_that_is_good_enough():
    assert bench.cpu_until(EPOCHS, lambda epoch: epoch["val_real_loss"] <= 1.8) == 3.0
    assert bench.cpu_until(EPOCHS, lambda epoch: epoch["val_real_loss"] <= 1.0) is None


def test_the_best_epoch_is_that_of_least_loss_or_highest_score():
    assert bench.best_so_far(EPOCHS, key="val_real_loss", sign=-1) == 1
    assert bench.best_so_far(EPOCHS, key="val_real_loss", sign=1) == 0


def test_training_stops_at_the_last_epoch_or_after_waiting_in_vain():
    falling = [{"loss": 1.0 / (i + 1)} for i in range(20)]
    stuck = [{"loss": 1.0}, *({"loss": 2.0} for _ in range(bench.PATIENCE))]
    assert not bench.waited_long_enough(falling, 30, key="loss", sign=-1)
    assert bench.waited_long_enough(falling, 20, key="loss", sign=-1)
    assert bench.waited_long_enough(stuck, 30, key="loss", sign=-1)
    assert not bench.waited_long_enough(stuck[:-1], 30, key="loss", sign=-1)


def test_a_ratio_with_a_side_that_never_got_there_is_none():
    assert bench.ratio(1.0, 4.0) == 0.25
    assert bench.ratio(None, 4.0) is None


def test_useful_work_is_that_of_the_model_s_matrices_on_real_timesteps():
    from recipes import PLAIN

    from s2s_lib import CharVocabulary, build_embedding_seq2seq, load_pairs

    options = argparse.Namespace(corpus="sample", num_samples=50)
    pairs = load_pairs("sample", num_samples=50)
    vocabularies = [CharVocabulary.from_texts(pairs[side][:40]) for side in ("source", "target")]
    model = build_embedding_seq2seq(
        num_source_tokens=len(vocabularies[0]), num_target_tokens=len(vocabularies[1]),
        latent_dim=PLAIN.latent_dim, embedding_dim=PLAIN.embedding_dim,
    )  # fmt: skip
    size = {
        layer.name: sum(
            weight.shape.num_elements() for weight in layer.trainable_weights if len(weight.shape) == 2
        )
        for layer in model.layers
    }
    expected = 0
    for row, (source, target) in enumerate(zip(pairs["source"], pairs["target"], strict=True)):
        times = 6 if row < 40 else 2
        expected += times * len(source) * size["encoder_lstm"]
        expected += times * (len(target) + 1) * (size["decoder_lstm"] + size["target_logits"])
    assert bench.useful_flops(options) == expected


def test_our_model_is_as_large_as_the_example_s_within_two_percent():
    from recipes import PLAIN

    from s2s_lib import build_embedding_seq2seq, build_seq2seq

    sizes = {"latent_dim": PLAIN.latent_dim, "num_source_tokens": 70, "num_target_tokens": 93}
    ours = build_embedding_seq2seq(**sizes, embedding_dim=PLAIN.embedding_dim).count_params()
    assert ours / build_seq2seq(**sizes).count_params() == pytest.approx(1, abs=0.02)


def test_the_example_s_loop_over_characters_gives_the_arrays_of_the_library():
    from s2s_lib import one_hot_arrays

    sources, targets = ["Go.", "I see."], ["Va !", "Je vois."]
    for mine, theirs in zip(
        sides.loop_of_the_example(sources, targets), one_hot_arrays(sources, targets), strict=False
    ):
        np.testing.assert_array_equal(mine, theirs)


def test_one_character_at_a_time_writes_what_the_compiled_loop_writes():
    import keras
    from single_steps import decode_one

    from s2s_lib import build_seq2seq, one_hot_arrays

    keras.utils.set_random_seed(3)
    sources, targets = ["Go.", "I see."], ["Va !", "Je vois."]
    arrays = one_hot_arrays(sources, targets)
    model = build_seq2seq(
        num_source_tokens=len(arrays.source_characters), num_target_tokens=len(arrays.target_characters),
        latent_dim=6,
    )  # fmt: skip
    model.set_weights([3 * weight for weight in model.get_weights()])
    one_by_one = decode_one(model, arrays)
    together = sides.example_translator(model, arrays)(sources)
    assert [one_by_one(row) for row in range(2)] == together
    assert all(together)


def test_what_is_decoded_was_never_trained_on_and_fits_the_model():
    from s2s_lib import one_hot_arrays

    pairs = sides.pairs_of(argparse.Namespace(corpus="sample", num_samples=900, split="tail"))
    arrays = one_hot_arrays(pairs["source"], pairs["target"])
    sources = sides.unseen_sources(pairs, arrays, "sample")
    held_out = pairs.loc[pairs["split"] == "validation", "source"]
    assert len(sources) == len(set(sources)) > held_out.nunique()
    assert not set(sources) & set(pairs.loc[pairs["split"] == "train", "source"])
    assert max(map(len, sources)) <= arrays.encoder_input.shape[1]
    assert set().union(*sources) <= set(arrays.source_characters)
    assert set(held_out) - set(pairs.loc[pairs["split"] == "train", "source"]) <= set(sources)


def test_every_side_has_a_name_in_the_pictures():
    assert {"example", "ours", "torch", *bench.OURS_ON_TORCH} == set(comparisons.SIDES)


def test_the_record_that_ships_is_of_a_whole_run_on_the_real_pairs():
    record = records.load_record("bench")
    assert set(record) >= WANTED
    assert (record["corpus"], record["num_samples"], record["short_form"]) == ("fra-eng", 10_000, False)
    measured = record["measured"]
    cpu = measured["train_cpu_seconds_per_epoch"]
    assert record["train_cpu_ratio"] == pytest.approx(cpu["ours"] / cpu["example"], abs=1e-3)
    history, reached = measured["histories"]["tail"], measured["cpu_seconds_to_least_loss"]
    least = min(epoch["val_real_loss"] for epoch in history["example"])
    assert reached["goal"] == least
    assert reached["ours"] == bench.cpu_until(history["ours"], lambda epoch: epoch["val_real_loss"] <= least)


@pytest.mark.slow
def test_a_short_run_fills_every_key_and_says_that_it_is_short(tmp_path):
    out = tmp_path / "bench.json"
    command = [sys.executable, "benchmarks/bench.py", "--corpus", "sample", "--num-samples", "300"]
    done = subprocess.run(
        [*command, "--epochs", "1", "--json", out], cwd=ROOT, capture_output=True, text=True, check=True
    )
    record = json.loads(out.read_text(encoding="utf-8"))
    assert set(record) >= WANTED
    assert set(record["peak_rss_mb"]) >= {"example", "ours"}
    assert record["decode_identical"] == 1.0
    assert record["short_form"]
    assert "SHORT" in done.stdout
