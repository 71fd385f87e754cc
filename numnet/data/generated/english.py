"""A small English without end, for every task where no data is at hand: its rules and words stand in english.json."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

from numnet.core.checks import check_count
from numnet.data.generated.grammar import Derivation, Grammar
from numnet.data.generated.inference import Pairs
from numnet.data.generated.sentiment import labelled
from numnet.data.generated.translation import Language, Translation
from numnet.data.readers.snli import LABELS, Inference
from numnet.data.tree import Tree

DATA = Path(__file__).with_name("english.json")
VOWELS = "aeiouy"
Thing = TypeVar("Thing")


class Sentence(NamedTuple):
    """Words and their tags (UPOS); the binary tree, each node with its sentiment 0..4; log p in nats."""

    words: tuple[str, ...]
    tags: tuple[str, ...]
    tree: Tree
    log_probability: float

    def __str__(self) -> str:
        return " ".join(self.words)


class English:
    """Sentences number 0, 1, 2, ... of a small English; pairs, translations and names likewise.

    Each depends on the seed and its number alone. `words` are all words, `tags` all tags, `languages` those of names.
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
        self.languages = tuple(self.data["names"])
        self.inference = Pairs(self.grammar, self.data["kinds"], self.data["opposites"])
        self.language = Language(self.grammar, self.data["language"])

    def random(self, what: str, k: int) -> Random:
        """The chances of thing number k."""
        return Random(f"{what} {self.seed} {k}")

    def sentence(self, k: int) -> Sentence:
        """Sentence number k."""
        return self.described(self.grammar.derive(self.random("sentence", k).random))

    def sentences(self, n: int, first: int = 0) -> Iterator[Sentence]:
        """n sentences, each made when it is asked for, from number `first` on; so are pairs, translations and names."""
        return self.numbered("sentences", self.sentence, n, first)

    def text(self, n: int, first: int = 0) -> str:
        """The words of n sentences, with a blank between words and a line for each sentence."""
        return "".join(f"{sentence}\n" for sentence in self.sentences(n, first))

    def pair(self, k: int) -> Inference:
        """Pair number k: two sentences as trees, and the label, each in its turn."""
        return self.inference.pair(LABELS[k % len(LABELS)], self.random("pair", k).random)

    def pairs(self, n: int, first: int = 0) -> Iterator[Inference]:
        """n pairs: whether the second sentence follows from the first, is open, or cannot be."""
        return self.numbered("pairs", self.pair, n, first)

    def translation(self, k: int) -> Translation:
        """Sentence number k, and what it is in the made-up language."""
        derivation = self.grammar.derive(self.random("sentence", k).random)
        words = " ".join(str(leaf.choice.word) for leaf in derivation.leaves())
        return Translation(words, self.language.translate(derivation))

    def translations(self, n: int, first: int = 0) -> Iterator[Translation]:
        """n sentences with their translations."""
        return self.numbered("translations", self.translation, n, first)

    def name(self, k: int) -> tuple[str, str]:
        """(language, name) number k, each of `languages` in its turn."""
        language, chance = self.languages[k % len(self.languages)], self.random("name", k)
        part = {what: sounds.split() for what, sounds in self.data["names"][language].items()}
        end = chance.choice(part["end"])
        name = chance.choice(part["begin"]) + chance.choice(part["vowel"])
        if chance.random() < 0.5:
            name += chance.choice(part["middle"]) + chance.choice(part["vowel"])
        if end[0] in VOWELS:
            name += chance.choice(part["middle"])
        return language, (name + end).capitalize()

    def names(self, n: int, first: int = 0) -> Iterator[tuple[str, str]]:
        """n names of made-up languages, as (language, name); some come more than once, and some in two languages."""
        return self.numbered("names", self.name, n, first)

    def numbered(self, what: str, make: Callable[[int], Thing], n: int, first: int) -> Iterator[Thing]:
        """make(first), make(first + 1), ..., n of them."""
        check_count(f"English.{what}", n=n, first=first)
        return map(make, range(first, first + n))

    def parse(self, words: Sequence[str] | str) -> Sentence:
        """These words, given as such or parted by blanks, with their tags and tree; ValueError where they are none."""
        words = words.split() if isinstance(words, str) else words
        found = self.grammar.parse(words)
        if not found:
            raise ValueError(
                f"English.parse: {' '.join(words)!r} is no sentence of the small English. Its rules and words stand in "
                "numnet/data/generated/english.json."
            )
        return self.described(found[0])

    def described(self, derivation: Derivation) -> Sentence:
        """A derivation's words, tags, tree and probability."""
        leaves, tags = list(derivation.leaves()), self.grammar.tags
        words = tuple([leaf.choice.word or "" for leaf in leaves])
        given = tuple([tags[leaf.symbol] for leaf in leaves])
        return Sentence(words, given, labelled(derivation), derivation.log_probability())

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
