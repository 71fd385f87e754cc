"""The array type that a traced step computes with: it records every use."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.operation import Array


class Traced(np.ndarray[Any, Any]):
    """An array that reports every use to its trace; views are traced too."""

    trace: Any = None

    def __array_finalize__(self, of: Any) -> None:
        self.trace = getattr(of, "trace", None)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        return self.trace.ufunc(ufunc, method, inputs, out, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return self.trace.function(function, args, options)

    def __setitem__(self, key: Any, value: Any) -> None:
        plain(self)[key] = plain(value)
        self.trace.assign(value, places_of(self)[key])

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        copied = isinstance(part, np.ndarray) and not np.shares_memory(self, part)  # such as by a boolean mask
        return self.trace.moved(part, places_of(self)[key]) if copied else part

    def fill(self, value: Any) -> None:
        self[...] = value

    def reshape(self, *shape: Any, **options: Any) -> Any:
        return self.trace.seen(plain(self).reshape(*shape, **options), self)

    def copy(self, order: Any = "C") -> Any:
        return self.trace.moved(plain(self).copy(order), places_of(self))

    def astype(self, dtype: Any, *args: Any, **options: Any) -> Any:
        return self if np.dtype(dtype) == self.dtype else plain(self).astype(dtype, *args, **options)


def places_of(x: Any) -> Array:
    """Return the address of every number of x, in units of 8 bytes."""
    data = plain(x).__array_interface__
    places = np.full(np.shape(x), data["data"][0] // 8, np.int64)
    for axis, (n, stride) in enumerate(zip(plain(x).shape, plain(x).strides)):
        places += (np.arange(n) * (stride // 8)).reshape(-1, *(1,) * (places.ndim - axis - 1))
    return places


def plain(x: Any) -> Any:
    """Return the array untraced."""
    return x.view(np.ndarray) if isinstance(x, Traced) else x


def plain_all(x: Any) -> Any:
    """Return the arrays of a list or tuple untraced."""
    return type(x)(map(plain_all, x)) if isinstance(x, (tuple, list)) else plain(x)


def is_real_array(x: Any) -> bool:
    """Whether its numbers are traced."""
    return isinstance(x, np.ndarray) and x.dtype == np.float64
