"""A probabilistic grammar: sentences by chance, their reading, and how much there is to know in one (entropy)."""

from __future__ import annotations

import math
from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, product
from typing import Any, NamedTuple

import numpy as np

NUMBERS = ("sg", "pl")  # what the # in a rule stands for
VALUES = {"++": 2, "+": 1, "-": -1, "--": -2}


class Choice(NamedTuple):
    """One of the things that a symbol becomes: one or two parts, or a word; and what it does to sentiment."""

    probability: float
    parts: tuple[str, ...]
    how: str = "sum"
    word: str | None = None
    value: int = 0


class Derivation(NamedTuple):
    """A symbol, the choice made there, and a derivation of each of its parts."""

    symbol: str
    choice: Choice
    parts: tuple[Derivation, ...] = ()

    def leaves(self) -> Iterator[Derivation]:
        """The words from left to right, each with its symbol."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()

    def log_probability(self) -> float:
        """log p = Σ log p(choice), in nats."""
        return math.log(self.choice.probability) + sum(part.log_probability() for part in self.parts)


class Grammar:
    """Symbols and their choices, A → B C, A → B or A → word, from `rules` and `words` as english.json has them."""

    def __init__(self, rules: Mapping[str, Any], words: Mapping[str, Any], start: str) -> None:
        self.start = start
        self.choices = {**phrases(rules), **lexicon(words)}
        self.tags = {form: entry[0] for name, entry in words.items() for form in forms(name)}
        self.limits = {s: list(accumulate(c.probability for c in cs))[:-1] for s, cs in self.choices.items()}
        self.above: dict[tuple[str, ...] | str, list[tuple[str, Choice]]] = defaultdict(list)  # parts or word → who
        for symbol, choices in self.choices.items():
            for choice in choices:
                self.above[choice.word or choice.parts].append((symbol, choice))

    def derive(self, draw: Callable[[], float], symbol: str | None = None) -> Derivation:
        """What a symbol becomes, by chance: draw() gives a number of 0 or more, less than 1, for each choice."""
        symbol = symbol or self.start
        choice = self.choices[symbol][bisect(self.limits[symbol], draw())]
        return Derivation(symbol, choice, tuple([self.derive(draw, part) for part in choice.parts]))

    def expected(self, own: Callable[[Choice], float]) -> float:
        """The mean over all derivations of the sum of own(choice) over a derivation's choices.

        With e_A = Σ p(c) own(c) over A's choices c, and M_AB how many B a choice of A has in the mean,

            v = e + M v, so (I - M) v = e        (1)

        and v_start is the mean wanted: own = -log p gives the entropy, own = 1 for a word the length. Chi 1999.
        """
        at = {symbol: k for k, symbol in enumerate(self.choices)}
        M, e = np.zeros((len(at), len(at))), np.zeros(len(at))
        for symbol, choices in self.choices.items():
            for choice in choices:
                e[at[symbol]] += choice.probability * own(choice)
                for part in choice.parts:
                    M[at[symbol], at[part]] += choice.probability
        return float(np.linalg.solve(np.eye(len(at)) - M, e)[at[self.start]])  # (1)

    def parse(self, words: Sequence[str]) -> list[Derivation]:
        """Every derivation of these words, none where they are no sentence: longer stretches from two shorter ones."""
        N, chart = len(words), dict[tuple[int, int], dict[str, list[Derivation]]]()
        for width in range(1, N + 1):
            for i in range(N - width + 1):
                cell = chart[i, i + width] = defaultdict(list)
                for symbol, choice in self.above.get(words[i], ()) if width == 1 else ():
                    self.climb(cell, Derivation(symbol, choice))
                for k in range(i + 1, i + width):
                    for B, C in product(list(chart[i, k]), list(chart[k, i + width])):
                        for symbol, choice in self.above.get((B, C), ()):
                            for parts in product(chart[i, k][B], chart[k, i + width][C]):
                                self.climb(cell, Derivation(symbol, choice, parts))
        return chart[0, N][self.start] if words else []

    def climb(self, cell: dict[str, list[Derivation]], derivation: Derivation) -> None:
        """Add it to the derivations of a stretch of words, then what becomes it alone, and so on."""
        cell[derivation.symbol].append(derivation)
        for symbol, choice in self.above.get((derivation.symbol,), ()):
            self.climb(cell, Derivation(symbol, choice, (derivation,)))


def forms(symbol: str) -> list[str]:
    """Noun# as Noun.sg and Noun.pl; a symbol without # is itself."""
    return [symbol.replace("#", f".{number}") for number in NUMBERS] if "#" in symbol else [symbol]


def phrases(rules: Mapping[str, Any]) -> dict[str, list[Choice]]:
    """The choices of each phrase; where a # is on the right alone, its weight is shared out to both numbers."""
    choices: dict[str, list[Choice]] = defaultdict(list)
    for name, rows in rules.items():
        total = sum(weight for weight, *_ in rows)
        for weight, right, *how in rows:
            lefts, rights = forms(name), forms(right)
            for k in range(max(len(lefts), len(rights))):
                p = weight / total * len(lefts) / max(len(lefts), len(rights))
                choices[lefts[k % len(lefts)]].append(Choice(p, tuple(rights[k % len(rights)].split()), *how))
    return dict(choices)


def lexicon(words: Mapping[str, Any]) -> dict[str, list[Choice]]:
    """The words of each class; the nth is drawn with a probability in proportion to 1 / (n + 1)."""
    choices: dict[str, list[Choice]] = {}
    for name, (_, *rows) in words.items():
        total = sum(1 / (n + 1) for n in range(1, len(rows) + 1))
        for k, symbol in enumerate(forms(name)):
            parts = [row.split() for row in rows]
            choices[symbol] = [
                Choice(1 / (n + 1) / total, (), "sum", row[k], VALUES.get(row[-1], 0)) for n, row in enumerate(parts, 1)
            ]
    return choices
