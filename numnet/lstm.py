"""The long short-term memory: a cell that is kept, written and shown through three gates."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy import matmul, multiply, subtract, tanh

from numnet.activations import sigmoid, sigmoid_slope
from numnet.node import Node, Slots


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

    def __init__(
        self,
        hidden_size: int,
        input_size: int | None = None,
        initial: str = "pytorch",
        forget_bias: float = 0.0,
        seed: int = 0,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        self.forget_bias = forget_bias
        super().__init__(hidden_size, input_size, initial, seed, dtype)

    def make(self, rng: np.random.Generator) -> int:
        width = super().make(rng)
        self.b[self.hidden_size : 2 * self.hidden_size] += self.forget_bias
        return width

    def config(self) -> dict[str, Any]:
        return {**super().config(), "forget_bias": self.forget_bias}

    def slots(self, T: int, B: int) -> Slots:
        s, H = super().slots(T, B), self.hidden_size
        s.c, s.tanh_c, s.dc = s.new(T + 1, H, B), s.new(T, H, B), s.new(H, B)
        s.product, s.spare, s.spare2 = s.new(4 * H, B), s.new(H, B), s.new(2 * H, B)
        gates, d_gates = (z.reshape(T, 4, H, B).swapaxes(0, 1) for z in (s.a, s.da))
        s.steps = list(zip(s.a, s.a[:, : 2 * H], *gates, s.h[:-1], s.c[:-1], s.h[1:], s.c[1:], s.tanh_c))
        s.d_steps = list(zip(s.da, s.da[:, : 2 * H], *d_gates))
        return s

    def step(self, s: Slots, t: int) -> None:
        a, i_f, i, f, g, o, h_prev, c_prev, h, c, tanh_c = s.steps[t]
        a += matmul(self.W_h, h_prev, s.product)  # (1)
        sigmoid(i_f, i_f)  # (2)
        sigmoid(o, o)
        tanh(g, g)  # (3)
        multiply(f, c_prev, c)  # (4)
        c += multiply(i, g, s.spare)
        multiply(o, tanh(c, tanh_c), h)  # (5)

    def step_backward(self, s: Slots, t: int) -> None:
        _, i_f, i, f, g, o, _, c_prev, h, _, tanh_c = s.steps[t]
        da, di_f, di, df, dg, do = s.d_steps[t]
        dh, dc, spare = s.dh, s.dc, s.spare
        multiply(dh, tanh_c, do)  # (5) do = dh tanh(c)
        multiply(h, tanh_c, spare)  # (5) dc += dh o (1 - tanh(c)²) = dh (o - h tanh(c))
        subtract(o, spare, spare)
        spare *= dh
        dc += spare
        multiply(dc, g, di)  # (4) di, df, dg and dc' = dc f
        multiply(dc, c_prev, df)
        multiply(dc, i, dg)
        dc *= f
        multiply(g, g, spare)  # (3) dg (1 - g²)
        dg *= subtract(1, spare, spare)
        di_f *= sigmoid_slope(i_f, s.spare2)  # (2) di i (1 - i), likewise f and o
        do *= sigmoid_slope(o, spare)
        matmul(self.W_h.T, da, dh)  # (1) dh' = W_hᵀ da
