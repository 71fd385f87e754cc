"""Pairs of the small English keep their labels in worlds drawn at random, which know nothing of natural logic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from numnet.data import English
from numnet.data.generated.grammar import Derivation
from numnet.data.readers.snli import LABELS, Inference

ENGLISH = English()
ROW = {str(c.word): k for k, c in enumerate(ENGLISH.grammar.choices["Noun.pl"])}
SINGULAR = {word: str(ENGLISH.grammar.choices["Noun.sg"][k].word) for word, k in ROW.items()}
OPPOSITE = {bad: good for good, bad in ENGLISH.data["opposites"]}
NUMBERS = {"two": 2, "three": 3, "four": 4}
EVERYONE = range(5)
Scope = Callable[[int], bool]


class NobodyThere(Exception):
    """Every or no dog is spoken of, and there is none: then a sentence is neither true nor false."""


def name_of(d: Derivation) -> str:
    return d.symbol.partition(".")[0]


def text(d: Derivation) -> str:
    return " ".join(str(leaf.choice.word) for leaf in d.leaves())


class World:
    """Five individuals that act on each other; each fact about them is drawn when it is first needed.

    A definite phrase always means the individual with its role.
    """

    def __init__(self, k: int) -> None:
        self.chance = Random(k)
        self.facts: dict[tuple[Any, ...], bool] = {}
        self.share = (0.3, 0.6, 0.9)[k % 3]

    def fact(self, *key: Any) -> bool:
        return self.facts.setdefault(key, self.chance.random() < self.share)

    def one(self, role: str) -> int:
        return Random(f"{role} {self.share}").randrange(len(EVERYONE))

    def noun(self, word: str, x: int) -> bool:
        return self.fact(word, x) or any(self.fact(narrow, x) for narrow in ENGLISH.data["kinds"].get(word, ()))

    def adjective(self, word: str, x: int) -> bool:
        return self.fact(word, x) and not (word in OPPOSITE and self.fact(OPPOSITE[word], x))

    def is_such(self, d: Derivation, x: int) -> bool:
        """Whether x is what a Group, Nominal, Noun, Quality, Complement or Relative says."""
        name, parts = name_of(d), d.parts
        if name == "Noun":
            return self.noun(SINGULAR.get(text(d), text(d)), x)
        if name == "Adjective":
            return self.adjective(text(d), x)
        if d.choice.how == "not" and name == "Complement":
            return not self.is_such(parts[1], x)
        if d.choice.how in ("more", "less"):
            return self.fact(text(parts[0]), text(parts[1]), x) and self.is_such(parts[1], x)
        if name == "Relative":
            return self.does(parts[1], x)
        if name == "Where":
            return self.where(d, x)
        return all(self.is_such(part, x) for part in parts)

    def where(self, d: Derivation, *thing: int) -> bool:
        if name_of(d.parts[0]) == "without":
            return self.fact(text(d), *thing)
        return self.of(d.parts[1], f"place {len(thing)}", lambda z: self.fact(text(d.parts[0]), *thing, z))

    def of(self, d: Derivation, role: str, scope: Scope) -> bool:
        """A phrase of a subject, object or place, and its predicate."""
        kind, group = name_of(d.parts[0]), d.parts[-1]
        if kind in ("he", "they", "him", "Name"):
            return scope(self.one(text(d)))
        if kind in ("Known", "This"):
            return self.is_such(group, self.one(role)) and scope(self.one(role))
        members = [x for x in EVERYONE if self.is_such(group, x)]
        if kind == "Every":
            if not members:
                raise NobodyThere
            return not any(map(scope, members)) if text(d.parts[0]) == "no" else all(map(scope, members))
        return sum(map(scope, members)) >= (NUMBERS[text(d.parts[0])] if kind == "Number" else 1)

    def does(self, d: Derivation, x: int) -> bool:
        """Whether a Predicate, Action, Core or Near is true of x."""
        name, parts = name_of(d), d.parts
        if name in ("Predicate", "Near") and name_of(parts[0]) == "Is":
            return self.is_such(parts[1], x)
        if name == "Predicate" and len(parts) == 2:
            first = text(parts[0])
            if name_of(parts[0]) == "Does":
                return not self.does(parts[1].parts[1], x)
            if first == "never":
                return not self.does(parts[1], x)
            return self.fact(first, x) and (name_of(parts[0]) == "never" or self.does(parts[1], x))
        if name == "Predicate":
            return self.does(parts[0], x)
        core = parts[0] if name == "Action" else d
        how = parts[1] if name == "Action" and len(parts) == 2 else None
        verb = ENGLISH.grammar.choices[core.parts[0].symbol].index(core.parts[0].choice)

        def happens(y: int) -> bool:
            happened = self.fact(name_of(core.parts[0]), verb, x, y)
            if how is None or not happened:
                return happened
            return self.where(how, x, y) if name_of(how) == "Where" else self.fact(text(how), x, y)

        if len(core.parts) == 1:
            return any(map(happens, EVERYONE))
        return self.of(core.parts[1], f"object {name}", happens)

    def says(self, sentence: Derivation) -> bool:
        subject, predicate = sentence.parts[0].parts[0].parts
        return self.of(subject, "subject", lambda x: self.does(predicate, x))


def outcomes(pair: Inference, worlds: int) -> Counter[bool]:
    """In how many worlds in which the premise is true the hypothesis is true, and false."""
    premise, hypothesis = (ENGLISH.grammar.parse(tree.words())[0] for tree in pair[:2])
    found = Counter[bool]()
    for k in range(worlds):
        world = World(k)
        try:
            if world.says(premise):
                found[world.says(hypothesis)] += 1
        except NobodyThere:
            continue
    return found


@pytest.mark.parametrize("label", LABELS)
def test_labels_hold_in_every_world(label: str) -> None:
    decided = 0
    for pair in list(ENGLISH.pairs(180))[LABELS.index(label) :: 3]:
        assert pair.label == label
        found = outcomes(pair, 100)
        said = " ".join(pair.premise.words() + pair.hypothesis.words()), found
        assert not (found[False] and label == "entailment"), said
        assert not (found[True] and label == "contradiction"), said
        decided += bool(found[True] and found[False]) if label == "neutral" else bool(found)
    assert decided > 0.7 * 60


def ways(words: str) -> set[tuple[str, str]]:
    """Every step from a sentence, as (label, what it becomes), without those that say more by words drawn at random."""
    clause = ENGLISH.grammar.parse(words.split())[0].parts[0].parts[0]
    steps = [step for k in range(30) for step in ENGLISH.inference.steps(clause, Random(k).random)]
    return {(label, text(other)) for label, other in steps if len(text(other).split()) <= len(words.split()) - 1 + 2}


@pytest.mark.parametrize(
    ("words", "label", "others"),
    [
        ("the dog walks fast .", "entailment", ["the dog walks", "the pet walks fast"]),
        ("the dog walks fast .", "contradiction", ["the dog does not walk fast"]),
        ("Ben does not walk fast .", "neutral", ["Ben does not walk"]),
        ("Ben does not walk fast .", "contradiction", ["Ben walks fast"]),
        ("no pet walks fast .", "entailment", ["no dog walks fast", "no cat walks fast", "no rabbit walks fast"]),
        ("no pet walks fast .", "neutral", ["no pet walks"]),
        ("no pet walks fast .", "contradiction", ["a pet walks fast", "every pet walks fast"]),
        ("every dog walks .", "entailment", ["a dog walks"]),
        ("every dog walks .", "neutral", ["every pet walks", "every dog walks fast"]),
        ("a dog walks .", "neutral", ["every dog walks", "a big dog walks"]),
        ("all dogs walk .", "contradiction", ["no dogs walk"]),
        ("this is very good .", "entailment", ["this is good", "this is not bad"]),
        ("this is very good .", "contradiction", ["this is bad", "this is not very good"]),
        ("this is not good .", "neutral", ["this is bad"]),
        ("this is not good .", "entailment", ["this is not very good"]),
        ("they always see a dog .", "entailment", ["they see a dog", "they always see a pet"]),
        ("they always see a dog .", "neutral", ["they always see a house"]),
        ("they see Ben .", "neutral", ["they see Anna"]),
    ],
)
def test_steps_by_hand(words: str, label: str, others: list[str]) -> None:
    found = ways(words)
    assert {(label, other) for other in others} <= found
    assert not {(wrong, other) for wrong in LABELS for other in others if wrong != label} & found


def test_pairs_are_sentences_and_balanced() -> None:
    pairs = list(ENGLISH.pairs(300, first=5))
    assert pairs[:3] == [ENGLISH.pair(k) for k in (5, 6, 7)] == list(English().pairs(3, first=5))
    assert Counter(pair.label for pair in pairs) == dict.fromkeys(LABELS, 100)
    for pair in pairs:
        for tree in pair[:2]:
            assert ENGLISH.parse(tree.words()).tree == tree
        assert pair.premise != pair.hypothesis
    assert sum(pair[:2] == other[:2] for pair, other in zip(pairs, English(1).pairs(300, first=5))) == 0


def test_what_stays_open_is_not_said_of_what_is_something() -> None:
    assert not any("big" in other.split()[:3] for label, other in ways("the dog is big ."))
    assert not any(label == "contradiction" for label, _ in ways("two dogs walk ."))
