"""The minimal gated unit: one gate that forgets, resets and updates at once."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from numnet.core.checks import validate_call
from torchnet.recurrent.node import Node, dropped, once_a_call


class MGUNode(Node):
    """One time step of the minimal gated unit (Zhou et al. 2016).

        f = σ(a_f + U_f h')            (1)   the gate; a_x = W_x x + b  (0), its rows a_f and a_n: node.py
        m = f ⊙ h'                     (2)
        n = φ(a_n + U_n m)             (3)   candidate
        h = (1 - f) ⊙ h' + f ⊙ n       (4)   hidden state, and the output y

    σ is `recurrent_activation`, and φ is `activation`, tanh or another of functions.py. h' is h of the previous step.
    Shapes: h (H, B); a_x (2H, B); W_x (2H, D), W_h (2H, H) = U_f over U_n, b (2H,).
    """

    G = 2
    gates = ("f", "n")

    @validate_call
    def __init__(
        self, hidden_size: int, *, activation: str = "tanh", recurrent_activation: str = "sigmoid", **options: Any
    ) -> None:
        self.set_functions(activation, recurrent_activation)
        super().__init__(hidden_size, **options)

    @once_a_call
    def recurrent_parts(self) -> tuple[Tensor, ...]:
        """U_f and U_n."""
        return self.blocks(self.W_h)

    def step(self, a_x: Tensor, h_prev: Tensor, drop: Tensor | None = None) -> Any:
        (a_f, a_n), (U_f, U_n) = self.blocks(a_x), self.recurrent_parts
        h_in = dropped(h_prev, drop)
        f = self.sigma(a_f + U_f @ h_in)  # (1)
        m = f * h_in  # (2)
        n = self.phi(a_n + U_n @ m)  # (3)
        h = (1 - f) * h_prev + f * n  # (4)
        return h, (h,)
