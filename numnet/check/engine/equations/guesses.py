"""What a backward pass may have taken for the slope of an equation, and what that would do to the gradients."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from numnet.check.engine.equations.forms import Form, Forms
from numnet.check.engine.equations.leaves import Leaves
from numnet.check.engine.equations.rules import Edge
from numnet.check.engine.equations.slopes import Slope, all_slopes
from numnet.check.engine.equations.step import Step, before
from numnet.check.engine.equations.trace import Event
from numnet.check.engine.source import code_of
from numnet.core.operation import Array


@dataclass(eq=False)
class Guess:
    """Slopes that the backward pass may have taken for something else; the less usual, the higher `oddity`.

    `words` say what was done with ∂o/∂v, or, if they begin with a capital, all that is to be said. A guess about what
    comes in may be about no slope.
    """

    slopes: Sequence[Slope]
    words: str
    cause: str
    oddity: float
    change: Array  # what it adds to the gradients of the leaves
    lost: int | None = None  # which part of the new state, if what comes in with it is lost


class Guesses:
    """All guesses about the slopes of one step."""

    def __init__(self, step: Step, leaves: Leaves) -> None:
        self.step, self.trace, self.leaves = step, step.trace, leaves
        self.slopes, self.forms = list(all_slopes(step)), Forms(step)
        self.reach = [leaves.wrong(self.due_of(slope)) for slope in self.slopes]

    def within(self, wrong: Array) -> list[Slope]:
        """The slopes that reach nothing but what is wrong: any other would spoil what is right."""
        return [slope for slope, reach in zip(self.slopes, self.reach) if reach.any() and not (reach & ~wrong).any()]

    def all(self, slopes: Sequence[Slope], missing: Array, hard: bool) -> Iterator[Guess]:
        """The likely ones, or, with `hard`, the odd ones; `missing` is what is to be explained."""
        slopes = [slope for slope in slopes if slope.whole or not hard]
        for k, slope in enumerate(slopes):
            forms = list(self.forms.of(slope, hard))
            late = -1e-3 * k + 1.2 * (not slope.whole)  # of two that explain the same, the one nearer to the result
            yield from self.about(slope, missing, forms, late)
        if not hard:
            yield from self.lost()
            yield from self.exchanged(slopes)
            yield from self.other_rows()
            yield from self.about_lines(slopes)
            yield from self.about_gates(slopes)
            yield from self.too_early(slopes)
        else:
            for slope in slopes:
                yield from self.elsewhere(slope)
                yield from self.of_another(slope)

    def about(self, slope: Slope, missing: Array, forms: Sequence[Form], oddity: float) -> Iterator[Guess]:
        """A slope as a multiple of what is due, or of any of the forms."""
        tried = self.change(slope, np.stack([slope.L, *(form.value for form in forms)], axis=-1))
        rest = missing[:, None] + tried[:, :1]
        for factors in (fitted(rest, tried), np.ones(tried.shape[1])):
            left = self.leaves.wrong(rest - tried * factors).sum(axis=0)
            for k in np.flatnonzero(left == left.min()).tolist():
                words, cause, odd = spoken(float(factors[k]), forms[k - 1] if k else None)
                change = tried[:, k] * factors[k] - tried[:, 0]
                yield Guess([slope], f"is taken as {words}", cause, odd + oddity, change)

    def exchanged(self, slopes: Sequence[Slope]) -> Iterator[Guess]:
        """Two slopes of one result, each taken for the other."""
        elementwise = [slope for slope in slopes if slope.whole and not slope.matrix]
        for one, other in itertools.combinations(elementwise, 2):
            if same(one.o, other.o) and one.L.shape == other.L.shape:
                off = (other.L - one.L)[..., None]
                change = (self.change(one, off) + self.change(other, -off))[:, 0]
                words = f"The slopes ∂{one.after}/∂{one.before} and ∂{other.after}/∂{other.before} are exchanged"
                yield Guess([one, other], words, "order", 0.8, change)

    def other_rows(self) -> Iterator[Guess]:
        """The gradients of two gates, each in the rows of the other."""
        leaves = [self.step.ids[name] for name in map(before, self.step.gates) if name in self.step.ids]
        sums = [slope for slope in self.slopes if slope.event.function == "add"]
        gates = [slope for ids in leaves for slope in sums if same(slope.v, ids)]
        for one, other in itertools.combinations(gates, 2):
            off = (self.step.d[other.o, 0] - self.step.d[one.o, 0]).ravel()
            seeds = np.zeros((self.trace.count, 1))
            np.add.at(seeds[:, 0], np.concatenate([one.o.ravel(), other.o.ravel()]), np.concatenate([off, -off]))
            change = self.trace.gradients(seeds)[self.leaves.numbers, 0]
            yield Guess([one, other], f"D{one.before} and d{other.before} are exchanged", "order", 0.6, change)

    def about_lines(self, slopes: Sequence[Slope]) -> Iterator[Guess]:
        """All slopes by one operand of a line that runs more than once, as in a loop over gates."""
        seeds = self.step.seeds(self.step.upstream)
        for place, edges in same_line(self.trace.events).items():
            group = [slope for slope in slopes if (*slope.event.inner, slope.event.function, slope.operand) == place]
            for factor, words, cause in ((0.0, "is missing", "missing"), (-1.0, "has the wrong sign", "sign")):
                d = self.trace.gradients(seeds, scale=dict.fromkeys(edges, factor))
                if group:
                    yield Guess(
                        group, f"{where(group[0])}{words}", cause, 0.5, d[self.leaves.numbers, 0] - self.leaves.due
                    )

    def about_gates(self, slopes: Sequence[Slope]) -> Iterator[Guess]:
        """What some gates send back through one matrix, but not all."""
        found: dict[Event, list[Slope]] = {}
        for slope in slopes:
            if slope.matrix and slope.operand == 1:
                found.setdefault(slope.event, []).append(slope)
        for whole, *gates in found.values():
            for n in range(2, len(gates)):
                for chosen in itertools.combinations(gates, n):
                    change = -np.sum([self.due_of(slope) for slope in chosen], axis=0)
                    names = " and ".join(gate for slope, gate in zip(gates, self.step.gates) if slope in chosen)
                    yield Guess([whole], f"lacks what {names} send back", "missing", 0.6, change)

    def lost(self) -> Iterator[Guess]:
        """What comes in with one output, y or a part of the new state, and is not added, or not once."""
        nothing = [np.zeros_like(gradient) for gradient in self.step.upstream]
        names = ["y", *self.step.node.states]
        for k, name in enumerate(names):
            coming = [*nothing[:k], self.step.upstream[k], *nothing[k + 1 :]]
            slopes = [slope for slope in self.slopes if slope.before == name][:1]
            change = self.trace.gradients(self.step.seeds(coming))[self.leaves.numbers, 0]
            came = f"What comes in as d{name}{'_next' if k else ''}"
            yield Guess(slopes, f"{came} is lost: it should be added", "accumulation", 0.4, -change, k)
            yield Guess(slopes, f"{came} counts twice", "accumulation", 0.5, change)
            yield Guess(slopes, f"{came} has the wrong sign", "sign", 0.5, -2 * change)
        words = "What comes in as dy and as the gradient of the next step's state is lost"
        yield Guess([], words, "accumulation", 0.3, -self.leaves.due)

    def too_early(self, slopes: Sequence[Slope]) -> Iterator[Guess]:
        """A gradient that one slope has been multiplied into, under its own name, before the other lines read it."""
        for first in slopes:
            others = [
                slope for slope in slopes if slope is not first and slope.own and slope.whole and same(slope.o, first.o)
            ]
            if (
                first.whole
                and first.own
                and not first.matrix
                and others
                and any(same(first.o, ids) for ids in self.step.results)
            ):
                spoilt = [self.change(slope, (slope.L * (first.L - 1))[..., None])[:, 0] for slope in others]
                words = f"D{first.after} is multiplied by ∂{first.after}/∂{first.before} before other lines read it"
                yield Guess([first], words, "order", 0.7, np.sum(spoilt, axis=0))

    def elsewhere(self, slope: Slope) -> Iterator[Guess]:
        """The slope is right, but what it carries went to another variable."""
        through = (self.step.d[slope.o, 0] * slope.L).ravel()
        alike = {name: ids for name, ids in self.step.variables.items() if ids.shape == slope.v.shape}
        others = {name: ids for name, ids in alike.items() if (ids != slope.v).any()}
        seeds = np.zeros((self.trace.count, 1 + len(others)))
        for k, ids in enumerate([slope.v, *others.values()]):
            np.add.at(seeds[:, k], ids.ravel(), through)
        changes = self.trace.gradients(seeds)[self.leaves.numbers]
        for k, name in enumerate(others, 1):
            words = f"goes to d{name}, not d{slope.before}"
            yield Guess([slope], words, "elsewhere", 2.0, changes[:, k] - changes[:, 0])

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
        return self.trace.gradients(seeds)[self.leaves.numbers]

    def due_of(self, slope: Slope) -> Array:
        """What the slope itself is to them."""
        return self.change(slope, slope.L[..., None])[:, 0]


def same(a: Array, b: Array) -> bool:
    """Whether two arrays hold the same numbers."""
    return a.shape == b.shape and bool((a == b).all())


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
    if form is None and abs(factor + 1) < 1e-6:
        return "its negative", "sign", 0.2
    if form is None:
        return f"{factor:.6g} times that", "factor", 0.3 + unusual
    if abs(factor - 1) < 1e-6:
        return form.name, form.cause, form.oddity
    sign = "-" if abs(factor + 1) < 1e-6 else f"{factor:.6g} "
    return f"{sign}({form.name})", form.cause, form.oddity + 0.2 + unusual
