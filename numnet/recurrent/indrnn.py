"""The independently recurrent network: no matrix between states; each unit reads only its own previous state."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core import init as draw
from numnet.core.checks import validate_call
from numnet.core.operation import Array
from numnet.recurrent.node import Node, dropped


class IndRNNNode(Node):
    """One time step of the independently recurrent network (Li et al. 2018).

        a = a_x + u ⊙ h'      (1)   a_x = W_x x + b  (0): node.py
        h = φ(a)              (2)   hidden state, and the output y; φ is `activation`, relu or another of functions.py

    h' is h of the previous step. Shapes: a, h (H, B); W_x (H, D), u (H,), b (H,). The initial u is uniform in [0, 1],
    so that a unit neither grows nor changes its sign. `drop` is a mask of state dropout, or None: h_in = h' ⊙ drop.
    """

    recurrent_weights = "u"
    u: Array

    @validate_call
    def __init__(self, hidden_size: int, *, activation: str = "relu", **options: Any) -> None:
        self.set_functions(activation)
        super().__init__(hidden_size, **options)

    def make(self, rng: np.random.Generator) -> int:
        W, b = draw.dense(self.initial, rng, self.hidden_size, self.width)
        for name, value in {"W_x": W, "u": rng.random(self.hidden_size), "b": b}.items():
            if self.has_param(name):
                self.add_param(name, value)
        return self.hidden_size

    def config(self) -> dict[str, Any]:
        return {**super().config(), "activation": self.activation}

    def step(self, a_x: Array, h_prev: Array, drop: Array | None = None) -> Any:
        h_in = dropped(h_prev, drop)
        a = a_x + self.u[:, None] * h_in  # (1)
        h = self.phi(a)  # (2)
        return h, (h,), (h_in, h)

    def step_backward(self, dy: Array, dh_next: Array, saved: Any, drop: Array | None = None) -> Any:
        h_in, h = saved
        dh = dy + dh_next  # h is the output, and the next step's h'
        da = dh * self.phi.slope(h)  # (2)
        dh_prev = dropped(self.u[:, None] * da, drop)  # (1)
        return da, (dh_prev,), {"u": (da * h_in, None)}  # (1)
