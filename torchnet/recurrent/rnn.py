"""The plain recurrent network: two equations."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from numnet.core.checks import validate_call
from torchnet.recurrent.node import Node, dropped


class RNNNode(Node):
    """One time step of the plain recurrent network (Elman 1990).

        a = a_x + W_h h'     (1)   a_x = W_x x + b  (0): node.py
        h = φ(a)             (2)   hidden state, and the output y; φ is `activation`, tanh or another of functions.py

    h' is h of the previous step. Shapes: a, h (H, B); W_x (H, D), W_h (H, H), b (H,).
    """

    kernel_activations = ("tanh", "relu")

    @validate_call
    def __init__(self, hidden_size: int, *, activation: str = "tanh", **options: Any) -> None:
        self.set_functions(activation)
        super().__init__(hidden_size, **options)

    def config(self) -> dict[str, Any]:
        return {**super().config(), "activation": self.activation}

    def step(self, a_x: Tensor, h_prev: Tensor, drop: Tensor | None = None) -> Any:
        a = a_x + self.W_h @ dropped(h_prev, drop)  # (1)
        h = self.phi(a)  # (2)
        return h, (h,)
