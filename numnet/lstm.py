"""The long short-term memory: a cell that is kept, written and shown through three gates."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy import multiply, subtract, tanh

from numnet.node import Node
from numnet.slots import Memory, Slots


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
    gates = ("i", "f", "g", "o")
    states = ("h", "c")
    bounded = True

    def __init__(
        self,
        hidden_size: int,
        input_size: int | None = None,
        initial: str = "pytorch",
        forget_bias: float = 0.0,
        seed: int | None = None,
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

    def slots(self, T: int, B: int, memory: Memory | None = None) -> Slots:
        s, H = super().slots(T, B, memory), self.hidden_size
        s.i_g, s.tanh_c, s.to_c = s.new(T, H, B), s.new(T, H, B), s.lent(s.chunk_steps, H, B)
        s.steps = list(zip(s.a, s.a[:, : 2 * H], *s.gates, s.i_g, s.tanh_c, s.h_met, s.c[:-1], s.h_new, s.c_new))
        s.d_steps = list(zip(*map(s.in_turn, (s.da, *s.d_gates, s.to_c)), s.gates[1]))
        return s

    def step(self, s: Slots, t: int) -> None:
        a, i_f, i, f, g, o, i_g, tanh_c, h_prev, c_prev, h, c = s.steps[t]
        half, dot = s.half, s.dot
        a += dot(self.W_h, h_prev, s.product)  # (1)
        for gates in (i_f, o):
            gates *= half  # (2) σ(a) = tanh(a/2)/2 + 1/2, so that one tanh serves all four
        tanh(a, a)  # (2) (3)
        for gates in (i_f, o):
            gates *= half
            gates += half
        multiply(i, g, i_g)  # (4)
        multiply(f, c_prev, c)
        c += i_g
        multiply(o, tanh(c, tanh_c), h)  # (5)

    def slopes(self, s: Slots, steps: slice) -> None:
        h, tanh_c, c_prev, i_g = s.h_new[steps], s.tanh_c[steps], s.c[steps], s.i_g[steps]
        (i, f, g, o), (di, df, dg, do), to_c = s.gates[:, steps], s.d_gates[:, : len(h)], s.to_c[: len(h)]
        multiply(h, tanh_c, to_c)  # (5) ∂h/∂c = o (1 - tanh(c)²) = o - h tanh(c)
        subtract(o, to_c, to_c)
        subtract(1, o, do)  # (5) (2) ∂h/∂o times o (1 - o): tanh(c) o (1 - o) = h (1 - o)
        do *= h
        multiply(i_g, g, dg)  # (4) (3) ∂c/∂g times 1 - g²: i (1 - g²) = i - i g g
        subtract(i, dg, dg)
        subtract(1, i, di)  # (4) (2) ∂c/∂i times i (1 - i): g i (1 - i)
        di *= i_g
        subtract(1, f, df)  # (4) (2) ∂c/∂f times f (1 - f): c' f (1 - f), whose factor f comes with dc' = dc f
        df *= c_prev

    def step_backward(self, s: Slots, t: int) -> None:
        da, di, df, dg, do, to_c, f = s.d_steps[t]
        dh, dc, dot = s.dh, s.dc, s.dot
        do *= dh  # (5) (2)
        dc += multiply(dh, to_c, to_c)  # (5) dc += dh ∂h/∂c
        dg *= dc  # (4) (3)
        di *= dc  # (4) (2)
        dc *= f  # (4) dc' = dc f
        df *= dc  # (4) (2)
        dot(s.W_hT, da, dh)  # (1) dh' = W_hᵀ da
