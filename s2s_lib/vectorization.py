"""Sentence pairs as arrays: the example's one-hot, and padded ids (derived in notebook 02_vectorization)."""

from typing import NamedTuple

import numpy as np

from s2s_lib.vocabulary import END, PADDING, START, UNKNOWN, code_points

TARGET_START, TARGET_END, ONE_HOT_PADDING = "\t", "\n", " "


class OneHotArrays(NamedTuple):
    """The example's three float32 arrays and the two character tables their columns follow."""

    encoder_input: np.ndarray
    decoder_input: np.ndarray
    decoder_target: np.ndarray
    source_characters: tuple
    target_characters: tuple


def _code_points(texts, *, width):
    """Return ``texts`` as an array of code points ``(num_texts, width)``, padded with the one-hot padding."""
    padded = [text.ljust(width, ONE_HOT_PADDING) for text in texts]
    return np.array(padded, dtype=f"<U{width}").view(np.uint32).reshape(len(padded), width)


def _one_hot(code_points, characters):
    """Return ``(num_texts, timesteps, num_characters)`` float32 rows, one 1 in each."""
    table = np.array([ord(character) for character in characters], dtype=np.uint32)
    rows = np.zeros((code_points.size, len(table)), dtype=np.float32)
    rows[np.arange(code_points.size), np.searchsorted(table, code_points.ravel())] = 1.0
    return rows.reshape(*code_points.shape, len(table))


def one_hot_arrays(sources, targets):
    r"""Vectorize sentence pairs exactly as the famous example does, without its loop over characters.

    Targets are framed by a tab (start) and a newline (end). ``decoder_target`` is ``decoder_input`` moved one
    timestep ahead. All rows are padded with the space character, which joins a table that lacks it.

    Parameters
    ----------
    sources, targets : sequence of str
        Sentences, one pair at each position.

    Returns
    -------
    OneHotArrays
        float32 ``encoder_input`` ``(num_pairs, source_timesteps, num_source_tokens)``, ``decoder_input`` and
        ``decoder_target`` ``(num_pairs, target_timesteps, num_target_tokens)``, and both character tables
        (sorted by code point).

    Raises
    ------
    ValueError
        If there are no pairs, or not as many targets as sources.

    Examples
    --------
    >>> arrays = one_hot_arrays(["Go."], ["Va !"])
    >>> arrays.encoder_input.shape, arrays.decoder_input.shape
    ((1, 3, 4), (1, 6, 6))
    >>> [arrays.target_characters[i] for i in arrays.decoder_target[0].argmax(axis=-1)]
    ['V', 'a', ' ', '!', '\n', ' ']
    """
    sources, framed = list(sources), [TARGET_START + target + TARGET_END for target in targets]
    check_pairs(sources, framed)
    encoder = _code_points(sources, width=max(1, *map(len, sources)))
    decoder = _code_points(framed, width=max(map(len, framed)))
    ahead = np.full_like(decoder, ord(ONE_HOT_PADDING))
    ahead[:, :-1] = decoder[:, 1:]
    source_characters = tuple(sorted(set(ONE_HOT_PADDING).union(*sources)))
    target_characters = tuple(sorted(set(ONE_HOT_PADDING).union(*framed)))
    return OneHotArrays(
        encoder_input=_one_hot(encoder, source_characters),
        decoder_input=_one_hot(decoder, target_characters),
        decoder_target=_one_hot(ahead, target_characters),
        source_characters=source_characters,
        target_characters=target_characters,
    )


def check_pairs(sources, targets):
    """Raise ValueError unless there are pairs, and as many targets as sources."""
    if len(sources) != len(targets):
        raise ValueError(f"{len(sources)} sources but {len(targets)} targets: pairs need one target a source")
    if not sources:
        raise ValueError("no sentence pairs to vectorize")


class IdArrays(NamedTuple):
    """Padded int32 ids: what the encoder reads, what the decoder is fed, what it shall answer."""

    encoder_input: np.ndarray
    decoder_input: np.ndarray
    decoder_target: np.ndarray


class RaggedIds(NamedTuple):
    """Ids of many sentences end to end (uint16), and where each begins: ``offsets[i]:offsets[i + 1]``."""

    ids: np.ndarray
    offsets: np.ndarray

    @property
    def lengths(self):
        """Number of ids of each sentence."""
        return np.diff(self.offsets)


def ragged_ids(texts, vocabulary):
    """Encode all texts at once: one table lookup over their joined code points.

    Parameters
    ----------
    texts : iterable of str
    vocabulary : CharVocabulary

    Returns
    -------
    RaggedIds
        The same ids as ``vocabulary.encode`` gives one text at a time.
    """
    characters, lengths = code_points(texts)
    known = [ord(character) for character in vocabulary.characters]
    id_of = np.full(max(known, default=0) + 2, UNKNOWN, dtype=np.uint16)  # last: all code points beyond
    id_of[known] = np.arange(len(known)) + UNKNOWN + 1
    return RaggedIds(id_of.take(characters, mode="clip"), np.concatenate([[0], np.cumsum(lengths)]))


def padded(ragged, rows, *, width=None, prefix=(), suffix=()):
    """Return rows as int32 ``(len(rows), width)``, framed by ``prefix`` and ``suffix``, then padding.

    ``width`` is that of the longest framed row unless a larger one is asked for.
    """
    lengths = ragged.lengths[rows]
    before, after = len(prefix), len(suffix)
    width = max(int(lengths.max(initial=0)) + before + after, width or 0)
    table = np.full((len(rows), width), PADDING, dtype=np.int32)
    table[:, :before] = prefix
    real = np.arange(width - before) < lengths[:, None]
    skipped = ragged.offsets[:-1][rows] - (np.cumsum(lengths) - lengths)  # ids of rows not asked for
    table[:, before:][real] = ragged.ids[np.arange(lengths.sum()) + np.repeat(skipped, lengths)]
    for i, token in enumerate(suffix):
        table[np.arange(len(rows)), before + lengths + i] = token
    return table


def id_arrays(sources, targets, source_vocabulary, target_vocabulary):
    """Vectorize sentence pairs as padded ids.

    Returns
    -------
    IdArrays
        int32 ``encoder_input`` ``(num_pairs, source_timesteps)``; ``decoder_input``, which opens with the
        start mark, and ``decoder_target``, one timestep ahead and closed by the end mark, both
        ``(num_pairs, target_timesteps)``. Padding (id 0) stands only on the right.

    Raises
    ------
    ValueError
        If there are no pairs, or not as many targets as sources.

    Examples
    --------
    >>> from s2s_lib.vocabulary import CharVocabulary
    >>> arrays = id_arrays(["ab", "b"], ["cd", "dcd"], CharVocabulary("ab"), CharVocabulary("cd"))
    >>> arrays.decoder_input.tolist()
    [[1, 4, 5, 0], [1, 5, 4, 5]]
    >>> arrays.decoder_target.tolist()
    [[4, 5, 2, 0], [5, 4, 5, 2]]
    """
    sources, targets = list(sources), list(targets)
    check_pairs(sources, targets)
    return padded_arrays(
        ragged_ids(sources, source_vocabulary),
        ragged_ids(targets, target_vocabulary),
        np.arange(len(sources)),
    )


def padded_arrays(source, target, rows, *, source_width=None, target_width=None):
    """Return the `IdArrays` of the given rows of two `RaggedIds`, at least as wide as asked for."""
    return IdArrays(
        encoder_input=padded(source, rows, width=source_width),
        decoder_input=padded(target, rows, width=target_width, prefix=[START]),
        decoder_target=padded(target, rows, width=target_width, suffix=[END]),
    )
