"""The slopes of a step's equations: how each result depends on each variable that its lines read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from numnet.check.engine.equations.step import Step, before
from numnet.check.engine.equations.trace import Event
from numnet.core.operation import Array


@dataclass(eq=False)
class Slope:
    """How a result o depends on an operand v of an equation: numbers by id and slopes L, of one shape.

    `matrix` says that it is of a product, (rows, columns, samples). `before` and `after` are what the step calls v, o.
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
    whole: bool = True  # not a line of an equation whose slopes are here too
    own: bool = True  # of a variable of the step's, not of a sum on the way

    @property
    def factor(self) -> Array:
        """The slopes; of a product by its matrix the other factor, which is that of every row."""
        return self.L[0] if self.matrix and self.operand == 0 else self.L


def all_slopes(step: Step) -> Iterator[Slope]:
    """Of elementwise lines with one label the whole equation's slopes, and then, as of all others, each line's own."""
    names, events = Names(step), step.trace.events
    for block in blocks(events):
        if elementwise(block[0]):
            yield from of_equation(step, block, names)
        if not elementwise(block[0]) or len(block) > 1:
            for event in block:
                yield from of_line(step, event, names, len(block) == 1)


def of_line(step: Step, event: Event, names: Names, whole: bool) -> Iterator[Slope]:
    """All rows of a product together; and of every line each gate's."""
    matrix = event.function == "matmul"
    for edge in event.edges:
        pieces = [rows for _, rows in step.row_blocks("", edge.L)]
        for rows in [slice(None), *pieces] if matrix and len(pieces) > 1 else pieces:
            v, o, L = edge.before[rows], edge.after[rows], edge.L[rows]
            named = names.of(v), names.of(o)
            yield Slope(event, event.line.labels, v, o, L, *named, edge.operand, matrix, whole)


def of_equation(step: Step, block: Sequence[Event], names: Names) -> Iterator[Slope]:
    """From all that the lines read, and from sums on the way, to all that others read of them: by the chain rule."""
    own = np.concatenate([event.after.ravel() for event in block])
    read = read_outside(step, block)
    inputs: dict[tuple[int, ...], Array] = {}
    for event in block:
        for edge in event.edges:
            for v in step.in_blocks(edge.before):
                if int(v.flat[0]) not in own:
                    inputs[tuple(v.ravel().tolist())] = v
        if event.function == "add":  # as a_i + W_h h', which is what a gate is the σ of
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
                    yield Slope(line, labels_of(lines, block), v, o, d[v], *named, operand, own=own_v)


def read_outside(step: Step, block: Sequence[Event]) -> set[int]:
    """The numbers that other lines read, and those of the new state."""
    others = [edge.before.ravel() for event in step.trace.events if event not in block for edge in event.edges]
    return set(np.concatenate([*others, *(ids.ravel() for ids in step.results)]).tolist())


def lines_to(o: Array, block: Sequence[Event]) -> list[Event]:
    """The lines of a block that have a part in o."""
    needed, lines = {int(o.flat[0])}, []
    for event in reversed(block):
        hit = np.isin(event.after, list(needed))
        if hit.any():
            lines.append(event)
            needed |= {int(edge.before[hit].flat[0]) for edge in event.edges}
    return lines[::-1]


def blocks(events: Sequence[Event]) -> list[list[Event]]:
    """Runs of elementwise lines whose labels overlap; every other line by itself."""
    found: list[list[Event]] = []
    for event in events:
        last = found[-1][-1] if found else None
        if last and elementwise(last) and elementwise(event) and together(last, event):
            found[-1].append(event)
        else:
            found.append([event])
    return found


def together(last: Event, event: Event) -> bool:
    """Whether two lines are of one equation: by their labels, or, without any, because they are one line."""
    if last.line.labels or event.line.labels:
        return bool(set(last.line.labels) & set(event.line.labels))
    return (last.line.file, last.line.number) == (event.line.file, event.line.number)


def elementwise(event: Event) -> bool:
    """Whether each number of the result depends on the numbers in its own place alone."""
    return event.function not in ("matmul", "spread") and all(edge.at is None for edge in event.edges)


def labels_of(lines: Sequence[Event], block: Sequence[Event]) -> tuple[str, ...]:
    """The label that the lines share; where all serve two equations, the one that no other line names alone."""
    shared = [label for label in lines[0].line.labels if all(label in line.line.labels for line in lines)]
    alone = {line.line.labels[0] for line in block if len(line.line.labels) == 1}
    return tuple(label for label in shared if label not in alone) or tuple(shared)


WRITTEN = {"matmul": " ", "multiply": " ", "add": " + ", "subtract": " - ", "divide": " / ", "assign": ""}


class Names:
    """What the step calls its numbers."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.known: dict[int, str] = {}
        for name, array in step.values.items():
            first = int(step.trace.numbers(array).flat[0])
            if first >= 0:  # not of a constant
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
        """The names that the step gives to rows of a parameter, such as U_n, by their first number."""
        found: dict[int, str] = {}
        for name, value in self.step.trace.locals.items():
            if isinstance(value, np.ndarray) and value.dtype == np.float64 and value.size:
                first = int(self.step.trace.numbers(value).flat[0])
                if self.known.get(first) in self.step.names:
                    found[first] = name
        return found

    def of(self, ids: Array) -> str:
        """Their name; a_i where a gate i stands in their place later; else what they are made of."""
        first = int(ids.flat[0])
        if first in self.known:
            return self.known[first]
        for event in self.step.trace.events:
            if event.function == "spread" and first in event.after:
                return self.of(event.edges[0].before)
        later = self.places.get(self.step.trace.place_of[first], "")
        if later and later in self.step.gates:
            return before(later)
        leaf = self.added_to(first)
        if leaf:
            return leaf
        if first in self.inner:
            return self.inner[first]
        made = self.made(first)
        return f"({made})" if " " in made else made or later or "a result"

    def added_to(self, number: int) -> str:
        """a_r of a sum of a_r, a block of a_x, with anything else: what the gate is the σ or the tanh of."""
        event = next((event for event in self.step.trace.events if number in event.after), None)
        if event is None or event.function != "add":
            return ""
        here = event.after == number
        read = [self.known.get(int(e.before[here].flat[0]), "") for e in event.edges if e.before.shape == here.shape]
        return next((name for name in read if name in map(before, self.step.gates)), "")

    def made(self, number: int) -> str:
        """What is made of things with names, as it is written: W_h h'."""
        event = next((event for event in self.step.trace.events if number in event.after), None)
        if event is None or not event.edges:
            return ""
        here = event.after == number
        read = (e.before[here] if e.before.shape == here.shape else e.before for e in event.edges)
        parts = dict.fromkeys(self.rows.get(int(ids.flat[0])) or self.of(ids) for ids in read if ids.size)
        if event.function in WRITTEN:
            return WRITTEN[event.function].join(parts)
        return f"{event.function}({', '.join(parts)})"
