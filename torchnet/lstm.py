"""The long short-term memory, written out and fused."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from torchnet.node import Node


class LSTMNode(Node):
    """One step of the LSTM (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000).

        a = W_x x + b                  (0)   a (4H, B), the rows of i, f, g, o; for all steps at once: see node.py
        a ← a + W_h h'                 (1)
        i, f, o = σ(a)                 (2)   input, forget and output gate
        g = tanh(a)                    (3)   candidate
        c = f ⊙ c' + i ⊙ g             (4)   cell
        h = o ⊙ tanh(c)                (5)   hidden state

    x (D, B); h, c (H, B); h', c' the state before; W_x (4H, D), W_h (4H, H), b (4H,): PyTorch's order of gates.
    `forget_bias` is added to the first value of b's forget rows: 1 lets a new network remember (Jozefowicz 2015).
    """

    G = 4
    states = ("h", "c")
    not_fused = ""

    def __init__(
        self,
        hidden_size: int,
        input_size: int | None = None,
        initial: str = "pytorch",
        forget_bias: float = 0.0,
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        self.forget_bias = forget_bias
        super().__init__(hidden_size, input_size, initial, seed, dtype)

    def make(self, rng: np.random.Generator) -> int:
        width = super().make(rng)
        with torch.no_grad():
            self.b[self.hidden_size : 2 * self.hidden_size] += self.forget_bias
        return width

    def config(self) -> dict[str, Any]:
        return {**super().config(), "forget_bias": self.forget_bias}

    def step(self, a: Tensor, state: tuple[Tensor, ...], h_met: Tensor, W_h: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        _, c_prev = state
        a_i, a_f, a_g, a_o = (a + W_h[0] @ h_met).chunk(4)  # (1)
        i, f, o = torch.sigmoid(a_i), torch.sigmoid(a_f), torch.sigmoid(a_o)  # (2)
        g = torch.tanh(a_g)  # (3)
        c = f * c_prev + i * g  # (4)
        h = o * torch.tanh(c)  # (5)
        return h, c

    def kernel(self, W_x: Tensor) -> tuple[Any, list[Tensor]]:
        return torch.lstm, [W_x, self.W_h, self.b, torch.zeros_like(self.b)]
