"""Words as rows of characters: what a network sees of a word that it has never met."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from numnet.core.checks import check_size
from numnet.data.vocabulary import Vocabulary


def spell(words: Iterable[str], characters: Vocabulary, width: int) -> npt.NDArray[np.int64]:
    """Words as (N, width): a character's number + 1, so 1 for an unknown one; 0 behind the word's end.

    Of a longer word stand the first ⌈width/2⌉ and the last ⌊width/2⌋ characters: beginnings and endings say most of
    what a word is. An Embedding of it needs V = len(characters) + 1.
    """
    check_size("spell", width=width)
    if isinstance(words, str):
        raise TypeError("spell: words is a str, expected a list of words. One word? Pass [word].")
    if characters.unit != "character":
        raise ValueError(f"spell: characters has the unit {characters.unit!r}, expected 'character'.")
    words = list(words)
    spelt = np.zeros((len(words), width), np.int64)
    for row, word in zip(spelt, words):
        kept = word if len(word) <= width else word[: -(-width // 2)] + word[len(word) - width // 2 :]
        row[: len(kept)] = characters.encode(kept) + 1
    return spelt
