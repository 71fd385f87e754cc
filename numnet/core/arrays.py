"""Arrays and tensors as numpy arrays, and their checksum."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def to_numpy(value: Any) -> Array:
    """An array, or a tensor wherever it lives, as an array; bfloat16, which numpy has not, as float32."""
    if not hasattr(value, "detach"):
        return np.asarray(value)
    return (value.float() if str(value.dtype) == "torch.bfloat16" else value).detach().cpu().numpy()


def checksum(params: Mapping[str, Any]) -> int:
    """A number that is the same as long as nobody changes one of them."""
    total = 0
    for value in params.values():
        total = zlib.crc32(np.ascontiguousarray(to_numpy(value)).data, total)
    return total
