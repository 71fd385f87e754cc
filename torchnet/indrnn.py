"""The independently recurrent network: no matrix between states, each unit remembers itself alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet import initial as draw
from numnet.checks import check_choice
from torchnet.node import Node
from torchnet.rnn import ACTIVATIONS


class IndRNNNode(Node):
    """One step of the independently recurrent network (Li et al. 2018), x (D, B), h (H, B); h' is the state before.

        a = W_x x + b         (0)   for all steps at once: see node.py
        a ← a + u ⊙ h'        (1)
        h = max(a, 0)         (2)   or, with activation="tanh", h = tanh(a)

    W_x (H, D), u (H,), b (H,). First values of u are even in [0, 1], so that a unit neither grows nor changes sign.
    """

    recurrent_weights = "u"
    u: Tensor

    def __init__(
        self,
        hidden_size: int,
        input_size: int | None = None,
        activation: str = "relu",
        initial: str = "pytorch",
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        check_choice(type(self).__name__, "activation", activation, ACTIVATIONS)
        self.activation = activation
        super().__init__(hidden_size, input_size, initial, seed, dtype)

    def make(self, rng: np.random.Generator) -> int:
        W, b = draw.dense(self.initial, rng, self.hidden_size, self.width)
        for name, value in {"W_x": W, "u": rng.random(self.hidden_size), "b": b}.items():
            self.add_param(name, value)
        return self.hidden_size

    def config(self) -> dict[str, Any]:
        return {**super().config(), "activation": self.activation}

    def parts_of_W_h(self) -> tuple[Tensor, ...]:
        return (self.u[:, None],)

    def step(self, a: Tensor, state: tuple[Tensor, ...], h_met: Tensor, W_h: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        a = a + W_h[0] * h_met  # (1)
        return (torch.relu(a) if self.activation == "relu" else torch.tanh(a),)  # (2)
