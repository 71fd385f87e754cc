"""Generate pairs of sentences labelled for inference; the labels are correct by construction and equally frequent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from numnet.data.generated.grammar import Derivation, Grammar
from numnet.data.generated.natural_logic import Draw, NaturalLogic, Step, base, with_part
from numnet.data.generated.sentiment import labelled
from numnet.data.readers.snli import Inference
from numnet.data.tree import Tree

THIS_ONE = ("Known", "he", "they", "Name")  # first symbols of a subject that names a particular individual
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
    """Random pairs: a clause, then a step of natural logic, a negation, another quantifier or another object.

    If P ⊢ Q ⊢ R then P ⊢ R, and if P ⊢ Q and R contradicts Q, then R contradicts P; so half of these pairs have an
    entailed clause in between. A neutral pair is one step. So is a pair about "every dog" or "no dog": both presuppose
    that there are dogs, which does not imply that there are small dogs.
    """

    def __init__(
        self, grammar: Grammar, kinds: Mapping[str, Sequence[str]], opposites: Sequence[Sequence[str]]
    ) -> None:
        self.grammar, self.logic = grammar, NaturalLogic(grammar, kinds)
        self.opposite = {a: b for pair in opposites for a, b in (pair, pair[::-1])}

    def pair(self, label: str, draw: Draw) -> Inference:
        """Return a random pair with this label."""
        while True:
            premise = self.grammar.derive(draw, "Clause")
            follows = label != "neutral" and not universal(premise.parts[0]) and draw() < 0.5
            between = self.one(premise, "entailment", draw) if follows else premise
            hypothesis = self.one(between, label, draw) if between else None
            if hypothesis:
                return Inference(self.tree(premise), self.tree(hypothesis), label)

    def tree(self, clause: Derivation) -> Tree:
        """Return the clause as a sentence."""
        phrase, stop = self.logic.phrase, self.logic.leaf("period", ".")
        return labelled(phrase("Sentence", phrase("Main", clause), phrase("Stop", stop)))

    def one(self, clause: Derivation, label: str, draw: Draw) -> Derivation | None:
        """Return a random clause with this relation to the given one, or None if the rules do not produce one."""
        if not self.plain(clause):
            return None
        found = [other for relation, other in self.steps(clause, draw) if relation == label and self.plain(other)]
        found = [other for other in found if count(other, "Is") <= count(clause, "Is")]
        return found[int(draw() * len(found))] if found else None

    def plain(self, clause: Derivation) -> bool:
        """Return whether no content word occurs twice, and "every" or "no" is not combined with a negation."""
        things, (subject, predicate) = self.logic.things(clause), clause.parts
        return len(set(things)) == len(things) and not (universal(subject) and negative(predicate))

    def steps(self, clause: Derivation, draw: Draw) -> Iterator[Step]:
        """Yield every (relation, clause) that one step produces."""
        (subject, predicate), logic = clause.parts, self.logic
        narrow = not count(clause, "Is")  # "the small dog is big" would not be neutral
        yield from ((relation, with_part(clause, 0, s)) for relation, s in logic.steps(subject, 1, narrow, draw))
        polarity = logic.polarities(clause, 1)[1]
        yield from ((relation, with_part(clause, 1, p)) for relation, p in logic.steps(predicate, polarity, True, draw))
        yield from (("neutral", with_part(clause, 1, p)) for p in self.other_objects(predicate, draw))
        if base(subject.parts[0]) in THIS_ONE:
            yield from ((relation, with_part(clause, 1, p)) for relation, p in self.denials(predicate))
        elif not negative(predicate):
            yield from ((relation, with_part(clause, 0, s)) for relation, s in self.quantified(subject))

    def other_objects(self, derivation: Derivation, draw: Draw, inside: bool = False) -> Iterator[Derivation]:
        """Yield the same phrase with another object: sees a dog, sees a house."""
        if inside and base(derivation) in ("Noun", "Name"):
            other = self.grammar.derive(draw, derivation.symbol)
            if self.logic.things(other) != self.logic.things(derivation):
                yield other
        for k, part in enumerate(derivation.parts):
            for other in self.other_objects(part, draw, inside or base(derivation) == "Object"):
                yield with_part(derivation, k, other)

    def denials(self, predicate: Derivation) -> Iterator[Step]:
        """Yield contradictions and entailments of a predicate: walks, does not walk; is good, is bad, is not bad."""
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
        """Yield (relation, complement): good → bad, not good, not bad; not good → good, bad."""
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
        """Yield (relation, subject) with another quantifier: a dog, every dog, no dog."""
        before = QUANTIFIERS.get(str(next(subject.leaves()).choice.word))
        number = subject.symbol.partition(".")[2]
        for name in ("A", "Every"):
            for choice in self.grammar.choices[f"{name}.{number}"]:
                relation = FROM_TO.get((str(before), QUANTIFIERS[str(choice.word)]))
                if relation and len(subject.parts) == 2:
                    determiner = Derivation(f"{name}.{number}", choice)
                    yield relation, self.logic.phrase(subject.symbol, determiner, subject.parts[1])


def universal(subject: Derivation) -> bool:
    """Return whether the subject is universal: "every dog" or "no dog"."""
    return base(subject.parts[0]) == "Every"


def negative(predicate: Derivation) -> bool:
    """Return whether the predicate is negated."""
    return any(base(leaf) in ("not", "never") for leaf in predicate.leaves())


def count(derivation: Derivation, name: str) -> int:
    """Return the number of words of a class."""
    return sum(base(leaf) == name for leaf in derivation.leaves())
