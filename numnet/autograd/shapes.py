"""Shapes of arrays with gradients, composed of reshape, transpose and indices, so both backends share this file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numnet.core.checks import check_axis, check_has_axes, check_parts_of_axis, check_squeezed


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Exchange two axes."""
    check_has_axes("ArrayWithGrad", "swapaxes", x.ndim)
    j, k = (check_axis("ArrayWithGrad", axis, x.ndim) for axis in (axis1, axis2))
    order = list(range(x.ndim))
    order[j], order[k] = k, j
    return x.transpose(order)


def squeeze(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """Remove the given axes, of size 1, or all of size 1."""
    axes = check_squeezed("ArrayWithGrad", axis, x.shape)
    return x.reshape([size for k, size in enumerate(x.shape) if k not in axes])


def ravel(x: Any) -> Any:
    """All elements in a row, those of the last axis next to each other."""
    return x.reshape(-1)


def chunk(x: Any, chunks: int, axis: int = 0) -> tuple[Any, ...]:
    """Cut an axis into this many equal parts; the last is smaller if they do not fit, as in PyTorch."""
    axis, (chunks,) = check_parts_of_axis("ArrayWithGrad", "chunks", chunks, x.shape, axis)
    return split(x, max(1, -(-x.shape[axis] // chunks)), axis)


def split(x: Any, sizes: int | Sequence[int], axis: int = 0) -> tuple[Any, ...]:
    """Cut an axis into parts of these sizes, or of one size, as in PyTorch; np.split takes positions."""
    axis, sizes = check_parts_of_axis("ArrayWithGrad", "sizes", sizes, x.shape, axis)
    size = x.shape[axis]
    if len(sizes) == 1:
        ends = [*range(sizes[0], size, sizes[0]), size]
    else:
        ends = [sum(sizes[: k + 1]) for k in range(len(sizes))]
    return cut(x, ends, axis)


def cut(x: Any, ends: Sequence[int], axis: int) -> tuple[Any, ...]:
    """Cut an axis at these positions; the last is its end."""
    before = (slice(None),) * axis
    return tuple(x[(*before, slice(start, end))] for start, end in zip([0, *ends], ends))
