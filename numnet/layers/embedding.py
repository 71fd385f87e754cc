"""Token vectors: forward is a lookup, backward a sum over equal tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core import init as draw
from numnet.core.arrays import as_array
from numnet.core.attributes import save_for_backward
from numnet.core.checks import (
    check_padding_row,
    check_positive,
    check_shape,
    check_size,
    check_tokens,
    validate_call,
)
from numnet.core.layout import all_columns, columns
from numnet.core.operation import Array
from numnet.core.pairs import sum_by_token
from numnet.core.parameters import ParamOperation


class Embedding(ParamOperation):
    """y = W[x]  (1): row x of W (V, D), for tokens x (B, ...) in 0..V-1; y (B, ..., D).

    `input_size` is V. Initial values are normal with this `std`, by default 1 as in PyTorch; a smaller one may learn
    faster, because a step of Adam, about the learning rate, is small compared to 1. Tokens have no gradient: backward
    returns None. With padding=0 row 0 starts at 0 and gets no gradient, so that token 0 is a vector of zeros, as in
    torch.nn.Embedding. IndexError for a token outside of 0..V-1.
    """

    reads = "tokens"

    W: Array
    dW: Array

    @validate_call
    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        seed: int | None = None,
        dtype: npt.DTypeLike = "float32",
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
        rows = np.arange(len(self.W)) if rows is None else as_array(self.name, "rows", rows)
        check_tokens(self.name, rows, len(self.W))
        check_shape(self.name, "vectors", vectors.shape, (*rows.shape, self.output_size), "One row for each token.")
        self.W[rows] = vectors

    def forward(self, x: Any) -> Array:
        """y (B, ..., D) from tokens x (B, ...). IndexError for a token outside of 0..V-1."""
        x = as_array(self.name, "x", x)
        check_tokens(self.name, x, len(self.W))
        save_for_backward(self, x.copy())
        return self.W[x]  # (1)

    def backward(self, dy: Any) -> None:
        """None, for tokens have no gradient; dW is ADDED, from dy (B, ..., D). ValueError for another shape."""
        x = self.recall()
        dy = self.gradient(dy, (*x.shape, self.output_size), self.dtype)
        if x.size:
            present, sums = sum_by_token(columns(x).reshape(-1), all_columns(columns(dy)))  # (1)
            if self.padding is not None:
                sums = sums * (present != self.padding)
            self.dW[present] += sums.T
