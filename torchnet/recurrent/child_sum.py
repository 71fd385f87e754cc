"""The child-sum TreeLSTM: children share their weights, so their order does not count."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.core import init as draw
from numnet.core.checks import check_forget_bias, validate_call
from torchnet.recurrent.tree_node import TreeNode


class ChildSumTreeLSTMNode(TreeNode):
    """One node of a child-sum TreeLSTM (Tai, Socher & Manning 2015, equations 2 to 8), for two children.

        m = h_l + h_r                                      (1)   sum of the children's hidden states
        a = a_x + W_h m                                    (2)   pre-activations a_i, a_g, a_o; a_x = W_x e + b  (0)
        a_f_l = a_x_f + W_f h_l, a_f_r = a_x_f + W_f h_r   (3)   a_x_f: the last H rows of (0)
        i, o, f_l, f_r = σ(a_i, a_o, a_f_l, a_f_r)         (4)   input and output gate, a forget gate for each child
        g = tanh(a_g)                                      (5)   candidate
        c = f_l ⊙ c_l + f_r ⊙ c_r + i ⊙ g                  (6)   cell state
        h = o ⊙ tanh(c)                                    (7)   hidden state, and the output y

    Both children have the same weights, so their order does not count: for sets, and for trees whose order means
    nothing. With one child it is an LSTM. (0) is in tree_node.py and node.py.
    Shapes: h, c (H, B); a (3H, B); W_h (3H, H), W_f (H, H); W_x (4H, D) and b (4H,) in the order i, g, o, f.
    `forget_bias` is added to the initial b_f; with bias=False it must be 0.
    """

    G = 4
    gates = ("i", "g", "o", "f")
    states = ("h", "c")
    W_h: Tensor
    W_f: Tensor

    @validate_call
    def __init__(self, hidden_size: int, *, forget_bias: float = 1.0, **options: Any) -> None:
        check_forget_bias(self.name, forget_bias, options.get("bias", True))
        self.forget_bias = forget_bias
        super().__init__(hidden_size, **options)

    def make(self, rng: np.random.Generator) -> int:
        H = self.hidden_size
        W_x, W, b = draw.recurrent(self.initial, rng, self.G, H, self.width)
        b[3 * H :] += self.forget_bias
        for name, value in {"W_x": W_x, "W_h": W[: 3 * H], "W_f": W[3 * H :], "b": b}.items():
            if name in ("W_h", "W_f") or self.has_param(name):
                self.add_param(name, value)
            else:
                self.register_parameter(name, None)
        return H

    def config(self) -> dict[str, Any]:
        return {**super().config(), "forget_bias": self.forget_bias}

    def step(self, a_x: Tensor, h_l: Tensor, c_l: Tensor, h_r: Tensor, c_r: Tensor) -> Any:
        a_x, a_x_f = a_x[: 3 * self.hidden_size], a_x[3 * self.hidden_size :]
        m = h_l + h_r  # (1)
        a_i, a_g, a_o = (a_x + self.W_h @ m).chunk(3)  # (2)
        a_f_l, a_f_r = a_x_f + self.W_f @ h_l, a_x_f + self.W_f @ h_r  # (3)
        i, o, f_l, f_r = torch.sigmoid(a_i), torch.sigmoid(a_o), torch.sigmoid(a_f_l), torch.sigmoid(a_f_r)  # (4)
        g = torch.tanh(a_g)  # (5)
        c = f_l * c_l + f_r * c_r + i * g  # (6)
        h = o * torch.tanh(c)  # (7)
        return h, (h, c)
