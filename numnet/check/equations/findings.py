"""Which equation of a step the way back gets wrong: the one whose slope, taken otherwise, gives what it gives.

The trace of the forward pass knows each equation's slopes, and the chain rule knows what the gradients would be if one
of them were another: nothing, its negative, a multiple, another variable of the step, 1 - h for 1 - h², a matrix that
was not transposed. The guess that reproduces the wrong gradients, number by number, is the diagnosis.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from numnet.check.equations.guesses import Guess, Guesses
from numnet.check.equations.leaves import Leaves
from numnet.check.equations.step import UNWRITTEN, Step
from numnet.check.finding import Finding
from numnet.check.source import Line, lines_back
from numnet.operation import Array

MOST = 4  # findings
PRIME = "'"
WAY_BACK = ("slopes", "step_backward", "state_backward", "backward")


class Equations:
    """The equations of one step, and what the way back made of them."""

    def __init__(self, step: Step) -> None:
        self.step, self.leaves = step, Leaves(step)

    def findings(self) -> list[Finding]:
        """One after the other, each the guess that explains most of what is still unexplained."""
        leaves, found = self.leaves, [*self.unwritten(), *self.undue()]
        if found and found[0].cause == "unwritten":
            return found
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

    def unwritten(self) -> Iterator[Finding]:
        """Gradients that step_backward leaves as they were."""
        chosen = np.array([bool((self.leaves.promised[part] == UNWRITTEN).any()) for _, _, part in self.leaves.parts])
        if chosen.any():
            first = np.arange(len(chosen)) == np.flatnonzero(chosen)[0]
            text = f"d{self.leaves.said(first)} is never written: made anew by =, where it should be written in place?"
            yield Finding(text, "unwritten", self.leaves.tensors(first), self.leaves.gates(first))

    def undue(self) -> Iterator[Finding]:
        """What the step does not depend on, and yet is given a gradient: forward and way back are of two equations."""
        leaves = self.leaves
        none_due = np.array([not leaves.due[part].any() for _, _, part in leaves.parts])
        chosen = none_due & leaves.wrong(leaves.promised - leaves.due)
        if chosen.any():
            text = f"{leaves.said(chosen)} has a gradient, but no part in the step: forward and way back differ"
            yield Finding(text, "undue", leaves.tensors(chosen), leaves.gates(chosen))

    def told(self, guesses: Guesses, guess: Guess, explained: Array) -> Finding:
        """The guess in a sentence."""
        slope, due = guess.slopes[0], guesses.forms.words(guess.slopes[0].L)
        label = " ".join(f"({label})" for label in slope.labels)
        what = " and ".join(dict.fromkeys(f"∂{s.after}/∂{s.before}" for s in guess.slopes))
        due = f" = {due}" if due and len(guess.slopes) == 1 else ""
        said = guess.words[0].lower() + guess.words[1:] if guess.words[0].isupper() else f"{what}{due} {guess.words}"
        text = f"equation {label}: {said}" if label else said
        tensors, gates = self.leaves.tensors(explained), self.leaves.gates(explained)
        lines = self.lines_back(slope.labels, *dict.fromkeys(s.before for s in guess.slopes))
        return Finding(text, guess.cause, tensors, gates, label, slope.event.line, lines)

    def unexplained(self, guesses: Guesses, missing: Array) -> list[Finding]:
        """No single slope explains it: then the equations that reach just the wrong parts, or least besides."""
        wrong, beside = self.leaves.wrong(missing), dict[tuple[str, ...], int]()
        for slope, reach in zip(guesses.slopes, guesses.reach):
            if slope.labels and (reach & wrong).any():
                beside[slope.labels] = min(beside.get(slope.labels, len(wrong)), int((reach ^ wrong).sum()))
        least = min(beside.values(), default=0)
        labels = list(dict.fromkeys(label for labels, n in beside.items() if n == least for label in labels))
        where = " or ".join(f"({label})" for label in labels)
        text = f"the gradient of {self.leaves.said(wrong)} is wrong in no way that this check knows"
        text = f"equation {where}: {text}" if where else text
        tensors, gates = self.leaves.tensors(wrong), self.leaves.gates(wrong)
        return [Finding(text, "unknown", tensors, gates, where, back=self.lines_back(labels))]

    def lines_back(self, labels: Sequence[str], *variables: str) -> tuple[Line, ...]:
        """The lines of the way back that name these equations; of these the ones that write dv, if there are any."""
        found = dict.fromkeys(line for label in labels for line in lines_back(self.step.node, label, WAY_BACK))
        names = [re.escape(f"d{name.removeprefix('a_').removesuffix(PRIME)}") for name in variables if name]
        writes = re.compile(rf"\b({'|'.join(names)})\b(\[.*\])? *[-+*/]?=|, ({'|'.join(names)})\)")
        own = [line for line in found if Path(line.file).name != "node.py"] or list(found)
        return tuple(line for line in own if names and writes.search(line.text)) or tuple(own)


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
