"""Reductions of arrays with gradients, and sums along an axis.

    z                     du
    Σ u over axes         dz broadcast to u's shape                            (10)
    max u over axes       dz / ties at the maxima, else 0                      (27)   ties: how many; also min
    cumsum u              the cumulative sum of dz from the other end          (28)
    var u                 2 (u - mean) dz / (n - ddof)                         (29)
    std u                 (u - mean) dz / ((n - ddof) z), 0 where z = 0        (30)
    log softmax u         dz - exp(z) Σ dz                                     (31)
    softmax, mean         are composed of these

Equal maxima share the gradient, as in PyTorch's amax. n is the number of elements that are reduced to one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from numnet.core.checks import check_axis, check_enough, check_keepdims, check_reduced_axes

Axes = int | tuple[int, ...] | None


@np.errstate(all="ignore")
def total(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """The sum over the given axes, or all."""
    axis = check_reduced_axes("ArrayWithGrad", axis, x.ndim)
    check_keepdims("ArrayWithGrad", keepdims)
    u, z = x.value, np.asarray(x.value.sum(axis, keepdims=True))
    backward_fn = lambda dz: [np.broadcast_to(dz.reshape(z.shape), u.shape)]  # noqa: E731
    return x.record(z if keepdims else u.sum(axis), backward_fn)  # (10)


def mean(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """The mean over the given axes, or all."""
    z = total(x, axis, keepdims)
    return z / (x.value.size / z.value.size if z.value.size else 1.0)


def largest(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """The maximum over the given axes, or all; equal maxima share the gradient."""
    return extreme(x, "max", axis, keepdims)


def smallest(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """The minimum over the given axes, or all; equal minima share the gradient."""
    return extreme(x, "min", axis, keepdims)


@np.errstate(all="ignore")
def extreme(x: Any, name: str, axis: Axes, keepdims: bool) -> Any:
    """The maximum or the minimum, by name."""
    axes, n = reduced(x, axis, keepdims)
    check_enough("ArrayWithGrad", name, x.shape, n)
    if not axes:
        return x * 1
    u = x.value
    z = getattr(u, name)(axes, keepdims=True)
    ties = u == z
    slope = ties / ties.sum(axes, keepdims=True)
    return record(x, z, axes, keepdims, lambda dz: dz * slope)  # (27)


@np.errstate(all="ignore")
def cumsum(x: Any, axis: int | None = None) -> Any:
    """The sums of the first 1, 2, ... elements along an axis; without an axis, of all elements in a row."""
    axis = None if axis is None else check_axis("ArrayWithGrad", axis, x.ndim)
    if axis is None or not x.ndim:
        return cumsum(x.reshape(-1), 0)
    return x.record(np.cumsum(x.value, axis), lambda dz: [np.flip(np.cumsum(np.flip(dz, axis), axis), axis)])  # (28)


@np.errstate(all="ignore")
def var(x: Any, axis: Axes = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """The variance Σ (u - mean)² / (n - ddof) over the given axes, or all."""
    axes, n = reduced(x, axis, keepdims)
    check_enough("ArrayWithGrad", "var", x.shape, n, ddof)
    u = x.value
    d, z = u - u.mean(axes, keepdims=True), u.var(axes, ddof=ddof, keepdims=True)
    return record(x, z, axes, keepdims, lambda dz: 2 * d * dz / (n - ddof))  # (29)


@np.errstate(all="ignore")
def std(x: Any, axis: Axes = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """The square root of the variance; the derivative of equal values is taken as 0."""
    axes, n = reduced(x, axis, keepdims)
    check_enough("ArrayWithGrad", "std", x.shape, n, ddof)
    u = x.value
    d, z = u - u.mean(axes, keepdims=True), u.std(axes, ddof=ddof, keepdims=True)
    return record(x, z, axes, keepdims, lambda dz: np.where(z == 0, 0, dz / ((n - ddof) * z)) * d)  # (30)


def softmax(x: Any, axis: int = -1) -> Any:
    """e = exp(u - max u), divided by Σ e; the shift cancels, and prevents overflow."""
    axis = check_axis("ArrayWithGrad", axis, x.ndim)
    e = (x - x.value.max(axis, keepdims=True, initial=-np.inf)).exp()
    return e / total(e, axis, keepdims=True)


@np.errstate(all="ignore")
def log_softmax(x: Any, axis: int = -1) -> Any:
    """The logarithm of softmax, u - log Σ exp(u), without overflow."""
    axis = check_axis("ArrayWithGrad", axis, x.ndim)
    shifted = x.value - x.value.max(axis, keepdims=True, initial=-np.inf)
    z = shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))
    return x.record(z, lambda dz: [dz - np.exp(z) * dz.sum(axis, keepdims=True)])  # (31)


def reduced(x: Any, axis: Axes, keepdims: bool) -> tuple[tuple[int, ...], int]:
    """Return the axes that are reduced, and the number n of elements that become one."""
    check_keepdims("ArrayWithGrad", keepdims)
    axes = check_reduced_axes("ArrayWithGrad", axis, x.ndim)
    axes = tuple(range(x.ndim)) if axes is None else axes
    return axes, math.prod(x.shape[k] for k in axes)


def record(x: Any, z: Any, axes: tuple[int, ...], keepdims: bool, du: Callable[[Any], Any]) -> Any:
    """Create the result from z, whose reduced axes have size 1; `du` maps the gradient of that shape to u's."""
    backward_fn = lambda dz: [du(dz.reshape(z.shape))]  # noqa: E731
    return x.record(z if keepdims else z.squeeze(axes), backward_fn)
