"""What a step of a node computes, written down as it runs: every number, what it was made of, and by which equation.

A step writes in place, into views of memory that was cut long before; so numbers are followed by their address. Each
write gives an address a new number, and an edge says how one number depends on another:

    number[after] depends on number[before] with slope L

From these the gradients follow by the chain rule, one edge after the other, from the last to the first: a witness that
knows nothing of the hand-written way back.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

from numnet.check.source import Line, line_of
from numnet.operation import Array
from numnet.slots import Memory, Room

# What a numpy function's result depends on: the slope by each operand, from the operands and the result.
SLOPES: dict[str, Callable[..., tuple[Any, ...]]] = {
    "add": lambda z, x, y: (1, 1),
    "subtract": lambda z, x, y: (1, -1),
    "multiply": lambda z, x, y: (y, x),
    "divide": lambda z, x, y: (1 / y, -z / y),
    "negative": lambda z, x: (-1,),
    "positive": lambda z, x: (1,),
    "tanh": lambda z, x: (1 - z * z,),
    "exp": lambda z, x: (z,),
    "expm1": lambda z, x: (z + 1,),
    "log": lambda z, x: (1 / x,),
    "log1p": lambda z, x: (1 / (1 + x),),
    "sqrt": lambda z, x: (0.5 / z,),
    "square": lambda z, x: (2 * x,),
    "reciprocal": lambda z, x: (-z * z,),
    "sin": lambda z, x: (np.cos(x),),
    "cos": lambda z, x: (-np.sin(x),),
    "absolute": lambda z, x: (np.sign(x),),
    "maximum": lambda z, x, y: (x >= y, y > x),
    "minimum": lambda z, x, y: (x <= y, y < x),
    "power": lambda z, x, y: (y * x ** (y - 1), 0),
    "logaddexp": lambda z, x, y: (np.exp(x - z), np.exp(y - z)),
}
ASKS = {"shape", "ndim", "size", "shares_memory", "may_share_memory", "result_type", "iscomplexobj"}
VIEWS = {
    "split",
    "array_split",
    "vsplit",
    "hsplit",
    "reshape",
    "transpose",
    "swapaxes",
    "moveaxis",
    "expand_dims",
    "squeeze",
    "ravel",
}
MOVES = {
    "concatenate",
    "stack",
    "vstack",
    "hstack",
    "column_stack",
    "where",
    "copyto",
    "take",
    "repeat",
    "tile",
    "flip",
    "roll",
    "broadcast_to",
}


class NotFollowed(Exception):
    """A step calls what the trace does not know; then nothing is said of its equations."""


class Traced(np.ndarray[Any, Any]):
    """An array whose use is written down; a view of one is another."""

    trace: Any = None

    def __array_finalize__(self, of: Any) -> None:
        self.trace = getattr(of, "trace", None)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        return self.trace.ufunc(ufunc, method, inputs, out, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return self.trace.function(function, args, options)

    def __setitem__(self, key: Any, value: Any) -> None:
        target = plain(self)
        places = places_of(target)[key]
        target[key] = plain(value)
        self.trace.move(value, places, target[key])

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        if isinstance(part, np.ndarray) and not np.shares_memory(
            self, part
        ):  # picked by numbers or truth values: a copy
            self.trace.write_moved(places_of(plain(self))[key], part)
        return part

    def fill(self, value: Any) -> None:
        self[...] = value

    def reshape(self, *shape: Any, **options: Any) -> Any:
        return self.trace.seen(plain(self).reshape(*shape, **options), self)

    def copy(self, order: Any = "C") -> Any:
        return self.trace.moved(plain(self).copy(order), self)

    def astype(self, dtype: Any, *args: Any, **options: Any) -> Any:
        return self if np.dtype(dtype) == self.dtype else plain(self).astype(dtype, *args, **options)


@dataclass(eq=False)
class Event:
    """One write: numbers `after` (ids, of the result's shape), and an edge to each operand.

    `line` is the step's own; `inner` the one that was running, in whatever the step calls.
    """

    function: str
    after: Array
    edges: list[Edge]
    line: Line
    inner: tuple[str, int]


@dataclass(eq=False)
class Edge:
    """Numbers `after` depend on numbers `before` with slopes L: three arrays of one shape, of the k-th operand."""

    before: Array
    L: Array
    operand: int
    at: tuple[Array, ...] | None = None  # where in the result; None where it has the result's own shape
    after: Array = field(default_factory=lambda: np.empty(0, np.int64))

    @functools.cached_property
    def once(self) -> bool:
        """Whether no number stands twice among those before."""
        return len(np.unique(self.before)) == self.before.size


class Trace:
    """The events of a step, and the current number of each address."""

    def __init__(self, step_names: Sequence[str] = ("step",)) -> None:
        self.events: list[Event] = []
        self.current: dict[int, int] = {}
        self.count, self.step_names = 0, step_names
        self.place_of: list[int] = []  # where each number stood
        self.alive: list[Any] = []  # no address may be used twice
        self.locals: dict[str, Any] = {}

    def new(self, value: Any) -> Traced:
        """A traced array of its own with these values, each a number that depends on nothing."""
        traced = np.array(value, np.float64).view(Traced)
        traced.trace = self
        self.alive.append(traced)
        self.put(places_of(traced))
        return traced

    def numbers(self, x: Any) -> Array:
        """The ids of the numbers that stand in x now; -1 for constants."""
        self.alive.append(x)
        return self.numbers_at(places_of(x))

    def numbers_at(self, places: Array) -> Array:
        return np.array([self.current.get(p, -1) for p in places.ravel().tolist()], np.int64).reshape(places.shape)

    def put(self, places: Array) -> Array:
        """A fresh number at each of these places."""
        ids = np.arange(self.count, self.count + places.size).reshape(places.shape)
        self.count += places.size
        self.place_of += places.ravel().tolist()
        self.current.update(zip(places.ravel().tolist(), ids.ravel().tolist()))
        return ids

    def write(self, function: str, places: Array, edges: list[Edge]) -> None:
        """A result at these places: fresh numbers, on which the edges end."""
        after = self.put(places)
        for edge in edges:
            edge.after = np.broadcast_to(after, edge.before.shape) if edge.at is None else after[edge.at]
        running = caller()
        line, names = line_of(running, self.step_names)
        self.locals.update(names)
        self.events.append(Event(function, after, edges, line, (running.f_code.co_filename, running.f_lineno)))

    def ufunc(self, ufunc: Any, method: str, inputs: Any, out: Any, options: dict[str, Any]) -> Any:
        outs = tuple(plain(o) for o in out) if out is not None else None
        before = [self.known(x) for x in inputs]
        values = [np.array(plain(x)) if isinstance(x, np.ndarray) else x for x in inputs]
        given = {**options, **({"out": outs} if outs else {})}
        result = getattr(ufunc, method)(*map(plain, inputs), **given)
        if not is_real_array(result) and not isinstance(result, np.floating):
            return result  # a comparison: truth values depend on nothing
        shown = out[0] if out is not None else self.as_traced(result)
        name, z = ufunc.__name__, np.array(plain(shown))
        if method == "reduce" and name == "add":
            edges = [summed(before[0], options.get("axis", 0), z.shape)]
        elif method == "__call__" and name == "matmul":
            edges = multiplied(before, values)
        elif method == "__call__" and name in SLOPES:
            slopes = SLOPES[name](z, *values)
            edges = [
                Edge(self.spread(b, z.shape), np.broadcast_to(np.asarray(L, float), z.shape), k)
                for k, (b, L) in enumerate(zip(before, slopes))
                if b is not None
            ]
        else:
            raise NotFollowed(f"np.{name}" if method == "__call__" else f"np.{name}.{method}")
        self.write(name, places_of(plain(shown)), edges)
        return shown

    def known(self, x: Any) -> Array | None:
        """The ids of an operand's numbers, or None for a constant."""
        ids = self.numbers(x) if is_real_array(x) else None
        return None if ids is None or (ids < 0).all() else ids

    def spread(self, ids: Array, shape: tuple[int, ...]) -> Array:
        """An operand of fewer numbers than the result as one number for each, so that slopes are seen apart."""
        if ids.shape == shape:
            return ids
        before = np.broadcast_to(ids, shape)
        copies = np.empty(shape)
        self.alive.append(copies)
        self.write("spread", places_of(copies), [Edge(before, np.ones(shape), 0)])
        return self.events[-1].after

    def function(self, function: Any, args: Any, options: dict[str, Any]) -> Any:
        name = function.__name__
        if name in ASKS:
            return function(*map(plain, args), **options)
        if name in VIEWS:
            shown = function(plain(args[0]), *args[1:], **options)
            return [self.seen(x, args[0]) for x in shown] if isinstance(shown, list) else self.seen(shown, args[0])
        if name == "dot":
            out = args[2] if len(args) > 2 else options.get("out")
            return self.ufunc(np.matmul, "__call__", args[:2], out if out is None else (out,), {})
        if name in ("sum", "mean"):
            return getattr(args[0].view(Traced), name)(*args[1:], **options)
        if name not in MOVES:
            raise NotFollowed(f"np.{name}")
        result = function(*[plain_all(arg) for arg in args], **{k: plain_all(v) for k, v in options.items()})
        ids = [self.ids_all(arg) for arg in args]
        moved = function(*ids, **{k: self.ids_all(v) for k, v in options.items()})
        return self.write_moved(None, result, np.asarray(moved))

    def ids_all(self, arg: Any) -> Any:
        """Real arrays as the ids of their numbers, real constants as -1; all else as it is."""
        if isinstance(arg, (tuple, list)):
            return type(arg)(map(self.ids_all, arg))
        return self.numbers(arg) if is_real_array(arg) else -1 if isinstance(arg, float) else arg

    def move(self, value: Any, places: Array, written: Any) -> None:
        """An assignment to these places."""
        edges = []
        ids = self.known(value)
        if ids is not None:
            edges = [Edge(self.spread(ids, places.shape), np.ones(places.shape), 0)]
        self.write("assign", np.asarray(places), edges)

    def moved(self, result: Any, x: Any) -> Any:
        """A copy of x."""
        return self.write_moved(None, result, self.numbers(x))

    def write_moved(self, places: Any, result: Any, before: Any = None) -> Any:
        """A result whose numbers stood elsewhere, at `places`, or were `before`; -1 is a constant."""
        if before is None:
            before = self.numbers_at(places)
        shown = self.as_traced(result)
        known = before >= 0
        edges = [Edge(before[known], np.ones(int(known.sum())), 0, np.nonzero(known))]
        self.write("assign", places_of(plain(shown)), edges)
        return shown

    def seen(self, view: Any, x: Any) -> Any:
        """A view of x, traced."""
        if not np.shares_memory(view, plain(x)):
            raise NotFollowed("a new shape that makes numpy copy")
        return self.as_traced(view)

    def as_traced(self, result: Any) -> Traced:
        traced = np.asarray(result).view(Traced)
        traced.trace = self
        self.alive.append(traced)
        return traced

    def gradients(
        self, seeds: Array, events: Sequence[Event] | None = None, scale: Mapping[Edge, float] | None = None
    ) -> Array:
        """The chain rule: what the seeds (numbers, K) at some numbers mean for every number that these depend on.

        `scale` multiplies the slopes of some edges.
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


class TracedMemory(Memory):
    """A node's memory whose arrays are traced."""

    def __init__(self, trace: Trace, N: int) -> None:
        super().__init__("float64", N)
        self.kept = self.lent = TracedRoom(trace)


class TracedRoom(Room):
    """Each array has memory of its own."""

    def __init__(self, trace: Trace) -> None:
        super().__init__("float64")
        self.trace = trace

    def new(self, *shape: int) -> Array:
        return self.trace.new(np.zeros(shape))


def summed(before: Any, axis: Any, shape: tuple[int, ...]) -> Edge:
    """Σ over axes: each number before has slope 1."""
    full = before.ndim
    axes = tuple(range(full)) if axis is None else tuple(np.atleast_1d(axis) % full)
    places = np.indices(before.shape)
    kept = [places[k] for k in range(full) if k not in axes]
    if len(shape) == full:  # keepdims
        kept = [places[k] * (k not in axes) for k in range(full)]
    return Edge(before, np.ones(before.shape), 0, tuple(kept) or None)


def multiplied(before: Sequence[Any], values: Sequence[Any]) -> list[Edge]:
    """z[i, j] = Σ_k W[i, k] x[k, j]; a vector x is one column."""
    (W, x), (W_ids, x_ids) = values, before
    if W.ndim != 2 or x.ndim > 2:
        raise NotFollowed(f"a product of {W.shape} and {x.shape}")
    column = x.ndim == 1
    x, shape = x.reshape(len(x), -1), (*W.shape, 1 if column else x.shape[1])
    i, k, j = np.indices(shape)
    at = (i,) if column else (i, j)
    edges = [] if W_ids is None else [Edge(W_ids[i, k], x[k, j], 0, at)]
    return edges if x_ids is None else [*edges, Edge(x_ids.reshape(x.shape)[k, j], W[i, k], 1, at)]


def places_of(x: Any) -> Array:
    """The address of every number of x, in numbers."""
    data = plain(x).__array_interface__
    places = np.full(np.shape(x), data["data"][0] // 8, np.int64)
    for axis, (n, stride) in enumerate(zip(plain(x).shape, plain(x).strides)):
        places += (np.arange(n) * (stride // 8)).reshape(-1, *(1,) * (places.ndim - axis - 1))
    return places


def plain(x: Any) -> Any:
    """The array itself, untraced."""
    return x.view(np.ndarray) if isinstance(x, Traced) else x


def plain_all(x: Any) -> Any:
    """Likewise all in a list."""
    return type(x)(map(plain_all, x)) if isinstance(x, (tuple, list)) else plain(x)


def is_real_array(x: Any) -> bool:
    """Whether its numbers are followed."""
    return isinstance(x, np.ndarray) and x.dtype == np.float64


def caller() -> FrameType:
    """The innermost frame outside this file and numpy's own."""
    frame: Any = sys._getframe(1)
    while frame.f_code.co_filename == __file__ or re.search(r"[\\/]numpy[\\/]", frame.f_code.co_filename):
        frame = frame.f_back
    return frame
