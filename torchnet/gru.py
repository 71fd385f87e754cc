"""The gated recurrent unit, its reset before or after the matrix product; fused where the vendors have it: after."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet import initial as draw
from numnet.checks import check_choice
from torchnet.node import Node, normal


class GRUNode(Node):
    """One step of the GRU (Cho et al. 2014), x (D, B), h (H, B); h' is the state before.

        a = W_x x + b                            (0)   a (3H, B), the rows of r, z, n; for all steps: see node.py
        r, z = σ(a_rz + W_rz h')                 (1)   reset and update gate
        reset="before":  m = r ⊙ h'              (2)   Cho et al.: what is forgotten never meets U_n
                         n = tanh(a_n + U_n m)   (3)
        reset="after":   m = U_n h' + b_h        (2)   PyTorch, Keras, cuDNN: one product serves all blocks
                         n = tanh(a_n + r ⊙ m)   (3)
        h = z ⊙ h' + (1 - z) ⊙ n                 (4)

    W_x (3H, D), W_h (3H, H) = W_rz over U_n, b (3H,), and with reset="after" b_h (H,): PyTorch's order of gates.
    With layer_norm (Ba et al. 2016) g ⊙ N(·) is taken of each product: of W_x x in (0), its rows of r and z by
    themselves and those of n, of W_rz h' and of U_n m or U_n h'; with gains g_x, g_h (3H,).
    """

    G = 3
    b_h: Tensor

    def __init__(
        self,
        hidden_size: int,
        input_size: int | None = None,
        reset: str = "after",
        layer_norm: bool = False,
        initial: str = "pytorch",
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        check_choice(type(self).__name__, "reset", reset, ("before", "after"))
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
    def blocks(self) -> list[int]:
        return [2 * self.hidden_size, self.hidden_size]

    def parts_of_W_h(self) -> tuple[Tensor, ...]:
        return self.W_h.split((2 * self.hidden_size, self.hidden_size))

    def step(self, a: Tensor, state: tuple[Tensor, ...], h_met: Tensor, W_h: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        (h_prev,), (W_rz, U_n) = state, W_h
        a_rz, a_n = a.split((2 * self.hidden_size, self.hidden_size))
        g_rz, g_n = self.g_h.split(self.blocks) if self.layer_norm else (None, None)
        r, z = torch.sigmoid(a_rz + maybe_normal(W_rz @ h_met, g_rz)).chunk(2)  # (1)
        if self.reset == "before":
            n = torch.tanh(a_n + maybe_normal(U_n @ (r * h_met), g_n))  # (2) (3)
        else:
            n = torch.tanh(a_n + r * (maybe_normal(U_n @ h_met, g_n) + self.b_h[:, None]))  # (2) (3)
        return (z * h_prev + (1 - z) * n,)  # (4)

    @property
    def not_fused(self) -> str:  # type: ignore[override]
        if self.layer_norm:
            return "layer_norm is in no vendor's kernel"
        return "reset='before' is in no vendor's kernel" if self.reset == "before" else ""

    def kernel(self, W_x: Tensor) -> tuple[Any, list[Tensor]]:
        b_h = torch.cat((self.b_h.new_zeros(2 * self.hidden_size), self.b_h))
        return torch.gru, [W_x, self.W_h, self.b, b_h]


def maybe_normal(p: Tensor, gain: Tensor | None) -> Tensor:
    """g ⊙ N(p), or without a gain p."""
    return p if gain is None else normal(p, gain)
