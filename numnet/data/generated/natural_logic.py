"""Which phrases of a sentence may be replaced by wider or narrower ones, and whether what comes out follows.

A place looks up where a wider phrase keeps the sentence true, and down where a narrower one does: in "a dog walks"
every place looks up, in "the dog does not walk fast" what is said not to be looks down. "not" and "no" turn what they
reach, "every" turns its noun (van Benthem 1986; MacCartney & Manning 2007). "the dog" is the same dog before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from numnet.data.generated.grammar import Derivation, Grammar

Draw = Callable[[], float]
Step = tuple[str, Derivation]  # whether it follows, and what has become of it

MODIFIED = ("Group", "Nominal", "Action", "Quality")  # what is narrower with two parts than with the one of them alone
SAYING = ("ADJ", "ADV", "NOUN", "PROPN", "VERB")  # tags of words that stand for something


def base(derivation: Derivation) -> str:
    """Its symbol, singular and plural alike."""
    return derivation.symbol.partition(".")[0]


def with_part(derivation: Derivation, k: int, part: Derivation) -> Derivation:
    """The same with another part number k."""
    return derivation._replace(parts=(*derivation.parts[:k], part, *derivation.parts[k + 1 :]))


class NaturalLogic:
    """`kinds` names the wider word and its narrower ones: {"pet": ["dog", "cat"]}, in the singular."""

    def __init__(self, grammar: Grammar, kinds: Mapping[str, Sequence[str]]) -> None:
        self.grammar = grammar
        self.row = {choice.word: k for k, choice in enumerate(grammar.choices["Noun.sg"])}
        self.lemma = [str(choice.word) for choice in grammar.choices["Noun.sg"]]
        self.kinds = kinds
        self.wider = {word: kind for kind, words in kinds.items() for word in words}

    def leaf(self, symbol: str, word: str) -> Derivation:
        """A word of a class."""
        return Derivation(symbol, next(choice for choice in self.grammar.choices[symbol] if choice.word == word))

    def phrase(self, symbol: str, *parts: Derivation) -> Derivation:
        """A phrase of these parts."""
        named = tuple(part.symbol for part in parts)
        return Derivation(symbol, next(c for c in self.grammar.choices[symbol] if c.parts == named), parts)

    def respelled(self, derivation: Derivation, symbol: str) -> Derivation:
        """The same in the other number: walks as walk."""
        if derivation.symbol == symbol:
            return derivation
        choice = self.grammar.choices[symbol][self.grammar.choices[derivation.symbol].index(derivation.choice)]
        return Derivation(symbol, choice, tuple(map(self.respelled, derivation.parts, choice.parts)))

    def things(self, derivation: Derivation) -> list[str]:
        """What its words stand for; a dog and a cat for the same, a pet."""
        found = []
        for leaf in derivation.leaves():
            word = str(leaf.choice.word)
            if base(leaf) == "Noun":
                word = self.lemma[self.grammar.choices[leaf.symbol].index(leaf.choice)]
                word = self.wider.get(word, word)
            if self.grammar.tags[leaf.symbol] in SAYING:
                found.append(word)
        return found

    def looks(self, derivation: Derivation, up: int) -> Sequence[int]:
        """Which way each part looks, 1 up, -1 down, where the whole looks `up`; 0 where nothing is to be replaced."""
        name, parts = base(derivation), derivation.parts
        first = next(parts[0].leaves()).choice.word if parts else None
        if name == "Clause":
            return 1, (-1 if first == "no" else 1)
        if derivation.choice.how == "not":
            return 0, (-up if first in ("not", "never") else 0)
        if name in ("Relative", "Often") or (name == "Subject" and len(parts) == 1):
            return (0,) * len(parts)  # bare "dogs" may be all dogs
        if len(parts) == 2 and base(parts[0]) in ("Known", "Every"):
            return 0, (-up if base(parts[0]) == "Every" else max(up, 0))
        return (up,) * len(parts)

    def steps(self, derivation: Derivation, up: int, narrow: bool, draw: Draw) -> Iterator[Step]:
        """What it becomes where one phrase in it is wider, or with `narrow` narrower; "entailment" or "neutral"."""
        for wider, other in self.changes(derivation, draw) if up else ():
            if wider or narrow:
                yield ("entailment" if wider == (up > 0) else "neutral"), other
        for k, (part, way) in enumerate(zip(derivation.parts, self.looks(derivation, up))):
            for relation, other in self.steps(part, way, narrow, draw):
                yield relation, with_part(derivation, k, other)

    def changes(self, derivation: Derivation, draw: Draw) -> Iterator[tuple[bool, Derivation]]:
        """What it becomes itself, and whether that is wider: with less or more said of it, or as another kind."""
        symbol, parts = derivation.symbol, derivation.parts
        if base(derivation) == "Predicate" and base(parts[0]) == "Often":
            yield True, self.phrase(symbol, parts[1])
        if base(derivation) == "Noun":
            row = self.grammar.choices[symbol].index(derivation.choice)
            narrower = self.kinds.get(self.lemma[row], ())
            for wider, words in ((True, [self.wider.get(self.lemma[row])]), (False, narrower)):
                if words and (word := words[int(draw() * len(words))]):
                    yield wider, Derivation(symbol, self.grammar.choices[symbol][self.row[word]])
        if base(derivation) not in MODIFIED:
            return
        for choice in self.grammar.choices[symbol]:
            shared = set(choice.parts) & set(derivation.choice.parts)
            if shared and len(choice.parts) < len(parts):
                yield True, Derivation(symbol, choice, tuple(part for part in parts if part.symbol in shared))
            elif shared and len(choice.parts) > len(parts) and choice.how != "less":
                new = [parts[0] if part in shared else self.grammar.derive(draw, part) for part in choice.parts]
                yield False, Derivation(symbol, choice, tuple(new))
