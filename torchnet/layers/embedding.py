"""Token vectors: a lookup."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding

from numnet.core import init as draw
from numnet.core.checks import (
    check_padding_row,
    check_positive,
    check_shape,
    check_size,
    check_tokens,
    validate_call,
)
from torchnet.core.device import DTypeLike, as_tensor
from torchnet.core.parameters import ParamOperation


class Embedding(ParamOperation):
    """y = W[x]: row x of W (V, D), for tokens x (B, ...) in 0..V-1; y (B, ..., D), as torch.nn.Embedding.

    `input_size` is V. Initial values are normal with this `std`. Tokens have no gradient: backward returns None. With
    padding=0 row 0 starts at 0 and gets no gradient, so that token 0 is a vector of zeros. IndexError for a token
    outside of 0..V-1.
    """

    reads = "tokens"

    W: Tensor

    @validate_call
    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        seed: int | None = None,
        dtype: DTypeLike = "float32",
        std: float = 1.0,
        padding: int | None = None,
    ) -> None:
        super().__init__(input_size, seed, dtype)
        check_size(self.name, input_size=input_size, output_size=output_size)
        check_positive(self.name, std=std)
        check_padding_row(self.name, padding, input_size)
        self.output_size, self.std, self.padding = output_size, float(std), padding
        self.ready(input_size)

    def make(self, rng: np.random.Generator) -> int:
        W = self.std * draw.normal(rng, (self.width, self.output_size))
        if self.padding is not None:
            W[self.padding] = 0
        self.add_param("W", W)
        return self.output_size

    def config(self) -> dict[str, Any]:
        changed = {} if self.padding is None else {"padding": self.padding}
        return {"input_size": self.input_size, "output_size": self.output_size, "std": self.std, **changed}

    def start_from(self, vectors: Any, rows: Any = None) -> None:
        """Set W to these vectors (V, D), such as ones trained on a larger text; or set N rows of W to (N, D).

        ValueError for another shape, IndexError for a row outside of 0..V-1.
        """
        vectors = self.cast("vectors", vectors)
        rows = torch.arange(len(self.W)) if rows is None else as_tensor(rows, self.name, "rows")
        check_tokens(self.name, rows, len(self.W))
        check_shape(self.name, "vectors", vectors.shape, (*rows.shape, self.output_size), "One row for each token.")
        with torch.no_grad():
            self.W[rows.to(self.W.device)] = vectors

    def forward(self, x: Any) -> Tensor:
        """y (B, ..., D) from tokens x (B, ...). IndexError for a token outside of 0..V-1."""
        x = as_tensor(x, self.name, "x")
        check_tokens(self.name, x, len(self.W))
        y = embedding(x.long().to(self.W.device), self.W, self.padding)
        self.save_graph((y,), ())
        return y

    def backward(self, dy: Any) -> None:
        """None, for tokens have no gradient; dW is ADDED, from dy (B, ..., D). ValueError for another shape."""
        (y,), _ = self.recall()
        self.pull((y,), (), (dy,))
