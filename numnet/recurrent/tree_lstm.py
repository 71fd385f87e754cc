"""The TreeLSTM: an LSTM whose cell state comes from two children, each with a forget gate of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core import init as draw
from numnet.core.checks import check_forget_bias, validate_call
from numnet.core.operation import Array
from numnet.layers.activations import sigmoid
from numnet.recurrent.tree_node import TreeNode


class TreeLSTMNode(TreeNode):
    """One node of a binary TreeLSTM (Tai, Socher & Manning 2015, equations 9 to 14 for two children).

        a = a_x + W_l h_l + W_r h_r                  (1)   pre-activations of all gates; a_x = W_x e + b  (0)
        i, f_l, f_r, o = σ(a_i, a_f_l, a_f_r, a_o)   (2)   input gate, a forget gate for each child, output gate
        g = tanh(a_g)                                (3)   candidate
        c = f_l ⊙ c_l + f_r ⊙ c_r + i ⊙ g            (4)   cell state
        h = o ⊙ tanh(c)                              (5)   hidden state, and the output y

    (h_l, c_l) and (h_r, c_r) are the states of the left and of the right child, e is an optional context, such as the
    tracker of Bowman et al. (2016), or the word of a leaf. (0) and its backward pass are in tree_node.py and node.py.
    Shapes: h, c (H, B); a (5H, B), in the order i, f_l, f_r, g, o; W_l, W_r (5H, H), W_x (5H, D), b (5H,).
    `forget_bias` is added to the initial biases of both forget gates; with bias=False it must be 0.
    """

    G = 5
    gates = ("i", "f_l", "f_r", "g", "o")
    states = ("h", "c")
    W_l: Array
    W_r: Array

    @validate_call
    def __init__(self, hidden_size: int, *, forget_bias: float = 1.0, **options: Any) -> None:
        check_forget_bias(self.name, forget_bias, options.get("bias", True))
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
        return H

    def config(self) -> dict[str, Any]:
        return {**super().config(), "forget_bias": self.forget_bias}

    def step(self, a_x: Array, h_l: Array, c_l: Array, h_r: Array, c_r: Array) -> Any:
        a_i, a_f_l, a_f_r, a_g, a_o = self.blocks(a_x + self.W_l @ h_l + self.W_r @ h_r)  # (1)
        i, f_l, f_r, o = sigmoid(a_i), sigmoid(a_f_l), sigmoid(a_f_r), sigmoid(a_o)  # (2)
        g = np.tanh(a_g)  # (3)
        c = f_l * c_l + f_r * c_r + i * g  # (4)
        tanh_c = np.tanh(c)  # (5)
        h = o * tanh_c  # (5)
        return h, (h, c), ((h_l, c_l, h_r, c_r), (i, f_l, f_r, g, o), tanh_c)

    def step_backward(self, dy: Array, dh_next: Array, dc_next: Array, saved: Any) -> Any:
        """dq is ∂L/∂q; dh_next and dc_next come from all parents. The pairs are the terms of dW_l and dW_r."""
        (h_l, c_l, h_r, c_r), (i, f_l, f_r, g, o), tanh_c = saved
        dh = dy + dh_next  # h is the output, and the parent's h_l or h_r
        do = dh * tanh_c  # (5)
        dc = dc_next + dh * o * (1 - tanh_c**2)  # (5)   c is also the parent's c_l or c_r
        di = dc * g  # (4)
        dg = dc * i  # (4)
        df_l = dc * c_l  # (4)
        df_r = dc * c_r  # (4)
        dc_l = dc * f_l  # (4)
        dc_r = dc * f_r  # (4)
        da_g = dg * (1 - g**2)  # (3)
        da_i = di * i * (1 - i)  # (2)
        da_f_l = df_l * f_l * (1 - f_l)  # (2)
        da_f_r = df_r * f_r * (1 - f_r)  # (2)
        da_o = do * o * (1 - o)  # (2)
        da = np.concatenate([da_i, da_f_l, da_f_r, da_g, da_o])  # in the order of (1)
        dh_l = self.W_l.T @ da  # (1)
        dh_r = self.W_r.T @ da  # (1)
        return da, (dh_l, dc_l, dh_r, dc_r), {"W_l": (da, h_l), "W_r": (da, h_r)}  # (1)   da_x is da
