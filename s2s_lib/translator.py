"""A trained model and all it needs to be read again: weights, vocabularies, provenance (05_inference)."""

import unicodedata
import warnings
from pathlib import Path

from s2s_lib import bundle
from s2s_lib.beam import BeamDecoder
from s2s_lib.corpus import cache_dir, load_pairs
from s2s_lib.decoding import GreedyDecoder, in_batches_of_like_length
from s2s_lib.sampling import SamplingDecoder
from s2s_lib.splitting import split_pairs
from s2s_lib.training import train
from s2s_lib.vectorization import padded, ragged_ids
from s2s_lib.vocabulary import END, START, fold_typography


class Translator:
    """Translates sentences, and travels as one file.

    Parameters
    ----------
    model : keras.Model
        A trained model from `s2s_lib.models`.
    source_vocabulary, target_vocabulary : CharVocabulary
        The ones it was trained with.
    config : dict, optional
        JSON values. ``max_source_length`` (default 100) and ``max_target_length`` (default 200) limit the
        sentences, in characters; ``beam_width`` and ``length_power`` say how to decode; ``fold_typography``
        says that the model was trained on plain spaces and apostrophes; ``record`` holds the record of the
        training.

    Examples
    --------
    >>> translator = Translator.load("sample")
    >>> translator.translate(["", "  "])
    ['', '']
    """

    def __init__(self, model, source_vocabulary, target_vocabulary, config=None):
        self.model, self.config = model, dict(config or {})
        self.source_vocabulary, self.target_vocabulary = source_vocabulary, target_vocabulary
        self.max_source_length = self.config.get("max_source_length", 100)
        limit = self.config.get("max_target_length", 200)
        self._marks = {"start_id": START, "end_id": END, "max_length": limit + 1}
        self._decoders = {}

    def translate(self, sentences, *, beam_width=None, batch_size=128):
        """Translate each sentence; blank ones become "".

        Parameters
        ----------
        sentences : list of str
            Characters the model never saw are read as unknown; a sentence longer than ``max_source_length``
            is cut, with one warning for all.
        beam_width : int, optional
            Hypotheses to keep in beam search; 1 decodes greedily. The default is that of the config, or 1.
        batch_size : int
            Sentences decoded at once.

        Returns
        -------
        list of str

        Raises
        ------
        TypeError
            If ``sentences`` is a single str, or holds something else than str.
        ValueError
            If ``beam_width`` is below 1.
        """
        decoder = self.decoder(self.config.get("beam_width", 1) if beam_width is None else beam_width)
        return self._decoded(sentences, decoder, batch_size)

    def sample(self, sentences, *, temperature=1.0, top_k=None, top_p=None, seed=0, batch_size=128):
        """Translate each sentence by chance, from the model's probabilities.

        The same seed gives the same sample of a sentence, whatever else stands in the list; for another
        sample give another seed. Restrictions are those of `s2s_lib.sampling.restricted`; the rest, errors
        too, is as in `translate`.

        Parameters
        ----------
        sentences : list of str
        temperature : float
            Near 0 almost always the likeliest character, 1.0 the model's own probabilities.
        top_k, top_p : int, float, optional
            Draw from the ``top_k`` likeliest characters only, or the fewest that sum to ``top_p``.
        seed : int
        batch_size : int

        Returns
        -------
        list of str

        Raises
        ------
        ValueError
            If one of the numbers is out of its range.
        """
        restriction = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        key = "sample", *restriction.values()
        if key not in self._decoders:
            self._decoders[key] = SamplingDecoder(self.model, **self._marks, **restriction)
        decoder = self._decoders[key]
        return self._decoded(sentences, lambda source: decoder.sample(source, seed=seed), batch_size)

    def _decoded(self, sentences, decoder, batch_size):
        """Return what a function from padded source ids to target ids makes of each sentence."""
        sources = [self._prepared(sentence) for sentence in _checked(sentences)]
        cut = sum(len(source) > self.max_source_length for source in sources)
        if cut:
            warnings.warn(
                f"{cut} of {len(sources)} sentences were cut after {self.max_source_length} characters",
                stacklevel=3,
            )
        sources = [source[: self.max_source_length] for source in sources]
        translations = [""] * len(sources)
        rows = [row for row, source in enumerate(sources) if source]
        ids = ragged_ids([sources[row] for row in rows], self.source_vocabulary)

        def decode(chosen):
            table = padded(ids, chosen, width=-(-int(ids.lengths[chosen].max()) // 8) * 8)
            return [self.target_vocabulary.decode(row) for row in decoder(table)]

        decoded = in_batches_of_like_length(decode, len(rows), lengths=ids.lengths, batch_size=batch_size)
        for row, translation in zip(rows, decoded, strict=True):
            translations[row] = translation
        return translations

    def decoder(self, beam_width):
        """Return a function from padded source ids to target ids ``(batch, timesteps)``, compiled once.

        Parameters
        ----------
        beam_width : int
            1 decodes greedily.
        """
        if beam_width not in self._decoders:
            if beam_width == 1:
                self._decoders[1] = GreedyDecoder(self.model, **self._marks).predict_on_batch
            else:
                power = self.config.get("length_power", 1.0)
                beam = BeamDecoder(self.model, **self._marks, beam_width=beam_width, length_power=power)
                self._decoders[beam_width] = lambda source: beam.predict_on_batch(source)[0][:, 0]
        return self._decoders[beam_width]

    def _prepared(self, sentence):
        """Return the sentence in the form the model was trained on."""
        sentence = unicodedata.normalize("NFC", sentence).strip()
        return fold_typography(sentence) if self.config.get("fold_typography") else sentence

    def save(self, path, *, half_precision=False):
        """Write model, vocabularies and config as one file; the name only ever holds a whole one.

        Parameters
        ----------
        path : path
        half_precision : bool
            Store weights as float16: half the size, the last digits lost.
        """
        vocabularies = self.source_vocabulary, self.target_vocabulary
        bundle.write(path, self.model, vocabularies, self.config, half_precision=half_precision)

    @classmethod
    def load(cls, path):
        """Read a translator back.

        Parameters
        ----------
        path : path or str
            A file that `save` wrote, or the name of a translator that ships with the package.

        Raises
        ------
        FileNotFoundError
            If there is no such file or name.
        ValueError
            If the file is not a translator, is damaged, or holds code; the message names the file.
        """
        model, vocabularies, config = bundle.read(path)
        return cls(model, *vocabularies, config)


def _checked(sentences):
    """Return the sentences as a list, or say what is wrong with them."""
    if isinstance(sentences, str):
        raise TypeError('give a list of sentences, not one str: ["…"]')
    sentences = list(sentences)
    for place, sentence in enumerate(sentences):
        if not isinstance(sentence, str):
            raise TypeError(f"sentence {place} is {type(sentence).__name__}, not str")
    return sentences


def train_or_load(recipe, *, retrain=False, progress=True):
    """Return the translator of a recipe: trained before, shipped with the package, or trained now.

    What is trained is kept in `s2s_lib.cache_dir()`, under a name that tells recipe and data. It always
    passes through its file, in half precision, so that the answer is the same whichever way it came.

    Parameters
    ----------
    recipe : Recipe
    retrain : bool
        Train even where a trained translator is at hand.
    progress : bool
        Show a progress bar.
    """
    pairs = split_pairs(load_pairs(recipe.corpus, num_samples=recipe.num_samples))
    digest = recipe.digest(pairs)
    file = cache_dir() / f"{Path(recipe.corpus).stem}-{digest}.s2s"
    if not retrain:
        if file.is_file():
            return Translator.load(file)
        shipped = bundle.shipped(recipe.corpus)
        if shipped and bundle.read_config(shipped)["record"]["digest"] == digest:
            return Translator.load(recipe.corpus)
    file.parent.mkdir(parents=True, exist_ok=True)
    trained = train(pairs, recipe, progress=progress)
    learned = pairs[pairs["split"] == "train"]
    config = {
        "max_source_length": recipe.max_length or int(learned["source"].map(len).max()),
        "max_target_length": recipe.max_length or int(learned["target"].map(len).max()),
        "fold_typography": recipe.fold_typography,
        "record": trained.record,
    }
    Translator(*trained[:3], config).save(file, half_precision=True)
    return Translator.load(file)
