"""The minimal gated unit: one gate that forgets, resets and updates at once."""

from __future__ import annotations

import torch
from torch import Tensor

from torchnet.node import Node


class MGUNode(Node):
    """One step of the minimal gated unit (Zhou et al. 2016), x (D, B), h (H, B); h' is the state before.

        a = W_x x + b                  (0)   a (2H, B), the rows of f, n; for all steps at once: see node.py
        f = σ(a_f + U_f h')            (1)   the gate
        m = f ⊙ h'                     (2)
        n = tanh(a_n + U_n m)          (3)   candidate
        h = (1 - f) ⊙ h' + f ⊙ n       (4)

    W_x (2H, D), W_h (2H, H) = U_f over U_n, b (2H,).
    """

    G = 2

    def parts_of_W_h(self) -> tuple[Tensor, ...]:
        return self.W_h.chunk(2)

    def step(self, a: Tensor, state: tuple[Tensor, ...], h_met: Tensor, W_h: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        (h_prev,), (U_f, U_n), (a_f, a_n) = state, W_h, a.chunk(2)
        f = torch.sigmoid(a_f + U_f @ h_met)  # (1)
        n = torch.tanh(a_n + U_n @ (f * h_met))  # (2) (3)
        return ((1 - f) * h_prev + f * n,)  # (4)
