"""Reductions of arrays with gradients, and sums along an axis, by PyTorch."""

from __future__ import annotations

import math
from typing import Any

from numnet.core.checks import check_axis, check_enough, check_keepdims, check_reduced_axes

Axes = int | tuple[int, ...] | None


def total(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """The sum over the given axes, or all."""
    axes, _ = reduced(x, axis, keepdims)
    return x.of(x.tensor.sum(axes, keepdims)) if axes else x * 1


def mean(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """The mean over the given axes, or all."""
    axes, _ = reduced(x, axis, keepdims)
    return x.of(x.tensor.mean(axes, keepdims)) if axes else x * 1


def largest(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """The maximum over the given axes, or all; equal maxima share the gradient."""
    return extreme(x, "max", axis, keepdims)


def smallest(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """The minimum over the given axes, or all; equal minima share the gradient."""
    return extreme(x, "min", axis, keepdims)


def extreme(x: Any, name: str, axis: Axes, keepdims: bool) -> Any:
    """The maximum or the minimum, by name."""
    axes, n = reduced(x, axis, keepdims)
    check_enough("ArrayWithGrad", name, x.shape, n)
    return x.of(getattr(x.tensor, f"a{name}")(axes, keepdims)) if axes else x * 1


def cumsum(x: Any, axis: int | None = None) -> Any:
    """The sums of the first 1, 2, ... elements along an axis; without an axis, of all elements in a row."""
    axis = None if axis is None else check_axis("ArrayWithGrad", axis, x.ndim)
    if axis is None or not x.ndim:
        return cumsum(x.reshape(-1), 0)
    return x.of(x.tensor.cumsum(axis))


def var(x: Any, axis: Axes = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """The variance Σ (u - mean)² / (n - ddof) over the given axes, or all."""
    axes, n = reduced(x, axis, keepdims)
    check_enough("ArrayWithGrad", "var", x.shape, n, ddof)
    return x.of(x.tensor.var(axes, correction=ddof, keepdim=keepdims)) if axes else (x - x) ** 2


def std(x: Any, axis: Axes = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """The square root of the variance; the derivative of equal values is taken as 0."""
    axes, n = reduced(x, axis, keepdims)
    check_enough("ArrayWithGrad", "std", x.shape, n, ddof)
    return x.of(x.tensor.std(axes, correction=ddof, keepdim=keepdims)) if axes else (x - x) ** 2


def softmax(x: Any, axis: int = -1) -> Any:
    """exp(u) / Σ exp(u) over that axis."""
    return x.of(x.tensor.softmax(check_axis("ArrayWithGrad", axis, x.ndim)))


def log_softmax(x: Any, axis: int = -1) -> Any:
    """The logarithm of softmax, u - log Σ exp(u), without overflow."""
    return x.of(x.tensor.log_softmax(check_axis("ArrayWithGrad", axis, x.ndim)))


def reduced(x: Any, axis: Axes, keepdims: bool) -> tuple[tuple[int, ...], int]:
    """Return the axes that are reduced, and the number n of elements that become one."""
    check_keepdims("ArrayWithGrad", keepdims)
    axes = check_reduced_axes("ArrayWithGrad", axis, x.ndim)
    axes = tuple(range(x.ndim)) if axes is None else axes
    return axes, math.prod(x.shape[k] for k in axes)
