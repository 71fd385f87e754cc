"""One finding of a check: where the error is, what it probably is, and the lines to look at."""

from __future__ import annotations

from dataclasses import dataclass

from numnet.check.engine.source import Line


def gradient(name: str) -> str:
    """Return the name of a tensor's gradient: dW_h, layers.0.dW_h."""
    head, dot, last = name.rpartition(".")
    return f"{head}{dot}d{last}"


@dataclass(frozen=True)
class Finding:
    """A sentence and what it names: tensors, gates, equation, the lines of the forward and backward pass."""

    text: str
    cause: str
    tensors: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    equation: str = ""
    forward: Line | None = None
    back: tuple[Line, ...] = ()
