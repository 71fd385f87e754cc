"""What PyTorch makes of devices, dtypes and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.core.arrays import as_array
from numnet.core.checks import check_dtype
from numnet.core.checks.conversion import check_real_tensor

PLAIN = frozenset((torch.float32, torch.int64, torch.float64, torch.bool, torch.float16, torch.bfloat16))
DTypeLike = Any  # the name of a dtype, numpy's, or PyTorch's


def usable_device(kind: type, device: Any) -> torch.device:
    """Return the device; ValueError if PyTorch does not know it or finds none here."""
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, TypeError) as error:
        cause = str(error).partition("\n")[0]
        raise ValueError(f"{kind.__name__}: device is {device!r}, which PyTorch cannot use here: {cause}") from None
    return found


def as_dtype(dtype: DTypeLike, who: str) -> torch.dtype:
    """Convert 'float32', numpy.float32 or torch.float32 to PyTorch's dtype; ValueError for one unfit for parameters."""
    converted: torch.dtype = getattr(torch, check_dtype(who, dtype, bfloat16=True))
    return converted


def as_tensor(x: Any, who: str = "ArrayWithGrad", name: str = "value") -> Tensor:
    """Return numbers as a tensor, integers as int64; TypeError or ValueError as numnet's as_array.

    A list of tensors of one shape is stacked, so that its gradient continues.
    """
    if isinstance(x, (list, tuple)) and x and all(isinstance(v, Tensor) and v.shape == x[0].shape for v in x):
        x = torch.stack(list(x))
    if isinstance(x, Tensor):
        if x.dtype not in PLAIN or x.is_meta or x.is_nested or x.layout is not torch.strided:
            check_real_tensor(who, name, x, anywhere=True)
            return x.float() if x.is_floating_point() else x if x.dtype in PLAIN else x.long()
        return x
    x = as_array(who, name, x)
    return torch.from_numpy(x.astype(np.int64) if x.dtype.kind in "iu" else np.array(x, order="C"))
