"""The independently recurrent network: no matrix between states, each unit remembers itself alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy import multiply

from numnet import initial as draw
from numnet.checks import check_choice
from numnet.columns import all_columns
from numnet.node import Node, Stretches
from numnet.operation import Array
from numnet.rnn import ACTIVATIONS
from numnet.slots import Slots


class IndRNNNode(Node):
    """One step of the independently recurrent network (Li et al. 2018), x (D, B), h (H, B); h' is the state before.

        a = W_x x + b         (0)   for all steps at once: see node.py
        a ← a + u ⊙ h'        (1)
        h = max(a, 0)         (2)   or, with activation="tanh", h = tanh(a)

    W_x (H, D), u (H,), b (H,). First values of u are even in [0, 1], so that a unit neither grows nor changes sign.
    """

    recurrent_weights = "u"
    u: Array
    du: Array

    def __init__(
        self,
        hidden_size: int,
        input_size: int | None = None,
        activation: str = "relu",
        initial: str = "pytorch",
        seed: int | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        check_choice(self.name, "activation", activation, tuple(ACTIVATIONS))
        self.activation, self.bounded = activation, activation == "tanh"
        super().__init__(hidden_size, input_size, initial, seed, dtype)

    def make(self, rng: np.random.Generator) -> int:
        W, b = draw.dense(self.initial, rng, self.hidden_size, self.width)
        for name, value in {"W_x": W, "u": rng.random(self.hidden_size), "b": b}.items():
            self.add_param(name, value)
        return self.hidden_size

    def config(self) -> dict[str, Any]:
        return {**super().config(), "activation": self.activation}

    def weights_back(self, stretches: Stretches) -> None:
        pass

    def step(self, s: Slots, t: int) -> None:
        a, h = s.a[t], s.h_new[t]
        a += multiply(self.u[:, None], s.h_met[t], s.product)  # (1)
        ACTIVATIONS[self.activation](a, h)  # (2)

    def step_backward(self, s: Slots, t: int) -> None:
        h, da = s.h_new[t], s.da[t % s.chunk_steps]
        multiply(s.dh, h > 0 if self.activation == "relu" else 1 - h * h, da)  # (2)
        multiply(self.u[:, None], da, s.dh)  # (1)

    def state_backward(self, stretches: Stretches, da_all: Array) -> None:
        self.du += (da_all * all_columns(*(s.h_met for s in stretches))).sum(axis=1)  # (1)
