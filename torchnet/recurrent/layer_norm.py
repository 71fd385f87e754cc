"""Layer normalization: each sample is scaled to mean 0 and variance 1, then by a learned gain (Ba et al. 2016)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from torchnet.recurrent.gru import GRUNode
from torchnet.recurrent.node import Node, dropped, once_a_call
from torchnet.recurrent.rnn import RNNNode


def normalize(x: Tensor, gain: Tensor, bias: Tensor | None = None) -> Tensor:
    """g ⊙ N(x) + b of columns x (..., rows, B), by PyTorch's own layer normalization."""
    return layer_norm(x.transpose(-1, -2), gain.shape, gain, bias).transpose(-1, -2)


class LayerNormNode(Node):
    """A node whose products are normalized: a_x = g_x ⊙ N(W_x x) + b  (0), and g_h ⊙ N(W_h h') in its step.

    N normalizes the rows between two `edges` together. Gains g_x, g_h (G·H,) start at 1.
    Without `gains` (0) is that of Node.
    """

    gains: tuple[str, ...] = ("g_x", "g_h")
    g_x: Tensor
    g_h: Tensor

    @property
    def edges(self) -> list[int]:
        """The rows at which the products are split; each block is normalized separately."""
        return []

    def inputs(self, x: Tensor) -> Any:
        if not self.gains:
            return super().inputs(x)
        blocks = zip(self.product(x).tensor_split(self.edges, dim=-2), self.g_x.tensor_split(self.edges))
        normalized = torch.cat([normalize(p, gain) for p, gain in blocks], dim=-2)
        return normalized + self.b[:, None] if self.bias else normalized  # (0)


class LayerNormRNNNode(LayerNormNode, RNNNode):
    """RNNNode with layer normalization: a = a_x + g_h ⊙ N(W_h h')  (1), and (0) as in LayerNormNode."""

    def step(self, a_x: Tensor, h_prev: Tensor, drop: Tensor | None = None) -> Any:
        p = normalize(self.W_h @ dropped(h_prev, drop), self.g_h)  # (1)
        a = a_x + p  # (1)
        h = torch.tanh(a) if self.activation == "tanh" else torch.relu(a)  # (2)
        return h, (h,)


class LayerNormGRUNode(LayerNormNode, GRUNode):
    """GRUNode with layer normalization of each product: of its r and z rows together, and of its n rows.

        p = g_h ⊙ N(W_rz h')                         (1)   r, z = σ(a_rz + p)
        reset="before":     q = g_h ⊙ N(U_n m)       (3)   n = tanh(a_n + q), with m = r ⊙ h'  (2)
        reset="after":      q = g_h ⊙ N(U_n h')      (2)   m = q + b_h, and n = tanh(a_n + r ⊙ m)  (3)

    (0) is as in LayerNormNode, (4) as in GRUNode.
    """

    @property
    def edges(self) -> list[int]:
        return [2 * self.hidden_size]

    @once_a_call
    def g_blocks(self) -> tuple[Tensor, ...]:
        """g_h in the rows of r and z, and in those of n."""
        return self.rz_and_n(self.g_h)

    def step(self, a_x: Tensor, h_prev: Tensor, drop: Tensor | None = None) -> Any:
        (a_rz, a_n), (W_rz, U_n, b_h) = self.rz_and_n(a_x), self.recurrent_parts
        g_rz, g_n = self.g_blocks
        h_in = dropped(h_prev, drop)
        p = normalize(W_rz @ h_in, g_rz)  # (1)
        r, z = torch.sigmoid(a_rz + p).chunk(2)  # (1)
        if self.reset == "before":
            m = r * h_in  # (2)
            q = normalize(U_n @ m, g_n)  # (3)
            n = torch.tanh(a_n + q)  # (3)
        else:
            q = normalize(U_n @ h_in, g_n)  # (2)
            m = q + b_h  # (2)
            n = torch.tanh(a_n + r * m)  # (3)
        h = z * h_prev + (1 - z) * n  # (4)
        return h, (h,)
