"""Batches of similar length: every pair once an epoch, little padding, the same figures as one big batch."""

import contextlib
import hashlib

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s_lib.data.batches import BucketedBatches
from s2s_lib.data.vectorization import id_arrays
from s2s_lib.data.vocabulary import END, START, CharVocabulary
from s2s_lib.training import Recipe, compile_for_ids

LETTERS = CharVocabulary("abcdefghij")
WORD = st.text(st.sampled_from(LETTERS.characters), min_size=1, max_size=9)
PAIRS = st.lists(st.tuples(WORD, WORD), min_size=1, max_size=30)
ALIKE = st.lists(st.just(("abc", "de")), min_size=1, max_size=20)


def batches_of(pairs, **options):
    sources, targets = zip(*pairs, strict=True)
    return BucketedBatches(sources, targets, LETTERS, LETTERS, **{"batch_size": 4, **options})


def words(number, *, shortest=1, longest=9, seed=0):
    """Return pairs of distinct sources, of many lengths, in no order."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(shortest, longest + 1, size=(number, 2))
    return [tuple("".join(generator.choice(list("abcdefghij"), n)) for n in row) for row in lengths]


def epoch_of(batches):
    """Return all arrays of the planned epoch, batch by batch."""
    triples = (batches[i] for i in range(len(batches)))
    return [[*inputs, target, weights] for inputs, target, weights in triples]


def digest_of(batches):
    """Return one hash of every number and shape in the planned epoch."""
    text = repr([[(array.dtype.str, array.tolist()) for array in batch] for batch in epoch_of(batches)])
    return hashlib.sha256(text.encode()).hexdigest()


def pairs_in(batches):
    """Read the epoch's pairs back, each from its encoder input and decoder target."""
    return [
        (LETTERS.decode(source), LETTERS.decode(target))
        for source_rows, _, target_rows, _ in epoch_of(batches)
        for source, target in zip(source_rows, target_rows, strict=True)
    ]


def padding_share(arrays):
    return sum(np.sum(array == 0) for array in arrays) / sum(array.size for array in arrays)


# What an epoch holds


@given(PAIRS, st.integers(1, 7), st.booleans(), st.integers(1, 5), st.integers(0, 3))
def test_an_epoch_holds_every_pair_exactly_once(pairs, batch_size, shuffle, width_multiple, epoch):
    batches = batches_of(pairs, batch_size=batch_size, shuffle=shuffle, width_multiple=width_multiple)
    batches.start_at(epoch)
    assert sorted(pairs_in(batches)) == sorted(pairs)
    sizes = sorted((len(batch[0]) for batch in epoch_of(batches)), reverse=True)
    whole, rest = divmod(len(pairs), batch_size)
    assert sizes == [batch_size] * whole + [rest] * (rest > 0)


@given(PAIRS, st.integers(1, 7), st.integers(1, 5))
def test_each_batch_holds_the_rows_of_the_plain_arrays_and_padding_behind_them(pairs, size, multiple):
    batches = batches_of(pairs, batch_size=size, width_multiple=multiple)
    for batch, rows in zip(epoch_of(batches), batches.batches, strict=True):
        plain = id_arrays(*zip(*[pairs[row] for row in rows], strict=True), LETTERS, LETTERS)
        for mine, theirs in zip(batch, plain, strict=False):
            assert mine.dtype == np.int32
            assert np.array_equal(mine[:, : theirs.shape[1]], theirs)
            assert not mine[:, theirs.shape[1] :].any()


@given(PAIRS, st.integers(1, 5))
def test_weights_are_zero_exactly_at_padding(pairs, multiple):
    for _, _, target, weights in epoch_of(batches_of(pairs, width_multiple=multiple)):
        assert weights.dtype == np.float32
        for ids, row in zip(target.tolist(), weights.tolist(), strict=True):
            real = ids.index(2) + 1  # up to and with the end mark
            assert row == [1.0] * real + [0.0] * (len(ids) - real)


@given(PAIRS, st.integers(1, 7), st.integers(1, 9), st.integers(0, 2))
def test_widths_are_the_least_multiple_that_holds_the_longest_but_for_the_first(pairs, size, multiple, epoch):
    batches = batches_of(pairs, batch_size=size, width_multiple=multiple)
    batches.start_at(epoch)
    for i, (source, decoder_input, target, _) in enumerate(epoch_of(batches)):
        longest = max(map(len, map(LETTERS.decode, source))), max(map(len, map(LETTERS.decode, target))) + 1
        assert decoder_input.shape == target.shape
        for width, needed in zip((source.shape[1], target.shape[1]), longest, strict=True):
            assert width % multiple == 0
            assert 0 <= width - needed < multiple * (2 if i == 0 else 1)


@given(PAIRS | ALIKE, st.integers(1, 7), st.integers(1, 5), st.integers(0, 2))
def test_the_first_two_batches_differ_in_both_padded_dimensions(pairs, size, multiple, epoch):
    for shuffle in (True, False):
        batches = batches_of(pairs, batch_size=size, width_multiple=multiple, shuffle=shuffle)
        batches.start_at(epoch)
        shapes = [[array.shape[1] for array in batch] for batch in epoch_of(batches)[:2]]
        if len(batches) > 1:
            assert all(first != second for first, second in zip(*shapes, strict=True))


def test_batches_hold_far_less_padding_than_the_same_pairs_unsorted(sample_pairs):
    some = sample_pairs.sample(2000, random_state=0)
    vocabularies = [CharVocabulary.from_texts(some[side]) for side in ("source", "target")]
    bucketed = BucketedBatches(some["source"], some["target"], *vocabularies, batch_size=64)
    unsorted = [
        array
        for i in range(0, len(some), 64)
        for array in id_arrays(some["source"][i : i + 64], some["target"][i : i + 64], *vocabularies)
    ]
    ours = padding_share([array for batch in epoch_of(bucketed) for array in batch[:3]])
    assert ours < padding_share(unsorted) / 2


def test_batches_hold_little_more_than_two_bytes_a_character():
    pairs = words(1000, shortest=50, longest=90)
    batches = batches_of(pairs)
    arrays = [*batches.source, *batches.target, *batches.batches]
    characters = sum(len(source) + len(target) for source, target in pairs)
    assert sum(array.nbytes for array in arrays) < 2 * characters + 40 * len(pairs)


def test_unshuffled_batches_come_in_order_of_length_the_same_every_epoch():
    batches = batches_of(words(50), shuffle=False)
    first, lengths = digest_of(batches), [(len(target), len(source)) for source, target in pairs_in(batches)]
    assert lengths == sorted(lengths)
    batches.on_epoch_end()
    assert digest_of(batches) == first


@pytest.mark.parametrize(("sources", "targets"), [([], []), (["a"], []), (["a"], ["b", "c"])])
def test_no_pairs_or_pairs_that_do_not_pair_are_refused(sources, targets):
    with pytest.raises(ValueError, match=r"^(no sentence pairs|\d sources but \d targets)"):
        BucketedBatches(sources, targets, LETTERS, LETTERS, batch_size=4)


@pytest.mark.parametrize("batch_size", [0, 2.5, True])
def test_a_batch_size_that_is_no_whole_number_from_1_up_is_refused(batch_size):
    with pytest.raises(ValueError, match=f"^batch_size must be a whole number from 1 up, not {batch_size}$"):
        batches_of(TRAP, batch_size=batch_size)


# What an epoch depends on


@given(PAIRS, st.integers(0, 5), st.integers(0, 4))
def test_an_epoch_started_at_is_that_of_an_uninterrupted_run(pairs, seed, epoch):
    uninterrupted, resumed = batches_of(pairs, seed=seed), batches_of(pairs, seed=seed)
    for _ in range(epoch):
        uninterrupted.on_epoch_end()
    resumed.start_at(epoch)
    assert resumed.epoch == uninterrupted.epoch == epoch
    assert digest_of(resumed) == digest_of(uninterrupted)


def test_another_epoch_or_seed_brings_other_batches():
    pairs = words(60)
    digests = set()
    for seed in range(3):
        batches = batches_of(pairs, seed=seed)
        for epoch in range(3):
            batches.start_at(epoch)
            digests.add(digest_of(batches))
    assert len(digests) == 9


def test_shuffling_moves_pairs_of_one_length_between_batches_too():
    pairs = words(40, shortest=5, longest=5)
    batches = batches_of(pairs)
    companions = set()
    for epoch in range(3):
        batches.start_at(epoch)
        companions.add(frozenset(frozenset(rows.tolist()) for rows in batches.batches))
    assert len(companions) == 3


# One length in the first two batches in order, others behind: the static-shape trap.
TRAP = [("abc", "de")] * 8 + words(13, shortest=4, longest=12)


@pytest.mark.backend
def test_the_batches_of_a_seed_are_the_same_on_every_backend():
    """If this fails, no training can be repeated or resumed: the plan has changed, or NumPy's generator."""
    batches = batches_of(TRAP, seed=3, width_multiple=16)
    batches.start_at(2)
    assert digest_of(batches) == "625183632b284439d9868516779bb3fb3bf13d5eb9dd9464debf2a6f35e37b13"


# Through Keras

WIDTHS = {"width_multiple": 16 if keras.backend.backend() == "jax" else 1}  # JAX compiles for each shape


@pytest.fixture(scope="module")
def model():
    """Return a model of both inputs that is traced in a moment: no recurrence."""
    keras.utils.set_random_seed(0)
    source, decoder_input = (keras.Input((None,), dtype="int32") for _ in range(2))
    read = keras.layers.Embedding(len(LETTERS), 4, mask_zero=True)(source)
    read = keras.layers.Reshape((1, 4))(keras.layers.GlobalAveragePooling1D()(read))
    answered = keras.layers.Embedding(len(LETTERS), 4)(decoder_input)
    model = keras.Model([source, decoder_input], keras.layers.Dense(len(LETTERS))(answered + read))
    compile_for_ids(model, Recipe(learning_rate=0.05), steps=30)
    return model


def real_figures_by_loops(model, pairs):
    """Return loss and accuracy over real characters, one sentence and one character at a time, by NumPy."""
    source_table, target_table, kernel, bias = (weight.astype(float) for weight in model.get_weights())
    losses, hits = [], []
    for source, target in pairs:
        meaning = source_table[LETTERS.encode(source)].mean(axis=0)
        answers = [*LETTERS.encode(target), END]
        for read, answer in zip([START, *answers], answers, strict=False):
            scores = (target_table[read] + meaning) @ kernel + bias
            losses.append(np.log(np.exp(scores).sum()) - scores[answer])
            hits.append(scores.argmax() == answer)
    return np.mean(losses), np.mean(hits)


@pytest.fixture(scope="module")
def figures_by_loops(model):
    return real_figures_by_loops(model, TRAP)


@pytest.mark.backend
def test_loss_over_one_big_padded_batch_is_that_of_each_sentence_alone(model, figures_by_loops):
    arrays = id_arrays(*zip(*TRAP, strict=True), LETTERS, LETTERS)
    figures = model.evaluate(
        [arrays.encoder_input, arrays.decoder_input], arrays.decoder_target,
        sample_weight=(arrays.decoder_target != 0).astype("float32"),
        batch_size=len(TRAP), verbose=0, return_dict=True,
    )  # fmt: skip
    assert (figures["real_loss"], figures["real_accuracy"]) == pytest.approx(figures_by_loops, rel=1e-5)
    assert figures["loss"] == pytest.approx(figures["real_loss"], rel=1e-5)


@pytest.mark.backend
@pytest.mark.parametrize("options", [{"shuffle": False}, {"seed": 1, "batch_size": 5}])
def test_loss_over_bucketed_batches_is_that_of_each_sentence_alone(model, figures_by_loops, options):
    figures = model.evaluate(batches_of(TRAP, **options, **WIDTHS), verbose=0, return_dict=True)
    assert (figures["real_loss"], figures["real_accuracy"]) == pytest.approx(figures_by_loops, rel=1e-5)


class Witness(keras.Model):
    """Keeps the encoder inputs that it is called with, in their order."""

    def __init__(self):
        super().__init__()
        self.seen, self.scores = [], keras.layers.Dense(len(LETTERS))

    def call(self, inputs):
        with contextlib.suppress(TypeError):  # JAX traces it first, without numbers
            self.seen.append(keras.ops.convert_to_numpy(inputs[0]))
        return self.scores(keras.ops.one_hot(inputs[1], len(LETTERS)))


@pytest.mark.backend
def test_fit_feeds_batches_in_the_order_of_the_plan_epoch_after_epoch():
    model, batches = Witness(), batches_of(TRAP, seed=5, **WIDTHS)
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    model.fit(batches, shuffle=False, verbose=0)  # the first fit of all also tries a batch out
    model.seen.clear()
    batches.start_at(0)
    model.fit(batches, epochs=2, shuffle=False, verbose=0)
    planned = batches_of(TRAP, seed=5, **WIDTHS)
    planned.start_at(batches.epoch - 2)  # fit may end an epoch, unused, before its first
    for epoch in range(2):
        fed, model.seen = model.seen[: len(planned)], model.seen[len(planned) :]
        for mine, theirs in zip(fed, epoch_of(planned), strict=True):
            np.testing.assert_array_equal(mine, theirs[0], err_msg=f"epoch {epoch}")
        planned.on_epoch_end()
    assert not model.seen
