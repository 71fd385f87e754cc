"""The gated recurrent unit with options: layer normalization, other functions."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from numnet.core.checks import validate_call
from torchnet.recurrent.gru import GRUNode
from torchnet.recurrent.layer_norm import LayerNormNode, normalize
from torchnet.recurrent.node import dropped, once_a_call


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

    @once_a_call
    def g_blocks(self) -> tuple[Any, ...]:
        """g_h in the rows of r and z, and in those of n; None without layer_norm."""
        return self.rz_and_n(self.g_h) if self.layer_norm else (None, None)

    def step(self, a_x: Tensor, h_prev: Tensor, drop: Tensor | None = None) -> Any:
        (a_rz, a_n), (W_rz, U_n, b_h) = self.rz_and_n(a_x), self.recurrent_parts
        (g_rz, g_n), phi = self.g_blocks, self.phi
        h_in = dropped(h_prev, drop)
        p = normalize(W_rz @ h_in, g_rz)  # (1)
        r, z = self.sigma(a_rz + p).chunk(2)  # (1)
        if self.reset == "before":
            m = r * h_in  # (2)
            q = normalize(U_n @ m, g_n)  # (3)
            n = phi(a_n + q)  # (3)
        else:
            q = normalize(U_n @ h_in, g_n)  # (2)
            m = q + b_h  # (2)
            n = phi(a_n + r * m)  # (3)
        h = z * h_prev + (1 - z) * n  # (4)
        return h, (h,)
