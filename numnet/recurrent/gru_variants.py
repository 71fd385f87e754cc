"""The gated recurrent unit with options: layer normalization, other functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.checks import validate_call
from numnet.core.operation import Array
from numnet.recurrent.gru import GRUNode
from numnet.recurrent.layer_norm import LayerNormNode
from numnet.recurrent.node import dropped


class GRUVariantNode(LayerNormNode, GRUNode):
    """One time step of a GRU with any of these options; without options it is the same as GRUNode.

        p = W_rz h'                            (1)   r, z = σ(a_rz + p)
        reset="before":     q = U_n m          (3)   n = φ(a_n + q), with m = r ⊙ h'  (2)
        reset="after":      q = U_n h'         (2)   m = q + b_h, and n = φ(a_n + r ⊙ m)  (3)
        layer_norm:         p = g_h ⊙ N(W_rz h'), and q = g_h ⊙ N(U_n m) or g_h ⊙ N(U_n h'), with the rows of g_h

    (0) is as in LayerNormNode, which normalizes the r and z rows together, and the n rows; (4) is as in GRUNode.

    layer_norm  Ba et al. 2016; gains g_x, g_h (3H,)
    activation  the name of φ; recurrent_activation that of σ. The names are those of functions.py
    """

    kernel_activations = ("tanh",)

    @validate_call
    def __init__(
        self,
        hidden_size: int,
        *,
        layer_norm: bool = False,
        activation: str = "tanh",
        recurrent_activation: str = "sigmoid",
        **options: Any,
    ) -> None:
        self.layer_norm, self.gains = layer_norm, ("g_x", "g_h") if layer_norm else ()
        self.set_functions(activation, recurrent_activation)
        super().__init__(hidden_size, **options)

    def config(self) -> dict[str, Any]:
        return {**super().config(), **({"layer_norm": True} if self.layer_norm else {})}

    @property
    def edges(self) -> list[int]:
        return [2 * self.hidden_size]

    def step(self, a_x: Array, h_prev: Array, drop: Array | None = None) -> Any:
        H, h_in, phi, sigma = self.hidden_size, dropped(h_prev, drop), self.phi, self.sigma
        a_rz, a_n, W_rz, U_n = a_x[: 2 * H], a_x[2 * H :], self.W_h[: 2 * H], self.W_h[2 * H :]
        p, norm_rz = self.normalized(W_rz @ h_in, "g_h", slice(0, 2 * H))  # (1)
        r, z = sigma(a_rz + p).reshape(2, H, -1)  # (1)
        if self.reset == "before":
            m = r * h_in  # (2)
            q, norm_n = self.normalized(U_n @ m, "g_h", slice(2 * H, None))  # (3)
            n = phi(a_n + q)  # (3)
        else:
            q, norm_n = self.normalized(U_n @ h_in, "g_h", slice(2 * H, None))  # (2)
            m = q + (self.b_h[:, None] if self.bias else 0)  # (2)
            n = phi(a_n + r * m)  # (3)
        h = z * h_prev + (1 - z) * n  # (4)
        return h, (h,), (h_prev, h_in, r, z, m, n, norm_rz, norm_n)

    def step_backward(self, dy: Array, dh_next: Array, saved: Any, drop: Array | None = None) -> Any:
        h_prev, h_in, r, z, m, n, norm_rz, norm_n = saved
        H, phi, sigma = self.hidden_size, self.phi, self.sigma
        W_rz, U_n = self.W_h[: 2 * H], self.W_h[2 * H :]
        dh = dy + dh_next
        dz, dn = dh * (h_prev - n), dh * (1 - z)  # (4)
        da_n = dn * phi.slope(n)  # (3)   of tanh 1 - n²
        if self.reset == "before":
            dq, dg_n = self.normalized_backward(da_n, "g_h", norm_n, slice(2 * H, None))  # (3)
            dm = U_n.T @ dq  # (3)
            dr, dh_in = dm * h_in, dm * r  # (2)
        else:
            dr, dm = da_n * m, da_n * r  # (3)
            dq, dg_n = self.normalized_backward(dm, "g_h", norm_n, slice(2 * H, None))  # (2)
            dh_in = U_n.T @ dq  # (2)
        da_rz = np.concatenate([dr * sigma.slope(r), dz * sigma.slope(z)])  # (1)   of the sigmoid r (1 - r), z (1 - z)
        dp, dg_rz = self.normalized_backward(da_rz, "g_h", norm_rz, slice(0, 2 * H))  # (1)
        dh_prev = dh * z + dropped(dh_in + W_rz.T @ dp, drop)  # (4), and (2) and (1), which both read h_in
        pairs: dict[str, Any] = {"W_h": [(dp, h_in), (dq, m if self.reset == "before" else h_in)]}  # (1), (3) or (2)
        pairs |= {"g_h": (np.concatenate([dg_rz, dg_n]), None)} if self.layer_norm else {}  # (1), (3) or (2)
        pairs |= {} if self.reset == "before" or not self.bias else {"b_h": (dm, None)}  # (2)
        return np.concatenate([da_rz, da_n]), (dh_prev,), pairs
