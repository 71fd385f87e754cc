"""The gated recurrent unit, with its reset before or after the matrix product."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy import add, dot, multiply, subtract, tanh

from numnet.checks import check_choice
from numnet.columns import all_columns, transposed
from numnet.node import Node
from numnet.operation import Array
from numnet.slots import Slots
from numnet.state import State


class GRUNode(Node):
    """One step of the GRU (Cho et al. 2014), x (D, B), h (H, B); h' is the state before.

        a = W_x x + b                            (0)   a (3H, B), the rows of r, z, n; for all steps: see node.py
        r, z = σ(a_rz + W_rz h')                 (1)   reset and update gate
        reset="before":  m = r ⊙ h'              (2)   Cho et al.: what is forgotten never meets U_n
                         n = tanh(a_n + U_n m)   (3)
        reset="after":   m = U_n h' + b_h        (2)   PyTorch, Keras, cuDNN: one product serves all blocks
                         n = tanh(a_n + r ⊙ m)   (3)
        h = z ⊙ h' + (1 - z) ⊙ n                 (4)   computed as n + z ⊙ (h' - n)

    W_x (3H, D), W_h (3H, H) = W_rz over U_n, b (3H,), and with reset="after" b_h (H,): PyTorch's order of gates.
    """

    G = 3
    more = 1  # dm
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
        s.m, s.spare, s.b_h = s.new(T, H, B), s.new(H, B), s.new(H, B)
        s.product_rz, s.product_n = s.product[: 2 * H], s.product[2 * H :]
        s.steps = list(zip(s.a[:, : 2 * H], *s.gates, s.m, s.h[:-1], s.h[1:]))
        s.d_steps = list(zip(*map(s.in_turn, (s.da[:, : 2 * H], *s.d_gates)), *s.gates[:2]))
        return s

    def start(self, s: Slots, state: State) -> None:
        super().start(s, state)
        if self.reset == "after":
            s.b_h[...] = self.b_h[:, None]  # once for all steps

    def weights_back(self, s: Slots) -> None:
        H = self.hidden_size
        s.W_rzT, s.U_nT = transposed(self.W_h[: 2 * H], s.T), transposed(self.W_h[2 * H :], s.T)

    def step(self, s: Slots, t: int) -> None:
        rz, r, z, n, m, h_prev, h = s.steps[t]
        H, half, spare = self.hidden_size, s.half, s.spare
        if self.reset == "before":
            rz += dot(self.W_h[: 2 * H], h_prev, s.product_rz)  # (1)
        else:
            dot(self.W_h, h_prev, s.product)  # (1) (2) one product for all three blocks
            rz += s.product_rz
            add(s.product_n, s.b_h, m)
        rz *= half  # (1) σ(a) = tanh(a/2)/2 + 1/2
        tanh(rz, rz)
        rz *= half
        rz += half
        if self.reset == "before":
            multiply(r, h_prev, m)  # (2)
            n += dot(self.W_h[2 * H :], m, spare)  # (3)
        else:
            n += multiply(r, m, spare)  # (3)
        tanh(n, n)
        subtract(h_prev, n, h)  # (4)
        h *= z
        h += n

    def slopes(self, s: Slots, steps: slice) -> None:
        rz, n = s.a[steps, : 2 * self.hidden_size], s.gates[2, steps]
        h_prev, m, chunk = s.h[:-1][steps], s.m[steps], slice(len(n))
        drz, (dr, dz, dn, dm) = s.da[chunk, : 2 * self.hidden_size], s.d_gates[:, chunk]
        subtract(1, rz, drz)  # (4) (1) 1 - r for σ's slope; 1 - z, which is also ∂h/∂n
        multiply(n, n, dn)  # (4) (3) ∂h/∂n times 1 - n²: (1 - z) (1 - n²)
        subtract(1, dn, dn)
        dn *= dz
        dz *= subtract(h_prev, n, dm)  # (4) ∂h/∂z = h' - n
        dr *= h_prev if self.reset == "before" else m  # (2) ∂m/∂r = h', or (3) ∂(r m)/∂r = m
        drz *= rz  # (1) r (1 - r), z (1 - z)

    def step_backward(self, s: Slots, t: int) -> None:
        drz, dr, dz, dn, dm, r, z = s.d_steps[t]
        dh, spare = s.dh, s.spare
        dz *= dh  # (4) dz, dn, and dh' = dh z
        dn *= dh
        dh *= z
        if self.reset == "before":
            dot(s.U_nT, dn, dm)  # (3) dm = U_nᵀ dn
            dr *= dm  # (2) dr, and dh' += dm r
            dh += multiply(dm, r, spare)
        else:
            dr *= dn  # (3) dr, and dm = dn r
            multiply(dn, r, dm)
            dh += dot(s.U_nT, dm, spare)  # (2) dh' += U_nᵀ dm
        dh += dot(s.W_rzT, drz, spare)  # (1) dh' += W_rzᵀ drz

    def state_backward(self, s: Slots, da_all: Array) -> None:
        H, h_prev = self.hidden_size, all_columns(s.h[:-1])
        drz, dn, dm = da_all[: 2 * H], da_all[2 * H : 3 * H], da_all[3 * H :]
        self.dW_h[: 2 * H] += drz @ h_prev.T  # (1)
        if self.reset == "before":
            self.dW_h[2 * H :] += dn @ all_columns(s.m).T  # (3)
        else:
            self.dW_h[2 * H :] += dm @ h_prev.T  # (2)
            self.db_h += dm.sum(axis=1)
