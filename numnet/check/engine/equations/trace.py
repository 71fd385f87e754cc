"""Trace a node's step while it runs: every number, the numbers it was computed from, and the equation.

A step may write in place into views of existing arrays, so numbers are identified by their address. Each write gives
an address a new number (an id), and an edge stores how one number depends on another:

    number[after] depends on number[before] with derivative L

The chain rule over all edges, from the last to the first, gives the gradients, independent of the hand-written
backward pass.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from numnet.check.engine.equations.array import Traced, is_real_array, places_of
from numnet.check.engine.equations.rules import Edge
from numnet.check.engine.source import Line, line_of
from numnet.core.operation import Array

OURS = re.compile(r"[\\/]numpy[\\/]|[\\/]check[\\/]equations[\\/]")  # frames between a step's line and the trace


@dataclass(eq=False)
class Event:
    """One write: the ids `after`, in the shape of the result, and an edge from each operand.

    `line` is the line in the step; `inner` the line that was running, perhaps in a function that the step calls.
    """

    function: str
    after: Array
    edges: list[Edge]
    line: Line
    inner: tuple[str, int]


class Trace:
    """The events of a step, and the current id at each address."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.current: dict[int, int] = {}
        self.count = 0
        self.place_of: list[int] = []  # the address of each number
        self.alive: list[Any] = []  # keeps arrays alive, so that no address is reused
        self.locals: dict[str, Any] = {}  # the local variables of the step
        self.inner: dict[int, tuple[str, Any]] = {}  # local variables of functions that the step calls

    def new(self, value: Any) -> Traced:
        """Return a new traced array with these values, which depend on nothing."""
        traced = np.array(value, np.float64).view(Traced)
        traced.trace = self
        self.alive.append(traced)
        self.put(places_of(traced))
        return traced

    def numbers(self, x: Any) -> Array:
        """Return the current ids of the numbers of x; -1 for constants."""
        self.alive.append(x)
        return self.numbers_at(places_of(x))

    def numbers_at(self, places: Array) -> Array:
        """Return the current ids at these addresses; -1 for constants."""
        return np.array([self.current.get(p, -1) for p in places.ravel().tolist()], np.int64).reshape(places.shape)

    def put(self, places: Array) -> Array:
        """Assign a new id to each of these addresses."""
        ids = np.arange(self.count, self.count + places.size).reshape(places.shape)
        self.count += places.size
        self.place_of += places.ravel().tolist()
        self.current.update(zip(places.ravel().tolist(), ids.ravel().tolist()))
        return ids

    def write(self, function: str, places: Array, edges: list[Edge]) -> None:
        """Record a result at these addresses, with new ids at which the edges end."""
        after = self.put(places)
        for edge in edges:
            edge.after = np.broadcast_to(after, edge.before.shape) if edge.at is None else after[edge.at]
        running = caller()
        line, names = line_of(running)
        self.locals.update(names)
        if running.f_code.co_name != "step":
            own = running.f_code.co_varnames[running.f_code.co_argcount :]
            self.inner.update({id(x): (name, x) for name, x in running.f_locals.items() if name in own})
        self.events.append(Event(function, after, edges, line, (running.f_code.co_filename, running.f_lineno)))

    def known(self, x: Any) -> Array | None:
        """Return the ids of an operand's numbers, None for a constant."""
        ids = self.numbers(x) if is_real_array(x) else None
        return None if ids is None or (ids < 0).all() else ids

    def spread(self, ids: Array, shape: tuple[int, ...]) -> Array:
        """Broadcast an operand's ids to the result's shape, one id per number, so that derivatives stay separate."""
        if ids.shape == shape:
            return ids
        before = np.broadcast_to(ids, shape)
        copies = np.empty(shape)
        self.alive.append(copies)
        self.write("spread", places_of(copies), [Edge(before, np.ones(shape), 0)])
        return self.events[-1].after

    def as_traced(self, result: Any) -> Traced:
        """Return an array as a traced one."""
        traced = np.asarray(result).view(Traced)
        traced.trace = self
        self.alive.append(traced)
        return traced

    def gradients(
        self, seeds: Array, events: Sequence[Event] | None = None, scale: Mapping[Edge, float] | None = None
    ) -> Array:
        """Backpropagate K seeds (ids, K) by the chain rule to every number that they depend on.

        `scale` multiplies the derivatives of some edges.
        """
        d, scale = np.array(seeds, np.float64), scale or {}
        for event in reversed(self.events if events is None else events):
            for edge in event.edges:
                through = d[edge.after.ravel()] * (edge.L.reshape(-1, 1) * scale.get(edge, 1.0))
                if edge.once:
                    d[edge.before.ravel()] += through
                else:
                    np.add.at(d, edge.before.ravel(), through)
        return d


def caller() -> FrameType:
    """Return the innermost frame outside the tracer and numpy."""
    frame: Any = sys._getframe(1)
    while OURS.search(frame.f_code.co_filename):
        frame = frame.f_back
    return frame
