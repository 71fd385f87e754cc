"""Generate a small English, for every task without a data set; its rules and words are in english.json."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

from numnet.core.checks import check_count, check_strings, excerpt, validate_call
from numnet.data.generated.grammar import Derivation, Grammar
from numnet.data.generated.inference import Pairs
from numnet.data.generated.sentiment import labelled
from numnet.data.generated.translation import Language, Translation
from numnet.data.readers.snli import LABELS, Inference
from numnet.data.tree import Tree

DATA = Path(__file__).with_name("english.json")
VOWELS = "aeiouy"
LONGEST = 25  # words in a sentence, including the final full stop
Thing = TypeVar("Thing")


class Sentence(NamedTuple):
    """Words and their tags (UPOS); the binary tree, with a sentiment 0..4 at each node; log p in nats."""

    words: tuple[str, ...]
    tags: tuple[str, ...]
    tree: Tree
    log_probability: float

    def __str__(self) -> str:
        return " ".join(self.words)


class English:
    """An unlimited series of sentences, numbered 0, 1, 2, ..., of a small English; likewise pairs, translations, names.

    Each item depends on the seed and its number alone. `words` are all words, `tags` are all tags, `languages` are the
    languages of names. A sentence has 3 to 25 words, including the final full stop. No two derivations have the same
    words, so a sentence has one tree, one sequence of tags, and the probability of its derivation
    (parity_tests/test_english.py checks all derivations).
    """

    @validate_call
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
        """Return the random generator of item number k."""
        check_count(f"English.{what}", k=k)
        return Random(f"{what} {self.seed} {k}")

    def sentence(self, k: int) -> Sentence:
        """Return sentence number k."""
        return self.described(self.grammar.derive(self.random("sentence", k).random))

    def sentences(self, n: int, first: int = 0) -> Iterator[Sentence]:
        """Return an iterator over n sentences from number `first` on, each generated when it is requested."""
        return self.numbered("sentences", self.sentence, n, first)

    def text(self, n: int, first: int = 0) -> str:
        """Return n sentences as a text, with spaces between words and one line per sentence."""
        return "".join(f"{sentence}\n" for sentence in self.sentences(n, first))

    def pair(self, k: int) -> Inference:
        """Return pair number k: two sentences as trees, and a label. The labels alternate."""
        chance = self.random("pair", k)
        return self.inference.pair(LABELS[k % len(LABELS)], chance.random)

    def pairs(self, n: int, first: int = 0) -> Iterator[Inference]:
        """Return an iterator over n pairs: the second sentence follows from the first, is neutral or contradicts it."""
        return self.numbered("pairs", self.pair, n, first)

    def translation(self, k: int) -> Translation:
        """Return sentence number k and its translation into the made-up language."""
        derivation = self.grammar.derive(self.random("sentence", k).random)
        words = " ".join(str(leaf.choice.word) for leaf in derivation.leaves())
        return Translation(words, self.language.translate(derivation))

    def translations(self, n: int, first: int = 0) -> Iterator[Translation]:
        """Return an iterator over n sentences with their translations."""
        return self.numbered("translations", self.translation, n, first)

    def name(self, k: int) -> tuple[str, str]:
        """Return (language, name) number k. The languages alternate."""
        chance = self.random("name", k)
        language = self.languages[k % len(self.languages)]
        part = {what: sounds.split() for what, sounds in self.data["names"][language].items()}
        end = chance.choice(part["end"])
        name = chance.choice(part["begin"]) + chance.choice(part["vowel"])
        if chance.random() < 0.5:
            name += chance.choice(part["middle"]) + chance.choice(part["vowel"])
        if end[0] in VOWELS:
            name += chance.choice(part["middle"])
        return language, (name + end).capitalize()

    def names(self, n: int, first: int = 0) -> Iterator[tuple[str, str]]:
        """Return an iterator over n (language, name) pairs; a name may occur twice, and in two languages."""
        return self.numbered("names", self.name, n, first)

    def numbered(self, what: str, make: Callable[[int], Thing], n: int, first: int) -> Iterator[Thing]:
        """Return an iterator over make(first), make(first + 1), ..., n items."""
        check_count(f"English.{what}", n=n, first=first)
        return map(make, range(first, first + n))

    def parse(self, words: Sequence[str] | str) -> Sentence:
        """Return the sentence of these words (a list, or a text), with tags and tree; ValueError if there is none."""
        words = words.split() if isinstance(words, str) else check_strings("English.parse", "words", words, "words")
        known = len(words) <= LONGEST and all(word in self.words for word in words)
        found = self.grammar.parse(words) if known else []
        if not found:
            raise ValueError(
                f"English.parse: {excerpt(' '.join(words))} is not a sentence of the small English. Its rules and "
                "words are in numnet/data/generated/english.json."
            )
        return self.described(found[0])

    def described(self, derivation: Derivation) -> Sentence:
        """Return the words, tags, tree and probability of a derivation."""
        leaves, tags = list(derivation.leaves()), self.grammar.tags
        words = tuple([leaf.choice.word or "" for leaf in leaves])
        word_tags = tuple([tags[leaf.symbol] for leaf in leaves])
        return Sentence(words, word_tags, labelled(derivation), derivation.log_probability())

    @property
    def entropy(self) -> float:
        """The entropy of a sentence, H = -Σ p log p over all sentences, in nats. Exact: see Grammar.expected."""
        return self.grammar.expected(lambda choice: -math.log(choice.probability))

    @property
    def length(self) -> float:
        """The mean number of words in a sentence, including the full stop. Exact."""
        return self.grammar.expected(lambda choice: choice.word is not None)

    @property
    def entropy_rate(self) -> float:
        """H / (length + 1), in nats per token, counting <eos>: a lower bound of the loss of any language model."""
        return self.entropy / (self.length + 1)
