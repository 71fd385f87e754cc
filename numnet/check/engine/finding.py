"""One thing that a check has found out: where the error is, what it probably is, and where to look."""

from __future__ import annotations

from dataclasses import dataclass

from numnet.check.engine.source import Line


def gradient(name: str) -> str:
    """What the gradient of a tensor is called: dW_h, layers.0.dW_h."""
    head, dot, last = name.rpartition(".")
    return f"{head}{dot}d{last}"


@dataclass(frozen=True)
class Finding:
    """A sentence, and what it names: tensors, gates, equation, the lines of the forward pass and of the way back."""

    text: str
    cause: str
    tensors: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    equation: str = ""
    forward: Line | None = None
    back: tuple[Line, ...] = ()
