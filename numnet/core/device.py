"""The device of a model: numnet has the CPU alone."""

from __future__ import annotations


def usable_device(kind: type, device: str) -> str:
    """'cpu', or a ValueError."""
    if str(device) != "cpu":
        raise ValueError(f"{kind.__name__}: device is {device!r}, expected 'cpu'. For others use torchnet.")
    return "cpu"
