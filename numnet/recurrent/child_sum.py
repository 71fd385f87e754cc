"""The child-sum TreeLSTM: children share their weights, so their order does not count."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core import init as draw
from numnet.core.checks import check_forget_bias, validate_call
from numnet.core.operation import Array
from numnet.layers.activations import sigmoid
from numnet.recurrent.tree_node import TreeNode


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
    nothing. With one child it is an LSTM. (0) and its backward pass are in tree_node.py and node.py.
    Shapes: h, c (H, B); a (3H, B); W_h (3H, H), W_f (H, H); W_x (4H, D) and b (4H,) in the order i, g, o, f.
    `forget_bias` is added to the initial b_f; with bias=False it must be 0.
    """

    G = 4
    gates = ("i", "g", "o", "f")
    states = ("h", "c")
    W_h: Array
    W_f: Array

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
        return H

    def config(self) -> dict[str, Any]:
        return {**super().config(), "forget_bias": self.forget_bias}

    def step(self, a_x: Array, h_l: Array, c_l: Array, h_r: Array, c_r: Array) -> Any:
        a_x, a_x_f = a_x[: 3 * self.hidden_size], a_x[3 * self.hidden_size :]
        m = h_l + h_r  # (1)
        a_i, a_g, a_o = np.split(a_x + self.W_h @ m, 3)  # (2)
        a_f_l, a_f_r = a_x_f + self.W_f @ h_l, a_x_f + self.W_f @ h_r  # (3)
        i, o, f_l, f_r = sigmoid(a_i), sigmoid(a_o), sigmoid(a_f_l), sigmoid(a_f_r)  # (4)
        g = np.tanh(a_g)  # (5)
        c = f_l * c_l + f_r * c_r + i * g  # (6)
        tanh_c = np.tanh(c)  # (7)
        h = o * tanh_c  # (7)
        return h, (h, c), ((h_l, c_l, h_r, c_r), (i, g, o, f_l, f_r), (m, tanh_c))

    def step_backward(self, dy: Array, dh_next: Array, dc_next: Array, saved: Any) -> Any:
        """dq is ∂L/∂q. dW_f is a sum over both children, so its pair has their columns side by side."""
        (h_l, c_l, h_r, c_r), (i, g, o, f_l, f_r), (m, tanh_c) = saved
        dh = dy + dh_next  # h is the output, and the parent's h_l or h_r
        do = dh * tanh_c  # (7)
        dc = dc_next + dh * o * (1 - tanh_c**2)  # (7)   c is also the parent's c_l or c_r
        di = dc * g  # (6)
        dg = dc * i  # (6)
        df_l = dc * c_l  # (6)
        df_r = dc * c_r  # (6)
        dc_l = dc * f_l  # (6)
        dc_r = dc * f_r  # (6)
        da_g = dg * (1 - g**2)  # (5)
        da_i = di * i * (1 - i)  # (4)
        da_o = do * o * (1 - o)  # (4)
        da_f_l = df_l * f_l * (1 - f_l)  # (4)
        da_f_r = df_r * f_r * (1 - f_r)  # (4)
        da_f, h_f = np.concatenate([da_f_l, da_f_r], axis=1), np.concatenate([h_l, h_r], axis=1)
        da = np.concatenate([da_i, da_g, da_o])  # in the order of (2)
        dm = self.W_h.T @ da  # (2)
        dh_l = dm + self.W_f.T @ da_f_l  # (1) (3)
        dh_r = dm + self.W_f.T @ da_f_r  # (1) (3)
        da_x = np.concatenate([da, da_f_l + da_f_r])  # (2) (3)   both forget gates read a_x_f
        return da_x, (dh_l, dc_l, dh_r, dc_r), {"W_h": (da, m), "W_f": (da_f, h_f)}  # (2) (3)
