"""One vector as every step of a sequence, such as a summary that a decoder reads at each step."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.checks import check_one_vector, check_size, validate_call
from numnet.core.operation import Array, Operation


class RepeatVector(Operation):
    """y_t = x  (1) for t = 1, ..., T: x (B, D) → y (B, T, D); `times` is T. As in Keras.

    The backward pass sums over the steps: dx = Σ_t dy_t  (1).
    """

    batch_first = True

    @validate_call
    def __init__(self, times: int) -> None:
        check_size(self.name, times=times)
        self.times = times

    def config(self) -> dict[str, Any]:
        return {"times": self.times}

    def forward(self, x: Any) -> Array:
        """y (B, T, D) from x (B, D). ValueError for another number of axes."""
        x = self.as_real("x", x)
        check_one_vector(self.name, x)
        self.saved = x.shape, x.dtype
        return np.repeat(x[:, None], self.times, axis=1)  # (1)

    def backward(self, dy: Any) -> Array:
        """dx (B, D) from dy (B, T, D). ValueError for another shape."""
        (B, D), dtype = self.recall()
        dx: Array = self.gradient(dy, (B, self.times, D), dtype).sum(axis=1)  # (1)
        return dx
