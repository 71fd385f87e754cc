"""The GRU step in place, in both reset forms: the same results as ../gru.py, 1.1 to 2.1 times as fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy import add, concatenate, multiply, subtract, tanh

from numnet.core.layout import all_columns
from numnet.core.operation import Array
from numnet.recurrent.fast.blas import transposed
from numnet.recurrent.fast.buffers import CallBuffers, StepBuffers
from numnet.recurrent.fast.loop import Kernel


class GRUKernel(Kernel):
    """The equations of GRUNode, with h (4) computed as n + z ⊙ (h' - n)."""

    G = 3

    @property
    def rows(self) -> int:
        return 4 * self.H  # the rows of r, z, n, and dm

    def buffers(self, T: int, B: int, call: CallBuffers) -> StepBuffers:
        s, H = super().buffers(T, B, call), self.H
        s.m, s.temp, s.dh_in, s.b_h = s.saved(T, H, B), s.scratch(H, B), s.scratch(H, B), s.scratch(H, B)
        s.product_rz, s.product_n = s.product[: 2 * H], s.product[2 * H :]
        s.steps = list(zip(s.a[:, : 2 * H], *s.gates, s.m, s.h[:-1], s.h[1:]))
        s.d_steps = list(zip(*map(s.in_turn, (s.da[:, : 2 * H], *s.d_gates)), *s.gates[:2]))
        return s

    def start(self, s: StepBuffers, state: Sequence[Any]) -> None:
        super().start(s, state)
        if self.node.reset == "after":
            s.b_h[...] = self.node.b_h[:, None] if self.node.bias else 0  # once for all steps

    def weights_backward(self, runs: Sequence[StepBuffers]) -> None:
        H, W_h, T = self.H, self.node.W_h, sum(s.T for s in runs)
        W_rzT, U_nT = transposed(W_h[: 2 * H], T), transposed(W_h[2 * H :], T)
        for s in runs:
            s.W_rzT, s.U_nT = W_rzT, U_nT

    def step(self, s: StepBuffers, t: int) -> None:
        rz, r, z, n, m, h_prev, h = s.steps[t]
        H, W_h, half, temp, dot = self.H, self.node.W_h, s.half, s.temp, s.dot
        if self.node.reset == "before":
            dot(W_h[: 2 * H], h_prev, s.product_rz)  # (1)
        else:
            dot(W_h, h_prev, s.product)  # (1) (2) one product for all three blocks
            add(s.product_n, s.b_h, m)
        rz += s.product_rz
        rz *= half  # (1) σ(a) = tanh(a/2)/2 + 1/2
        tanh(rz, rz)
        rz *= half
        rz += half
        if self.node.reset == "before":
            multiply(r, h_prev, m)  # (2)
            n += dot(W_h[2 * H :], m, temp)  # (3)
        else:
            n += multiply(r, m, temp)  # (3)
        tanh(n, n)
        subtract(h_prev, n, h)  # (4)
        h *= z
        h += n

    def slopes(self, s: StepBuffers, steps: slice) -> None:
        rz, n = s.a[steps, : 2 * self.H], s.gates[2, steps]
        h_prev, m, chunk = s.h[:-1][steps], s.m[steps], slice(len(n))
        drz, (dr, dz, dn, dm) = s.da[chunk, : 2 * self.H], s.d_gates[:, chunk]
        subtract(1, rz, drz)  # (4) (1) 1 - r for σ's derivative; 1 - z, which is also ∂h/∂n
        multiply(n, n, dn)  # (4) (3) ∂h/∂n times 1 - n²: (1 - z) (1 - n²)
        subtract(1, dn, dn)
        dn *= dz
        dz *= subtract(h_prev, n, dm)  # (4) ∂h/∂z = h' - n
        dr *= h_prev if self.node.reset == "before" else m  # (2) ∂m/∂r = h', or (3) ∂(r m)/∂r = m
        drz *= rz  # (1) r (1 - r), z (1 - z)

    def step_backward(self, s: StepBuffers, t: int) -> None:
        drz, dr, dz, dn, dm, r, z = s.d_steps[t]
        dh, dh_in, dot = s.dh, s.dh_in, s.dot
        dz *= dh  # (4) dz, dn, and dh' = dh z
        dn *= dh
        dh *= z
        if self.node.reset == "before":
            dot(s.U_nT, dn, dm)  # (3) dm = U_nᵀ dn
            dr *= dm  # (2) dr, and dh' += dm r
            multiply(dm, r, dh_in)
        else:
            dr *= dn  # (3) dr, and dm = dn r
            multiply(dn, r, dm)
            dot(s.U_nT, dm, dh_in)  # (2) dh' += U_nᵀ dm
        dh_in += dot(s.W_rzT, drz, s.temp)  # (1) dh' += W_rzᵀ drz
        dh += dh_in

    def state_sums(self, runs: Sequence[StepBuffers], da_all: Array) -> dict[str, Any]:
        H, h_prev = self.H, all_columns(*(s.h[:-1] for s in runs))
        drz, dn, dm = da_all[: 2 * H], da_all[2 * H : 3 * H], da_all[3 * H :]
        if self.node.reset == "before":
            m = all_columns(*(s.m for s in runs))
            return {"W_h": concatenate([drz @ h_prev.T, dn @ m.T])}  # (1) (3)
        of_b_h = {"b_h": dm.sum(axis=1)} if self.node.bias else {}  # (2)
        return {"W_h": concatenate([drz @ h_prev.T, dm @ h_prev.T]), **of_b_h}  # (1) (2)
