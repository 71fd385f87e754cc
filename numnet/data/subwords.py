"""Subword units: a rare word is split into pieces that other words share."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from numnet.core.checks import check_count, check_list, check_strings, check_text, excerpt, validate_call

GOES_ON = "@@"  # at the end of a piece: the word continues
Pair = tuple[str, str]


class Subwords:
    """Byte pair encoding (Sennrich et al. 2016) of characters: each merge joins two adjacent pieces into one.

    A word is first split into its characters, all but the last marked with @@; then `merges` are applied in order.
    Frequent words become one piece, rare words remain several: impatiente is im@@ patien@@ te.
    """

    def __init__(self, merges: Sequence[Pair]) -> None:
        self.merges = [pair_of(k, pair) for k, pair in enumerate(check_list("Subwords", "merges", merges, "pairs"))]
        self.rank = {pair: k for k, pair in enumerate(self.merges)}
        self.cache: dict[str, list[str]] = {}

    @classmethod
    @validate_call
    def from_words(cls, words: Iterable[str], merges: int) -> Subwords:
        """Learn at most `merges` merges, each of the pair that is the most frequent at that point.

        Among equally frequent pairs, the first by code point is merged; a pair that occurs once is not merged.
        ValueError if `merges` is negative.
        """
        check_count("Subwords", merges=merges)
        counts = Counter(check_strings("Subwords", "words", words, "words"))
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

    @validate_call
    def split(self, words: Iterable[str]) -> list[str]:
        """Return the pieces of all these words, in order."""
        return [piece for word in words for piece in self.pieces(word)]

    def pieces(self, word: str) -> list[str]:
        """Return the pieces of one word."""
        check_text("Subwords", "word", word)
        if word not in self.cache:
            split = characters(word)
            while ranked := [pair for pair in pairwise(split) if pair in self.rank]:
                split = merged(split, min(ranked, key=self.rank.__getitem__))
            self.cache[word] = split
        return self.cache[word]

    @staticmethod
    def join(pieces: Iterable[str]) -> list[str]:
        """Return the words that these pieces form."""
        words: list[str] = []
        begun = ""
        for piece in check_strings("Subwords.join", "pieces", pieces, "pieces", "A text? Pass text.split()."):
            begun += piece.removesuffix(GOES_ON)
            if not piece.endswith(GOES_ON):
                words, begun = [*words, begun], ""
        return [*words, begun] if begun else words

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"merges": self.merges}


def pair_of(k: int, pair: Any) -> Pair:
    """Return a merge as a tuple; an error names a merge that would never be applied."""
    pieces = check_strings("Subwords", f"merges[{k}]", pair, "two pieces")
    if len(pieces) != 2 or not pieces[0].endswith(GOES_ON):
        raise ValueError(
            f"Subwords: merges[{k}] is {excerpt(' '.join(pieces))}, expected two pieces, the first ending in "
            f"{GOES_ON}. Use Subwords.from_words."
        )
    return pieces[0], pieces[1]


def characters(word: str) -> list[str]:
    """Split a word into characters. ValueError if the word contains the mark @@, because `join` would remove it."""
    if GOES_ON in word or not word:
        raise ValueError(f"Subwords: the word is {excerpt(word)}, expected one character or more, without {GOES_ON}.")
    return [c + GOES_ON for c in word[:-1]] + [word[-1]]


def merged(pieces: list[str], pair: Pair) -> list[str]:
    """Replace every occurrence of the pair, from the left, by one piece."""
    found, k = [], 0
    while k < len(pieces):
        if tuple(pieces[k : k + 2]) == pair:
            found.append(pair[0].removesuffix(GOES_ON) + pair[1])
            k += 2
        else:
            found.append(pieces[k])
            k += 1
    return found
