"""The device of a model: numnet runs only on the CPU."""

from __future__ import annotations


def usable_device(kind: type, device: str) -> str:
    """Return 'cpu'; ValueError for any other device."""
    if str(device) != "cpu":
        raise ValueError(f"{kind.__name__}: device is {device!r}, expected 'cpu'. For others use torchnet.")
    return "cpu"
