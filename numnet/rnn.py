"""The plain recurrent step: the whole of backpropagation through time in two equations."""

from __future__ import annotations

from numpy import dot, multiply, subtract, tanh

from numnet.node import Node
from numnet.slots import Slots


class RNNNode(Node):
    """One step of the plain recurrent network (Elman 1990), x (D, B), h (H, B); h' is the state before.

        a = W_x x + b       (0)   for all steps at once: see node.py
        a ← a + W_h h'      (1)
        h = tanh(a)         (2)

    W_x (H, D), W_h (H, H), b (H,).
    """

    def slots(self, T: int, B: int) -> Slots:
        s = super().slots(T, B)
        s.steps = list(zip(s.a, s.h[:-1], s.h[1:]))
        s.d_steps = s.in_turn(s.da)
        return s

    def step(self, s: Slots, t: int) -> None:
        a, h_prev, h = s.steps[t]
        a += dot(self.W_h, h_prev, s.product)  # (1)
        tanh(a, h)  # (2)

    def slopes(self, s: Slots, steps: slice) -> None:
        h = s.h[1:][steps]
        da = s.da[: len(h)]
        multiply(h, h, da)  # (2) ∂h/∂a = 1 - h²
        subtract(1, da, da)

    def step_backward(self, s: Slots, t: int) -> None:
        da = s.d_steps[t]
        da *= s.dh  # (2) da = dh (1 - h²)
        dot(s.W_hT, da, s.dh)  # (1) dh' = W_hᵀ da
