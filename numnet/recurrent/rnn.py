"""The plain recurrent network: backpropagation through time in two equations."""

from __future__ import annotations

from typing import Any

from numnet.core.checks import validate_call
from numnet.core.operation import Array
from numnet.recurrent.node import Node, dropped


class RNNNode(Node):
    """One time step of the plain recurrent network (Elman 1990).

        a = a_x + W_h h'     (1)   a_x = W_x x + b  (0): node.py
        h = φ(a)             (2)   hidden state, and the output y; φ is `activation`, tanh or another of functions.py

    h' is h of the previous step. Shapes: a, h (H, B); W_x (H, D), W_h (H, H), b (H,). `drop` is a mask of
    state dropout, or None: W_h reads h_in = h' ⊙ drop.
    """

    kernel_activations = ("tanh", "relu")

    @validate_call
    def __init__(self, hidden_size: int, *, activation: str = "tanh", **options: Any) -> None:
        self.set_functions(activation)
        super().__init__(hidden_size, **options)

    def config(self) -> dict[str, Any]:
        return {**super().config(), "activation": self.activation}

    def step(self, a_x: Array, h_prev: Array, drop: Array | None = None) -> Any:
        h_in = dropped(h_prev, drop)
        a = a_x + self.W_h @ h_in  # (1)
        h = self.phi(a)  # (2)
        return h, (h,), (h_in, h)

    def step_backward(self, dy: Array, dh_next: Array, saved: Any, drop: Array | None = None) -> Any:
        h_in, h = saved
        dh = dy + dh_next  # h is the output, and the next step's h'
        da = dh * self.phi.slope(h)  # (2)   of tanh 1 - h², of relu 1 or 0
        dh_prev = dropped(self.W_h.T @ da, drop)  # (1)
        return da, (dh_prev,), {"W_h": (da, h_in)}  # da_x = da  (1)
