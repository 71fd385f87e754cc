"""The plain recurrent step, written out and fused."""

from __future__ import annotations

import torch
from torch import Tensor

from torchnet.node import Node


class RNNNode(Node):
    """One step of the plain recurrent network (Elman 1990), x (D, B), h (H, B); h' is the state before.

        a = W_x x + b       (0)   for all steps at once: see node.py
        a ← a + W_h h'      (1)
        h = tanh(a)         (2)

    W_x (H, D), W_h (H, H), b (H,).
    """

    def step(self, a: Tensor, state: tuple[Tensor, ...], W_h: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (torch.tanh(a + W_h[0] @ state[0]),)  # (1) (2)

    def fused(self, x: Tensor, W_x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        weights = [W_x, self.W_h, self.b, torch.zeros_like(self.b)]
        y, h = torch.rnn_tanh(x, state[0][None], weights, True, 1, 0.0, torch.is_grad_enabled(), False, True)
        return y, h[0]
