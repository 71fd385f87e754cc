"""Which equation of a step the backward pass gets wrong: the one whose slope, taken otherwise, gives what it gives.

The trace of the forward pass knows each equation's slopes, and the chain rule knows what the gradients would be if one
of them were another: nothing, its negative, a multiple, another variable of the step, 1 - h for 1 - h², a matrix that
was not transposed. The guess that reproduces the wrong gradients, number by number, is the diagnosis.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from numnet.check.engine.equations.guesses import Guess, Guesses
from numnet.check.engine.equations.leaves import Leaves
from numnet.check.engine.equations.pairs import mistaken
from numnet.check.engine.equations.slopes import Slope, all_slopes
from numnet.check.engine.equations.step import Step
from numnet.check.engine.finding import Finding
from numnet.check.engine.source import Line, all_lines, lines_back
from numnet.core.operation import Array

MOST = 4  # findings
PRIME = "'"
BACKWARD = ("step_backward", "backward")


class Equations:
    """The equations of one step, and what the backward pass made of them."""

    def __init__(self, step: Step) -> None:
        self.step, self.leaves = step, Leaves(step)

    def findings(self) -> list[Finding]:
        """One after the other, each the guess that explains most of what is still unexplained."""
        leaves, found = self.leaves, [*self.undue(), *self.mistaken()]
        missing = leaves.promised - leaves.due
        if not leaves.wrong(missing).any():
            return found
        guesses = Guesses(self.step, leaves)
        while leaves.wrong(missing).any() and len(found) < MOST:
            best = best_of(guesses, missing)
            if best is None:
                return [*found, *self.unexplained(guesses, missing)]
            found.append(self.told(guesses, best, leaves.wrong(best.change) & leaves.wrong(missing)))
            missing = missing - best.change
            if best.lost is not None:  # all else is as if nothing had come in there
                self.step.lose(best.lost)
                guesses = Guesses(self.step, leaves)
        return found

    def undue(self) -> Iterator[Finding]:
        """What the step does not depend on, and yet has a gradient: the two passes are of different equations."""
        leaves = self.leaves
        none_due = np.array([not leaves.due[part].any() for _, _, part in leaves.parts])
        chosen = none_due & leaves.wrong(leaves.promised - leaves.due)
        if chosen.any():
            text = f"{leaves.said(chosen)} has a gradient, but no part in the step: the two passes differ"
            yield Finding(text, "undue", leaves.tensors(chosen), leaves.gates(chosen))

    def mistaken(self) -> Iterator[Finding]:
        """What is wrong with the pairs themselves; after that it counts as right."""
        leaves = self.leaves
        for name, words, cause in mistaken(self.step, self.step.due):
            chosen = np.array([tensor == name for tensor, _, _ in leaves.parts])
            wrong = chosen & leaves.wrong(leaves.promised - leaves.due)
            slopes = [slope for slope in all_slopes(self.step) if slope.before == name and slope.labels]
            labels = dict.fromkeys(label for slope in slopes for label in slope.labels)
            where = " ".join(f"({label})" for label in labels)
            text = f"equation {where}: d{name} {words}" if where else f"d{name} {words}"
            line = slopes[0].event.line if slopes else None
            gates, lines = leaves.gates(wrong), self.lines_back(list(labels))
            yield Finding(text, cause, (name,), gates if len(gates) < chosen.sum() else (), where, line, lines)
            for tensor, _, part in leaves.parts:
                if tensor == name:
                    leaves.promised[part] = leaves.due[part]

    def told(self, guesses: Guesses, guess: Guess, explained: Array) -> Finding:
        """The guess in a sentence."""
        if not guess.slopes:
            text, tensors = guess.words[0].lower() + guess.words[1:], self.leaves.tensors(explained)
            return Finding(text, guess.cause, tensors, back=self.lines_of(guess.words))
        slope, due = guess.slopes[0], guesses.forms.words(guess.slopes[0].factor)
        label = " ".join(f"({label})" for label in slope.labels)
        what = " and ".join(dict.fromkeys(f"∂{s.after}/∂{s.before}" for s in guess.slopes))
        due = f" = {due}" if due and len(guess.slopes) == 1 else ""
        said = guess.words[0].lower() + guess.words[1:] if guess.words[0].isupper() else f"{what}{due} {guess.words}"
        text = f"equation {label}: {said}" if label else said
        tensors, gates = self.leaves.tensors(explained), self.gates(guess, explained)
        if guess.cause == "order" and len(guess.slopes) > 1:
            tensors = tuple(dict.fromkeys(s.before for s in guess.slopes))
        lines = self.lines_back(slope.labels, *dict.fromkeys(s.before for s in guess.slopes))
        return Finding(text, guess.cause, tensors, gates, label, slope.event.line, lines)

    def gates(self, guess: Guess, explained: Array) -> tuple[str, ...]:
        """The gates that the slopes are about; of a parameter, those of its rows; else the one that is wrong alone."""
        names, gates = [slope.before for slope in guess.slopes], self.step.gates
        own = tuple(gate for gate in gates if gate and any(name in (gate, f"a_{gate}") for name in names))
        wrong = self.leaves.gates(explained)
        of_parameter = any(name in self.step.names for name in names)
        return own or (wrong if len(wrong) == 1 or (of_parameter and len(wrong) < len(gates)) else ())

    def lines_of(self, words: str) -> tuple[Line, ...]:
        """The first line of step_backward that reads a gradient which the words name: dy, dh_next."""
        reads = re.compile("|".join(rf"\b{name}\b" for name in re.findall(r"\bd\w+", words)))
        lines = all_lines(self.step.node, "step_backward")
        return tuple(line for line in lines if "=" in line.text and reads.search(line.text))[:1]

    def unexplained(self, guesses: Guesses, missing: Array) -> list[Finding]:
        """No single slope explains it: then the equations that reach just the wrong parts, or least besides."""
        wrong, reach = self.leaves.wrong(missing), list(zip(guesses.slopes, guesses.reach))
        exact = [slope for slope, reached in reach if not (reached ^ wrong).any() and slope.labels and slope.own]
        if len({slope.before for slope in exact}) == 1:
            return [self.odd(exact[0], wrong)]
        labels = nearest(reach, wrong)
        where = " or ".join(f"({label})" for label in labels)
        text = f"the gradient of {self.leaves.said(wrong)} is wrong in no way that this check knows"
        text = f"equation {where}: {text}" if where else text
        tensors, gates = self.leaves.tensors(wrong), self.leaves.gates(wrong)
        return [Finding(text, "unknown", tensors, gates, where, back=self.lines_back(labels))]

    def odd(self, slope: Slope, wrong: Array) -> Finding:
        """The only slope that reaches just what is wrong."""
        where = " ".join(f"({label})" for label in slope.labels)
        text = f"equation {where}: ∂{slope.after}/∂{slope.before} is wrong in no way that this check knows"
        tensors, lines = self.leaves.tensors(wrong), self.lines_back(slope.labels, slope.before)
        return Finding(text, "unknown", tensors, self.leaves.gates(wrong), where, slope.event.line, lines)

    def lines_back(self, labels: Sequence[str], *variables: str) -> tuple[Line, ...]:
        """The lines of the backward pass that name these equations; of these the ones that write dv, if any do."""
        found = dict.fromkeys(line for label in labels for line in lines_back(self.step.node, label, BACKWARD))
        names = [re.escape(f"d{name.removeprefix('a_').removesuffix(PRIME)}") for name in variables if name]
        writes = re.compile(rf"\b({'|'.join(names)})\b(\[.*\])? *[-+*/]?=|, ({'|'.join(names)})\)")
        own = [line for line in found if Path(line.file).name != "node.py"] or list(found)
        return tuple(line for line in own if names and writes.search(line.text)) or tuple(own)


def nearest(reach: Sequence[tuple[Slope, Array]], wrong: Array) -> list[str]:
    """The labels of the slopes that reach a wrong part, and the fewest parts besides."""
    beside: dict[tuple[str, ...], int] = {}
    for slope, reached in reach:
        if slope.labels and (reached & wrong).any():
            beside[slope.labels] = min(beside.get(slope.labels, len(wrong)), int((reached ^ wrong).sum()))
    least = min(beside.values(), default=0)
    return list(dict.fromkeys(label for labels, n in beside.items() if n == least for label in labels))


def best_of(guesses: Guesses, missing: Array) -> Guess | None:
    """The one that leaves the fewest parts unexplained, and of these the least odd."""
    wrong = guesses.leaves.wrong(missing)
    able, best, rank = guesses.within(wrong), None, (int(wrong.sum()), 0.0)
    for hard in (False, True):
        for guess in guesses.all(able, missing, hard):
            left = int(guesses.leaves.wrong(missing - guess.change).sum())
            enough = left == 0 or wrong.sum() - left >= (2 if hard else 1)  # what is odd has to explain more
            if enough and (left, guess.oddity) < rank:
                best, rank = guess, (left, guess.oddity)
        if best is not None and rank[0] == 0:
            break
    return best
