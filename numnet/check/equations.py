"""Which equation of a step the way back gets wrong: the one whose slope, taken otherwise, gives what it gives.

The trace of the forward pass knows each equation's slopes, and the chain rule knows what the gradients would be if one
of them were another: nothing, its negative, a multiple, another variable of the step, 1 - h for 1 - h², a matrix that
was not transposed. The guess that reproduces the wrong gradients, number by number, is the diagnosis.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from numnet.check.finding import Finding
from numnet.check.forms import Form, Forms
from numnet.check.slopes import Slope, all_slopes
from numnet.check.source import Line, code_of, lines_back
from numnet.check.step import Step, before
from numnet.check.trace import Edge, Event
from numnet.operation import Array

EXACT = 1e-7  # relative: two ways of computing one gradient
MOST = 4  # findings
WAY_BACK = ("slopes", "step_backward", "state_backward", "backward")


@dataclass(eq=False)
class Guess:
    """Slopes that the way back may have taken for something else; the less usual, the higher `oddity`.

    `words` say what was done with ∂o/∂v, or, if they begin with a capital, all that is to be said.
    """

    slopes: Sequence[Slope]
    words: str
    cause: str
    oddity: float
    change: Array  # what it adds to the gradients of the leaves


class Equations:
    """The equations of one step, and the guesses about them. Leaves are the numbers that a step starts from."""

    def __init__(self, step: Step) -> None:
        self.step, self.trace = step, step.trace
        self.parts: list[tuple[str, str, slice]] = []  # a tensor, the gate whose rows these are, its leaves
        leaves: list[Array] = []
        promised: list[Array] = []
        for name, ids in step.ids.items():
            for gate, rows in step.row_blocks(name, ids):
                start = sum(part.size for part in leaves)
                leaves.append(ids[rows].ravel())
                promised.append(step.promised[name][rows].ravel())
                self.parts.append((name, gate, slice(start, start + leaves[-1].size)))
        self.leaves, self.promised = np.concatenate(leaves), np.concatenate(promised)
        self.due = step.d[self.leaves, 0]
        self.slopes = list(all_slopes(step))
        self.forms = Forms(step)

    def wrong(self, difference: Array) -> Array:
        """Of each part (and of each of K columns), whether it is wrong."""
        least = 0.1 * float(np.linalg.norm(self.due))
        return np.array(
            [
                np.linalg.norm(difference[part], axis=0) > EXACT * max(float(np.linalg.norm(self.due[part])), least)
                for _, _, part in self.parts
            ]
        )

    @property
    def wrong_parts(self) -> list[str]:
        """The tensors that are wrong, with their gates."""
        bad = self.wrong(self.promised - self.due)
        return [said(name, gate) for (name, gate, _), is_bad in zip(self.parts, bad) if is_bad]

    def findings(self) -> list[Finding]:
        """One after the other, each the guess that explains most of what is still unexplained."""
        due = self.due.copy()
        found = list(self.undue())
        while self.wrong(self.promised - due).any() and len(found) < MOST:
            best = self.best_guess(self.promised - due)
            if best is None:
                return [*found, *self.unexplained(self.promised - due)]
            found.append(self.told(best, self.wrong(self.promised - due)))
            due = due + best.change
        return found

    def undue(self) -> Iterator[Finding]:
        """What the step does not depend on, and yet is given a gradient: forward and way back are of two equations."""
        for name, gate, part in self.parts:
            if not self.due[part].any() and self.wrong(self.promised - self.due)[self.parts.index((name, gate, part))]:
                text = f"{said(name, gate)} has a gradient, but no part in the step: forward and way back differ"
                yield Finding(text, "undue", (name,), (gate,) if gate else ())

    def best_guess(self, missing: Array) -> Guess | None:
        """The one that leaves the fewest parts unexplained, and of these the least odd."""
        wrong = self.wrong(missing)
        reached = [self.wrong(self.change(slope, slope.L[..., None])[:, 0]) for slope in self.slopes]
        able = [slope for slope, reach in zip(self.slopes, reached) if reach.any() and not (reach & ~wrong).any()]
        best, rank = None, (int(wrong.sum()), 0.0)
        for hard in (False, True):
            for guess in self.guesses(able, missing, hard):
                left = int(self.wrong(missing - guess.change).sum())
                enough = left == 0 or wrong.sum() - left >= (2 if hard else 1)  # what is odd has to explain more
                if enough and (left, guess.oddity) < rank:
                    best, rank = guess, (left, guess.oddity)
            if best is not None and rank[0] == 0:
                break
        return best

    def guesses(self, slopes: Sequence[Slope], missing: Array, hard: bool) -> Iterator[Guess]:
        """Those about each slope; and about all slopes of one line together, as of a loop over gates."""
        slopes = [slope for slope in slopes if slope.whole or not hard]
        for k, slope in enumerate(slopes):
            forms = list(self.forms.of(slope, hard))
            late = -1e-3 * k + 1.0 * (not slope.whole)  # of two that explain the same, the one nearer to the result
            yield from self.about(slope, missing, forms, late)
        if not hard:
            yield from self.lost()
            yield from self.about_lines(slopes)
            yield from self.about_gates(slopes)
        else:
            for slope in slopes:
                yield from self.elsewhere(slope)
                yield from self.of_another(slope)

    def about(self, slope: Slope, missing: Array, forms: Sequence[Form], oddity: float) -> Iterator[Guess]:
        """A slope as a multiple of what is due, or of any of the forms."""
        tried = self.change(slope, np.stack([slope.L, *(form.value for form in forms)], axis=-1))
        rest = missing[:, None] + tried[:, :1]
        for factors in (fitted(rest, tried), np.ones(tried.shape[1])):
            left = self.wrong(rest - tried * factors).sum(axis=0)
            for k in np.flatnonzero(left == left.min()).tolist():
                words, cause, odd = spoken(float(factors[k]), forms[k - 1] if k else None)
                change = tried[:, k] * factors[k] - tried[:, 0]
                yield Guess([slope], f"is taken as {words}", cause, odd + oddity, change)

    def about_lines(self, slopes: Sequence[Slope]) -> Iterator[Guess]:
        """All slopes by one operand of a line that runs more than once, as in a loop over gates."""
        seeds = self.step.seeds(self.step.upstream)
        for place, edges in same_line(self.trace.events).items():
            group = [slope for slope in slopes if (*slope.event.inner, slope.event.function, slope.operand) == place]
            for factor, words, cause in ((0.0, "is missing", "missing"), (-1.0, "has the wrong sign", "sign")):
                d = self.trace.gradients(seeds, scale=dict.fromkeys(edges, factor))
                if group:
                    yield Guess(group, f"{where(group[0])}{words}", cause, 0.5, d[self.leaves, 0] - self.due)

    def about_gates(self, slopes: Sequence[Slope]) -> Iterator[Guess]:
        """What some gates send back through one matrix, but not all."""
        found: dict[Event, list[Slope]] = {}
        for slope in slopes:
            if slope.matrix and slope.operand == 1:
                found.setdefault(slope.event, []).append(slope)
        for whole, *gates in found.values():
            for n in range(2, len(gates)):
                for chosen in itertools.combinations(gates, n):
                    change = -np.sum([self.change(slope, slope.L[..., None])[:, 0] for slope in chosen], axis=0)
                    names = " and ".join(gate for slope, gate in zip(gates, self.step.gates) if slope in chosen)
                    yield Guess([whole], f"lacks what {names} send back", "missing", 0.6, change)

    def lost(self) -> Iterator[Guess]:
        """What comes in with a part of the new state, and is written over."""
        nothing = [np.zeros_like(gradient) for gradient in self.step.upstream]
        for k, name in enumerate(self.step.node.states):
            coming = [*nothing[:k], -self.step.upstream[k], *nothing[k + 1 :]]
            slopes = [slope for slope in self.slopes if slope.before == name] or self.slopes[-1:]
            change = self.trace.gradients(self.step.seeds(coming))[self.leaves, 0]
            words = f"What comes in as d{name} is lost: written over, where the equation should add to it?"
            yield Guess(slopes[:1], words, "accumulation", 0.4, change)
        words = "All that comes in from the later steps is lost"
        yield Guess(self.slopes[-1:], words, "accumulation", 0.3, -self.due)

    def elsewhere(self, slope: Slope) -> Iterator[Guess]:
        """The slope is right, but what it carries went to another variable."""
        through = (self.step.d[slope.o, 0] * slope.L).ravel()
        others = {
            n: ids for n, ids in self.step.variables.items() if ids.shape == slope.v.shape and (ids != slope.v).any()
        }
        seeds = np.zeros((self.trace.count, 1 + len(others)))
        for k, ids in enumerate([slope.v, *others.values()]):
            np.add.at(seeds[:, k], ids.ravel(), through)
        changes = self.trace.gradients(seeds)[self.leaves]
        for k, name in enumerate(others, 1):
            yield Guess(
                [slope], f"goes to d{name}, not d{slope.before}", "elsewhere", 2.0, changes[:, k] - changes[:, 0]
            )

    def of_another(self, slope: Slope) -> Iterator[Guess]:
        """The slope is right, but another result's gradient went through it."""
        shape, own = slope.o.shape[:: 2 if slope.matrix else 1], self.step.d[slope.o, 0]
        others = {name: ids for name, ids in self.step.all_numbers.items() if ids.shape == shape}
        through = [self.step.d[ids, 0][:, None] if slope.matrix else self.step.d[ids, 0] for ids in others.values()]
        tried = [np.divide(slope.L * d, own, out=np.zeros(slope.L.shape), where=own != 0) for d in through]
        change = self.change(slope, np.stack([slope.L, *tried], axis=-1))
        for k, name in enumerate(others, 1):
            words = f"is multiplied by d{name}, not d{slope.after}"
            yield Guess([slope], words, "operand", 2.2, change[:, k] - change[:, 0])

    def change(self, slope: Slope, tried: Array) -> Array:
        """What slopes tried (..., K) in this place are to the gradients of the leaves."""
        seeds = np.zeros((self.trace.count, tried.shape[-1]))
        through = self.step.d[slope.o.ravel()] * tried.reshape(-1, tried.shape[-1])
        np.add.at(seeds, slope.v.ravel(), through)
        return self.trace.gradients(seeds)[self.leaves]

    def told(self, guess: Guess, wrong: Array) -> Finding:
        """The guess in a sentence."""
        slope, due = guess.slopes[0], self.forms.words(guess.slopes[0].L)
        label = " ".join(f"({label})" for label in slope.labels)
        what = " and ".join(dict.fromkeys(f"∂{s.after}/∂{s.before}" for s in guess.slopes))
        due = f" = {due}" if due and len(guess.slopes) == 1 else ""
        said = guess.words[0].lower() + guess.words[1:] if guess.words[0].isupper() else f"{what}{due} {guess.words}"
        text = f"equation {label}: {said}" if label else said
        lines = self.lines_back(slope.labels)
        touched, gates = self.touched(guess, wrong), self.gates_of(guess, wrong)
        return Finding(text, guess.cause, touched, gates, label, slope.event.line, lines)

    def touched(self, guess: Guess, wrong: Array) -> tuple[str, ...]:
        """The tensors that the guess explains."""
        touched = self.wrong(guess.change) & wrong
        return tuple(dict.fromkeys(name for (name, _, _), yes in zip(self.parts, touched) if yes))

    def gates_of(self, guess: Guess, wrong: Array) -> tuple[str, ...]:
        """The gates whose rows the guess explains."""
        touched = self.wrong(guess.change) & wrong
        return tuple(dict.fromkeys(gate for (_, gate, _), yes in zip(self.parts, touched) if yes and gate))

    def unexplained(self, missing: Array) -> list[Finding]:
        """No single slope explains it: then the equations that reach just the wrong parts, or least besides."""
        wrong, beside = self.wrong(missing), dict[tuple[str, ...], int]()
        for slope in self.slopes:
            reach = self.wrong(self.change(slope, slope.L[..., None])[:, 0])
            if slope.labels and (reach & wrong).any():
                beside[slope.labels] = min(beside.get(slope.labels, len(wrong)), int((reach ^ wrong).sum()))
        least = min(beside.values(), default=0)
        labels = list(dict.fromkeys(label for labels, n in beside.items() if n == least for label in labels))
        where = " or ".join(f"({label})" for label in labels)
        parts = [part for part, bad in zip(self.parts, wrong) if bad]
        names = ", ".join(said(name, gate) for name, gate, _ in parts)
        tensors = tuple(dict.fromkeys(name for name, _, _ in parts))
        gates = tuple(dict.fromkeys(gate for _, gate, _ in parts if gate))
        text = f"equation {where}: the gradient of {names} is wrong in no way that this check knows"
        return [Finding(text, "unknown", tensors, gates, where, back=self.lines_back(labels))]

    def lines_back(self, labels: Sequence[str]) -> tuple[Line, ...]:
        found = [line for label in labels for line in lines_back(self.step.node, label, WAY_BACK)]
        return tuple(dict.fromkeys(found))


def said(name: str, gate: str) -> str:
    """A tensor, and the gate whose rows are meant."""
    return f"{name} ({gate})" if gate and name != before(gate) else name


def same_line(events: Sequence[Event]) -> dict[tuple[str, int, str, int], list[Edge]]:
    """The edges from the same operand of lines that run more than once."""
    found: dict[tuple[str, int, str, int], list[Edge]] = {}
    for event in events:
        for edge in event.edges:
            found.setdefault((*event.inner, event.function, edge.operand), []).append(edge)
    return {place: edges for place, edges in found.items() if len(edges) > 1}


def where(slope: Slope) -> str:
    """The line of a function that the step calls; nothing, if it is the step's own."""
    file, number = slope.event.inner
    own = (slope.event.line.file, slope.event.line.number) == (file, number)
    return "" if own else f"A part of {Path(file).name}:{number}, {code_of(file, number)}, "


def fitted(rest: Array, change: Array) -> Array:
    """The factors by which each column of `change` comes nearest to `rest`."""
    squares = (change * change).sum(axis=0)
    return np.asarray((rest * change).sum(axis=0) / np.where(squares > 0, squares, 1))


def spoken(factor: float, form: Form | None) -> tuple[str, str, float]:
    """A factor times a form, or times what is due: the words, the cause, and how odd that would be."""
    unusual = 0.0 if min(abs(abs(factor) - n) for n in (1, 2, 3, 4, 0.5, 0.25)) < 1e-6 else 2.0
    if abs(factor) < 1e-7:
        return "0", "missing", 0.1
    if form is None:
        return (
            ("its negative", "sign", 0.2)
            if abs(factor + 1) < 1e-6
            else (f"{factor:.6g} times it", "factor", 0.3 + unusual)
        )
    if abs(factor - 1) < 1e-6:
        return form.name, form.cause, form.oddity
    sign = "-" if abs(factor + 1) < 1e-6 else f"{factor:.6g} "
    return f"{sign}({form.name})", form.cause, form.oddity + 0.2 + unusual
