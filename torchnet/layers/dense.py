"""A matrix product and a bias, for one step or for all steps of a sequence at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor
from torch.nn.functional import linear

from numnet.core import init as draw
from numnet.core.checks import check_features, check_size, validate_call
from torchnet.core.device import DTypeLike, as_tensor
from torchnet.core.parameters import ParamOperation


class Dense(ParamOperation):
    """y = W x + b on the last axis: x (B, ..., D), y (B, ..., O); W (O, D), b (O,), as torch.nn.Linear.

    With bias=False there is no b, and y = W x. `initial` names the initialization: see `numnet.core.init`. ValueError
    if the width of x is not D.
    """

    W: Tensor
    b: Tensor

    @validate_call
    def __init__(
        self,
        output_size: int,
        *,
        input_size: int | None = None,
        bias: bool = True,
        initial: str | float = "pytorch",
        seed: int | None = None,
        dtype: DTypeLike = "float32",
    ) -> None:
        super().__init__(input_size, seed, dtype)
        check_size(self.name, output_size=output_size, input_size=input_size)
        draw.check_initial(self.name, initial)
        self.output_size, self.bias, self.initial = output_size, bias, initial
        self.ready(input_size)

    def make(self, rng: np.random.Generator) -> int:
        W, b = draw.dense(self.initial, rng, self.output_size, self.width)
        self.add_param("W", W)
        if self.bias:
            self.add_param("b", b)
        else:
            self.register_parameter("b", None)
        return self.output_size

    def config(self) -> dict[str, Any]:
        changed = {} if self.bias else {"bias": False}
        return {"output_size": self.output_size, "initial": self.initial, **changed}

    def forward(self, x: Any) -> Tensor:
        """y (B, ..., O) from x (B, ..., D); the first call finds D. ValueError for another width than D."""
        x = as_tensor(x, self.name, "x")
        check_features(self.name, x, self.input_size)
        self.ready(x.shape[-1], x)
        x = self.followed(self.cast("x", x))
        y = linear(x, self.W, self.b)
        self.save_graph((y,), (x,))
        return y
