"""The plain recurrent network: two equations."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from numnet.core.checks import check_choice, validate_call
from torchnet.recurrent.node import Node, dropped

ACTIVATIONS = ("tanh", "relu")


class RNNNode(Node):
    """One time step of the plain recurrent network (Elman 1990).

        a = a_x + W_h h'     (1)   a_x = W_x x + b  (0): node.py
        h = tanh(a)          (2)   hidden state, and the output y; with activation="relu" h = max(a, 0)

    h' is h of the previous step. Shapes: a, h (H, B); W_x (H, D), W_h (H, H), b (H,).
    """

    @validate_call
    def __init__(self, hidden_size: int, *, activation: str = "tanh", **options: Any) -> None:
        check_choice(type(self).__name__, "activation", activation, ACTIVATIONS)
        self.activation = activation
        super().__init__(hidden_size, **options)

    def config(self) -> dict[str, Any]:
        return {**super().config(), "activation": self.activation}

    def step(self, a_x: Tensor, h_prev: Tensor, drop: Tensor | None = None) -> Any:
        a = a_x + self.W_h @ dropped(h_prev, drop)  # (1)
        h = torch.tanh(a) if self.activation == "tanh" else torch.relu(a)  # (2)
        return h, (h,)
