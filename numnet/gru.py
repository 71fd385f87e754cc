"""The gated recurrent unit, with its reset before or after the matrix product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy import add, multiply, subtract, tanh

from numnet import initial as draw
from numnet.checks import check_choice
from numnet.columns import all_columns, transposed
from numnet.node import Node, Stretches
from numnet.operation import Array
from numnet.slots import Memory, Slots


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
    With layer_norm (Ba et al. 2016) g ⊙ N(·), see normal.py, is taken of each product: of W_x x in (0), its rows of
    r and z by themselves and those of n, of W_rz h' and of U_n m or U_n h'; with gains g_x, g_h (3H,).
    """

    G = 3
    gates = ("r", "z", "n")
    passes_state = True
    bounded = True
    b_h: Array
    db_h: Array

    def __init__(
        self,
        hidden_size: int,
        input_size: int | None = None,
        reset: str = "after",
        layer_norm: bool = False,
        initial: str = "pytorch",
        seed: int | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        check_choice(self.name, "reset", reset, ("before", "after"))
        self.reset, self.layer_norm = reset, layer_norm
        super().__init__(hidden_size, input_size, initial, seed, dtype)

    def make(self, rng: np.random.Generator) -> int:
        width, H = super().make(rng), self.hidden_size
        if self.reset == "after":
            self.add_param("b_h", draw.vector(self.initial, rng, H, H))
        return width

    def config(self) -> dict[str, Any]:
        return {**super().config(), "reset": self.reset}

    @property
    def rows_back(self) -> int:
        return super().rows_back + self.hidden_size  # and dm

    @property
    def blocks(self) -> list[slice]:
        return [slice(0, 2 * self.hidden_size), slice(2 * self.hidden_size, 3 * self.hidden_size)]

    def slots(self, T: int, B: int, memory: Memory | None = None) -> Slots:
        s, H = super().slots(T, B, memory), self.hidden_size
        s.m, s.spare, s.d_met, s.b_h = s.new(T, H, B), s.lent(H, B), s.lent(H, B), s.lent(H, B)
        s.product_rz, s.product_n = s.product[: 2 * H], s.product[2 * H :]
        s.steps = list(zip(s.a[:, : 2 * H], *s.gates, s.m, s.h_met, s.h[:-1], s.h_new))
        s.d_steps = list(zip(*map(s.in_turn, (s.da[:, : 2 * H], *s.d_gates[:4])), *s.gates[:2]))
        return s

    def start(self, s: Slots, state: Sequence[Any]) -> None:
        super().start(s, state)
        if self.reset == "after":
            s.b_h[...] = self.b_h[:, None]  # once for all steps

    def weights_back(self, stretches: Stretches) -> None:
        H, T = self.hidden_size, sum(s.T for s in stretches)
        W_rzT, U_nT = transposed(self.W_h[: 2 * H], T), transposed(self.W_h[2 * H :], T)
        for s in stretches:
            s.W_rzT, s.U_nT = W_rzT, U_nT

    def step(self, s: Slots, t: int) -> None:
        rz, r, z, n, m, h_met, h_prev, h = s.steps[t]
        H, half, spare, dot = self.hidden_size, s.half, s.spare, s.dot
        if self.reset == "before":
            dot(self.W_h[: 2 * H], h_met, s.product_rz)  # (1)
        else:
            dot(self.W_h, h_met, s.product)  # (1) (2) one product for all three blocks
            if self.layer_norm:
                self.normal(s, t, 1, s.product_n)
            add(s.product_n, s.b_h, m)
        if self.layer_norm:
            self.normal(s, t, 0, s.product_rz)
        rz += s.product_rz
        rz *= half  # (1) σ(a) = tanh(a/2)/2 + 1/2
        tanh(rz, rz)
        rz *= half
        rz += half
        if self.reset == "before":
            multiply(r, h_met, m)  # (2)
            dot(self.W_h[2 * H :], m, spare)  # (3)
            if self.layer_norm:
                self.normal(s, t, 1, spare)
            n += spare
        else:
            n += multiply(r, m, spare)  # (3)
        tanh(n, n)
        subtract(h_prev, n, h)  # (4)
        h *= z
        h += n

    def slopes(self, s: Slots, steps: slice) -> None:
        rz, n = s.a[steps, : 2 * self.hidden_size], s.gates[2, steps]
        h_prev, m, chunk = s.h[:-1][steps], s.m[steps], slice(len(n))
        drz, (dr, dz, dn, dm) = s.da[chunk, : 2 * self.hidden_size], s.d_gates[:4, chunk]
        subtract(1, rz, drz)  # (4) (1) 1 - r for σ's slope; 1 - z, which is also ∂h/∂n
        multiply(n, n, dn)  # (4) (3) ∂h/∂n times 1 - n²: (1 - z) (1 - n²)
        subtract(1, dn, dn)
        dn *= dz
        dz *= subtract(h_prev, n, dm)  # (4) ∂h/∂z = h' - n
        dr *= s.h_met[steps] if self.reset == "before" else m  # (2) ∂m/∂r = h', or (3) ∂(r m)/∂r = m
        drz *= rz  # (1) r (1 - r), z (1 - z)

    def step_backward(self, s: Slots, t: int) -> None:
        drz, dr, dz, dn, dm, r, z = s.d_steps[t]
        dh, d_met, dot = s.dh, s.d_met, s.dot
        dz *= dh  # (4) dz, dn, and dh' = dh z
        dn *= dh
        dh *= z
        if self.reset == "before":
            dot(s.U_nT, self.normal_backward(s, t, 1, dn) if self.layer_norm else dn, dm)  # (3) dm = U_nᵀ dn
            dr *= dm  # (2) dr, and dh' += dm r
            multiply(dm, r, d_met)
        else:
            dr *= dn  # (3) dr, and dm = dn r
            multiply(dn, r, dm)
            dot(s.U_nT, self.normal_backward(s, t, 1, dm) if self.layer_norm else dm, d_met)  # (2) dh' += U_nᵀ dm
        if self.layer_norm:
            drz = self.normal_backward(s, t, 0, drz)
        d_met += dot(s.W_rzT, drz, s.spare)  # (1) dh' += W_rzᵀ drz
        if s.drop is not None:
            d_met *= s.drop
        dh += d_met

    def state_backward(self, stretches: Stretches, da_all: Array) -> None:
        H, h_met = self.hidden_size, all_columns(*(s.h_met for s in stretches))
        drz, dn, dm = da_all[: 2 * H], da_all[2 * H : 3 * H], da_all[3 * H : 4 * H]
        d_candidate = dn if self.reset == "before" else dm  # the gradient of U_n m (3), or of U_n h' (2)
        if self.reset == "after":
            self.db_h += dm.sum(axis=1)  # (2)
        if self.layer_norm:
            h_hat = all_columns(*(s.h_hat for s in stretches))
            self.dg_h[: 2 * H] += (drz * h_hat[: 2 * H]).sum(axis=1)
            self.dg_h[2 * H :] += (d_candidate * h_hat[2 * H :]).sum(axis=1)
            drz, d_candidate = da_all[4 * H : 6 * H], da_all[6 * H :]
        self.dW_h[: 2 * H] += drz @ h_met.T  # (1)
        met = all_columns(*(s.m for s in stretches)) if self.reset == "before" else h_met
        self.dW_h[2 * H :] += d_candidate @ met.T  # (3), or (2)
