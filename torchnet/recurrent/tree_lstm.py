"""The TreeLSTM: an LSTM whose cell state comes from two children, each with a forget gate of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.core import init as draw
from numnet.core.checks import check_forget_bias, validate_call
from torchnet.recurrent.tree_node import TreeNode


class TreeLSTMNode(TreeNode):
    """One node of a binary TreeLSTM (Tai, Socher & Manning 2015, equations 9 to 14 for two children).

        a = a_x + W_l h_l + W_r h_r                  (1)   pre-activations of all gates; a_x = W_x e + b  (0)
        i, f_l, f_r, o = σ(a_i, a_f_l, a_f_r, a_o)   (2)   input gate, a forget gate for each child, output gate
        g = tanh(a_g)                                (3)   candidate
        c = f_l ⊙ c_l + f_r ⊙ c_r + i ⊙ g            (4)   cell state
        h = o ⊙ tanh(c)                              (5)   hidden state, and the output y

    (h_l, c_l) and (h_r, c_r) are the states of the left and of the right child, e is an optional context, such as the
    tracker of Bowman et al. (2016), or the word of a leaf. (0) is in tree_node.py and node.py. Shapes: h, c (H, B);
    a (5H, B), in the order i, f_l, f_r, g, o; W_l, W_r (5H, H), W_x (5H, D), b (5H,). `forget_bias` is added to the
    initial biases of both forget gates; with bias=False it must be 0.
    """

    G = 5
    gates = ("i", "f_l", "f_r", "g", "o")
    states = ("h", "c")
    W_l: Tensor
    W_r: Tensor

    @validate_call
    def __init__(self, hidden_size: int, *, forget_bias: float = 1.0, **options: Any) -> None:
        check_forget_bias(type(self).__name__, forget_bias, options.get("bias", True))
        self.forget_bias = forget_bias
        super().__init__(hidden_size, **options)

    def make(self, rng: np.random.Generator) -> int:
        H = self.hidden_size
        W_x, W_l, b = draw.recurrent(self.initial, rng, self.G, H, self.width)
        W_r = draw.recurrent(self.initial, rng, self.G, H, 0)[1]
        b[H : 3 * H] += self.forget_bias
        for name, value in {"W_x": W_x, "W_l": W_l, "W_r": W_r, "b": b}.items():
            if self.has_param(name):
                self.add_param(name, value)
            else:
                self.register_parameter(name, None)
        return H

    def config(self) -> dict[str, Any]:
        return {**super().config(), "forget_bias": self.forget_bias}

    def step(self, a_x: Tensor, h_l: Tensor, c_l: Tensor, h_r: Tensor, c_r: Tensor) -> Any:
        a_i, a_f_l, a_f_r, a_g, a_o = self.blocks(a_x + self.W_l @ h_l + self.W_r @ h_r)  # (1)
        i, f_l, f_r, o = torch.sigmoid(a_i), torch.sigmoid(a_f_l), torch.sigmoid(a_f_r), torch.sigmoid(a_o)  # (2)
        g = torch.tanh(a_g)  # (3)
        c = f_l * c_l + f_r * c_r + i * g  # (4)
        h = o * torch.tanh(c)  # (5)
        return h, (h, c)
