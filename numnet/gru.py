"""The gated recurrent unit, with its reset before or after the matrix product."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy import matmul, multiply, subtract, tanh

from numnet.activations import sigmoid, sigmoid_slope
from numnet.checks import check_choice
from numnet.columns import all_columns
from numnet.node import Node, Slots
from numnet.operation import Array


class GRUNode(Node):
    """One step of the GRU (Cho et al. 2014), x (D, B), h (H, B); h' is the state before.

        a = W_x x + b                            (0)   a (3H, B), the rows of r, z, n; for all steps: see node.py
        r, z = σ(a_rz + W_rz h')                 (1)   reset and update gate
        reset="before":  m = r ⊙ h'              (2)   Cho et al.: what is forgotten never meets U_n
                         n = tanh(a_n + U_n m)   (3)
        reset="after":   m = U_n h' + b_h        (2)   PyTorch, Keras, cuDNN: one product could serve all gates
                         n = tanh(a_n + r ⊙ m)   (3)
        h = z ⊙ h' + (1 - z) ⊙ n                 (4)   computed as n + z ⊙ (h' - n)

    W_x (3H, D), W_h (3H, H) = W_rz over U_n, b (3H,), and with reset="after" b_h (H,): PyTorch's order of gates.
    """

    G = 3
    b_h: Array
    db_h: Array

    def __init__(
        self,
        hidden_size: int,
        input_size: int | None = None,
        reset: str = "after",
        initial: str = "pytorch",
        seed: int = 0,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        check_choice(self.name, "reset", reset, ("before", "after"))
        self.reset = reset
        super().__init__(hidden_size, input_size, initial, seed, dtype)

    def make(self, rng: np.random.Generator) -> int:
        width, H = super().make(rng), self.hidden_size
        if self.reset == "after":
            self.add_param("b_h", rng.uniform(-(H**-0.5), H**-0.5, H) if self.initial == "pytorch" else np.zeros(H))
        return width

    def config(self) -> dict[str, Any]:
        return {**super().config(), "reset": self.reset}

    def slots(self, T: int, B: int) -> Slots:
        s, H = super().slots(T, B), self.hidden_size
        s.m, s.dm, s.spare, s.spare2 = s.new(T, H, B), s.new(T, H, B), s.new(H, B), s.new(2 * H, B)
        gates, d_gates = (z.reshape(T, 3, H, B).swapaxes(0, 1) for z in (s.a, s.da))
        s.steps = list(zip(s.a[:, : 2 * H], *gates, s.m, s.h[:-1], s.h[1:]))
        s.d_steps = list(zip(s.da[:, : 2 * H], *d_gates, s.dm))
        return s

    def step(self, s: Slots, t: int) -> None:
        rz, r, z, n, m, h_prev, h = s.steps[t]
        H, spare = self.hidden_size, s.spare
        W_rz, U_n = self.W_h[: 2 * H], self.W_h[2 * H :]
        rz += matmul(W_rz, h_prev, s.spare2)  # (1)
        sigmoid(rz, rz)
        if self.reset == "before":
            multiply(r, h_prev, m)  # (2)
            n += matmul(U_n, m, spare)  # (3)
        else:
            matmul(U_n, h_prev, m)  # (2)
            m += self.b_h[:, None]
            n += multiply(r, m, spare)  # (3)
        tanh(n, n)
        subtract(h_prev, n, h)  # (4)
        h *= z
        h += n

    def step_backward(self, s: Slots, t: int) -> None:
        rz, r, z, n, m, h_prev, _ = s.steps[t]
        drz, dr, dz, dn, dm = s.d_steps[t]
        H, dh, spare = self.hidden_size, s.dh, s.spare
        W_rz, U_n = self.W_h[: 2 * H], self.W_h[2 * H :]
        multiply(dh, subtract(h_prev, n, dz), dz)  # (4) dz = dh (h' - n), dn = dh (1 - z), dh' = dh z
        multiply(dh, subtract(1, z, dn), dn)
        dh *= z
        multiply(n, n, spare)  # (3) dn (1 - n²)
        dn *= subtract(1, spare, spare)
        if self.reset == "before":
            matmul(U_n.T, dn, dm)  # (3) dm = U_nᵀ dn
            multiply(dm, h_prev, dr)  # (2) dr = dm h', dh' += dm r
            dh += multiply(dm, r, spare)
        else:
            multiply(dn, m, dr)  # (3) dr = dn m, dm = dn r
            multiply(dn, r, dm)
            dh += matmul(U_n.T, dm, spare)  # (2) dh' += U_nᵀ dm
        drz *= sigmoid_slope(rz, s.spare2)  # (1) dr r (1 - r), dz z (1 - z), dh' += W_rzᵀ drz
        dh += matmul(W_rz.T, drz, spare)

    def state_backward(self, s: Slots, da: Array) -> None:
        H, h_prev = self.hidden_size, all_columns(s.h[:-1])
        drz, dn, dm = da[: 2 * H], da[2 * H :], all_columns(s.dm)
        self.dW_h[: 2 * H] += drz @ h_prev.T  # (1)
        if self.reset == "before":
            self.dW_h[2 * H :] += dn @ all_columns(s.m).T  # (3)
        else:
            self.dW_h[2 * H :] += dm @ h_prev.T  # (2)
            self.db_h += dm.sum(axis=1)
