"""The one file a translator travels in: config, vocabularies, model and weights (shown in 05_inference).

A zip archive of JSON texts and of arrays without pickles: nothing in it is run.
"""

import json
import zipfile
from importlib import resources
from io import BytesIO
from pathlib import Path

import keras
import numpy as np

from s2s_lib import records
from s2s_lib.decoding import stepper
from s2s_lib.vocabulary import CharVocabulary

FORMAT = "s2s-translator-1"


def write(path, model, vocabularies, config, *, half_precision):
    """Write a bundle; the final name only ever holds a whole one.

    Parameters
    ----------
    path : path
    model : keras.Model
    vocabularies : pair of CharVocabulary
        Source, target.
    config : dict
        JSON values.
    half_precision : bool
        Store weights as float16.
    """
    dtype = np.float16 if half_precision else np.float32
    arrays = {
        f"{layer.name}/{i}": weight.astype(dtype)
        for layer in model.layers
        for i, weight in enumerate(layer.get_weights())
    }
    weights = BytesIO()
    np.savez(weights, **arrays)
    parts = {
        "config.json": json.dumps({"format": FORMAT} | config, indent=1),
        "source_vocabulary.json": vocabularies[0].to_json(),
        "target_vocabulary.json": vocabularies[1].to_json(),
        "model.json": json.dumps(_uncompiled(keras.saving.serialize_keras_object(model))),
        "weights.npz": weights.getvalue(),
    }
    with records.whole_file(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def read(path):
    """Read a bundle back; Keras' safe mode stays on, so that a file which holds code is refused.

    Parameters
    ----------
    path : path or str
        A file, or the name of a translator that ships with the package.

    Returns
    -------
    keras.Model, list of CharVocabulary, dict
        The model, source and target vocabulary, and the config.

    Raises
    ------
    FileNotFoundError
        If there is no such file or name.
    ValueError
        If the file is not a translator, is damaged, or holds code; the message names the file.
    """
    parts = _parts(_located(path))
    try:
        config = json.loads(parts["config.json"])
        vocabularies = [
            CharVocabulary.from_json(parts[f"{side}_vocabulary.json"]) for side in ("source", "target")
        ]
        architecture = _uncompiled(json.loads(parts["model.json"]))
        model = keras.saving.deserialize_keras_object(architecture, safe_mode=True)
        with np.load(BytesIO(parts["weights.npz"]), allow_pickle=False) as weights:
            for layer in model.layers:
                names = [f"{layer.name}/{i}" for i in range(len(layer.weights))]
                layer.set_weights([weights[name].astype(np.float32) for name in names])
        _check_sizes(model, vocabularies)
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"{path}: not a sound translator file: {reason}") from error
    return model, vocabularies, config


def read_config(file):
    """Return the config of a bundle alone."""
    return json.loads(_parts(file)["config.json"])


def shipped(name):
    """Return the file of the translator of that name which ships with the package, or None."""
    file = resources.files("s2s_lib") / "data" / f"{name}.s2s"
    return file if name.replace("-", "_").isidentifier() and file.is_file() else None


def _located(path):
    """Return the file behind a path, or behind the name of a translator that ships."""
    if Path(path).is_file():
        return Path(path)
    if isinstance(path, str) and (file := shipped(path)):
        return file
    raise FileNotFoundError(f"{path}: no such translator file, nor one of that name in the package")


def _parts(file):
    """Return the members of a translator file by name, without unpacking any to disk."""
    try:
        with file.open("rb") as stream, zipfile.ZipFile(stream) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        config = json.loads(parts.get("config.json", b"{}"))
    except Exception as error:  # what a damaged archive makes zipfile raise is not in its manual
        raise ValueError(f"{file}: not a translator file, or cut short ({error})") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise ValueError(f"{file}: not a translator file: it does not say {FORMAT!r}")
    return parts


def _uncompiled(architecture):
    """Return a serialized model without what it was compiled with: losses and metrics stay at home."""
    return {name: value for name, value in architecture.items() if name != "compile_config"}


def _check_sizes(model, vocabularies):
    """Raise ValueError unless a model can be decoded and knows as many ids as its vocabularies."""
    stepper(model)
    embeddings = [layer for layer in model.layers if layer.name == "source_embedding"]
    source_size = embeddings[0].input_dim if embeddings else model.inputs[0].shape[-1]
    sizes, expected = (source_size, model.outputs[0].shape[-1]), tuple(map(len, vocabularies))
    if sizes != expected:
        raise ValueError(f"the model knows {sizes} source and target ids, the vocabularies hold {expected}")
