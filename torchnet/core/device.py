"""What PyTorch makes of devices, dtypes and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

DTypeLike = Any  # the name of a dtype, numpy's, or PyTorch's


def usable_device(kind: type, device: Any) -> torch.device:
    """Return the device; ValueError if PyTorch does not know it or finds none here."""
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        cause = str(error).partition("\n")[0]
        raise ValueError(f"{kind.__name__}: device is {device!r}, which PyTorch cannot use here: {cause}") from None
    return found


def as_dtype(dtype: DTypeLike) -> torch.dtype:
    """Convert 'float32', numpy.float32 or torch.float32 to PyTorch's dtype."""
    if isinstance(dtype, torch.dtype):
        return dtype
    found: torch.dtype = getattr(torch, dtype if dtype == "bfloat16" else np.dtype(dtype).name)
    return found


def as_tensor(x: Any) -> Any:
    """Return a tensor unchanged and numbers as a tensor; other values stay an array, which validation rejects."""
    if isinstance(x, Tensor):
        return x
    x = np.asarray(x)
    if x.dtype.kind in "iu":
        return torch.from_numpy(x.astype(np.int64))
    return torch.from_numpy(np.array(x, order="C")) if x.dtype.kind in "fb" else x
