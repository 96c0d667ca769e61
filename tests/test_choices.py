"""What each choice buys: a variant changes what it names, and nothing else; the record is a whole one."""

import argparse

import choices
import keras
import numpy as np
import pytest
from recipes import PLAIN

from s2s_lib import CharVocabulary, records, training
from s2s_lib.batches import BucketedBatches


def compiled(change, *, rate=0.5):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    with choices.taken_back(change):
        training.compile_for_ids(model, training.Recipe(learning_rate=rate, clipnorm=1.0), steps=10)
    return model


def batches(change):
    sources = ["a" * n for n in range(1, 41)]
    vocabulary = CharVocabulary.from_texts(sources)
    with choices.taken_back(change):
        return training.BucketedBatches(sources, sources, vocabulary, vocabulary, batch_size=8, seed=1)


def test_nothing_taken_back_is_the_library_s_own_training():
    usual = compiled({})
    assert isinstance(usual.optimizer, keras.optimizers.Adam)
    assert isinstance(usual.optimizer._learning_rate, keras.optimizers.schedules.CosineDecay)
    assert usual.optimizer.clipnorm == 1.0
    assert usual.steps_per_execution == 1
    assert type(batches({})) is BucketedBatches


def test_what_is_taken_back_is_given_again_afterwards():
    before = training.BucketedBatches, training.compile_for_ids
    with choices.taken_back({"mixed_lengths": True, "optimizer": True}):
        assert (training.BucketedBatches, training.compile_for_ids) != before
    assert (training.BucketedBatches, training.compile_for_ids) == before


def test_optimizer_rate_and_steps_are_those_that_the_variant_names():
    rms = compiled({"optimizer": True}).optimizer
    assert isinstance(rms, keras.optimizers.RMSprop)
    assert float(rms.learning_rate) == pytest.approx(1e-3)
    constant = compiled({"constant_rate": True}).optimizer
    assert float(constant.learning_rate) == 0.5
    assert constant.clipnorm == 1.0
    assert compiled({"steps_per_execution": 10}).steps_per_execution == 10


def test_mixed_batches_hold_every_pair_once_and_other_pairs_in_each_epoch():
    mixed = batches({"mixed_lengths": True})
    first = np.concatenate(mixed.batches)
    assert sorted(first) == list(range(40))
    assert [len(rows) for rows in mixed.batches] == [8] * 5
    mixed.on_epoch_end()
    assert sorted(np.concatenate(mixed.batches)) == list(range(40))
    assert not np.array_equal(np.concatenate(mixed.batches), first)


def test_mixed_batches_are_padded_more_than_those_of_like_length():
    padding = {
        name: np.mean(np.concatenate([(batch[2] == 0).ravel() for batch in map(found.__getitem__, range(5))]))
        for name, found in (("mixed", batches({"mixed_lengths": True})), ("like", batches({})))
    }
    assert padding["mixed"] > 2 * padding["like"]


def test_a_variant_is_trained_and_says_what_it_cost():
    options = argparse.Namespace(corpus="sample", num_samples=200, epochs=2)
    row = choices.measure("a batch of 64", options)
    losses = [epoch["val_real_loss"] for epoch in row["epochs"]]
    assert len(losses) == 2
    assert row["least_val_real_loss"] == min(losses)
    assert row["cpu_seconds_per_epoch"] == row["epochs"][1]["cpu_seconds"]


def test_seconds_to_the_goal_count_up_to_the_first_epoch_that_reaches_it():
    epochs = [{"cpu_seconds": 2.0, "val_real_loss": loss} for loss in (3.0, 1.5, 1.0)]
    rows = choices.with_seconds_to(1.5, {"quick": {"epochs": epochs}, "never": {"epochs": epochs[:1]}})
    assert (rows["quick"]["cpu_seconds_to_goal"], rows["never"]["cpu_seconds_to_goal"]) == (4.0, None)


def test_the_record_that_ships_is_of_a_whole_run_on_the_real_pairs():
    record, bench = records.load_record("choices"), records.load_record("bench")
    assert list(record["rows"]) == list(choices.VARIANTS)
    assert (record["corpus"], record["num_samples"], record["short_form"]) == ("fra-eng", 10_000, False)
    assert record["goal"] == bench["measured"]["cpu_seconds_to_least_loss"]["goal"]
    assert {len(row["epochs"]) for row in record["rows"].values()} == {PLAIN.epochs}
    assert choices.with_seconds_to(record["goal"], record["rows"]) == record["rows"]
