"""What one call leaves in a part for its way back, taken away so that the next call cannot write over it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numnet.operation import Operation


class Kept:
    """What a call has left in a part, and in all that this is made of, for its way back; all but the weights."""

    def __init__(self, part: Operation) -> None:
        self.of = [(module, but_weights(module)) for module in part.modules()]

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """For as long as the context lasts, the part is as it was after that call."""
        now = [(module, but_weights(module)) for module, _ in self.of]
        try:
            for module, kept in self.of:
                vars(module).update(kept)
            yield
        finally:
            for module, kept in now:
                for name in [name for name in but_weights(module) if name not in kept]:
                    delattr(module, name)
                vars(module).update(kept)


def but_weights(module: Operation) -> dict[str, Any]:
    """Its attributes but each W beside which there is dW: parameters and gradients belong to no call."""
    own = vars(module)
    weights = {name for name in own if f"d{name}" in own}
    return {name: value for name, value in own.items() if name not in weights and name[1:] not in weights}


def forget(part: Operation) -> None:
    """Memory that the next call would write over is given up, so that what a call has kept stays."""
    for module in part.modules():
        for name in module.reused:
            setattr(module, name, None)
