"""The matrix product and bias: over one step, or over all steps of a sequence at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numnet import initial as draw
from numnet.checks import check_choice, check_features, check_size
from numnet.columns import all_columns, columns, rows
from numnet.operation import Array, ParamOperation


class Dense(ParamOperation):
    """y = W x + b  (1) on the last axis.

    x (B, ..., D), y (B, ..., O); W (O, D), b (O,). `initial` names the first values: see `numnet.initial`.
    ValueError where the width of x is not D.
    """

    W: Array
    b: Array
    dW: Array
    db: Array

    def __init__(
        self,
        output_size: int,
        input_size: int | None = None,
        initial: str = "pytorch",
        seed: int | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        super().__init__(input_size, seed, dtype)
        check_size(self.name, output_size=output_size, input_size=input_size)
        check_choice(self.name, "initial", initial, draw.SCHEMES)
        self.output_size, self.initial = output_size, initial
        self.ready(input_size)

    def make(self, rng: np.random.Generator) -> int:
        W, b = draw.dense(self.initial, rng, self.output_size, self.width)
        self.add_param("W", W)
        self.add_param("b", b)
        return self.output_size

    def config(self) -> dict[str, Any]:
        return {"output_size": self.output_size, "initial": self.initial}

    def forward(self, x: Any) -> Array:
        x = np.asarray(x)
        check_features(self.name, x, self.input_size)
        self.ready(x.shape[-1])
        x = columns(self.cast("x", x))
        y = np.matmul(self.W, x)  # (1)
        y += self.b[:, None]
        y = rows(y)
        self.saved = x, y.shape
        return y

    def backward(self, dy: Any) -> Array:
        x, y_shape = self.recall()
        dy = columns(self.gradient(dy, y_shape, self.dtype))
        dy_all = all_columns(dy)
        self.dW += dy_all @ all_columns(x).T  # (1)
        self.db += dy_all.sum(axis=1)
        return rows(np.matmul(self.W.T, dy))
