"""Words as rows of character ids, so that a network can read the spelling of an unknown word."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from numnet.core.checks import check_size, check_strings, validate_call
from numnet.data.vocabulary import Vocabulary


@validate_call
def spell(words: Iterable[str], characters: Vocabulary, width: int) -> npt.NDArray[np.int64]:
    """Return the words as (N, width): each character's id + 1, so 1 if it is unknown; 0 after the end of the word.

    A longer word is cut to its first ⌈width/2⌉ and last ⌊width/2⌋ characters, because the beginning and the end are
    the most informative parts of a word. An Embedding of the result needs V = len(characters) + 1.
    """
    check_size("spell", width=width)
    words = check_strings("spell", "words", words, "words")
    if characters.unit != "character":
        raise ValueError(f"spell: characters has the unit {characters.unit!r}, expected 'character'.")
    spelt = np.zeros((len(words), width), np.int64)
    for row, word in zip(spelt, words):
        kept = word if len(word) <= width else word[: -(-width // 2)] + word[len(word) - width // 2 :]
        row[: len(kept)] = characters.encode(kept) + 1
    return spelt
