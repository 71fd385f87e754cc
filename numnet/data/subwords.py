"""Words as pieces that many words share: so a rare word is read and said in parts that are known from others."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from numnet.core.checks import check_count

GOES_ON = "@@"  # at the end of a piece: the word goes on
Pair = tuple[str, str]


class Subwords:
    """Byte pair encoding (Sennrich et al. 2016), of characters: each merge makes one piece of two that stand together.

    Every word begins as its characters, all but the last marked with @@; `merges` are applied in their order. Frequent
    words become one piece, rare ones stay in several: impatiente is im@@ patien@@ te.
    """

    def __init__(self, merges: Sequence[Pair]) -> None:
        self.merges = [(left, right) for left, right in merges]
        self.rank = {pair: k for k, pair in enumerate(self.merges)}
        self.known: dict[str, list[str]] = {}

    @classmethod
    def from_words(cls, words: Iterable[str], merges: int) -> Subwords:
        """So many merges, or fewer, each of the pair that is the most frequent by then.

        Of equally frequent ones, the first by code point; one that is there once is left. ValueError for less than 0.
        """
        check_count("Subwords", merges=merges)
        counts = Counter(words)
        pieces = {word: characters(word) for word in counts}
        frequency: Counter[Pair] = Counter()
        places: dict[Pair, set[str]] = defaultdict(set)
        for word, split in pieces.items():
            for pair in pairwise(split):
                frequency[pair] += counts[word]
                places[pair].add(word)
        found: list[Pair] = []
        while len(found) < merges and frequency:
            best = min(frequency, key=lambda pair: (-frequency[pair], pair))
            if frequency[best] < 2:
                break
            found.append(best)
            for word in places.pop(best):
                before, after = pieces[word], merged(pieces[word], best)
                frequency.subtract({pair: n * counts[word] for pair, n in Counter(pairwise(before)).items()})
                frequency.update({pair: n * counts[word] for pair, n in Counter(pairwise(after)).items()})
                for pair in pairwise(after):
                    places[pair].add(word)
                pieces[word] = after
            del frequency[best]
        return cls(found)

    def split(self, words: Iterable[str]) -> list[str]:
        """The pieces of all these words, one after another."""
        return [piece for word in words for piece in self.pieces(word)]

    def pieces(self, word: str) -> list[str]:
        """One word's."""
        if word not in self.known:
            split = characters(word)
            while ranked := [pair for pair in pairwise(split) if pair in self.rank]:
                split = merged(split, min(ranked, key=self.rank.__getitem__))
            self.known[word] = split
        return self.known[word]

    @staticmethod
    def join(pieces: Iterable[str]) -> list[str]:
        """The words that these pieces make."""
        words: list[str] = []
        begun = ""
        for piece in pieces:
            begun += piece.removesuffix(GOES_ON)
            if not piece.endswith(GOES_ON):
                words, begun = [*words, begun], ""
        return [*words, begun] if begun else words

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"merges": self.merges}


def characters(word: str) -> list[str]:
    """Pieces of one character each; a ValueError where the mark stands in a word, for then it would not come back."""
    if GOES_ON in word or not word:
        raise ValueError(f"Subwords: {word!r} is no word, expected one character or more, and no {GOES_ON} in it.")
    return [c + GOES_ON for c in word[:-1]] + [word[-1]]


def merged(pieces: list[str], pair: Pair) -> list[str]:
    """Every such pair as one piece, from the left."""
    found, k = [], 0
    while k < len(pieces):
        if tuple(pieces[k : k + 2]) == pair:
            found.append(pair[0].removesuffix(GOES_ON) + pair[1])
            k += 2
        else:
            found.append(pieces[k])
            k += 1
    return found
