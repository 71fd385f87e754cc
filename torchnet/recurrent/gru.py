"""The gated recurrent unit, with its reset before the matrix product (Cho et al. 2014) or after it (PyTorch, cuDNN)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.core import init as draw
from numnet.core.checks import check_choice, validate_call
from torchnet.recurrent.node import Node, dropped, once_a_call


class GRUNode(Node):
    """One time step of a GRU (Cho et al. 2014).

        r, z = σ(a_rz + W_rz h')                     (1)   reset and update gate; a_x = W_x x + b  (0), rows of r, z, n
        reset="before":     m = r ⊙ h'               (2)   what is reset does not meet U_n
                            n = tanh(a_n + U_n m)    (3)   candidate
        reset="after":      m = U_n h' + b_h         (2)   PyTorch, Keras, cuDNN: one product with W_h serves all rows
                            n = tanh(a_n + r ⊙ m)    (3)
        h = z ⊙ h' + (1 - z) ⊙ n                     (4)   hidden state, and the output y

    h' is h of the previous step. Shapes: h (H, B); a_x (3H, B), a_rz its first 2H rows, a_n the last H; W_x (3H, D),
    W_h (3H, H) = W_rz over U_n, b (3H,), in PyTorch's order; b_h (H,) with reset="after".
    """

    G = 3
    gates = ("r", "z", "n")
    b_h: Tensor

    @validate_call
    def __init__(self, hidden_size: int, *, reset: str = "after", **options: Any) -> None:
        check_choice(type(self).__name__, "reset", reset, ("before", "after"))
        self.reset = reset
        super().__init__(hidden_size, **options)

    def make(self, rng: np.random.Generator) -> int:
        width, H = super().make(rng), self.hidden_size
        if self.reset == "after" and self.bias:
            self.add_param("b_h", draw.vector(self.initial, rng, H, H))
        elif self.reset == "after":
            self.register_parameter("b_h", None)
        return width

    def config(self) -> dict[str, Any]:
        return {**super().config(), "reset": self.reset}

    def rz_and_n(self, q: Tensor) -> tuple[Tensor, ...]:
        """The rows of r and z, and those of n."""
        return q.split((2 * self.hidden_size, self.hidden_size))

    @once_a_call
    def recurrent_parts(self) -> tuple[Any, ...]:
        """W_rz, U_n, and with reset="after" b_h (H, 1), 0 without biases."""
        return *self.rz_and_n(self.W_h), self.b_h[:, None] if self.reset == "after" and self.bias else 0

    def step(self, a_x: Tensor, h_prev: Tensor, drop: Tensor | None = None) -> Any:
        (a_rz, a_n), (W_rz, U_n, b_h) = self.rz_and_n(a_x), self.recurrent_parts
        h_in = dropped(h_prev, drop)
        r, z = torch.sigmoid(a_rz + W_rz @ h_in).chunk(2)  # (1)
        if self.reset == "before":
            m = r * h_in  # (2)
            n = torch.tanh(a_n + U_n @ m)  # (3)
        else:
            m = U_n @ h_in + b_h  # (2)
            n = torch.tanh(a_n + r * m)  # (3)
        h = z * h_prev + (1 - z) * n  # (4)
        return h, (h,)
