"""Common mistakes in the derivatives of an equation, and the gradients that each would cause."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from numnet.check.engine.equations.derivatives import Derivative, all_derivatives
from numnet.check.engine.equations.forms import Form, Forms
from numnet.check.engine.equations.leaves import Leaves
from numnet.check.engine.equations.rules import Edge
from numnet.check.engine.equations.step import Step, preactivation
from numnet.check.engine.equations.trace import Event
from numnet.check.engine.source import code_of
from numnet.core.operation import Array


@dataclass(eq=False)
class Guess:
    """A possible mistake in some derivatives; the less likely it is, the higher its `oddity`.

    `words` is the predicate of ∂o/∂v, or, with a capital, a whole sentence. A guess about the upstream gradient may
    have no derivative.
    """

    derivatives: Sequence[Derivative]
    words: str
    cause: str
    oddity: float
    change: Array  # the difference that it makes to the gradients of the leaves
    lost: int | None = None  # the output whose upstream gradient is lost: 0 is y, 1 the first part of the state


class Guesses:
    """All guesses about one step."""

    def __init__(self, step: Step, leaves: Leaves) -> None:
        self.step, self.trace, self.leaves = step, step.trace, leaves
        self.derivatives, self.forms = list(all_derivatives(step)), Forms(step)
        self.reach = [leaves.wrong(self.effect_of(derivative)) for derivative in self.derivatives]

    def within(self, wrong: Array) -> list[Derivative]:
        """Return the derivatives that affect only wrong parts: a mistake in any other would make right parts wrong."""
        return [
            derivative
            for derivative, reach in zip(self.derivatives, self.reach)
            if reach.any() and not (reach & ~wrong).any()
        ]

    def all(self, derivatives: Sequence[Derivative], missing: Array, hard: bool) -> Iterator[Guess]:
        """Yield the likely guesses, or with `hard` the unlikely ones; `missing` is the error to explain."""
        derivatives = [derivative for derivative in derivatives if derivative.whole or not hard]
        for k, derivative in enumerate(derivatives):
            forms = list(self.forms.of(derivative, hard))
            late = -1e-3 * k + 1.2 * (not derivative.whole)  # among equals prefer the one closer to the result
            yield from self.about(derivative, missing, forms, late)
        if not hard:
            yield from self.lost()
            yield from self.exchanged(derivatives)
            yield from self.other_rows()
            yield from self.about_lines(derivatives)
            yield from self.about_gates(derivatives)
            yield from self.too_early(derivatives)
        else:
            for derivative in derivatives:
                yield from self.elsewhere(derivative)
                yield from self.of_another(derivative)

    def about(self, derivative: Derivative, missing: Array, forms: Sequence[Form], oddity: float) -> Iterator[Guess]:
        """Yield guesses: the derivative replaced by a multiple of itself or of one of the forms."""
        tried = self.change(derivative, np.stack([derivative.L, *(form.value for form in forms)], axis=-1))
        rest = missing[:, None] + tried[:, :1]
        for factors in (fitted(rest, tried), np.ones(tried.shape[1])):
            left = self.leaves.wrong(rest - tried * factors).sum(axis=0)
            for k in np.flatnonzero(left == left.min()).tolist():
                words, cause, odd = describe(float(factors[k]), forms[k - 1] if k else None)
                change = tried[:, k] * factors[k] - tried[:, 0]
                yield Guess([derivative], f"is taken as {words}", cause, odd + oddity, change)

    def exchanged(self, derivatives: Sequence[Derivative]) -> Iterator[Guess]:
        """Yield guesses: two derivatives of one result are exchanged."""
        elementwise = [derivative for derivative in derivatives if derivative.whole and not derivative.matrix]
        for one, other in itertools.combinations(elementwise, 2):
            if same(one.o, other.o) and one.L.shape == other.L.shape:
                off = (other.L - one.L)[..., None]
                change = (self.change(one, off) + self.change(other, -off))[:, 0]
                words = f"The derivatives ∂{one.after}/∂{one.before} and ∂{other.after}/∂{other.before} are exchanged"
                yield Guess([one, other], words, "order", 0.8, change)

    def other_rows(self) -> Iterator[Guess]:
        """Yield guesses: the gradients of two gates are exchanged."""
        leaves = [self.step.ids[name] for name in map(preactivation, self.step.gates) if name in self.step.ids]
        sums = [derivative for derivative in self.derivatives if derivative.event.function == "add"]
        gates = [derivative for ids in leaves for derivative in sums if same(derivative.v, ids)]
        for one, other in itertools.combinations(gates, 2):
            off = (self.step.d[other.o, 0] - self.step.d[one.o, 0]).ravel()
            seeds = np.zeros((self.trace.count, 1))
            np.add.at(seeds[:, 0], np.concatenate([one.o.ravel(), other.o.ravel()]), np.concatenate([off, -off]))
            change = self.trace.gradients(seeds)[self.leaves.numbers, 0]
            yield Guess([one, other], f"D{one.before} and d{other.before} are exchanged", "order", 0.6, change)

    def about_lines(self, derivatives: Sequence[Derivative]) -> Iterator[Guess]:
        """Yield guesses about an operand of a line that runs more than once, as in a loop over gates."""
        seeds = self.step.seeds(self.step.upstream)
        for place, edges in same_line(self.trace.events).items():
            group = [
                derivative
                for derivative in derivatives
                if (*derivative.event.inner, derivative.event.function, derivative.operand) == place
            ]
            for factor, words, cause in ((0.0, "is missing", "missing"), (-1.0, "has the wrong sign", "sign")):
                d = self.trace.gradients(seeds, scale=dict.fromkeys(edges, factor))
                if group:
                    yield Guess(
                        group, f"{where(group[0])}{words}", cause, 0.5, d[self.leaves.numbers, 0] - self.leaves.expected
                    )

    def about_gates(self, derivatives: Sequence[Derivative]) -> Iterator[Guess]:
        """Yield guesses: some gates, but not all, are missing in the gradient through a matrix."""
        found: dict[Event, list[Derivative]] = {}
        for derivative in derivatives:
            if derivative.matrix and derivative.operand == 1:
                found.setdefault(derivative.event, []).append(derivative)
        for whole, *gates in found.values():
            for n in range(2, len(gates)):
                for chosen in itertools.combinations(gates, n):
                    change = -np.sum([self.effect_of(derivative) for derivative in chosen], axis=0)
                    names = " and ".join(
                        gate for derivative, gate in zip(gates, self.step.gates) if derivative in chosen
                    )
                    yield Guess([whole], f"lacks the gradients of {names}", "missing", 0.6, change)

    def lost(self) -> Iterator[Guess]:
        """Yield guesses: the upstream gradient of y or of a part of the new state is lost, doubled or negated."""
        nothing = [np.zeros_like(gradient) for gradient in self.step.upstream]
        names = ["y", *self.step.node.states]
        for k, name in enumerate(names):
            coming = [*nothing[:k], self.step.upstream[k], *nothing[k + 1 :]]
            derivatives = [derivative for derivative in self.derivatives if derivative.before == name][:1]
            change = self.trace.gradients(self.step.seeds(coming))[self.leaves.numbers, 0]
            upstream = f"The upstream gradient d{name}{'_next' if k else ''}"
            yield Guess(derivatives, f"{upstream} is lost: add it", "accumulation", 0.4, -change, k)
            yield Guess(derivatives, f"{upstream} is added twice", "accumulation", 0.5, change)
            yield Guess(derivatives, f"{upstream} has the wrong sign", "sign", 0.5, -2 * change)
        words = "The upstream gradient dy and that of the new state are lost"
        yield Guess([], words, "accumulation", 0.3, -self.leaves.expected)

    def too_early(self, derivatives: Sequence[Derivative]) -> Iterator[Guess]:
        """Yield guesses: a gradient is multiplied by a derivative in place before other lines read it."""
        for first in derivatives:
            others = [
                derivative
                for derivative in derivatives
                if derivative is not first and derivative.own and derivative.whole and same(derivative.o, first.o)
            ]
            if (
                first.whole
                and first.own
                and not first.matrix
                and others
                and any(same(first.o, ids) for ids in self.step.results)
            ):
                errors = [
                    self.change(derivative, (derivative.L * (first.L - 1))[..., None])[:, 0] for derivative in others
                ]
                words = f"D{first.after} is multiplied by ∂{first.after}/∂{first.before} before other lines read it"
                yield Guess([first], words, "order", 0.7, np.sum(errors, axis=0))

    def elsewhere(self, derivative: Derivative) -> Iterator[Guess]:
        """Yield guesses: the product with the derivative is added to the gradient of another variable."""
        through = (self.step.d[derivative.o, 0] * derivative.L).ravel()
        alike = {name: ids for name, ids in self.step.variables.items() if ids.shape == derivative.v.shape}
        others = {name: ids for name, ids in alike.items() if (ids != derivative.v).any()}
        seeds = np.zeros((self.trace.count, 1 + len(others)))
        for k, ids in enumerate([derivative.v, *others.values()]):
            np.add.at(seeds[:, k], ids.ravel(), through)
        changes = self.trace.gradients(seeds)[self.leaves.numbers]
        for k, name in enumerate(others, 1):
            words = f"is added to d{name}, not to d{derivative.before}"
            yield Guess([derivative], words, "elsewhere", 2.0, changes[:, k] - changes[:, 0])

    def of_another(self, derivative: Derivative) -> Iterator[Guess]:
        """Yield guesses: the derivative is multiplied by the gradient of another result."""
        shape, own = derivative.o.shape[:: 2 if derivative.matrix else 1], self.step.d[derivative.o, 0]
        others = {name: ids for name, ids in self.step.all_numbers.items() if ids.shape == shape}
        through = [
            self.step.d[ids, 0][:, None] if derivative.matrix else self.step.d[ids, 0] for ids in others.values()
        ]
        tried = [np.divide(derivative.L * d, own, out=np.zeros(derivative.L.shape), where=own != 0) for d in through]
        change = self.change(derivative, np.stack([derivative.L, *tried], axis=-1))
        for k, name in enumerate(others, 1):
            words = f"is multiplied by d{name}, not d{derivative.after}"
            yield Guess([derivative], words, "operand", 2.2, change[:, k] - change[:, 0])

    def change(self, derivative: Derivative, tried: Array) -> Array:
        """Return the effect of K values (..., K) of this derivative on the gradients of the leaves."""
        seeds = np.zeros((self.trace.count, tried.shape[-1]))
        through = self.step.d[derivative.o.ravel()] * tried.reshape(-1, tried.shape[-1])
        np.add.at(seeds, derivative.v.ravel(), through)
        return self.trace.gradients(seeds)[self.leaves.numbers]

    def effect_of(self, derivative: Derivative) -> Array:
        """Return the effect of the right derivative on the gradients of the leaves."""
        return self.change(derivative, derivative.L[..., None])[:, 0]


def same(a: Array, b: Array) -> bool:
    """Whether two arrays have the same ids."""
    return a.shape == b.shape and bool((a == b).all())


def same_line(events: Sequence[Event]) -> dict[tuple[str, int, str, int], list[Edge]]:
    """Group the edges from the same operand of lines that run more than once."""
    found: dict[tuple[str, int, str, int], list[Edge]] = {}
    for event in events:
        for edge in event.edges:
            found.setdefault((*event.inner, event.function, edge.operand), []).append(edge)
    return {place: edges for place, edges in found.items() if len(edges) > 1}


def where(derivative: Derivative) -> str:
    """Return the line of a function that the step calls; "" for a line of the step itself."""
    file, number = derivative.event.inner
    own = (derivative.event.line.file, derivative.event.line.number) == (file, number)
    return "" if own else f"A part of {Path(file).name}:{number}, {code_of(file, number)}, "


def fitted(rest: Array, change: Array) -> Array:
    """Return the least-squares factor of each column of `change` to fit `rest`."""
    squares = (change * change).sum(axis=0)
    return np.asarray((rest * change).sum(axis=0) / np.where(squares > 0, squares, 1))


def describe(factor: float, form: Form | None) -> tuple[str, str, float]:
    """Describe a factor times a form, or times the derivative: words, cause, oddity."""
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
