"""A small English without end, for every task when no data is at hand: its rules and words stand in english.json."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from numnet.checks import check_count
from numnet.data.grammar import Derivation, Grammar
from numnet.data.sentiment import labelled
from numnet.data.tree import Tree

DATA = Path(__file__).with_name("english.json")


class Sentence(NamedTuple):
    """Words and their tags (UPOS); the binary tree, each node with its sentiment 0..4; log p in nats."""

    words: tuple[str, ...]
    tags: tuple[str, ...]
    tree: Tree
    log_probability: float

    def __str__(self) -> str:
        return " ".join(self.words)


class English:
    """Sentences number 0, 1, 2, ... of a small English; each depends on the seed and its number alone.

    A sentence has 3 to 25 words, the last of them its stop. No two derivations have the same words, so words have one
    tree, one row of tags, and the probability of that derivation (parity_tests/test_english.py counts all of them).
    """

    def __init__(self, seed: int = 0) -> None:
        check_count("English", seed=seed)
        self.seed = int(seed)
        self.data = json.loads(DATA.read_text(encoding="utf-8"))
        self.grammar = Grammar(self.data["rules"], self.data["words"], "Sentence")
        choices = [choice for row in self.grammar.choices.values() for choice in row]
        self.words = tuple(sorted({choice.word for choice in choices if choice.word is not None}))
        self.tags = tuple(sorted(set(self.grammar.tags.values())))

    def random(self, what: str, k: int) -> Random:
        """The chances of thing number k."""
        return Random(f"{what} {self.seed} {k}")

    def sentence(self, k: int) -> Sentence:
        """Sentence number k."""
        return self.described(self.grammar.derive(self.random("sentence", k).random))

    def described(self, derivation: Derivation) -> Sentence:
        """A derivation's words, tags, tree and probability."""
        leaves, tags = list(derivation.leaves()), self.grammar.tags
        words = tuple([leaf.choice.word or "" for leaf in leaves])
        given = tuple([tags[leaf.symbol] for leaf in leaves])
        return Sentence(words, given, labelled(derivation), derivation.log_probability())

    def sentences(self, n: int, first: int = 0) -> Iterator[Sentence]:
        """n of them, from number `first` on."""
        check_count("English.sentences", n=n, first=first)
        return map(self.sentence, range(first, first + n))

    def text(self, n: int, first: int = 0) -> str:
        """The words of n sentences, with a blank between words and a line for each sentence."""
        return "".join(f"{sentence}\n" for sentence in self.sentences(n, first))

    def parse(self, words: Sequence[str] | str) -> Sentence:
        """These words, given as such or parted by blanks, with their tags and tree; ValueError where they are none."""
        words = words.split() if isinstance(words, str) else words
        found = self.grammar.parse(words)
        if not found:
            raise ValueError(
                f"English.parse: {' '.join(words)!r} is no sentence of the small English. Its rules and words stand in "
                "numnet/data/english.json."
            )
        return self.described(found[0])

    @property
    def entropy(self) -> float:
        """What is unknown about a sentence, H = -Σ p log p over all sentences, in nats. Exact: see Grammar.expected."""
        return self.grammar.expected(lambda choice: -math.log(choice.probability))

    @property
    def length(self) -> float:
        """The mean number of words in a sentence, its stop counted. Exact."""
        return self.grammar.expected(lambda choice: choice.word is not None)

    @property
    def entropy_rate(self) -> float:
        """H / (length + 1), nats a token, the end of a sentence being one: no language model's loss is less."""
        return self.entropy / (self.length + 1)
