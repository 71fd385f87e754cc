"""The derivatives of a step's equations: how each result depends on each variable that its lines read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from numnet.check.engine.equations.step import Step, preactivation
from numnet.check.engine.equations.trace import Event
from numnet.core.operation import Array


@dataclass(eq=False)
class Derivative:
    """The local derivative ∂o/∂v of an equation: the ids of v and o and the values L, all of the same shape.

    `matrix`: it is from a matrix product and has shape (rows, columns, samples). `before` and `after` are the names of
    v and o in the step.
    """

    event: Event
    labels: tuple[str, ...]
    v: Array
    o: Array
    L: Array
    before: str
    after: str
    operand: int = 0
    matrix: bool = False
    whole: bool = True  # False: one line of an equation that is listed as a whole too
    own: bool = True  # with respect to a variable of the step, not to an intermediate sum

    @property
    def factor(self) -> Array:
        """The derivatives; for a product by its matrix, the other factor, which is the same for every row."""
        return self.L[0] if self.matrix and self.operand == 0 else self.L


def all_derivatives(step: Step) -> Iterator[Derivative]:
    """Yield the derivatives of each whole elementwise equation, then those of each single line."""
    names, events = Names(step), step.trace.events
    for block in blocks(events):
        if elementwise(block[0]):
            yield from of_equation(step, block, names)
        if not elementwise(block[0]) or len(block) > 1:
            for event in block:
                yield from of_line(step, event, names, len(block) == 1)


def of_line(step: Step, event: Event, names: Names, whole: bool) -> Iterator[Derivative]:
    """Yield the derivatives of one line by gate; for a product, also those of all rows together."""
    matrix = event.function == "matmul"
    for edge in event.edges:
        pieces = [rows for _, rows in step.row_blocks("", edge.L)]
        for rows in [slice(None), *pieces] if matrix and len(pieces) > 1 else pieces:
            v, o, L = edge.before[rows], edge.after[rows], edge.L[rows]
            named = names.of(v), names.of(o)
            yield Derivative(event, event.line.labels, v, o, L, *named, edge.operand, matrix, whole)


def of_equation(step: Step, block: Sequence[Event], names: Names) -> Iterator[Derivative]:
    """Yield the derivatives of an equation of several lines, by the chain rule, from its inputs to its results."""
    own = np.concatenate([event.after.ravel() for event in block])
    read = read_outside(step, block)
    inputs: dict[tuple[int, ...], Array] = {}
    for event in block:
        for edge in event.edges:
            for v in step.in_blocks(edge.before):
                if int(v.flat[0]) not in own:
                    inputs[tuple(v.ravel().tolist())] = v
        if event.function == "add":  # such as a_i + W_h h', the pre-activation of a gate
            inputs |= {tuple(v.ravel().tolist()): v for v in step.in_blocks(event.after)}
    for event in block:
        for o in step.in_blocks(event.after):
            if int(o.flat[0]) not in read:
                continue
            seeds = np.zeros((step.trace.count, 1))
            seeds[o, 0] = 1
            d, lines = step.trace.gradients(seeds, block)[:, 0], lines_to(o, block)
            for v in inputs.values():
                reading = [(line, e.operand) for line in lines for e in line.edges if (e.before == v.flat[0]).any()]
                if v.shape == o.shape and reading and v.flat[0] != o.flat[0] and d[v].any():
                    line, operand = reading[-1]
                    named, own_v = (names.of(v), names.of(o)), int(v.flat[0]) not in own
                    yield Derivative(line, labels_of(lines, block), v, o, d[v], *named, operand, own=own_v)


def read_outside(step: Step, block: Sequence[Event]) -> set[int]:
    """Return the ids that other lines read, and those of the outputs."""
    others = [edge.before.ravel() for event in step.trace.events if event not in block for edge in event.edges]
    return set(np.concatenate([*others, *(ids.ravel() for ids in step.results)]).tolist())


def lines_to(o: Array, block: Sequence[Event]) -> list[Event]:
    """Return the lines of a block that o depends on."""
    needed, lines = {int(o.flat[0])}, []
    for event in reversed(block):
        hit = np.isin(event.after, list(needed))
        if hit.any():
            lines.append(event)
            needed |= {int(edge.before[hit].flat[0]) for edge in event.edges}
    return lines[::-1]


def blocks(events: Sequence[Event]) -> list[list[Event]]:
    """Group consecutive elementwise lines with a common label; every other line is a group of its own."""
    found: list[list[Event]] = []
    for event in events:
        last = found[-1][-1] if found else None
        if last and elementwise(last) and elementwise(event) and together(last, event):
            found[-1].append(event)
        else:
            found.append([event])
    return found


def together(last: Event, event: Event) -> bool:
    """Whether two events belong to one equation: they share a label, or have none and are on the same line."""
    if last.line.labels or event.line.labels:
        return bool(set(last.line.labels) & set(event.line.labels))
    return (last.line.file, last.line.number) == (event.line.file, event.line.number)


def elementwise(event: Event) -> bool:
    """Whether each number of the result depends only on numbers at the same index."""
    return event.function not in ("matmul", "spread") and all(edge.at is None for edge in event.edges)


def labels_of(lines: Sequence[Event], block: Sequence[Event]) -> tuple[str, ...]:
    """Return the labels that the lines share, without those that other lines name alone."""
    shared = [label for label in lines[0].line.labels if all(label in line.line.labels for line in lines)]
    alone = {line.line.labels[0] for line in block if len(line.line.labels) == 1}
    return tuple(label for label in shared if label not in alone) or tuple(shared)


WRITTEN = {"matmul": " ", "multiply": " ", "add": " + ", "subtract": " - ", "divide": " / ", "assign": ""}


class Names:
    """The names of numbers in the step."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.known: dict[int, str] = {}
        for name, array in step.values.items():
            first = int(step.trace.numbers(array).flat[0])
            if first >= 0:  # not a constant
                self.known.setdefault(first, name)
        for name, ids in step.ids.items():
            for _, rows in step.row_blocks(name, ids):
                self.known.setdefault(int(ids[rows].flat[0]), name)
        self.rows = self.views()
        arrays = [(name, x) for name, x in step.trace.inner.values() if isinstance(x, np.ndarray) and x.size]
        self.inner = {int(step.trace.numbers(x).flat[0]): name for name, x in arrays if x.dtype == np.float64}
        self.places: dict[int, str] = {}
        for number, name in self.known.items():
            self.places.setdefault(step.trace.place_of[number], name)

    def views(self) -> dict[int, str]:
        """Return the names of views of parameters in the step, such as U_n, by their first id."""
        found: dict[int, str] = {}
        for name, value in self.step.trace.locals.items():
            if isinstance(value, np.ndarray) and value.dtype == np.float64 and value.size:
                first = int(self.step.trace.numbers(value).flat[0])
                if self.known.get(first) in self.step.names:
                    found[first] = name
        return found

    def of(self, ids: Array) -> str:
        """Return their name; a_i if gate i is later stored at their address; else the expression that computes them."""
        first = int(ids.flat[0])
        if first in self.known:
            return self.known[first]
        for event in self.step.trace.events:
            if event.function == "spread" and first in event.after:
                return self.of(event.edges[0].before)
        later = self.places.get(self.step.trace.place_of[first], "")
        if later and later in self.step.gates:
            return preactivation(later)
        leaf = self.added_to(first)
        if leaf:
            return leaf
        if first in self.inner:
            return self.inner[first]
        expression = self.expression(first)
        return f"({expression})" if " " in expression else expression or later or "a result"

    def added_to(self, number: int) -> str:
        """Return a_r for a sum of the block a_r of a_x and anything else: the pre-activation of the gate."""
        event = next((event for event in self.step.trace.events if number in event.after), None)
        if event is None or event.function != "add":
            return ""
        here = event.after == number
        read = [self.known.get(int(e.before[here].flat[0]), "") for e in event.edges if e.before.shape == here.shape]
        return next((name for name in read if name in map(preactivation, self.step.gates)), "")

    def expression(self, number: int) -> str:
        """Return the expression that computes a number, such as W_h h'."""
        event = next((event for event in self.step.trace.events if number in event.after), None)
        if event is None or not event.edges:
            return ""
        here = event.after == number
        read = (e.before[here] if e.before.shape == here.shape else e.before for e in event.edges)
        parts = dict.fromkeys(self.rows.get(int(ids.flat[0])) or self.of(ids) for ids in read if ids.size)
        if event.function in WRITTEN:
            return WRITTEN[event.function].join(parts)
        return f"{event.function}({', '.join(parts)})"
