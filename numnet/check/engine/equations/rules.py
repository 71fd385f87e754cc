"""The derivatives of numpy functions: how the result of each call depends on its operands."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from numnet.core.operation import Array

# The derivative with respect to each operand, from the result z and the operands.
DERIVATIVES: dict[str, Callable[..., tuple[Any, ...]]] = {
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


class Untraceable(Exception):
    """A step calls a function that the tracer does not know; then its equations are not diagnosed."""


@dataclass(eq=False)
class Edge:
    """Numbers `after` depend on numbers `before` with derivatives L: arrays of the same shape, for one operand."""

    before: Array
    L: Array
    operand: int
    at: tuple[Array, ...] | None = None  # index into the result; None if it has the shape of the result
    after: Array = field(default_factory=lambda: np.empty(0, np.int64))

    @functools.cached_property
    def once(self) -> bool:
        """Whether all numbers of `before` are distinct."""
        return len(np.unique(self.before)) == self.before.size


def summed(before: Any, axis: Any, shape: tuple[int, ...]) -> Edge:
    """Return the edge of Σ over axes: every derivative is 1."""
    full = before.ndim
    axes = tuple(range(full)) if axis is None else tuple(np.atleast_1d(axis) % full)
    places = np.indices(before.shape)
    kept = [places[k] for k in range(full) if k not in axes]
    if len(shape) == full:  # keepdims
        kept = [places[k] * (k not in axes) for k in range(full)]
    return Edge(before, np.ones(before.shape), 0, tuple(kept) or None)


def multiplied(before: Sequence[Any], values: Sequence[Any]) -> list[Edge]:
    """Return the edges of z[i, j] = Σ_k W[i, k] x[k, j]; a vector x is one column."""
    (W, x), (W_ids, x_ids) = values, before
    if W.ndim != 2 or x.ndim > 2:
        raise Untraceable(f"a product of {W.shape} and {x.shape}")
    column = x.ndim == 1
    x, shape = x.reshape(len(x), -1), (*W.shape, 1 if column else x.shape[1])
    i, k, j = np.indices(shape)
    at = (i,) if column else (i, j)
    edges = [] if W_ids is None else [Edge(W_ids[i, k], x[k, j], 0, at)]
    return edges if x_ids is None else [*edges, Edge(x_ids.reshape(x.shape)[k, j], W[i, k], 1, at)]
