"""Record numpy calls as events of the trace: functions that compute, functions that move numbers, and views."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.check.engine.equations.array import is_real_array, places_of, plain, plain_all
from numnet.check.engine.equations.rules import DERIVATIVES, Edge, Untraceable, multiplied, summed
from numnet.check.engine.equations.trace import Trace
from numnet.core.operation import Array

QUERIES = {"shape", "ndim", "size", "shares_memory", "may_share_memory", "result_type", "iscomplexobj"}
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
    "take",
    "repeat",
    "tile",
    "flip",
    "roll",
    "broadcast_to",
}


class Recorder(Trace):
    """A trace that its arrays call whenever numpy is called with one of them."""

    def ufunc(self, ufunc: Any, method: str, inputs: Any, out: Any, options: dict[str, Any]) -> Any:
        """Record an elementwise function such as add or tanh, matmul, or a sum (add.reduce)."""
        outs = tuple(plain(o) for o in out) if out is not None else None
        before = [self.known(x) for x in inputs]
        values = [
            np.array(plain(x)) if isinstance(x, np.ndarray) else x for x in inputs
        ]  # copies, since the call may overwrite them
        given = {**options, **({"out": outs} if outs else {})}
        result = getattr(ufunc, method)(*map(plain, inputs), **given)
        if not is_real_array(result) and not isinstance(result, np.floating):
            return result  # a comparison: booleans have no derivative
        result_array = out[0] if out is not None else self.as_traced(result)
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        self.write(
            name, places_of(result_array), self.edges(name, np.array(plain(result_array)), before, values, options)
        )
        return result_array

    def edges(self, name: str, z: Array, before: list[Any], values: list[Any], options: dict[str, Any]) -> list[Edge]:
        """Return how the result z depends on each operand."""
        if name == "add.reduce":
            return [summed(before[0], options.get("axis", 0), z.shape)]
        if name == "matmul":
            return multiplied(before, values)
        if name not in DERIVATIVES:
            raise Untraceable(f"np.{name}")
        return [
            Edge(self.spread(ids, z.shape), np.broadcast_to(np.asarray(L, float), z.shape), k)
            for k, (ids, L) in enumerate(zip(before, DERIVATIVES[name](z, *values)))
            if ids is not None
        ]

    def function(self, function: Any, args: Any, options: dict[str, Any]) -> Any:
        """Record any other numpy function; one that moves numbers is applied to their ids too."""
        name = function.__name__
        if name in QUERIES:
            return function(*map(plain, args), **options)
        if name in VIEWS:
            result_array = function(plain(args[0]), *args[1:], **options)
            return (
                [self.seen(x, args[0]) for x in result_array]
                if isinstance(result_array, list)
                else self.seen(result_array, args[0])
            )
        if name == "dot":
            out = args[2] if len(args) > 2 else options.get("out")
            return self.ufunc(np.matmul, "__call__", args[:2], out if out is None else (out,), {})
        if name in ("sum", "mean"):
            return getattr(self.as_traced(plain(args[0])), name)(*args[1:], **options)
        if name == "where" and len(args) == 3:
            found = np.where(plain(args[0]), plain(args[1]), plain(args[2]))
            return self.write_moved(found, np.where(plain(args[0]), *map(self.ids_or_constant, args[1:])))
        if name not in MOVES or options.get("out") is not None:
            raise Untraceable(f"np.{name}")
        found = function(*map(plain_all, args), **options)
        return self.write_moved(found, function(*map(self.ids_all, args), **options))

    def ids_or_constant(self, arg: Any) -> Any:
        """Return the ids of an array's numbers, -1 for constants."""
        return self.numbers(arg) if is_real_array(arg) else np.full(np.shape(arg), -1)

    def ids_all(self, arg: Any) -> Any:
        """Replace real arrays by the ids of their numbers; other arguments, such as axes, stay."""
        if isinstance(arg, (tuple, list)):
            return type(arg)(map(self.ids_all, arg))
        return self.numbers(arg) if is_real_array(arg) else -1 if isinstance(arg, float) else arg

    def assign(self, value: Any, places: Any) -> None:
        """Record an assignment to these addresses."""
        places, ids = np.asarray(places), self.known(value)
        edges = [] if ids is None else [Edge(self.spread(ids, places.shape), np.ones(places.shape), 0)]
        self.write("assign", places, edges)

    def moved(self, result: Any, places: Array) -> Any:
        """Record a copy of the numbers at these addresses."""
        return self.write_moved(result, self.numbers_at(places))

    def write_moved(self, result: Any, before: Array) -> Any:
        """Record a result that holds copies of the numbers `before`; -1 is a constant."""
        result_array, known = self.as_traced(result), before >= 0
        edges = [Edge(before[known], np.ones(int(known.sum())), 0, np.nonzero(known))]
        self.write("assign", places_of(result_array), edges)
        return result_array

    def seen(self, view: Any, x: Any) -> Any:
        """Return a view of x as a traced array."""
        if not np.shares_memory(view, plain(x)):
            raise Untraceable("a reshape that copies")
        return self.as_traced(view)
