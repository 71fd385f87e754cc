"""Natural logic: which phrases may be replaced by wider or narrower ones, and whether the new sentence follows.

A position has polarity 1 (upward) if a wider phrase keeps the sentence true, and -1 (downward) if a narrower one does:
in "a dog walks" every position is upward, in "the dog does not walk fast" the negated phrase is downward. "not" and
"no" reverse the polarity in their scope, "every" reverses that of its noun (van Benthem 1986; MacCartney & Manning
2007). "the dog" is the same dog before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from numnet.data.generated.grammar import Derivation, Grammar

Draw = Callable[[], float]
Step = tuple[str, Derivation]  # the relation, and the new phrase

MODIFIED = ("Group", "Nominal", "Action", "Quality")  # symbols that are narrower with two parts than with one
CONTENT_TAGS = ("ADJ", "ADV", "NOUN", "PROPN", "VERB")  # the tags of content words


def base(derivation: Derivation) -> str:
    """Return the symbol without the grammatical number."""
    return derivation.symbol.partition(".")[0]


def with_part(derivation: Derivation, k: int, part: Derivation) -> Derivation:
    """Return the derivation with part number k replaced."""
    return derivation._replace(parts=(*derivation.parts[:k], part, *derivation.parts[k + 1 :]))


class NaturalLogic:
    """`kinds` maps a wider word to its narrower words: {"pet": ["dog", "cat"]}, in the singular."""

    def __init__(self, grammar: Grammar, kinds: Mapping[str, Sequence[str]]) -> None:
        self.grammar = grammar
        self.row = {choice.word: k for k, choice in enumerate(grammar.choices["Noun.sg"])}
        self.lemma = [str(choice.word) for choice in grammar.choices["Noun.sg"]]
        self.kinds = kinds
        self.wider = {word: kind for kind, words in kinds.items() for word in words}

    def leaf(self, symbol: str, word: str) -> Derivation:
        """Return the leaf of a word."""
        return Derivation(symbol, next(choice for choice in self.grammar.choices[symbol] if choice.word == word))

    def phrase(self, symbol: str, *parts: Derivation) -> Derivation:
        """Return a phrase of these parts."""
        named = tuple(part.symbol for part in parts)
        return Derivation(symbol, next(c for c in self.grammar.choices[symbol] if c.parts == named), parts)

    def respelled(self, derivation: Derivation, symbol: str) -> Derivation:
        """Return the same phrase in the other grammatical number: walks as walk."""
        if derivation.symbol == symbol:
            return derivation
        choice = self.grammar.choices[symbol][self.grammar.choices[derivation.symbol].index(derivation.choice)]
        return Derivation(symbol, choice, tuple(map(self.respelled, derivation.parts, choice.parts)))

    def things(self, derivation: Derivation) -> list[str]:
        """Return the content words, with nouns replaced by their kind: a dog and a cat are both a pet."""
        found = []
        for leaf in derivation.leaves():
            word = str(leaf.choice.word)
            if base(leaf) == "Noun":
                word = self.lemma[self.grammar.choices[leaf.symbol].index(leaf.choice)]
                word = self.wider.get(word, word)
            if self.grammar.tags[leaf.symbol] in CONTENT_TAGS:
                found.append(word)
        return found

    def polarities(self, derivation: Derivation, polarity: int) -> Sequence[int]:
        """Return the polarity of each part, from that of the whole: 1 upward, -1 downward, 0 not replaceable."""
        name, parts = base(derivation), derivation.parts
        first = next(parts[0].leaves()).choice.word if parts else None
        if name == "Clause":
            return 1, (-1 if first == "no" else 1)
        if derivation.choice.how == "not":
            return 0, (-polarity if first in ("not", "never") else 0)
        if name in ("Relative", "Often") or (name == "Subject" and len(parts) == 1):
            return (0,) * len(parts)  # bare "dogs" may be all dogs
        if len(parts) == 2 and base(parts[0]) in ("Known", "Every"):
            return 0, (-polarity if base(parts[0]) == "Every" else max(polarity, 0))
        return (polarity,) * len(parts)

    def steps(self, derivation: Derivation, polarity: int, narrow: bool, draw: Draw) -> Iterator[Step]:
        """Yield ("entailment" or "neutral", phrase) with one part made wider or, with `narrow`, also narrower."""
        for wider, other in self.changes(derivation, draw) if polarity else ():
            if wider or narrow:
                yield ("entailment" if wider == (polarity > 0) else "neutral"), other
        for k, (part, below) in enumerate(zip(derivation.parts, self.polarities(derivation, polarity))):
            for relation, other in self.steps(part, below, narrow, draw):
                yield relation, with_part(derivation, k, other)

    def changes(self, derivation: Derivation, draw: Draw) -> Iterator[tuple[bool, Derivation]]:
        """Yield (is it wider, phrase) for each change at this phrase: a modifier removed or added, or another kind."""
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
