"""The gated recurrent unit, with its reset before the matrix product (Cho et al. 2014) or after it (PyTorch, cuDNN)."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core import init as draw
from numnet.core.checks import check_choice, validate_call
from numnet.core.operation import Array
from numnet.layers.activations import sigmoid
from numnet.recurrent.node import Node, dropped


class GRUNode(Node):
    """One time step of a GRU (Cho et al. 2014).

        r, z = σ(a_rz + W_rz h')                     (1)   reset and update gate; a_x = W_x x + b  (0), rows a_rz, a_n
        reset="before":     m = r ⊙ h'               (2)   where r is 0, U_n does not read h'
                            n = tanh(a_n + U_n m)    (3)   candidate
        reset="after":      m = U_n h' + b_h         (2)   as in PyTorch, Keras and cuDNN
                            n = tanh(a_n + r ⊙ m)    (3)
        h = z ⊙ h' + (1 - z) ⊙ n                     (4)   hidden state, and the output y: z = 1 keeps the state

    h' is h of the previous step. (0) and its backward pass, with the gradients of x, W_x and b, are in node.py.
    unroll.py calls step from the first step to the last, then step_backward from the last to the first: what one call
    returns as dh_prev is dh_next of the next call. Shapes: h (H, B); a_x (3H, B), a_rz its first 2H rows, a_n the last
    H; W_x (3H, D), W_h (3H, H), W_rz its first 2H rows, U_n the last H, b (3H,), in PyTorch's order; b_h (H,). With a
    mask `drop` of state dropout the matrices read h_in = h' ⊙ drop, without one h_in is h'; (4) reads h' itself.
    """

    G = 3
    gates = ("r", "z", "n")
    b_h: Array

    @validate_call
    def __init__(self, hidden_size: int, *, reset: str = "after", **options: Any) -> None:
        check_choice(self.name, "reset", reset, ("before", "after"))
        self.reset = reset
        super().__init__(hidden_size, **options)

    def make(self, rng: np.random.Generator) -> int:
        width, H = super().make(rng), self.hidden_size
        if self.reset == "after" and self.bias:
            self.add_param("b_h", draw.vector(self.initial, rng, H, H))
        return width

    def config(self) -> dict[str, Any]:
        return {**super().config(), "reset": self.reset}

    def step(self, a_x: Array, h_prev: Array, drop: Array | None = None) -> Any:
        H, h_in = self.hidden_size, dropped(h_prev, drop)
        a_rz, a_n, W_rz, U_n = a_x[: 2 * H], a_x[2 * H :], self.W_h[: 2 * H], self.W_h[2 * H :]
        r, z = sigmoid(a_rz + W_rz @ h_in).reshape(2, H, -1)  # (1)
        if self.reset == "before":
            m = r * h_in  # (2)
            n = np.tanh(a_n + U_n @ m)  # (3)
        else:
            m = U_n @ h_in + (self.b_h[:, None] if self.bias else 0)  # (2)
            n = np.tanh(a_n + r * m)  # (3)
        h = z * h_prev + (1 - z) * n  # (4)
        return h, (h,), (h_prev, h_in, r, z, m, n)

    def step_backward(self, dy: Array, dh_next: Array, saved: Any, drop: Array | None = None) -> Any:
        """dq is ∂L/∂q. A pair (da, q) is the term of dW = Σ_t da qᵀ, (dm, None) that of db_h = Σ_t dm: pairs.py"""
        h_prev, h_in, r, z, m, n = saved
        W_rz, U_n = self.W_h[: 2 * self.hidden_size], self.W_h[2 * self.hidden_size :]
        dh = dy + dh_next  # h is the output, and the next step's h'
        dz = dh * (h_prev - n)  # (4)
        dn = dh * (1 - z)  # (4)
        da_n = dn * (1 - n**2)  # (3)   the derivative of tanh is 1 - tanh²
        if self.reset == "before":
            dm = U_n.T @ da_n  # (3)
            dr = dm * h_in  # (2)
            dh_m = dm * r  # (2)   the part of dh_in that comes through m
        else:
            dr = da_n * m  # (3)
            dm = da_n * r  # (3)
            dh_m = U_n.T @ dm  # (2)   the part of dh_in that comes through m
        da_rz = np.concatenate([dr * r * (1 - r), dz * z * (1 - z)])  # (1)   the derivative of σ is σ (1 - σ)
        dh_in = dh_m + W_rz.T @ da_rz  # (2) (1)
        dh_prev = dh * z + dropped(dh_in, drop)  # (4)   h' is read by (4), and by h_in = h' ⊙ drop
        da_x = np.concatenate([da_rz, da_n])
        if self.reset == "before":
            return da_x, (dh_prev,), {"W_h": [(da_rz, h_in), (da_n, m)]}  # (1) (3)
        if not self.bias:
            return da_x, (dh_prev,), {"W_h": (np.concatenate([da_rz, dm]), h_in)}  # (1) (2)
        return da_x, (dh_prev,), {"W_h": (np.concatenate([da_rz, dm]), h_in), "b_h": (dm, None)}  # (1) (2)
