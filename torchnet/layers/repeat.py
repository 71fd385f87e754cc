"""One vector as every step of a sequence, such as a summary that a decoder reads at each step."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from numnet.core.checks import check_one_vector, check_size, validate_call
from torchnet.core.operation import Operation


class RepeatVector(Operation):
    """y_t = x for t = 1, ..., T: x (B, D) → y (B, T, D); `times` is T. As in Keras."""

    batch_first = True

    @validate_call
    def __init__(self, times: int) -> None:
        super().__init__()
        check_size(self.name, times=times)
        self.times = times

    def config(self) -> dict[str, Any]:
        return {"times": self.times}

    def forward(self, x: Any) -> Tensor:
        """y (B, T, D) from x (B, D). ValueError for another number of axes."""
        x = self.as_real("x", x)
        check_one_vector(self.name, x)
        y = x[:, None].repeat(1, self.times, 1)
        self.save_graph((y,), (x,))
        return y
