"""The plain recurrent step, written out and fused."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from numnet.checks import check_choice
from torchnet.node import Node, normal

ACTIVATIONS = ("tanh", "relu")


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
        dtype: Any = "float32",
    ) -> None:
        check_choice(type(self).__name__, "activation", activation, ACTIVATIONS)
        self.activation, self.layer_norm = activation, layer_norm
        super().__init__(hidden_size, input_size, initial, seed, dtype)

    def config(self) -> dict[str, Any]:
        return {**super().config(), "activation": self.activation}

    def step(self, a: Tensor, state: tuple[Tensor, ...], h_met: Tensor, W_h: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        p = W_h[0] @ h_met
        a = a + (normal(p, self.g_h) if self.layer_norm else p)  # (1)
        return (torch.tanh(a) if self.activation == "tanh" else torch.relu(a),)  # (2)

    @property
    def not_fused(self) -> str:  # type: ignore[override]
        return "layer_norm is in no vendor's kernel" if self.layer_norm else ""

    def kernel(self, W_x: Tensor) -> tuple[Any, list[Tensor]]:
        function = torch.rnn_tanh if self.activation == "tanh" else torch.rnn_relu
        return function, [W_x, self.W_h, self.b, torch.zeros_like(self.b)]
