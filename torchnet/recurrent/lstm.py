"""The long short-term memory: a cell state that three gates keep, write and read."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.core.checks import check_forget_bias, validate_call
from torchnet.recurrent.node import Node, dropped


class LSTMNode(Node):
    """One time step of an LSTM (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000).

        a = a_x + W_h h'             (1)   pre-activations a_i, a_f, a_g, a_o, stacked; a_x = W_x x + b  (0): node.py
        i, f, o = σ(a_i, a_f, a_o)   (2)   input, forget and output gate
        g = tanh(a_g)                (3)   candidate
        c = f ⊙ c' + i ⊙ g           (4)   cell state
        h = o ⊙ tanh(c)              (5)   hidden state, and the output y

    h', c' are h, c of the previous step. Shapes: h, c (H, B); a (4H, B); W_x (4H, D), W_h (4H, H), b (4H,), in
    PyTorch's order of gates. `forget_bias` is added to the initial b_f: with 1 a new network keeps its cell state
    (Jozefowicz et al. 2015).
    """

    G = 4
    gates = ("i", "f", "g", "o")
    states = ("h", "c")

    @validate_call
    def __init__(self, hidden_size: int, *, forget_bias: float = 0.0, **options: Any) -> None:
        check_forget_bias(type(self).__name__, forget_bias, options.get("bias", True))
        self.forget_bias = forget_bias
        super().__init__(hidden_size, **options)

    def make(self, rng: np.random.Generator) -> int:
        width = super().make(rng)
        if self.forget_bias:
            with torch.no_grad():
                self.b[self.hidden_size : 2 * self.hidden_size] += self.forget_bias
        return width

    def config(self) -> dict[str, Any]:
        return {**super().config(), "forget_bias": self.forget_bias}

    def step(self, a_x: Tensor, h_prev: Tensor, c_prev: Tensor, drop: Tensor | None = None) -> Any:
        a_i, a_f, a_g, a_o = self.blocks(a_x + self.W_h @ dropped(h_prev, drop))  # (1)
        i, f, o = torch.sigmoid(a_i), torch.sigmoid(a_f), torch.sigmoid(a_o)  # (2)
        g = torch.tanh(a_g)  # (3)
        c = f * c_prev + i * g  # (4)
        tanh_c = torch.tanh(c)  # (5)
        h = o * tanh_c  # (5)
        return h, (h, c)
