"""Find the equation that the backward pass gets wrong: search for a mistake that reproduces its gradients.

The trace of the forward pass has the derivatives of each equation. By the chain rule it gives the gradients with one
derivative replaced: by zero, its negative, a multiple, another variable of the step, 1 - h for 1 - h², or an
untransposed matrix. The replacement that reproduces the wrong gradients, number by number, is the diagnosis.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from numnet.check.engine.equations.derivatives import Derivative, all_derivatives
from numnet.check.engine.equations.guesses import Guess, Guesses
from numnet.check.engine.equations.leaves import Leaves
from numnet.check.engine.equations.pairs import mistaken
from numnet.check.engine.equations.step import Step
from numnet.check.engine.finding import Finding
from numnet.check.engine.source import Line, all_lines, lines_back
from numnet.core.operation import Array

MOST = 4  # findings
PRIME = "'"
BACKWARD = ("step_backward", "backward")


class Equations:
    """The equations of one step, and the search for errors in their backward pass."""

    def __init__(self, step: Step) -> None:
        self.step, self.leaves = step, Leaves(step)

    def findings(self) -> list[Finding]:
        """Return findings one by one; each is the guess that explains most of the remaining error."""
        leaves, found = self.leaves, [*self.unexpected(), *self.mistaken()]
        missing = leaves.analytic - leaves.expected
        if not leaves.wrong(missing).any():
            return found
        guesses = Guesses(self.step, leaves)
        while leaves.wrong(missing).any() and len(found) < MOST:
            best = best_of(guesses, missing)
            if best is None:
                return [*found, *self.unexplained(guesses, missing)]
            found.append(self.finding_of(guesses, best, leaves.wrong(best.change) & leaves.wrong(missing)))
            missing = missing - best.change
            if best.lost is not None:  # search on without this upstream gradient
                self.step.drop_upstream(best.lost)
                guesses = Guesses(self.step, leaves)
        return found

    def unexpected(self) -> Iterator[Finding]:
        """Yield inputs that have a gradient though the step does not depend on them."""
        leaves = self.leaves
        none_expected = np.array([not leaves.expected[part].any() for _, _, part in leaves.parts])
        chosen = none_expected & leaves.wrong(leaves.analytic - leaves.expected)
        if chosen.any():
            text = f"{leaves.describe(chosen)} has a gradient, but the forward step does not use it"
            yield Finding(text, "unexpected", leaves.tensors(chosen), leaves.gates(chosen))

    def mistaken(self) -> Iterator[Finding]:
        """Yield mistakes in the pairs, then treat these gradients as right."""
        leaves = self.leaves
        for name, words, cause in mistaken(self.step, self.step.expected):
            chosen = np.array([tensor == name for tensor, _, _ in leaves.parts])
            wrong = chosen & leaves.wrong(leaves.analytic - leaves.expected)
            derivatives = [
                derivative
                for derivative in all_derivatives(self.step)
                if derivative.before == name and derivative.labels
            ]
            labels = dict.fromkeys(label for derivative in derivatives for label in derivative.labels)
            where = " ".join(f"({label})" for label in labels)
            text = f"equation {where}: d{name} {words}" if where else f"d{name} {words}"
            line = derivatives[0].event.line if derivatives else None
            gates, lines = leaves.gates(wrong), self.lines_back(list(labels))
            yield Finding(text, cause, (name,), gates if len(gates) < chosen.sum() else (), where, line, lines)
            for tensor, _, part in leaves.parts:
                if tensor == name:
                    leaves.analytic[part] = leaves.expected[part]

    def finding_of(self, guesses: Guesses, guess: Guess, explained: Array) -> Finding:
        """Return a guess as a finding."""
        if not guess.derivatives:
            text, tensors = guess.words[0].lower() + guess.words[1:], self.leaves.tensors(explained)
            return Finding(text, guess.cause, tensors, back=self.lines_of(guess.words))
        derivative, expected = guess.derivatives[0], guesses.forms.words(guess.derivatives[0].factor)
        label = " ".join(f"({label})" for label in derivative.labels)
        what = " and ".join(dict.fromkeys(f"∂{s.after}/∂{s.before}" for s in guess.derivatives))
        expected = f" = {expected}" if expected and len(guess.derivatives) == 1 else ""
        sentence = (
            guess.words[0].lower() + guess.words[1:] if guess.words[0].isupper() else f"{what}{expected} {guess.words}"
        )
        text = f"equation {label}: {sentence}" if label else sentence
        tensors, gates = self.leaves.tensors(explained), self.gates(guess, explained)
        if guess.cause == "order" and len(guess.derivatives) > 1:
            tensors = tuple(dict.fromkeys(s.before for s in guess.derivatives))
        lines = self.lines_back(derivative.labels, *dict.fromkeys(s.before for s in guess.derivatives))
        return Finding(text, guess.cause, tensors, gates, label, derivative.event.line, lines)

    def gates(self, guess: Guess, explained: Array) -> tuple[str, ...]:
        """Return the gates that the derivatives name; for a parameter those of its rows; else the only wrong one."""
        names, gates = [derivative.before for derivative in guess.derivatives], self.step.gates
        own = tuple(gate for gate in gates if gate and any(name in (gate, f"a_{gate}") for name in names))
        wrong = self.leaves.gates(explained)
        of_parameter = any(name in self.step.names for name in names)
        return own or (wrong if len(wrong) == 1 or (of_parameter and len(wrong) < len(gates)) else ())

    def lines_of(self, words: str) -> tuple[Line, ...]:
        """Return the first line of step_backward that reads a gradient in the words, such as dy or dh_next."""
        reads = re.compile("|".join(rf"\b{name}\b" for name in re.findall(r"\bd\w+", words)))
        lines = all_lines(self.step.node, "step_backward")
        return tuple(line for line in lines if "=" in line.text and reads.search(line.text))[:1]

    def unexplained(self, guesses: Guesses, missing: Array) -> list[Finding]:
        """Return a finding without a mistake: the equations that affect the wrong parts and the fewest right ones."""
        wrong, reach = self.leaves.wrong(missing), list(zip(guesses.derivatives, guesses.reach))
        exact = [
            derivative
            for derivative, reached in reach
            if not (reached ^ wrong).any() and derivative.labels and derivative.own
        ]
        if len({derivative.before for derivative in exact}) == 1:
            return [self.only_candidate(exact[0], wrong)]
        labels = nearest(reach, wrong)
        where = " or ".join(f"({label})" for label in labels)
        text = f"the gradient of {self.leaves.describe(wrong)} is wrong, in no way that the checker recognizes"
        text = f"equation {where}: {text}" if where else text
        tensors, gates = self.leaves.tensors(wrong), self.leaves.gates(wrong)
        return [Finding(text, "unknown", tensors, gates, where, back=self.lines_back(labels))]

    def only_candidate(self, derivative: Derivative, wrong: Array) -> Finding:
        """Return the finding about the only derivative that affects exactly the wrong parts."""
        where = " ".join(f"({label})" for label in derivative.labels)
        what = f"∂{derivative.after}/∂{derivative.before}"
        text = f"equation {where}: {what} is wrong, in no way that the checker recognizes"
        tensors, lines = self.leaves.tensors(wrong), self.lines_back(derivative.labels, derivative.before)
        return Finding(text, "unknown", tensors, self.leaves.gates(wrong), where, derivative.event.line, lines)

    def lines_back(self, labels: Sequence[str], *variables: str) -> tuple[Line, ...]:
        """Return the lines of the backward pass that name these equations; only those that write dv, if any do."""
        found = dict.fromkeys(line for label in labels for line in lines_back(self.step.node, label, BACKWARD))
        names = [re.escape(f"d{name.removeprefix('a_').removesuffix(PRIME)}") for name in variables if name]
        writes = re.compile(rf"\b({'|'.join(names)})\b(\[.*\])? *[-+*/]?=|, ({'|'.join(names)})\)")
        own = [line for line in found if Path(line.file).name != "node.py"] or list(found)
        return tuple(line for line in own if names and writes.search(line.text)) or tuple(own)


def nearest(reach: Sequence[tuple[Derivative, Array]], wrong: Array) -> list[str]:
    """Return the labels of the derivatives that affect a wrong part and the fewest right ones."""
    beside: dict[tuple[str, ...], int] = {}
    for derivative, reached in reach:
        if derivative.labels and (reached & wrong).any():
            beside[derivative.labels] = min(beside.get(derivative.labels, len(wrong)), int((reached ^ wrong).sum()))
    least = min(beside.values(), default=0)
    return list(dict.fromkeys(label for labels, n in beside.items() if n == least for label in labels))


def best_of(guesses: Guesses, missing: Array) -> Guess | None:
    """Return the guess that leaves the fewest parts unexplained; among equals, the one with the lowest oddity."""
    wrong = guesses.leaves.wrong(missing)
    able, best, rank = guesses.within(wrong), None, (int(wrong.sum()), 0.0)
    for hard in (False, True):
        for guess in guesses.all(able, missing, hard):
            left = int(guesses.leaves.wrong(missing - guess.change).sum())
            enough = left == 0 or wrong.sum() - left >= (2 if hard else 1)  # an unlikely guess must explain more
            if enough and (left, guess.oddity) < rank:
                best, rank = guess, (left, guess.oddity)
        if best is not None and rank[0] == 0:
            break
    return best
