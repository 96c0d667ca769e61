"""A translator answers every list of sentences, and its file is read as it was written or not at all."""

import errno
import json
import multiprocessing
import os
import unicodedata
import warnings
import zipfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from io import BytesIO

import keras
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracles import random_model, uncompiled

import s2s_lib
from s2s_lib import translator as translator_module
from s2s_lib.data.corpus import cache_dir, load_pairs
from s2s_lib.data.splitting import split_pairs
from s2s_lib.data.vocabulary import END, START, CharVocabulary
from s2s_lib.decoding import SamplingDecoder
from s2s_lib.models import State
from s2s_lib.training import Recipe, Trained
from s2s_lib.translator import Settings, Translator, train_or_load

DEMONSTRATION = Recipe(corpus="sample", num_samples=7000, epochs=12, seed=1)
SOURCES = ["The otter sleeps.", "the é", "zzz", "a", "  ", "otters? é!", "sleep the otter"]


def random_translator(name="attention", *, seed=55, **sizes):
    """Return a translator that learned nothing, but answers each sentence in its own way."""
    vocabularies = CharVocabulary("The otrslp.?é"), CharVocabulary("La loutredé\u202f!.")
    tokens = {"num_source_tokens": len(vocabularies[0]), "num_target_tokens": len(vocabularies[1])}
    model = random_model(name, seed=seed, latent_dim=8, **tokens, **sizes)
    return Translator(model, *vocabularies, {"max_source_length": 16, "max_target_length": 12})


@pytest.fixture(scope="module")
def tiny():
    return random_translator()


@pytest.fixture(scope="module")
def file(tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "tiny.s2s"
    tiny.save(path)
    return path


@pytest.fixture(scope="module")
def sample():
    return Translator.load("sample")


def quietly(translator, sentences, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return translator.translate(sentences, **options)


def vocabularies_of(translator):
    return translator.source_vocabulary, translator.target_vocabulary


# One str out for each str in


def test_each_sentence_has_its_answer_and_blank_ones_have_an_empty_one(tiny):
    sentences = ["the otter", "", "  ", "\t\n\u00a0", "the otter", "otters?", "é"]
    answers = tiny.translate(sentences)
    assert [type(answer) for answer in answers] == [str] * 7
    assert answers[1:4] == ["", "", ""]
    assert answers[0] == answers[4] != ""
    assert len({answers[0], *answers[5:]}) == 3
    assert tiny.translate([]) == []
    assert tiny.translate(iter(["the otter"])) == answers[:1]


def test_blanks_around_a_sentence_do_not_count(tiny):
    assert tiny.translate(["  the otter\n"]) == tiny.translate(["the otter"])


def test_a_character_typed_in_two_pieces_is_the_same_character(tiny):
    whole, pieces = "the é", unicodedata.normalize("NFD", "the é")
    assert whole != pieces
    assert tiny.translate([pieces]) == tiny.translate([whole]) != tiny.translate(["the e"])


def test_characters_never_seen_are_all_read_as_one_unknown(tiny):
    with pytest.warns(UserWarning, match=r"^4 characters \(17\.4%\) of these sentences are unknown"):
        answers = tiny.translate(["the 🦦", "the Ж", "the \ud800", "the 8", "the "])
    assert len(set(answers[:4])) == 1
    assert answers[4] != answers[0]


def test_sentences_too_long_are_cut_with_one_warning_for_all(tiny):
    sentences = ["the otter " * 1_000, "x" * 17, "otters?", "the otter the ot"]
    with pytest.warns(UserWarning) as caught:
        answers = tiny.translate(sentences)
    cut, unknown = (str(warning.message) for warning in caught)
    assert cut == "2 of 4 sentences were cut after 16 characters"
    assert unknown == "16 characters (29.1%) of these sentences are unknown to the model"
    assert {warning.filename for warning in caught} == {__file__}
    assert answers[0] == answers[3]
    assert answers[1:3] == quietly(tiny, ["x" * 16, "otters?"])


def test_no_answer_is_longer_than_the_limit(tiny):
    longest = max(map(len, tiny.translate(["the otter sleeps"[:n] for n in range(1, 17)])))
    assert 0 < longest <= 12 + 1  # characters, and a last one where the end mark would stand


def test_typography_is_folded_where_the_model_was_trained_on_plain_characters(tiny):
    folding = Translator(tiny.model, *vocabularies_of(tiny), replace(tiny.settings, fold_typography=True))
    assert quietly(folding, ["otter\u202f?"]) == quietly(tiny, ["otter ?"]) != quietly(tiny, ["otter\u202f?"])


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        ("The otter sleeps.", "list of sentences, not one str"),
        (["a", None], "sentence 1 is NoneType, not str"),
        (["a", "b", 3.5], "sentence 2 is float, not str"),
        ([b"a"], "sentence 0 is bytes, not str"),
        (b"ab", "sentence 0 is int, not str"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_list_of_str_is_a_type_error_that_names_the_place(tiny, sentences, message):
    with pytest.raises(TypeError, match=message):
        tiny.translate(sentences)


@pytest.mark.parametrize(
    "wrong",
    [{"beam_width": 0}, {"beam_width": 2.5}, {"batch_size": 0}, {"batch_size": -1}, {"batch_size": "3"}],
    ids=str,
)
def test_a_number_out_of_range_is_refused_in_one_sentence_that_names_it(tiny, wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=rf"^{name} must be a whole number from 1 [^\n]*, not {value!r}$"):
        tiny.translate(["otter"], **wrong)


def test_the_settings_say_how_wide_the_beam_is_unless_told_otherwise(tiny):
    sentences = ["the otter", "otters?", "sleep the", "é", "there"]
    beam = Translator(
        tiny.model, *vocabularies_of(tiny), replace(tiny.settings, beam_width=3, length_power=0.0)
    )
    assert beam.translate(sentences) == beam.translate(sentences, beam_width=3) != tiny.translate(sentences)
    assert beam.translate(sentences, beam_width=1) == tiny.translate(sentences)


any_text = st.text(st.characters(exclude_categories=()), max_size=24) | st.text("The otrslp.?é", max_size=20)


@settings(max_examples=25)
@example([])
@example(["\ud83d\ude00", "\udfff\ud800", "\x00", "e\u0301" * 30])
@given(st.lists(any_text, max_size=5))
def test_any_list_of_str_is_answered_and_an_answer_does_not_depend_on_its_company(tiny, sentences):
    answers = quietly(tiny, sentences)
    assert [type(answer) for answer in answers] == [str] * len(sentences)
    assert [answer for sentence in sentences for answer in quietly(tiny, [sentence])] == answers
    assert quietly(tiny, [*sentences[::-1], "The otter sleeps"], batch_size=2)[:-1] == answers[::-1]


# By chance


def test_samples_of_one_seed_are_the_same_in_any_company_and_others_differ(tiny):
    sentences = ["the otter", "", "otters?", "é", "sleep the", "the otter"]
    samples = tiny.sample(sentences, seed=5)
    assert samples == tiny.sample(sentences, seed=5)
    assert samples[0] == samples[-1] and samples[1] == ""
    assert [tiny.sample([sentence], seed=5)[0] for sentence in sentences] == samples
    assert tiny.sample([*sentences[::-1], "The otter sleeps"], seed=5, batch_size=2)[:-1] == samples[::-1]
    assert len({tiny.sample(["the otter"], seed=seed)[0] for seed in range(8)}) > 4
    assert tiny.sample([]) == []


@pytest.mark.parametrize("restriction", [{"top_k": 1}, {"temperature": 1e-6}, {"top_p": 1e-6}], ids=str)
def test_a_sample_of_the_likeliest_characters_only_is_the_greedy_translation(tiny, restriction):
    sentences = [source[: tiny.settings.max_source_length] for source in SOURCES]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampled = tiny.sample(sentences, **restriction, seed=2)
    assert sampled == quietly(tiny, sentences, beam_width=1)


def test_a_sample_is_that_of_the_decoder_on_the_sentence_alone(tiny):
    ids = np.array([tiny.source_vocabulary.encode("the otter")])
    options = {"temperature": 1.3, "top_k": 9, "top_p": 0.95}
    decoder = SamplingDecoder(tiny.model, start_id=START, end_id=END, max_length=13, **options)
    for seed in range(3):
        (alone,) = decoder.sample(ids, seed=seed)
        assert tiny.sample(["  the otter "], **options, seed=seed) == [tiny.target_vocabulary.decode(alone)]


def test_one_program_serves_all_seeds():
    translator, steps = random_translator(), []
    step = translator.model.step
    translator.model.step = lambda *args: steps.append(args) or step(*args)  # called when a loop is compiled
    first = translator.sample(["otter"], temperature=0.7, seed=0)
    compiled = len(steps)
    others = [translator.sample(["otter"], temperature=0.7, seed=seed) for seed in range(1, 5)]
    assert len(steps) == compiled > 0
    assert any(other != first for other in others)


def test_sampling_warns_and_refuses_as_translating_does(tiny):
    with pytest.warns(UserWarning, match="^1 of 1 sentences were cut after 16 characters$") as caught:
        tiny.sample(["o" * 17])
    assert caught[0].filename == __file__
    with pytest.raises(TypeError, match="list of sentences, not one str"):
        tiny.sample("The otter sleeps.")
    for wrong in ({"temperature": 0}, {"top_k": 0}, {"top_p": 1.5}, {"seed": -1}):
        (name,) = wrong
        with pytest.raises(ValueError, match=f"^{name} must be "):
            tiny.sample(["otter"], **wrong)


# A file that cannot be misread


def outputs(translator):
    """Return the model's logits for a few ids."""
    ids = np.arange(4, 10).reshape(2, 3)
    return np.asarray(translator.model([ids, ids]))


def read_and_answer(folder):
    """Return what the translators in a folder answer, and the shipped one."""
    answers = {}
    for name in ("whole", "half", "sample"):
        translator = Translator.load(name if name == "sample" else folder / f"{name}.s2s")
        answers[name] = outputs(translator), quietly(translator, SOURCES)
    return answers


def test_a_fresh_process_reads_what_was_saved_and_answers_exactly_the_same(tiny, tmp_path):
    tiny.save(tmp_path / "whole.s2s")
    tiny.save(tmp_path / "half.s2s", half_precision=True)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as fresh:
        there = fresh.submit(read_and_answer, tmp_path).result(timeout=300)
    here = read_and_answer(tmp_path)
    np.testing.assert_array_equal(here["whole"][0], outputs(tiny))
    for name in here:
        np.testing.assert_array_equal(there[name][0], here[name][0])
        assert there[name][1] == here[name][1]


def test_what_is_loaded_equals_what_was_saved_and_saving_it_again_gives_the_same_bytes(tiny, file, tmp_path):
    loaded = Translator.load(file)
    assert loaded.source_vocabulary == tiny.source_vocabulary
    assert loaded.target_vocabulary == tiny.target_vocabulary
    assert loaded.settings == tiny.settings
    np.testing.assert_array_equal(outputs(loaded), outputs(tiny))
    loaded.save(tmp_path / "again.s2s")
    assert (tmp_path / "again.s2s").read_bytes() == file.read_bytes()
    assert Translator.load(str(file)).translate(["otter"]) == tiny.translate(["otter"])


def test_half_precision_rounds_each_weight_to_float16_and_halves_the_file(tiny, file, tmp_path):
    tiny.save(tmp_path / "half.s2s", half_precision=True)
    loaded = Translator.load(tmp_path / "half.s2s")
    for half, whole in zip(loaded.model.weights, tiny.model.weights, strict=True):
        assert half.dtype == "float32"
        np.testing.assert_array_equal(half, np.asarray(whole).astype(np.float16).astype(np.float32))
    with zipfile.ZipFile(file) as whole, zipfile.ZipFile(tmp_path / "half.s2s") as half:
        sizes = [len(archive.read("weights.npz")) for archive in (whole, half)]
    assert sizes[0] - sizes[1] == 2 * tiny.model.count_params()


def test_a_compiled_model_leaves_optimizer_loss_and_metrics_behind(tmp_path):
    class OurMetric(keras.metrics.SparseCategoricalAccuracy):
        """One that Keras could not find again."""

    translator = random_translator()
    translator.model.compile(optimizer="adam", loss="mse", weighted_metrics=[OurMetric()])
    translator.save(tmp_path / "compiled.s2s")
    np.testing.assert_array_equal(outputs(Translator.load(tmp_path / "compiled.s2s")), outputs(translator))


@pytest.mark.parametrize(
    ("name", "sizes"),
    [("embedding", {}), ("embedding", {"layers": 3, "cell": "gru"}), ("attention", {"layers": 2})],
    ids=str,
)
def test_a_model_of_any_sizes_goes_through_a_file(name, sizes, tmp_path):
    translator = random_translator(name, **sizes)
    translator.save(tmp_path / "other.s2s")
    loaded = Translator.load(tmp_path / "other.s2s")
    np.testing.assert_array_equal(outputs(loaded), outputs(translator))


def test_a_model_whose_layers_bear_odd_names_goes_through_a_file(tmp_path):
    @s2s_lib.register_model("oddly named")
    def build(*, num_source_tokens, num_target_tokens):
        source, decoder_input = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
        to_logits = keras.layers.Embedding(num_target_tokens, num_target_tokens, name="to logits, at once")
        model = keras.Model([source, decoder_input], to_logits(decoder_input))
        model.encode = lambda source: State((source[:, :1],))
        model.step = lambda tokens, state: (keras.ops.log_softmax(to_logits(tokens)), state)
        return model

    model = build(num_source_tokens=6, num_target_tokens=7)
    Translator(model, CharVocabulary("ab"), CharVocabulary("cde")).save(tmp_path / "odd.s2s")
    loaded = Translator.load(tmp_path / "odd.s2s").model
    np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])


def test_a_model_of_no_registered_builder_is_not_saved_and_the_sentence_says_how_to_register_it(
    tiny, tmp_path
):
    model = keras.Model(tiny.model.inputs, tiny.model.outputs)
    model.encode, model.step = tiny.model.encode, tiny.model.step
    stranger = Translator(model, *vocabularies_of(tiny))
    assert stranger.translate(["the otter"]) != [""]
    with pytest.raises(ValueError, match=r"no registered builder.*@s2s_lib\.register_model"):
        stranger.save(tmp_path / "mine.s2s")
    assert os.listdir(tmp_path) == []


def test_a_disk_that_fills_up_leaves_the_old_file_and_no_other(tiny, tmp_path, monkeypatch):
    path = tmp_path / "mine.s2s"
    path.write_bytes(b"the old one")
    write = zipfile.ZipFile.writestr

    def fill_up(self, info, *rest):
        if info.filename == "model.json":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, info, *rest)

    monkeypatch.setattr(zipfile.ZipFile, "writestr", fill_up)
    with pytest.raises(OSError, match="No space left"):
        tiny.save(path)
    assert os.listdir(tmp_path) == ["mine.s2s"]
    assert path.read_bytes() == b"the old one"


def test_a_translator_saved_into_a_folder_that_is_missing_is_refused_by_name_and_makes_no_folder(
    tiny, tmp_path
):
    path = tmp_path / "nowhere" / "mine.s2s"
    with pytest.raises(
        FileNotFoundError, match=rf"name a folder that is there and can be written: '{path}'$"
    ):
        tiny.save(path)
    assert os.listdir(tmp_path) == []


# Files that are refused


def refused(path):
    """Return the one line that says why a file is refused; it names the file."""
    with pytest.raises((ValueError, OSError)) as caught:
        Translator.load(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def tampered(file, path, **parts):
    """Write a copy of a translator file with other contents; None leaves a part out."""
    with zipfile.ZipFile(file) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    contents |= {f"{name}.json" if name != "weights" else "weights.npz": part for name, part in parts.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            if content is not None:
                archive.writestr(name, content)
    return path


def part_of(file, name):
    with zipfile.ZipFile(file) as archive:
        return archive.read(name)


def test_a_file_cut_short_anywhere_is_refused(file, tmp_path):
    whole = file.read_bytes()
    for size in [*range(0, len(whole), len(whole) // 12), len(whole) - 1]:
        path = tmp_path / f"{size}.s2s"
        path.write_bytes(whole[:size])
        refused(path)


@pytest.mark.parametrize("content", [b"", b"Go.\tVa !\n", b"PK\x03\x04", b"\x00" * 500])
def test_a_foreign_file_is_refused(tmp_path, content):
    path = tmp_path / "foreign.s2s"
    path.write_bytes(content)
    refused(path)


def test_a_foreign_zip_a_folder_and_a_missing_file_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "foreign.zip", "w") as archive:
        archive.writestr("fra.txt", "Go.\tVa !\n")
    assert "expected" in refused(tmp_path / "foreign.zip")
    for path in (tmp_path, tmp_path / "none.s2s", "no-such-name", "../sample", ""):
        with pytest.raises(FileNotFoundError, match="no such translator file"):
            Translator.load(path)


@pytest.mark.parametrize(
    "config",
    ["{}", '{"format": "s2s-translator-0"}', '["format"]', "3", "null", '"s2s"', "not JSON", b"\xff", None],
)
def test_a_config_that_is_not_ours_is_refused(file, tmp_path, config):
    refused(tampered(file, tmp_path / "odd.s2s", config=config))


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"weights": None}, "it lacks weights.npz"),
        ({"source_vocabulary": None}, "it lacks source_vocabulary.json"),
        ({"model": None}, "it lacks model.json"),
        ({"weights": b"no weights"}, "no zip archive"),
        ({"model": "{}"}, "model.json must be JSON like"),
        ({"model": "[]"}, "model.json must be a JSON object, not list"),
        ({"model": "{"}, ""),
        ({"model": '{"model": ["attention"], "sizes": {}}'}, "model.json must be JSON like"),
        ({"target_vocabulary": '{"characters": 3}'}, '"characters" must be one string'),
        ({"target_vocabulary": '{"characters": "abc"}'}, "the vocabularies need num_target_tokens 7"),
        ({"source_vocabulary": json.dumps({"characters": "abcdefghijklmnopq"})}, "need num_source_tokens 21"),
    ],
    ids=str,
)
def test_a_part_that_is_missing_or_does_not_fit_is_refused(file, tmp_path, parts, reason):
    assert reason in refused(tampered(file, tmp_path / "odd.s2s", **parts))


def weights_of(file, change):
    with np.load(BytesIO(part_of(file, "weights.npz"))) as saved:
        weights = dict(saved)
    change(weights)
    changed = BytesIO()
    np.savez(changed, **weights)
    return changed.getvalue()


def test_weights_of_another_shape_or_with_one_missing_or_pickled_are_refused(file, tmp_path):
    name = "target_logits/0"
    changes = [
        lambda weights: weights.update({name: weights[name].T}),
        lambda weights: weights.update({name: weights[name][:-1]}),
        lambda weights: weights.pop(name),
        lambda weights: weights.update({name: np.array([print], dtype=object)}),
    ]
    for change in changes:
        refused(tampered(file, tmp_path / "odd.s2s", weights=weights_of(file, change)))


def test_a_file_names_its_model_and_sizes_and_nothing_else_is_read(file, tmp_path):
    model = json.loads(part_of(file, "model.json"))
    assert model["model"] == "attention" and model["sizes"]["latent_dim"] == 8
    message = refused(tampered(file, tmp_path / "odd.s2s", model=json.dumps(model | {"model": "unheard-of"})))
    assert "@s2s_lib.register_model('unheard-of') first" in message
    for sizes in (
        {"latent_dim": 24_000},
        {"latent_dim": 10**30},
        {"latent_dim": "x"},
        {"layers": 10},
        {"dropout": 2},
    ):
        odd = {"model": "attention", "sizes": model["sizes"] | sizes}
        refused(tampered(file, tmp_path / "odd.s2s", model=json.dumps(odd)))
    odd = {"model": "attention", "sizes": model["sizes"] | {"unheard_of": 1}}
    refused(tampered(file, tmp_path / "odd.s2s", model=json.dumps(odd)))


@pytest.mark.parametrize(
    "change",
    [
        {"max_target_length": 10**9},
        {"max_source_length": -5},
        {"beam_width": 100_000},
        {"beam_width": "x"},
        {"length_power": None},
        {"fold_typography": 1},
        {"unheard_of": 3},
        {"record": []},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused_by_name(file, tmp_path, change):
    config = json.loads(part_of(file, "config.json")) | change
    assert next(iter(change)) in refused(tampered(file, tmp_path / "odd.s2s", config=json.dumps(config)))


def test_weights_that_are_not_finite_are_refused(file, tmp_path):
    for value in (np.nan, np.inf):
        weights = weights_of(file, lambda weights, value=value: weights["target_logits/1"].fill(value))
        assert "not finite" in refused(tampered(file, tmp_path / "odd.s2s", weights=weights))


def test_a_member_twice_or_a_foreign_one_or_one_that_unpacks_to_gigabytes_is_refused(file, tmp_path):
    path = tmp_path / "odd.s2s"
    for name, content in (("config.json", b"{}"), ("more.txt", b""), ("weights.npz", bytes(300_000_000))):
        path.write_bytes(file.read_bytes())
        if name == "weights.npz":
            tampered(file, path, weights=None)
        with warnings.catch_warnings(), zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            warnings.simplefilter("ignore")
            archive.writestr(name, content)
        refused(path)


def test_a_file_of_the_older_format_says_how_to_convert_it(file, tmp_path):
    config = json.dumps(json.loads(part_of(file, "config.json")) | {"format": "s2s-translator-1"})
    assert "python -m tools.ship convert" in refused(tampered(file, tmp_path / "old.s2s", config=config))


# What ships with the package


@pytest.mark.backend
def test_the_shipped_translator_answers_alike_alone_and_in_a_batch(sample):
    sentences = ["The otter sleeps.", "She is not here!", "Hello.", "Where are the 🦦?", "A" * 30]
    together = quietly(sample, sentences)
    assert [answer for sentence in sentences for answer in quietly(sample, [sentence])] == together
    assert sample.translate(["The otter sleeps."]) == ["La loutre dort."]


# Train or load


def test_a_cache_that_cannot_be_written_is_named_before_the_training(trainings, tmp_path, monkeypatch):
    (tmp_path / "a_file").touch()
    monkeypatch.setenv("S2S_CACHE_DIR", str(tmp_path / "a_file"))
    with pytest.raises(OSError, match=r"name a folder that is there and can be written: '.*a_file'$"):
        train_or_load(Recipe(num_samples=300))
    assert trainings == []


@pytest.fixture
def fresh_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("S2S_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def trainings(monkeypatch):
    """Replace training by one that takes no time; return the list of the trainings asked for."""
    asked = []

    def train_at_once(pairs, recipe, *, checkpoint, start, progress):
        asked.append((recipe, progress))
        untrained = random_translator(seed=len(asked))
        record = {"digest": recipe.digest(pairs), "training": len(asked)}
        return Trained(untrained.model, untrained.source_vocabulary, untrained.target_vocabulary, record)

    monkeypatch.setattr(translator_module, "train", train_at_once)
    return asked


def test_what_was_trained_once_is_read_from_the_cache_and_answers_the_same(fresh_cache, trainings):
    recipe = Recipe(num_samples=300, epochs=2)
    first = train_or_load(recipe, progress=False)
    again = train_or_load(recipe)
    assert trainings == [(recipe, False)]
    assert quietly(first, SOURCES) == quietly(again, SOURCES)
    np.testing.assert_array_equal(outputs(first), outputs(again))
    assert first.settings == again.settings
    [kept] = cache_dir().iterdir()
    assert kept.name == f"sample-{first.settings.record['digest']}.s2s"
    assert quietly(Translator.load(kept), SOURCES) == quietly(first, SOURCES)


def test_another_recipe_is_another_training_and_retrain_asks_for_one_more(fresh_cache, trainings):
    recipe = Recipe(num_samples=300)
    train_or_load(recipe)
    train_or_load(Recipe(num_samples=300, seed=1))
    train_or_load(Recipe(num_samples=200))
    assert len(trainings) == 3
    retrained = train_or_load(recipe, retrain=True)
    assert len(trainings) == 4
    assert retrained.settings.record["training"] == train_or_load(recipe).settings.record["training"] == 4


def test_the_demonstration_is_loaded_at_once_from_the_package_unless_it_was_trained_here(
    fresh_cache, trainings, sample
):
    shipped = train_or_load(DEMONSTRATION)
    assert trainings == []
    assert shipped.settings == sample.settings
    assert shipped.translate(["The otter sleeps."]) == ["La loutre dort."]
    train_or_load(DEMONSTRATION, retrain=True)
    assert len(trainings) == 1
    assert train_or_load(DEMONSTRATION).settings.record["training"] == 1  # the cache comes first


def test_limits_come_from_the_training_pairs_or_the_recipe(fresh_cache, trainings):
    learned = split_pairs(load_pairs("sample", num_samples=300)).query("split == 'train'")
    config = train_or_load(Recipe(num_samples=300)).settings
    assert config.max_source_length == max(map(len, learned["source"]))
    assert config.max_target_length == max(map(len, learned["target"]))
    assert config.fold_typography is False
    assert (config.source_language, config.target_language) == ("English", "French")
    config = train_or_load(Recipe(num_samples=300, max_length=9, fold_typography=True)).settings
    assert (config.max_source_length, config.max_target_length) == (9, 9)
    assert config.fold_typography is True
    config = train_or_load(Recipe(num_samples=300, reverse=True)).settings
    assert config.max_source_length == max(map(len, learned["target"]))
    assert (config.source_language, config.target_language) == ("French", "English")


@pytest.fixture
def own(tmp_path):
    """Return a recipe for a person's own file of pairs."""
    path = tmp_path / "own.tsv"
    path.write_text("".join(f"otter {i}\tloutre {i}\n" for i in range(40)), encoding="utf-8")
    return Recipe(corpus=path, model="embedding", latent_dim=4, embedding_dim=4, batch_size=40, epochs=2)


def test_a_persons_own_file_is_trained_on_whatever_lies_beside_it(fresh_cache, own, tmp_path):
    (tmp_path / "own.tsv.s2s").write_text("no translator")
    with uncompiled():
        trained = train_or_load(replace(own, epochs=1), progress=False)
    assert trained.settings.record["recipe"]["corpus"] == str(tmp_path / "own.tsv")
    assert [file.name.partition("-")[0] for file in cache_dir().iterdir()] == ["own"]
    assert train_or_load(replace(own, epochs=1)).translate(["otter 7"]) == trained.translate(["otter 7"])


def test_a_training_that_was_interrupted_goes_on_from_its_last_epoch_and_leaves_the_translator_only(
    fresh_cache, own, monkeypatch
):
    epochs = []
    fit = keras.Model.fit

    def watch(self, *args, callbacks, initial_epoch, **options):
        def stop(epoch, logs):
            epochs.append(epoch)
            if epochs == [0]:
                raise KeyboardInterrupt

        callbacks = [*callbacks, keras.callbacks.LambdaCallback(on_epoch_end=stop)]
        return fit(self, *args, callbacks=callbacks, initial_epoch=initial_epoch, **options)

    monkeypatch.setattr(keras.Model, "fit", watch)
    with uncompiled():
        with pytest.raises(KeyboardInterrupt):
            train_or_load(own, progress=False)
        assert [file.suffix for file in cache_dir().iterdir()] == [".checkpoint"]
        trained = train_or_load(own, progress=False)
    assert epochs == [0, 1]
    assert len(trained.settings.record["history"]["loss"]) == 2
    assert [file.suffix for file in cache_dir().iterdir()] == [".s2s"]


# Settings


WRONG = {
    "max_source_length": [0, -1, 2.5, "9", None, 10**9],
    "max_target_length": [0, 10**9],
    "fold_typography": [1, "no", None],
    "beam_width": [0, 2.5, "3", True, 10**6],
    "length_power": [-1, "1", None, np.nan],
    "source_language": [None, 3],
    "target_language": [b"French"],
    "record": [None, [], "a record"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in WRONG for value in WRONG[name]])
def test_settings_that_cannot_work_are_refused_when_they_are_made_in_one_sentence(tiny, name, value):
    for make in (Settings, lambda **values: Translator(tiny.model, *vocabularies_of(tiny), values)):
        with pytest.raises(ValueError, match=rf"^{name} must be [^\n]*$"):
            make(**{name: value})


def test_every_setting_is_checked_and_one_that_is_none_of_them_is_refused_with_the_names_of_all(tiny):
    assert WRONG.keys() == {field.name for field in fields(Settings)}
    with pytest.raises(ValueError, match=r"^unknown settings max_length; there are: max_source_length, "):
        Translator(tiny.model, *vocabularies_of(tiny), {"max_length": 9})
