"""Files that nobody should trust: `python -m tests.fuzz` makes them and reads them (make fuzz).

Each case is a valid translator file or corpus, changed at one to three places where it has structure: JSON
values, npy headers, fields of the zip archive, bytes; columns, line ends and encodings. The checker must end
within two seconds and a gigabyte with an answer, or with ValueError or OSError naming the file. Files that
pass it are loaded and translate. A case is made from its number: ``--first N --checker 1`` repeats case N.
"""

import argparse
import io
import itertools
import json
import random
import resource
import struct
import sys
import tempfile
import time
import unicodedata
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from s2s_lib import bundle
from s2s_lib.data.corpus import load_pairs
from s2s_lib.data.vocabulary import CharVocabulary

LONGEST, MOST_BYTES = 2.0, 10**9
EVIL = [
    None, True, False, 0, -1, 1, 2, 3, 24_000, 2**31, 2**63, 10**30, 0.5, -0.0, 1e308, float("nan"),
    float("inf"), "", "x", "3", "a" * 10_000, "\u0000", "\ud800", "é", "e\u0301", [], [1], {}, {"a": 1},
    "attention", "embedding",
]  # fmt: skip
DTYPES = [
    "<f2",
    "<f4",
    "<f8",
    ">f4",
    "|O",
    "<i4",
    "|b1",
    "<U9",
    "<c8",
    "V7",
    "<M8[s]",
    "[('a', '<f4')]",
    "nonsense",
]
SHAPES = [
    "()",
    "(0,)",
    "(-1,)",
    "(1,)",
    "(2, 3)",
    "(1000000000,)",
    "(4294967296, 4294967296)",
    "(2.5,)",
    "('x',)",
    "9",
    "(1,)*9",
]


def valid_parts() -> dict[str, bytes]:
    """Return the members of a small valid file."""
    vocabulary = CharVocabulary("abc.")
    tokens, width, units = len(vocabulary), 3, 4
    shapes = {
        "source_embedding": [(tokens, width)],
        "target_embedding": [(tokens, width)],
        "encoder_lstm": [(width, 4 * units), (units, 4 * units), (4 * units,)],
        "decoder_lstm": [(width, 4 * units), (units, 4 * units), (4 * units,)],
        "target_logits": [(units, tokens), (tokens,)],
    }
    dice, weights = np.random.default_rng(0), io.BytesIO()
    named = {
        f"{layer}/{i}": dice.normal(size=shape)
        for layer, all_of in shapes.items()
        for i, shape in enumerate(all_of)
    }
    np.savez(weights, **{name: array.astype("float32") for name, array in named.items()})
    sizes = {
        "num_source_tokens": tokens,
        "num_target_tokens": tokens,
        "latent_dim": units,
        "embedding_dim": width,
    }
    settings = {"format": bundle.FORMAT, "max_source_length": 9, "max_target_length": 9, "beam_width": 2}
    return {
        "config.json": json.dumps(settings | {"record": {"a": [1, {"b": 2}]}}).encode(),
        "source_vocabulary.json": vocabulary.to_json().encode(),
        "target_vocabulary.json": vocabulary.to_json().encode(),
        "model.json": json.dumps({"model": "embedding", "sizes": sizes}).encode(),
        "weights.npz": weights.getvalue(),
    }


def pack(parts: dict[str, bytes], dice: random.Random | None = None) -> bytes:
    """Return a zip archive; with dice, members in any order, some twice or under odd names."""
    names = list(parts)
    if dice:
        dice.shuffle(names)
        names += dice.sample(names, dice.choice([0, 0, 1]))
    packed = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            method = dice.choice([0, 8, 8, 12, 14]) if dice else 8
            shown = (
                dice.choice([name] * 9 + ["../" + name, "/" + name, name.upper(), name + "\0x", ""])
                if dice
                else name
            )
            archive.writestr(zipfile.ZipInfo(shown), parts[name], method)
    return packed.getvalue()


def change_json(text: bytes, dice: random.Random) -> bytes:
    """Change one value somewhere in a JSON text, or the text itself."""
    value = json.loads(text)
    if dice.random() < 0.15:
        whole = [b"", b"[" * 100_000, b"{}", b"nul", text[: len(text) // 2], text + b"x", b"\xff" + text]
        whole += [text.decode().encode("utf-16"), json.dumps(dice.choice(EVIL)).encode()]
        return dice.choice(whole)
    place = value
    while True:
        keys: list[Any] = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        key = dice.choice(keys)
        if isinstance(place[key], dict | list) and place[key] and dice.random() < 0.7:
            place = place[key]
            continue
        choice = dice.random()
        if choice < 0.1:
            del place[key]
        elif choice < 0.2 and isinstance(place, dict):
            place[dice.choice(["x", "", "units", "layers", "cell", "dropout"])] = dice.choice(EVIL)
        elif choice < 0.6 and isinstance(place[key], int):
            place[key] += dice.choice([-1, 1, 10, -(10**6), 10**6])
        else:
            place[key] = dice.choice(EVIL)
        break
    return json.dumps(value).encode("utf-8", "surrogatepass")


def change_npz(text: bytes, dice: random.Random) -> bytes:
    """Change the header or the numbers of one array."""
    with zipfile.ZipFile(io.BytesIO(text)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = dice.choice(list(parts))
    array = parts[name]
    if dice.random() < 0.3:
        body = bytearray(array[128:])
        place = 4 * dice.randrange(len(body) // 4)
        body[place : place + 4] = struct.pack(
            "<f", dice.choice([float("nan"), float("inf"), 1e38, -1e38, 0.0])
        )
        parts[name] = array[:128] + bytes(body)
    else:
        old = array[10:128].decode()
        shape = old[old.index("(") : old.index(")") + 1]
        shape = dice.choice([shape, *SHAPES])
        dtype = dice.choice(["<f4", *DTYPES])
        order = dice.choice(["False", "True", "7"])
        header = f"{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}, }}"
        header = dice.choice([header] * 8 + ["", "{", header * 50, "{'a': 1}", "__import__('os')", "[" * 500])
        raw = header.encode() + b" " * dice.choice([0, 3, 60]) + b"\n"
        version = dice.choice([b"\x01\x00"] * 6 + [b"\x02\x00", b"\x03\x00", b"\x09\x09"])
        length = struct.pack("<I" if version[0] > 1 else "<H", dice.choice([len(raw)] * 6 + [0, 65535]))
        parts[name] = dice.choice([b"\x93NUMPY"] * 9 + [b"\x93NUMPX"]) + version + length + raw + array[128:]
    if dice.random() < 0.2:
        parts[dice.choice(["x.npy", "a/0.npy", "../a/0.npy", "decoder_lstm/9.npy"])] = parts.pop(name)
    return pack(parts, dice if dice.random() < 0.2 else None)


def change_zip(packed: bytes, dice: random.Random) -> bytes:
    """Change a field of a local header, of the directory, or of the end record; or bytes anywhere."""
    raw = bytearray(packed)
    choice = dice.random()
    if choice < 0.6:
        signature, fields = dice.choice(
            [
                (b"PK\x03\x04", [(6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)]),
                (
                    b"PK\x01\x02",
                    [(8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (42, 4)],
                ),
                (b"PK\x05\x06", [(4, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)]),
            ]
        )
        places = [i for i in range(len(raw) - 4) if raw[i : i + 4] == signature]
        start, (offset, width) = dice.choice(places), dice.choice(fields)
        number = dice.choice([0, 1, 8, 9, 0xFFFF, 0xFFFFFFFF, 2**31, dice.randrange(2**32), len(raw)])
        if start + offset + width <= len(raw):
            raw[start + offset : start + offset + width] = (number % 256**width).to_bytes(width, "little")
    elif choice < 0.7:
        del raw[dice.randrange(len(raw)) :]
    elif choice < 0.8:
        raw[:0] = dice.choice([b"#!/bin/sh\n", b"\0" * 1000, b"PK\x03\x04"])
    elif choice < 0.9:
        raw += dice.choice([b"x", b"PK\x05\x06" + b"\0" * 18, b"\0" * 70_000])
    else:
        for _ in range(dice.choice([1, 5, 50])):
            raw[dice.randrange(len(raw))] = dice.randrange(256)
    return bytes(raw)


def bundle_case(number: int) -> bytes:
    """Return the bytes of translator file ``number``."""
    dice, parts = random.Random(number), dict(PARTS)
    for _ in range(dice.choice([1, 1, 2, 3])):
        name = dice.choice(list(parts))
        choice = dice.random()
        if choice < 0.05:
            parts[name] = dice.choice(
                [b"", bytes(30_000_000) if dice.random() < 0.02 else b"\0", bytes(range(256))]
            )
        elif choice < 0.08:
            del parts[name]
            if not parts:
                break
        elif name.endswith(".npz"):
            parts[name] = _attempt(change_npz, parts[name], dice)
        else:
            parts[name] = _attempt(change_json, parts[name], dice)
    packed = pack(parts, dice if dice.random() < 0.2 else None)
    return change_zip(packed, dice) if dice.random() < 0.4 else packed


def _attempt(change: Callable[[bytes, random.Random], bytes], text: bytes, dice: random.Random) -> bytes:
    """Change a text; one that an earlier change has broken stays as it is."""
    try:
        return change(text, dice)
    except (ValueError, KeyError, IndexError, TypeError, RecursionError, zipfile.BadZipFile):
        return text


ROWS = "The otter swims.\tLa loutre nage.\town\nThe seal naps.\tLe phoque somnole.\town\nØ!\tÉ\u202f!\town\n"
SNIPPETS = [
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\0",
    "\ufeff",
    "\u200b",
    "\u200d",
    "e\u0301",
    "\u2028",
    "\x85",
    "Ã¼",
    ",",
]
SNIPPETS += [";", '"', "😀", "\u202e", "12\t", " ", "\u3000", "\x1a", "\ue000", "x" * 5000]
CODECS = ["utf-8"] * 8 + ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "utf-7"]


def corpus_case(number: int) -> bytes:
    """Return the bytes of corpus ``number``."""
    dice, text = random.Random(number), ROWS * random.Random(number).choice([0, 1, 1, 3])
    for _ in range(dice.choice([0, 1, 2, 5])):
        place = dice.randrange(len(text) + 1)
        text = text[:place] + dice.choice(SNIPPETS) + text[place + dice.choice([0, 0, 1, 20]) :]
    if dice.random() < 0.1:
        text = unicodedata.normalize(dice.choice(["NFD", "NFKC"]), text)
    if dice.random() < 0.1:
        text = "\n".join(
            "\t".join(dice.sample(columns := line.split("\t"), len(columns))) for line in text.split("\n")
        )
    raw = bytearray(text.encode(dice.choice(CODECS), "replace"))
    for _ in range(dice.choice([0, 0, 0, 1, 4])):
        if raw:
            raw[dice.randrange(len(raw))] = dice.randrange(256)
    return bytes(raw)


def judge(read: Callable[[Path], Any], file: Path, found: Counter[str]) -> str:
    """Read a file; return "" if all is well, else what went wrong."""
    start = time.monotonic()
    try:
        with warnings.catch_warnings(action="ignore"):
            read(file)
        found["read"] += 1
    except (ValueError, OSError) as error:
        found["refused"] += 1
        if file.name not in str(error):
            return f"the message names no file: {error}"
        if "\n" in str(error):
            return f"the message is no single line: {error}"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    spent = time.monotonic() - start
    return f"{spent:.1f} seconds" if spent > LONGEST else ""


def passes(number: int) -> bool:
    """Tell if the checker lets a translator file through."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "case.s2s")
        file.write_bytes(bundle_case(number))
        try:
            bundle.read(file)
        except (ValueError, OSError):
            return False
    return True


def translate(file: Path) -> None:
    """Load a translator and translate with it."""
    from s2s_lib import Translator

    translator = Translator.load(file)
    texts = translator.translate(["abc.", ""])
    assert len(texts) == 2 and texts[1] == ""


def run(
    make: Callable[[int], bytes], read: Callable[[Path], Any], numbers: Sequence[int], suffix: str
) -> list[str]:
    """Try the cases of these numbers; return what went wrong."""
    found, faults, start = Counter[str](), [], time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"case{suffix}")
        for number in numbers:
            file.write_bytes(make(number))
            if fault := judge(read, file, found):
                faults.append(f"{make.__name__} {number}: {fault}")
    spent = time.monotonic() - start
    tried = f"{make.__name__}, {read.__name__}: {len(numbers):,} cases in {spent:.0f} s"
    print(f"{tried}, {dict(found)}, {len(faults)} faults")
    return faults


def main() -> int:
    """Return 0 if every case ended as it should."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--checker", type=int, default=100_000, help="cases for the checker")
    parser.add_argument("--translate", type=int, default=1_000, help="cases that are loaded and translate")
    options = parser.parse_args()
    numbers = range(options.first, options.first + options.checker)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    resource.setrlimit(resource.RLIMIT_AS, (used + 4 * MOST_BYTES, resource.RLIM_INFINITY))
    faults = run(bundle_case, bundle.read, numbers[::2], ".s2s")
    faults += run(corpus_case, load_pairs, numbers[1::2], ".tsv")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - used
    if grown > MOST_BYTES:
        faults.append(f"the checker took {grown:,} bytes")
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    if options.translate:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "valid.s2s")
            file.write_bytes(pack(PARTS))
            translate(file)  # and import Keras
        through = itertools.islice(filter(passes, itertools.count(options.first)), options.translate)
        faults += run(bundle_case, translate, list(through), ".s2s")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    print(*faults[:50], sep="\n")
    return int(bool(faults))


PARTS = valid_parts()

if __name__ == "__main__":
    sys.exit(main())
