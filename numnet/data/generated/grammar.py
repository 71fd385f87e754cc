"""A probabilistic context-free grammar: random sentences, parsing, and exact expectations such as the entropy."""

from __future__ import annotations

import math
from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, product
from typing import Any, NamedTuple

import numpy as np

from numnet.core.checks import validate_call

NUMBERS = ("sg", "pl")  # the values of # in a rule
VALUES = {"++": 2, "+": 1, "-": -1, "--": -2}


class Choice(NamedTuple):
    """One expansion of a symbol: one or two parts, or a word; with its probability and its effect on sentiment."""

    probability: float
    parts: tuple[str, ...]
    how: str = "sum"
    word: str | None = None
    value: int = 0


class Derivation(NamedTuple):
    """A symbol, the choice made for it, and the derivation of each of its parts."""

    symbol: str
    choice: Choice
    parts: tuple[Derivation, ...] = ()

    def leaves(self) -> Iterator[Derivation]:
        """Yield the words from left to right, each with its symbol."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()

    def log_probability(self) -> float:
        """Return log p = Σ log p(choice), in nats."""
        return math.log(self.choice.probability) + sum(part.log_probability() for part in self.parts)


class Grammar:
    """Symbols and their choices, A → B C, A → B or A → word, from `rules` and `words` in the format of english.json."""

    @validate_call
    def __init__(self, rules: Mapping[str, Any], words: Mapping[str, Any], start: str) -> None:
        self.start = start
        self.choices = {**phrases(rules), **lexicon(words)}
        self.tags = {form: entry[0] for name, entry in words.items() for form in forms(name)}
        self.limits = {s: list(accumulate(c.probability for c in cs))[:-1] for s, cs in self.choices.items()}
        self.parents: dict[tuple[str, ...] | str, list[tuple[str, Choice]]] = defaultdict(list)  # by parts, or word
        for symbol, choices in self.choices.items():
            for choice in choices:
                self.parents[choice.word or choice.parts].append((symbol, choice))

    def derive(self, draw: Callable[[], float], symbol: str | None = None) -> Derivation:
        """Return a random derivation of a symbol; draw() returns a random number in [0, 1) for each choice."""
        symbol = symbol or self.start
        choice = self.choices[symbol][bisect(self.limits[symbol], draw())]
        return Derivation(symbol, choice, tuple([self.derive(draw, part) for part in choice.parts]))

    def expected(self, own: Callable[[Choice], float]) -> float:
        """Return the expectation, over all derivations, of the sum of own(choice) over a derivation's choices.

        With e_A = Σ p(c) own(c) over A's choices c, and M_AB the mean number of B in a choice of A,

            v = e + M v, so (I - M) v = e        (1)

        and the result is v_start. own = -log p gives the entropy, own = 1 for a word gives the length. Chi 1999.
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
        """Return all derivations of these words, built from shorter spans (CKY); [] if they are not a sentence."""
        N, chart = len(words), dict[tuple[int, int], dict[str, list[Derivation]]]()
        for width in range(1, N + 1):
            for i in range(N - width + 1):
                cell = chart[i, i + width] = defaultdict(list)
                for symbol, choice in self.parents.get(words[i], ()) if width == 1 else ():
                    self.add(cell, Derivation(symbol, choice))
                for k in range(i + 1, i + width):
                    for B, C in product(list(chart[i, k]), list(chart[k, i + width])):
                        for symbol, choice in self.parents.get((B, C), ()):
                            for parts in product(chart[i, k][B], chart[k, i + width][C]):
                                self.add(cell, Derivation(symbol, choice, parts))
        return chart[0, N][self.start] if words else []

    def add(self, cell: dict[str, list[Derivation]], derivation: Derivation) -> None:
        """Add a derivation to the cell of a span, and then, recursively, its unary parents A → B."""
        cell[derivation.symbol].append(derivation)
        for symbol, choice in self.parents.get((derivation.symbol,), ()):
            self.add(cell, Derivation(symbol, choice, (derivation,)))


def forms(symbol: str) -> list[str]:
    """Return Noun.sg and Noun.pl for Noun#; a symbol without # is unchanged."""
    return [symbol.replace("#", f".{number}") for number in NUMBERS] if "#" in symbol else [symbol]


def phrases(rules: Mapping[str, Any]) -> dict[str, list[Choice]]:
    """Return the choices of each phrase. If # is on the right side only, each number gets half of the weight."""
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
    """Return the words of each class; the probability of the nth word is proportional to 1 / (n + 1)."""
    choices: dict[str, list[Choice]] = {}
    for name, (_, *rows) in words.items():
        total = sum(1 / (n + 1) for n in range(1, len(rows) + 1))
        for k, symbol in enumerate(forms(name)):
            parts = [row.split() for row in rows]
            choices[symbol] = [
                Choice(1 / (n + 1) / total, (), "sum", row[k], VALUES.get(row[-1], 0)) for n, row in enumerate(parts, 1)
            ]
    return choices
