"""Conversion of the values that a user passes to arrays of numbers, and a checksum of parameters.

docs/data.md has the table of what is converted and what is refused.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks.conversion import (
    FOREIGN,
    check_convertible,
    check_number_dtype,
    check_objects,
    check_real_tensor,
    ragged,
)
from numnet.core.checks.values import check_dtype

Array = npt.NDArray[Any]
PLAIN = frozenset(map(np.dtype, "?bhilqBHIefd"))  # taken unchanged: in native byte order, and known to both backends


def as_array(who: str, name: str, value: Any, detach: bool = False) -> Array:
    """Return the value as an array of numbers in native byte order; TypeError or ValueError for anything else.

    A tensor must be on the CPU and must not require a gradient, unless `detach` is True.
    """
    if type(value) is np.ndarray and value.dtype in PLAIN:
        return value
    return converted(who, name, value, detach)


def converted(who: str, name: str, value: Any, detach: bool) -> Array:
    """Convert a value that is not yet an array of a plain dtype."""
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        check_real_tensor(who, name, value, anywhere=detach)
        return native(who, name, to_numpy(value))
    check_convertible(who, name, value)
    if isinstance(value, (list, tuple)):
        value = [
            converted(who, f"{name}[{k}]", v, detach) if hasattr(v, "detach") or type(v).__name__ in FOREIGN else v
            for k, v in enumerate(value)
        ]
    try:
        found = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise ragged(who, name, value, error) from None
    return native(who, name, found)


def native(who: str, name: str, found: Array) -> Array:
    """Return numbers of any dtype as numbers of a plain one."""
    if found.dtype.kind == "O":
        found = of_objects(who, name, found)
    kind = found.dtype.name
    check_number_dtype(who, name, kind)
    if found.dtype in PLAIN:
        return found
    if found.dtype.kind == "u":  # uint64, of which PyTorch can compute almost nothing
        return found.astype(np.int64 if not found.size or found.max() < 2**63 else np.float64)
    if kind in ("float16", "float32", "float64") or found.dtype.kind in "i":
        return found.astype(found.dtype.newbyteorder("="))
    return found.astype(np.float32 if found.dtype.itemsize < 4 else np.float64)  # bfloat16 of a package; longdouble


def of_objects(who: str, name: str, found: Array) -> Array:
    """Return an array of Python's numbers as integers if all of them are, else as float64."""
    whole = check_objects(who, name, found)
    return found.astype(np.int64 if whole else np.float64)


def as_dtype(dtype: Any, who: str) -> np.dtype[Any]:
    """Convert 'float32', numpy.float32 or torch.float32 to numpy's dtype; ValueError for one unfit for parameters."""
    return np.dtype(check_dtype(who, dtype))


def to_numpy(value: Any) -> Array:
    """Convert an array, or a tensor on any device, to a numpy array; a dtype that numpy lacks becomes float32."""
    if not (hasattr(value, "detach") and hasattr(value, "cpu")):
        return np.asarray(value)
    lacks = str(value.dtype).startswith(("torch.bfloat16", "torch.float8"))
    return (value.float() if lacks else value).detach().cpu().numpy()


def checksum(params: Mapping[str, Any]) -> int:
    """Return the CRC-32 checksum of the values of all parameters."""
    total = 0
    for value in params.values():
        total = zlib.crc32(np.ascontiguousarray(to_numpy(value)).data, total)
    return total
