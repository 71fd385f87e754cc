"""The independently recurrent network: no matrix between states; each unit reads only its own previous state."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from numnet.core import init as draw
from numnet.core.checks import validate_call
from torchnet.recurrent.node import Node, dropped, once_a_call


class IndRNNNode(Node):
    """One time step of the independently recurrent network (Li et al. 2018).

        a = a_x + u ⊙ h'      (1)   a_x = W_x x + b  (0): node.py
        h = φ(a)              (2)   hidden state, and the output y; φ is `activation`, relu or another of functions.py

    h' is h of the previous step. Shapes: a, h (H, B); W_x (H, D), u (H,), b (H,). The initial u is uniform in [0, 1],
    so that a unit neither grows nor changes its sign.
    """

    recurrent_weights = "u"
    u: Tensor

    @validate_call
    def __init__(self, hidden_size: int, *, activation: str = "relu", **options: Any) -> None:
        self.set_functions(activation)
        super().__init__(hidden_size, **options)

    def make(self, rng: np.random.Generator) -> int:
        W, b = draw.dense(self.initial, rng, self.hidden_size, self.width)
        for name, value in {"W_x": W, "u": rng.random(self.hidden_size), "b": b}.items():
            if self.has_param(name):
                self.add_param(name, value)
            else:
                self.register_parameter(name, None)
        return self.hidden_size

    def config(self) -> dict[str, Any]:
        return {**super().config(), "activation": self.activation}

    @once_a_call
    def u_column(self) -> Tensor:
        return self.u[:, None]

    def step(self, a_x: Tensor, h_prev: Tensor, drop: Tensor | None = None) -> Any:
        a = a_x + self.u_column * dropped(h_prev, drop)  # (1)
        h = self.phi(a)  # (2)
        return h, (h,)
