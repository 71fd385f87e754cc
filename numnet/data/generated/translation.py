"""A made-up language: the small English with verbs last, adjectives after nouns, no articles, and inflection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from numnet.core.checks import validate_call
from numnet.data.generated.grammar import NUMBERS, Derivation, Grammar

STRIDE = 403  # the distance between the stems of adjacent words; coprime to the number of stems
INFINITIVE = ("Action", "Core", "Walk", "See", "Lose")  # these take the number of their subject: does not walk


class Translation(NamedTuple):
    """A sentence of the small English and its translation into the made-up language, words separated by spaces."""

    sentence: str
    translation: str


class Language:
    """Each word of each class has its own stem, so the noun "walk" and the verb "walk" differ. Names are unchanged.

    The ending of a noun shows its number; its adjective and its verb agree with it. The noun and the adjective of an
    object end in n. Each sentence has one translation.
    """

    @validate_call
    def __init__(self, grammar: Grammar, data: Mapping[str, Any]) -> None:
        self.grammar, self.data = grammar, data
        consonants, vowels = data["consonants"].split(), data["vowels"].split()
        stems = list(map("".join, product(consonants, vowels, consonants)))
        names = dict.fromkeys((base(symbol), k) for symbol in grammar.tags for k in range(len(grammar.choices[symbol])))
        self.stems = {name: stems[n * STRIDE % len(stems)] for n, name in enumerate(names)}

    def translate(self, derivation: Derivation) -> str:
        """Return the translation of a derivation of the grammar."""
        return " ".join(self.words(derivation, "sg", False))

    def words(self, derivation: Derivation, number: str, is_object: bool) -> Iterator[str]:
        """Yield the words of a phrase, in order and with endings."""
        name, _, own = derivation.symbol.partition(".")
        number = own if own and name not in INFINITIVE else number
        is_object = is_object or name in ("Object", "Shown")
        if derivation.choice.word is not None and name not in self.data["dropped"]:
            yield self.word(derivation, number, is_object)
        behind = bool(derivation.parts) and base(derivation.parts[0].symbol) in self.data["behind"]
        for part in derivation.parts[:: -1 if behind else 1]:
            yield from self.words(part, number, is_object)

    def word(self, derivation: Derivation, number: str, is_object: bool) -> str:
        """Return one word: stem and ending."""
        symbol, choice = derivation.symbol, derivation.choice
        tag = self.grammar.tags[symbol]
        if tag in ("PROPN", "PUNCT"):
            return str(choice.word)
        stem = self.stems[base(symbol), self.grammar.choices[symbol].index(choice)]
        ending = self.data["endings"].get(tag, " ").split(" ")[NUMBERS.index(number)]
        return stem + ending + (self.data["object"] if is_object and tag in ("NOUN", "ADJ") else "")


def base(symbol: str) -> str:
    """Return Noun for Noun.sg."""
    return symbol.partition(".")[0]
