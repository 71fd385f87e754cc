"""The minimal gated unit: one gate that forgets, resets and updates at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.checks import validate_call
from numnet.core.operation import Array
from numnet.recurrent.node import Node, dropped


class MGUNode(Node):
    """One time step of the minimal gated unit (Zhou et al. 2016).

        f = σ(a_f + U_f h')            (1)   the gate; a_x = W_x x + b  (0), its rows a_f and a_n: node.py
        m = f ⊙ h'                     (2)
        n = φ(a_n + U_n m)             (3)   candidate
        h = (1 - f) ⊙ h' + f ⊙ n       (4)   hidden state, and the output y

    σ is `recurrent_activation`, and φ is `activation`, tanh or another of functions.py. h' is h of the previous step.
    Shapes: h (H, B); a_x (2H, B); W_x (2H, D), W_h (2H, H) = U_f over U_n, b (2H,).
    `drop` is a mask of state dropout, or None: the matrices read h_in = h' ⊙ drop, and (4) reads h' itself.
    """

    G = 2
    gates = ("f", "n")

    @validate_call
    def __init__(
        self, hidden_size: int, *, activation: str = "tanh", recurrent_activation: str = "sigmoid", **options: Any
    ) -> None:
        self.set_functions(activation, recurrent_activation)
        super().__init__(hidden_size, **options)

    def step(self, a_x: Array, h_prev: Array, drop: Array | None = None) -> Any:
        (a_f, a_n), (U_f, U_n) = self.blocks(a_x), self.blocks(self.W_h)
        h_in = dropped(h_prev, drop)
        f = self.sigma(a_f + U_f @ h_in)  # (1)
        m = f * h_in  # (2)
        n = self.phi(a_n + U_n @ m)  # (3)
        h = (1 - f) * h_prev + f * n  # (4)
        return h, (h,), (h_prev, h_in, f, m, n)

    def step_backward(self, dy: Array, dh_next: Array, saved: Any, drop: Array | None = None) -> Any:
        (h_prev, h_in, f, m, n), (U_f, U_n) = saved, self.blocks(self.W_h)
        dh = dy + dh_next  # h is the output, and the next step's h'
        dn = dh * f  # (4)
        da_n = dn * self.phi.slope(n)  # (3)   of tanh 1 - n²
        dm = U_n.T @ da_n  # (3)
        df = dh * (n - h_prev) + dm * h_in  # (4) (2)
        da_f = df * self.sigma.slope(f)  # (1)   of the sigmoid f (1 - f)
        dh_in = dm * f + U_f.T @ da_f  # (2) (1)
        dh_prev = dh * (1 - f) + dropped(dh_in, drop)  # (4)
        return np.concatenate([da_f, da_n]), (dh_prev,), {"W_h": [(da_f, h_in), (da_n, m)]}  # (1) (3)
