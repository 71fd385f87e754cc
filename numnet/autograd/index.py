"""Indexing of ArrayWithGrad, by numpy's rules: the value, and the gradient, which is added at the index."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import to_numpy
from numnet.core.checks import check_index

Array = npt.NDArray[Any]


def indexed(u: Array, index: Any) -> Array:
    """u[index]"""
    try:
        z: Array = u[index]
    except (IndexError, TypeError, ValueError, RuntimeError):
        check_index("ArrayWithGrad", index, u.shape)
        raise
    return z


class IndexGradient:
    """The gradient of u in z = u[index]: dz at the index, 0 elsewhere. Several of them sum to one array."""

    __array_ufunc__ = None

    def __init__(self, u: Array, index: Any, dz: Array) -> None:
        self.shape, self.dtype = u.shape, u.dtype
        self.parts, self.rest = [(index, dz)], None

    def __add__(self, other: Any) -> IndexGradient:
        """Add in place: only the backward pass refers to this object."""
        if isinstance(other, IndexGradient):
            self.parts += other.parts
        else:
            self.rest = other if self.rest is None else self.rest + other
        return self

    __radd__ = __add__

    def to_array(self) -> Array:
        """Return the sum as an array."""
        du = np.zeros(self.shape, self.dtype) if self.rest is None else self.rest.copy()
        for index, dz in self.parts:
            if basic(index):
                du[index] += dz  # (13)
            else:
                np.add.at(du, index, dz)  # (13): an element indexed twice gets both gradients
        return du


def basic(index: Any) -> bool:
    """Return whether this is basic indexing (integers, slices, None, Ellipsis), which reads no element twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is ... or isinstance(part, (int, np.integer, slice)) for part in parts)


def fixed(index: Any) -> Any:
    """Return an index that cannot change before the backward pass: lists, tensors and writable arrays are copied."""
    if isinstance(index, tuple):
        return index if basic(index) else tuple(map(fixed, index))
    if isinstance(index, np.ndarray):
        return index.copy() if index.flags.writeable else index
    return array_of(index) if isinstance(index, list) or hasattr(index, "cpu") else index


def array_of(index: Any) -> Any:
    """Return a list or a tensor as the array that numpy indexes with; one that has none unchanged."""
    try:
        array = np.array(to_numpy(index))
    except (ValueError, RuntimeError):
        return index
    return array if array.size or not isinstance(index, list) else array.astype(np.intp)
