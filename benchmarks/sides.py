"""What each measured process of ``bench.py`` does: one side, one measurement, one line of JSON a turn.

A process is started for one side of one comparison, so that its memory and processor time are its own. It
says that it is ready, and waits for a line on standard input before each turn: so two sides can alternate.
"""

import json
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))  # for tools, which stand beside this folder

MARK = "@bench "
SEED = 1
DECODED_AT_ONCE = 1024  # sentences a batch of ours


def say(**figures):
    """Hand one line of figures to the process that started this one, on standard output."""
    print(MARK + json.dumps(figures), flush=True)


def told_to_go_on():
    """Wait for a line; return whether it says to go on."""
    return sys.stdin.readline().strip() == "go"


def finish():
    """Say how much memory this process has held at most."""
    from s2s_lib import records

    say(peak_rss_mb=records.peak_memory_mb())


# ---- the pairs ----
def pairs_of(options):
    """Return the pairs with a split: the example's own (the file's tail validates) or the leak-free one."""
    from s2s_lib import load_pairs, split_pairs

    pairs = load_pairs(options.corpus, num_samples=options.num_samples)
    if options.split == "honest":
        return split_pairs(pairs)
    cut = len(pairs) - int(0.2 * len(pairs))
    return pairs.assign(split=["train"] * cut + ["validation"] * (len(pairs) - cut))


def turn_by_turn(figures=dict):
    """Return a Keras callback that reports each epoch, waits for its next turn, and stops when told to."""
    import keras

    class Turn(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            say(**{name: float(value) for name, value in logs.items()}, **figures())
            self.model.stop_training = not told_to_go_on()

    return Turn()


def chrf_of_test(pairs, translate):
    """Return a function that scores ``translate`` on the unique test sources of the split, by chrF."""
    from s2s_lib import multi_reference
    from s2s_lib.metrics import chrf

    test = multi_reference(pairs[pairs["split"] == "test"])
    return lambda: {"chrf": chrf(translate(list(test["source"])), list(test["references"])).score}


# ---- training ----
def train_the_example(options):
    """Fit the example's model as its authors do; keep its weights if a file is named."""
    import keras

    from s2s_lib.example import train_example
    from s2s_lib.vectorization import one_hot_arrays

    pairs = pairs_of(options)
    rows = [pairs[pairs["split"] == name] for name in ("train", "validation")]
    texts = [[*rows[0][side], *rows[1][side]] for side in ("source", "target")]
    arrays = one_hot_arrays(*texts)
    kept = {}

    class Known(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            kept["translate"] = example_translator(self.model, arrays)

    score = chrf_of_test(pairs, lambda sources: kept["translate"](sources))
    say(ready=True)
    if told_to_go_on():
        model, _ = train_example(
            arrays, epochs=options.epochs, seed=SEED, validation_split=(len(rows[1]) - 0.5) / len(texts[0]),
            callbacks=[Known(), turn_by_turn(score if options.split == "honest" else dict)],
        )  # fmt: skip
        if options.weights:
            model.save(options.weights)
    finish()


def example_translator(model, arrays):
    """Return a function from sources to translations by the one-hot model; unknown characters are dropped."""
    import numpy as np

    from s2s_lib.decoding import GreedyDecoder, in_batches_of_like_length
    from s2s_lib.vectorization import ONE_HOT_PADDING, TARGET_END, TARGET_START

    characters, known = arrays.target_characters, arrays.source_characters
    column = {character: i for i, character in enumerate(known)}
    end, width = characters.index(TARGET_END), arrays.encoder_input.shape[1]
    decoder = GreedyDecoder(
        model, start_id=characters.index(TARGET_START), end_id=end,
        max_length=arrays.decoder_input.shape[1] + 1,
    )  # fmt: skip
    decoder.compile(jit_compile=True)  # every batch but the last has one shape

    def translate(sources):
        cut = [
            "".join(c for c in source if c in known)[:width].ljust(width, ONE_HOT_PADDING)
            for source in sources
        ]
        ids = np.array([[column[character] for character in source] for source in cut], dtype="int32")
        rows = in_batches_of_like_length(
            lambda chosen: decoder.predict_on_batch(ids[chosen]),
            len(ids),
            lengths=[len(source) for source in sources],
            batch_size=DECODED_AT_ONCE,
        )
        return ["".join(characters[i] for i in row[: (row != end).sum()]) for row in rows]

    return translate


def train_ours(options):
    """Fit the library's model on ids: plain on the example's split, attentive on the honest one."""
    from dataclasses import replace

    from recipes import ATTENTIVE, PLAIN

    from s2s_lib import Translator, train
    from tools.fused_lstm import fused_lstm

    pairs = pairs_of(options)
    recipe = ATTENTIVE if options.split == "honest" else PLAIN
    recipe = replace(
        recipe, corpus=options.corpus, num_samples=options.num_samples, seed=SEED, precision=options.precision
    )
    kept, last = {}, {}

    def score(trained):
        if not kept:
            translator = Translator(*trained[:3], {"fold_typography": recipe.fold_typography})
            kept["score"] = chrf_of_test(pairs, translator.translate)
        last.update(kept["score"]())
        return last["chrf"]

    say(ready=True)
    if told_to_go_on():
        with fused_lstm():  # on PyTorch; elsewhere nothing changes
            train(
                pairs, recipe, score=score if options.split == "honest" else None, progress=False,
                callbacks=[turn_by_turn(lambda: last)],
            )  # fmt: skip
    finish()


def train_torch(options):
    """Fit the same model in PyTorch on the same batches, where PyTorch is installed."""
    from torch_model import train_epochs

    say(ready=True)
    if told_to_go_on():
        train_epochs(pairs_of(options), say=say, told_to_go_on=told_to_go_on)
    finish()


# ---- vectorization, decoding, matrix products ----
def loop_of_the_example(sources, targets):
    """Fill the example's three arrays one character at a time, as its script does."""
    import numpy as np

    framed = ["\t" + target + "\n" for target in targets]
    inputs, outputs = (sorted({" "}.union(*texts)) for texts in (sources, framed))
    input_index, output_index = ({c: i for i, c in enumerate(chars)} for chars in (inputs, outputs))
    width, target_width = max(map(len, sources)), max(map(len, framed))
    encoder = np.zeros((len(sources), width, len(inputs)), dtype="float32")
    decoder, wanted = (np.zeros((len(sources), target_width, len(outputs)), dtype="float32") for _ in "ab")
    for row, (source, target) in enumerate(zip(sources, framed, strict=True)):
        for t, character in enumerate(source):
            encoder[row, t, input_index[character]] = 1.0
        encoder[row, len(source) :, input_index[" "]] = 1.0
        for t, character in enumerate(target):
            decoder[row, t, output_index[character]] = 1.0
            if t:
                wanted[row, t - 1, output_index[character]] = 1.0
        decoder[row, len(target) :, output_index[" "]] = 1.0
        wanted[row, len(target) - 1 :, output_index[" "]] = 1.0
    return encoder, decoder, wanted


def vectorize(options):
    """Time, by turns: the example's loop, and our ids; check that both mean the same."""
    import numpy as np

    from s2s_lib import CharVocabulary, id_arrays, one_hot_arrays

    pairs = pairs_of(options)
    sources, targets = list(pairs["source"]), list(pairs["target"])

    def ours():
        vocabularies = [CharVocabulary.from_texts(texts) for texts in (sources, targets)]
        return id_arrays(sources, targets, *vocabularies)

    seconds = {"example": [], "ours": []}
    for _ in range(5):
        for name, function in (("example", lambda: loop_of_the_example(sources, targets)), ("ours", ours)):
            started = time.perf_counter()
            arrays = function()
            seconds[name].append(time.perf_counter() - started)
    few = slice(0, 500)
    for mine, theirs in zip(
        loop_of_the_example(sources[few], targets[few]),
        one_hot_arrays(sources[few], targets[few]),
        strict=False,
    ):
        np.testing.assert_array_equal(mine, theirs)
    assert len(arrays.encoder_input) == len(sources)
    say(**{name: float(np.median(values)) for name, values in seconds.items()})


def unseen_sources(pairs, arrays, corpus):
    """Return unique sources that the model can read but never saw in training, those of ``pairs`` first."""
    from s2s_lib import load_pairs

    seen, known = set(pairs.loc[pairs["split"] == "train", "source"]), set(arrays.source_characters)
    width = arrays.encoder_input.shape[1]
    every = dict.fromkeys(
        [*pairs.loc[pairs["split"] == "validation", "source"], *load_pairs(corpus)["source"]]
    )
    return [text for text in every if text not in seen and len(text) <= width and known.issuperset(text)]


def decode(options):
    """Decode unseen sources with one set of weights: the example's loop, and our compiled one."""
    import keras
    import numpy as np
    from single_steps import decode_one

    from s2s_lib import one_hot_arrays

    pairs = pairs_of(options)
    arrays = one_hot_arrays(pairs["source"], pairs["target"])
    model = keras.saving.load_model(options.weights, compile=False)
    sources = unseen_sources(pairs, arrays, options.corpus)
    translate = example_translator(model, arrays)
    translate(sources)  # compiles
    started, cpu = time.perf_counter(), time.process_time()
    ours = dict(zip(sources, translate(sources), strict=True))
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    held_out = pairs[pairs["split"] == "validation"].drop_duplicates("source")
    held_out = held_out[held_out["source"].isin(ours)]
    chosen = held_out.iloc[np.random.default_rng(SEED).permutation(len(held_out))[: options.sources]]
    one_by_one = decode_one(model, arrays)
    one_by_one(chosen.index[0])  # compiles
    started, loop_cpu = time.perf_counter(), time.process_time()
    theirs = [one_by_one(row) for row in chosen.index]
    loop_seconds, loop_cpu = time.perf_counter() - started, time.process_time() - loop_cpu
    say(
        sentences_per_second={"example": len(chosen) / loop_seconds, "ours": len(ours) / seconds},
        cpu_seconds_per_sentence={"example": loop_cpu / len(chosen), "ours": cpu / len(ours)},
        sentences={"example": len(chosen), "ours": len(ours)},
        batch_size={"example": 1, "ours": DECODED_AT_ONCE},
        identical=float(
            np.mean([ours[text] == written for text, written in zip(chosen["source"], theirs, strict=True)])
        ),
    )


def matmul(options):
    """Measure a 2048 × 2048 matrix product by Keras' backend, in FLOP a second by the clock."""
    import keras
    import numpy as np

    size = 2048
    matrix = keras.ops.convert_to_tensor(np.random.default_rng(SEED).random((size, size), dtype=np.float32))
    rates = []
    for _ in range(12):
        started = time.perf_counter()
        np.asarray(keras.ops.matmul(matrix, matrix))
        rates.append(2 * size**3 / (time.perf_counter() - started))
    say(flops=max(rates))
