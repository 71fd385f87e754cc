"""The plain recurrent step: the whole of backpropagation through time in two equations."""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from typing import Any

import numpy.typing as npt
from numpy import maximum, multiply, subtract, tanh

from numnet.checks import check_choice
from numnet.node import Node
from numnet.operation import Array
from numnet.slots import Memory, Slots


def relu(a: Array, out: Array) -> Array:
    """max(a, 0)"""
    return maximum(a, 0, out=out)


ACTIVATIONS: dict[str, Callable[[Array, Array], Array]] = {"tanh": tanh, "relu": relu}


class RNNNode(Node):
    """One step of the plain recurrent network (Elman 1990), x (D, B), h (H, B); h' is the state before.

        a = W_x x + b       (0)   for all steps at once: see node.py
        a ← a + W_h h'      (1)
        h = tanh(a)         (2)

    With activation="relu" h = max(a, 0) (2). With layer_norm each product is normalised by
    itself, as Ba et al. 2016 do in their LSTM: a = g_x ⊙ N(W_x x) + b (0) and a ← a + g_h ⊙ N(W_h h') (1), where N
    brings each column to mean 0 and variance 1.
    W_x (H, D), W_h (H, H), b (H,), and with layer_norm g_x, g_h (H,).
    """

    def __init__(
        self,
        hidden_size: int,
        input_size: int | None = None,
        activation: str = "tanh",
        layer_norm: bool = False,
        initial: str = "pytorch",
        seed: int | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        check_choice(self.name, "activation", activation, tuple(ACTIVATIONS))
        self.activation, self.layer_norm, self.bounded = activation, layer_norm, activation == "tanh"
        self.activate = ACTIVATIONS[activation]
        super().__init__(hidden_size, input_size, initial, seed, dtype)

    def config(self) -> dict[str, Any]:
        return {**super().config(), "activation": self.activation}

    def slots(self, T: int, B: int, memory: Memory | None = None) -> Slots:
        s = super().slots(T, B, memory)
        s.steps = list(zip(s.a, s.h_met, s.h_new, repeat(s.dot)))
        s.d_steps = s.in_turn(s.da[:, : self.hidden_size])
        return s

    def step(self, s: Slots, t: int) -> None:
        a, h_prev, h, dot = s.steps[t]
        p = dot(self.W_h, h_prev, s.product)  # (1)
        if self.layer_norm:
            self.normal(s, t, 0, p)
        a += p
        self.activate(a, h)  # (2)

    def slopes(self, s: Slots, steps: slice) -> None:
        h = s.h_new[steps]
        da = s.da[: len(h), : self.hidden_size]
        if self.activation == "tanh":
            multiply(h, h, da)  # (2) ∂h/∂a = 1 - h²
            subtract(1, da, da)
        else:
            da[...] = h > 0  # (2) ∂h/∂a = 1 where a > 0

    def step_backward(self, s: Slots, t: int) -> None:
        da = s.d_steps[t]
        da *= s.dh  # (2) da = dh ∂h/∂a
        if self.layer_norm:
            da = self.normal_backward(s, t, 0, da)
        s.dot(s.W_hT, da, s.dh)  # (1) dh' = W_hᵀ da
