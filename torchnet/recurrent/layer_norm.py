"""Layer normalization: each sample is scaled to mean 0 and variance 1, then by a learned gain (Ba et al. 2016)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from torchnet.recurrent.node import Node, dropped
from torchnet.recurrent.rnn import RNNNode


def normalize(x: Tensor, gain: Tensor | None, bias: Tensor | None = None) -> Tensor:
    """g ⊙ N(x) + b of columns x (..., rows, B), by PyTorch's own layer normalization; x itself without a gain."""
    return x if gain is None else layer_norm(x.transpose(-1, -2), gain.shape, gain, bias).transpose(-1, -2)


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
        h = self.phi(a)  # (2)
        return h, (h,)
