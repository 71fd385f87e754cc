"""Conversion of arrays and tensors to numpy, and a checksum of parameters."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def to_numpy(value: Any) -> Array:
    """Convert an array, or a tensor on any device, to a numpy array; bfloat16, which numpy lacks, becomes float32."""
    if not hasattr(value, "detach"):
        return np.asarray(value)
    return (value.float() if str(value.dtype) == "torch.bfloat16" else value).detach().cpu().numpy()


def checksum(params: Mapping[str, Any]) -> int:
    """Return the CRC-32 checksum of the values of all parameters."""
    total = 0
    for value in params.values():
        total = zlib.crc32(np.ascontiguousarray(to_numpy(value)).data, total)
    return total
