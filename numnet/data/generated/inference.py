"""Pairs of sentences, and whether the second follows from the first: right by construction, as many of each label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from numnet.data.generated.grammar import Derivation, Grammar
from numnet.data.generated.natural_logic import Draw, NaturalLogic, Step, base, with_part
from numnet.data.generated.sentiment import labelled
from numnet.data.readers.snli import Inference
from numnet.data.tree import Tree

THIS_ONE = ("Known", "he", "they", "Name")  # how a subject begins that is this one, and no other of its kind
QUANTIFIERS = {"a": "a", "some": "a", "every": "every", "all": "every", "no": "no"}
FROM_TO = {  # the subject's quantifier before and after
    ("every", "a"): "entailment",
    ("a", "every"): "neutral",
    ("a", "no"): "contradiction",
    ("no", "a"): "contradiction",
    ("every", "no"): "contradiction",
    ("no", "every"): "contradiction",
}


class Pairs:
    """Pairs by chance: a clause, then a step of natural logic, a denial, another quantifier or another object.

    Where P ⊢ Q ⊢ R then P ⊢ R, and where P ⊢ Q and R denies Q, then R denies P: so half of these begin with a step
    that follows. A neutral pair is one step, and so is one about every or no dog: that there are dogs, which both of
    them take for granted, does not mean that there are small dogs.
    """

    def __init__(
        self, grammar: Grammar, kinds: Mapping[str, Sequence[str]], opposites: Sequence[Sequence[str]]
    ) -> None:
        self.grammar, self.logic = grammar, NaturalLogic(grammar, kinds)
        self.opposite = {a: b for pair in opposites for a, b in (pair, pair[::-1])}

    def pair(self, label: str, draw: Draw) -> Inference:
        """One pair of this label."""
        while True:
            premise = self.grammar.derive(draw, "Clause")
            follows = label != "neutral" and not universal(premise.parts[0]) and draw() < 0.5
            between = self.one(premise, "entailment", draw) if follows else premise
            hypothesis = self.one(between, label, draw) if between else None
            if hypothesis:
                return Inference(self.tree(premise), self.tree(hypothesis), label)

    def tree(self, clause: Derivation) -> Tree:
        """The clause as a sentence."""
        phrase, stop = self.logic.phrase, self.logic.leaf("period", ".")
        return labelled(phrase("Sentence", phrase("Main", clause), phrase("Stop", stop)))

    def one(self, clause: Derivation, label: str, draw: Draw) -> Derivation | None:
        """A clause that stands in this relation to that one; None where the rules know of none."""
        if not self.plain(clause):
            return None
        found = [other for relation, other in self.steps(clause, draw) if relation == label and self.plain(other)]
        found = [other for other in found if count(other, "Is") <= count(clause, "Is")]
        return found[int(draw() * len(found))] if found else None

    def plain(self, clause: Derivation) -> bool:
        """Nothing stands in it twice, and nothing is said not to be of every one or of none."""
        things, (subject, predicate) = self.logic.things(clause), clause.parts
        return len(set(things)) == len(things) and not (universal(subject) and negative(predicate))

    def steps(self, clause: Derivation, draw: Draw) -> Iterator[Step]:
        """Every way to go on from a clause."""
        (subject, predicate), logic = clause.parts, self.logic
        narrow = not count(clause, "Is")  # "the small dog is big" would be no longer open
        yield from ((relation, with_part(clause, 0, s)) for relation, s in logic.steps(subject, 1, narrow, draw))
        way = logic.looks(clause, 1)[1]
        yield from ((relation, with_part(clause, 1, p)) for relation, p in logic.steps(predicate, way, True, draw))
        yield from (("neutral", with_part(clause, 1, p)) for p in self.other_objects(predicate, draw))
        if base(subject.parts[0]) in THIS_ONE:
            yield from ((relation, with_part(clause, 1, p)) for relation, p in self.denials(predicate))
        elif not negative(predicate):
            yield from ((relation, with_part(clause, 0, s)) for relation, s in self.quantified(subject))

    def other_objects(self, derivation: Derivation, draw: Draw, inside: bool = False) -> Iterator[Derivation]:
        """The same of another object: sees a dog, sees a house."""
        if inside and base(derivation) in ("Noun", "Name"):
            other = self.grammar.derive(draw, derivation.symbol)
            if self.logic.things(other) != self.logic.things(derivation):
                yield other
        for k, part in enumerate(derivation.parts):
            for other in self.other_objects(part, draw, inside or base(derivation) == "Object"):
                yield with_part(derivation, k, other)

    def denials(self, predicate: Derivation) -> Iterator[Step]:
        """What cannot be, or must be, of this one: walks, does not walk; is good, is bad, is not bad."""
        logic, symbol, last = self.logic, predicate.symbol, predicate.parts[-1]
        number = symbol.partition(".")[2]
        if base(last) == "NotAction":
            yield "contradiction", logic.phrase(symbol, logic.respelled(last.parts[1], f"Action.{number}"))
        elif base(last) == "Action" and len(predicate.parts) == 1:
            not_action = logic.phrase("NotAction", logic.leaf("not", "not"), logic.respelled(last, "Action.pl"))
            does = Derivation(f"Does.{number}", self.grammar.choices[f"Does.{number}"][0])
            yield "contradiction", logic.phrase(symbol, does, not_action)
        elif base(last) == "Complement":
            yield from ((relation, with_part(predicate, 1, c)) for relation, c in self.complements(last))

    def complements(self, complement: Derivation) -> Iterator[Step]:
        """good → bad, not good, not bad; not good → good, bad."""
        logic, quality = self.logic, complement.parts[-1]
        word = str(list(quality.leaves())[-1].choice.word)
        not_, positive = logic.leaf("not", "not"), len(complement.parts) == 1
        yield "contradiction", logic.phrase("Complement", *((not_, quality) if positive else (quality,)))
        if word in self.opposite:
            adjective = logic.phrase("Adjective", logic.leaf("Judging", self.opposite[word]))
            other = logic.phrase("Quality", adjective)
            yield ("contradiction" if positive else "neutral"), logic.phrase("Complement", other)
            if positive:
                yield "entailment", logic.phrase("Complement", not_, other)

    def quantified(self, subject: Derivation) -> Iterator[Step]:
        """a dog, every dog, no dog."""
        before = QUANTIFIERS.get(str(next(subject.leaves()).choice.word))
        number = subject.symbol.partition(".")[2]
        for name in ("A", "Every"):
            for choice in self.grammar.choices[f"{name}.{number}"]:
                relation = FROM_TO.get((str(before), QUANTIFIERS[str(choice.word)]))
                if relation and len(subject.parts) == 2:
                    determiner = Derivation(f"{name}.{number}", choice)
                    yield relation, self.logic.phrase(subject.symbol, determiner, subject.parts[1])


def universal(subject: Derivation) -> bool:
    """Whether it is every or no dog."""
    return base(subject.parts[0]) == "Every"


def negative(predicate: Derivation) -> bool:
    """Whether it says what is not."""
    return any(base(leaf) in ("not", "never") for leaf in predicate.leaves())


def count(derivation: Derivation, name: str) -> int:
    """How many words of a class it has."""
    return sum(base(leaf) == name for leaf in derivation.leaves())
