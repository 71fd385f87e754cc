"""The device of a model: any that PyTorch can use."""

from __future__ import annotations

from typing import Any

import torch


def usable_device(kind: type, device: Any) -> torch.device:
    """Return the device; ValueError if PyTorch does not know it or finds none here."""
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        cause = str(error).partition("\n")[0]
        raise ValueError(f"{kind.__name__}: device is {device!r}, which PyTorch cannot use here: {cause}") from None
    return found
