"""A parameter of one's own on a Tape, such as an initial state that is learned or a scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from numnet.core import init as draw
from numnet.core.checks import check_initial_value, check_positive, validate_call
from torchnet.core.device import DTypeLike
from torchnet.core.parameters import ParamOperation


class Parameter(ParamOperation):
    """y = W, an array of any shape.

    `value` is its shape, a whole number or a tuple of them, or its initial values, an array or a list of floats. For a
    shape they are 0, or with `std` normal with this standard deviation. After

        tape = Tape(start=Parameter(32), node=GRUNode(32))

    `tape.start` is an ArrayWithGrad (32,), and its gradient is ADDED to tape.grads["start.value"].
    """

    takes: tuple[str, ...] = ()
    value: Tensor

    @validate_call
    def __init__(
        self,
        value: Any,
        *,
        std: float | None = None,
        seed: int | None = None,
        dtype: DTypeLike = "float32",
    ) -> None:
        super().__init__(None, seed, dtype)
        self.shape, self.given = check_initial_value(self.name, value)
        check_positive(self.name, std=std)
        self.std = std
        self.ready(1)

    def make(self, rng: np.random.Generator) -> int:
        drawn = draw.normal(rng, self.shape) * (self.std or 0.0)
        self.add_param("value", drawn if self.given is None else self.given)
        return self.shape[-1] if self.shape else 1

    def arguments(self) -> dict[str, Any]:
        return {"value": self.shape}

    def config(self) -> dict[str, Any]:
        return {"value": list(self.shape), "std": self.std}

    def forward(self) -> Tensor:  # type: ignore[override]
        """y, of the parameter's shape."""
        y = self.value.view_as(self.value)
        self.save_graph((y,), ())
        return y

    def backward(self, dy: Any) -> None:
        """Add dy to the parameter's gradient. ValueError for another shape than y's."""
        (y,), _ = self.recall()
        self.pull((y,), (), (dy,))
