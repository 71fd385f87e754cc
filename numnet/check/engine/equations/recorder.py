"""What numpy is called with, as events of the trace: functions that compute, functions that move, and views."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.check.engine.equations.array import is_real_array, places_of, plain, plain_all
from numnet.check.engine.equations.rules import SLOPES, Edge, NotFollowed, multiplied, summed
from numnet.check.engine.equations.trace import Trace
from numnet.core.operation import Array

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
    "take",
    "repeat",
    "tile",
    "flip",
    "roll",
    "broadcast_to",
}


class Recorder(Trace):
    """A trace that is called by its arrays, whenever numpy is called with one."""

    def ufunc(self, ufunc: Any, method: str, inputs: Any, out: Any, options: dict[str, Any]) -> Any:
        """A function of numbers, such as add or tanh; and the sums of add.reduce."""
        outs = tuple(plain(o) for o in out) if out is not None else None
        before = [self.known(x) for x in inputs]
        values = [
            np.array(plain(x)) if isinstance(x, np.ndarray) else x for x in inputs
        ]  # before they are written over
        given = {**options, **({"out": outs} if outs else {})}
        result = getattr(ufunc, method)(*map(plain, inputs), **given)
        if not is_real_array(result) and not isinstance(result, np.floating):
            return result  # a comparison: truth values depend on nothing
        shown = out[0] if out is not None else self.as_traced(result)
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        self.write(name, places_of(shown), self.edges(name, np.array(plain(shown)), before, values, options))
        return shown

    def edges(self, name: str, z: Array, before: list[Any], values: list[Any], options: dict[str, Any]) -> list[Edge]:
        """How the result z depends on each operand."""
        if name == "add.reduce":
            return [summed(before[0], options.get("axis", 0), z.shape)]
        if name == "matmul":
            return multiplied(before, values)
        if name not in SLOPES:
            raise NotFollowed(f"np.{name}")
        return [
            Edge(self.spread(ids, z.shape), np.broadcast_to(np.asarray(L, float), z.shape), k)
            for k, (ids, L) in enumerate(zip(before, SLOPES[name](z, *values)))
            if ids is not None
        ]

    def function(self, function: Any, args: Any, options: dict[str, Any]) -> Any:
        """All else of numpy's: what moves numbers is told from what it does to their ids."""
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
            return getattr(self.as_traced(plain(args[0])), name)(*args[1:], **options)
        if name == "where" and len(args) == 3:
            found = np.where(plain(args[0]), plain(args[1]), plain(args[2]))
            return self.write_moved(found, np.where(plain(args[0]), *map(self.ids_or_constant, args[1:])))
        if name not in MOVES or options.get("out") is not None:
            raise NotFollowed(f"np.{name}")
        found = function(*map(plain_all, args), **options)
        return self.write_moved(found, function(*map(self.ids_all, args), **options))

    def ids_or_constant(self, arg: Any) -> Any:
        """The ids of numbers, -1 for constants."""
        return self.numbers(arg) if is_real_array(arg) else np.full(np.shape(arg), -1)

    def ids_all(self, arg: Any) -> Any:
        """Real arrays as the ids of their numbers; all else, axes and the like, as it is."""
        if isinstance(arg, (tuple, list)):
            return type(arg)(map(self.ids_all, arg))
        return self.numbers(arg) if is_real_array(arg) else -1 if isinstance(arg, float) else arg

    def assign(self, value: Any, places: Any) -> None:
        """What was written to these places."""
        places, ids = np.asarray(places), self.known(value)
        edges = [] if ids is None else [Edge(self.spread(ids, places.shape), np.ones(places.shape), 0)]
        self.write("assign", places, edges)

    def moved(self, result: Any, places: Array) -> Any:
        """A copy of the numbers at these places."""
        return self.write_moved(result, self.numbers_at(places))

    def write_moved(self, result: Any, before: Array) -> Any:
        """A result whose numbers were those before; -1 is a constant."""
        shown, known = self.as_traced(result), before >= 0
        edges = [Edge(before[known], np.ones(int(known.sum())), 0, np.nonzero(known))]
        self.write("assign", places_of(shown), edges)
        return shown

    def seen(self, view: Any, x: Any) -> Any:
        """A view of x, traced."""
        if not np.shares_memory(view, plain(x)):
            raise NotFollowed("a new shape that makes numpy copy")
        return self.as_traced(view)
