"""The plain recurrent network: backpropagation through time in two equations."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.checks import check_choice, validate_call
from numnet.core.operation import Array
from numnet.recurrent.node import Node, dropped

ACTIVATIONS = ("tanh", "relu")


class RNNNode(Node):
    """One time step of the plain recurrent network (Elman 1990).

        a = a_x + W_h h'     (1)   a_x = W_x x + b  (0): node.py
        h = tanh(a)          (2)   hidden state, and the output y; with activation="relu" h = max(a, 0)

    h' is h of the previous step. Shapes: a, h (H, B); W_x (H, D), W_h (H, H), b (H,). `drop` is a mask of
    state dropout, or None: W_h reads h_in = h' ⊙ drop.
    """

    @validate_call
    def __init__(self, hidden_size: int, *, activation: str = "tanh", **options: Any) -> None:
        check_choice(self.name, "activation", activation, ACTIVATIONS)
        self.activation = activation
        super().__init__(hidden_size, **options)

    def config(self) -> dict[str, Any]:
        return {**super().config(), "activation": self.activation}

    def step(self, a_x: Array, h_prev: Array, drop: Array | None = None) -> Any:
        h_in = dropped(h_prev, drop)
        a = a_x + self.W_h @ h_in  # (1)
        h = np.tanh(a) if self.activation == "tanh" else np.maximum(a, 0)  # (2)
        return h, (h,), (h_in, h)

    def step_backward(self, dy: Array, dh_next: Array, saved: Any, drop: Array | None = None) -> Any:
        h_in, h = saved
        dh = dy + dh_next  # h is the output, and the next step's h'
        da = dh * (1 - h**2) if self.activation == "tanh" else dh * (h > 0)  # (2)   tanh' = 1 - tanh²; max' = 1 or 0
        dh_prev = dropped(self.W_h.T @ da, drop)  # (1)
        return da, (dh_prev,), {"W_h": (da, h_in)}  # da_x = da  (1)
