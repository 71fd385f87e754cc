"""The long short-term memory with options: peepholes, coupled gates, a projection, layer normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet import initial as draw
from numnet.checks import check_size
from torchnet.node import Node, normal


class LSTMVariantNode(Node):
    """One step of the LSTM with any of four options; without one, it computes what LSTMNode does, only slower.

        a = W_x x + b                      (0)   a (G·H, B), the rows of i, f, g, o: see node.py
        a ← a + W_h h'                     (1)   layer_norm: a ← a + g_h ⊙ N(W_h h'), and so W_x x in (0)
        i, f = σ(a), σ(a)                  (2)   peepholes: of a_i + p_i ⊙ c' and a_f + p_f ⊙ c'; coupled: f = 1 - i
        g = tanh(a)                        (3)
        c = f ⊙ c' + i ⊙ g                 (4)
        o = σ(a)                           (5)   peepholes: of a_o + p_o ⊙ c, the new cell
        k = tanh(c)                        (6)   layer_norm: of g_c ⊙ N(c) + b_c
        u = o ⊙ k                          (7)
        h = u                              (8)   proj_size: h = W_r u

    G is 4, or 3 where the gates are coupled: then W_x, W_h, b and the gains have no rows of f, and p has none.

    peepholes   Gers & Schmidhuber 2000; p (3H,) is p_i, p_f, p_o
    coupled     what is forgotten is what is written, as in Greff et al. 2017; three gates: i, g, o
    proj_size   Sak et al. 2014; h (P, B), c (H, B), W_r (P, H), W_h (G·H, P)
    layer_norm  Ba et al. 2016; gains g_x, g_h (G·H,), g_c (H,), and a bias b_c (H,)
    """

    states = ("h", "c")
    p: Tensor
    W_r: Tensor
    g_c: Tensor
    b_c: Tensor

    def __init__(
        self,
        hidden_size: int,
        input_size: int | None = None,
        peepholes: bool = False,
        coupled: bool = False,
        proj_size: int | None = None,
        layer_norm: bool = False,
        initial: str = "pytorch",
        forget_bias: float = 0.0,
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        check_size(type(self).__name__, proj_size=proj_size)
        self.peepholes, self.coupled, self.proj_size, self.layer_norm = peepholes, coupled, proj_size, layer_norm
        self.forget_bias, self.G = forget_bias, 3 if coupled else 4
        super().__init__(hidden_size, input_size, initial, seed, dtype)

    @property
    def state_sizes(self) -> tuple[int, ...]:
        return self.proj_size or self.hidden_size, self.hidden_size

    def make(self, rng: np.random.Generator) -> int:
        width, H = super().make(rng), self.hidden_size
        with torch.no_grad():
            if self.coupled:
                self.b[:H] -= self.forget_bias  # f = 1 - σ(a) = σ(-a)
            else:
                self.b[H : 2 * H] += self.forget_bias
        if self.peepholes:
            self.add_param("p", draw.vector(self.initial, rng, (2 if self.coupled else 3) * H, H))
        if self.proj_size:
            self.add_param("W_r", draw.projection(self.initial, rng, self.proj_size, H))
        if self.layer_norm:
            self.add_param("g_c", np.ones(H))
            self.add_param("b_c", np.zeros(H))
        return width

    def config(self) -> dict[str, Any]:
        options = {"peepholes": self.peepholes, "coupled": self.coupled, "proj_size": self.proj_size}
        return {**super().config(), "forget_bias": self.forget_bias, **{k: v for k, v in options.items() if v}}

    def step(self, a: Tensor, state: tuple[Tensor, ...], h_met: Tensor, W_h: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        _, c_prev = state
        product = W_h[0] @ h_met
        a = a + (normal(product, self.g_h) if self.layer_norm else product)  # (1)
        a_i, *a_f, a_g, a_o = a.chunk(self.G)
        p_i, *p_f, p_o = self.p[:, None].chunk(self.G - 1) if self.peepholes else (0.0,) * (self.G - 1)
        i = torch.sigmoid(a_i + p_i * c_prev)  # (2)
        f = 1 - i if self.coupled else torch.sigmoid(a_f[0] + p_f[0] * c_prev)
        c = f * c_prev + i * torch.tanh(a_g)  # (3) (4)
        o = torch.sigmoid(a_o + p_o * c)  # (5)
        k = torch.tanh(normal(c, self.g_c, self.b_c) if self.layer_norm else c)  # (6)
        return (self.W_r @ (o * k) if self.proj_size else o * k), c  # (7) (8)

    @property
    def not_fused(self) -> str:  # type: ignore[override]
        options = {"peepholes": self.peepholes, "coupled": self.coupled, "layer_norm": self.layer_norm}
        chosen = [name for name, value in options.items() if value]
        if self.proj_size and self.proj_size >= self.hidden_size:
            return "proj_size is not below hidden_size, as the vendors' kernels want it"
        return f"{chosen[0]} is in no vendor's kernel" if chosen else ""

    def kernel(self, W_x: Tensor) -> tuple[Any, list[Tensor]]:
        weights = [W_x, self.W_h, self.b, torch.zeros_like(self.b)]
        return torch.lstm, [*weights, self.W_r] if self.proj_size else weights
