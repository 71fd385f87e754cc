"""The long short-term memory with options: peepholes, coupled gates, a projection, layer_norm, other functions."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.core import init as draw
from numnet.core.checks import check_forget_bias, check_size, validate_call
from torchnet.recurrent.layer_norm import LayerNormNode, normalize
from torchnet.recurrent.node import dropped, once_a_call


class LSTMVariantNode(LayerNormNode):
    """One time step of an LSTM with any of these options; without options it is the same as LSTMNode.

        a = a_x + W_h h'                   (1)   layer_norm: a_x + g_h ⊙ N(W_h h'); a_x = W_x x + b  (0): LayerNormNode
        i, f = σ(a_i), σ(a_f)              (2)   peepholes: of a_i + p_i ⊙ c' and a_f + p_f ⊙ c'; coupled: f = 1 - i
        g = φ(a_g)                         (3)   candidate
        c = f ⊙ c' + i ⊙ g                 (4)   cell state
        o = σ(a_o)                         (5)   peepholes: of a_o + p_o ⊙ c, the new cell state
        k = φ(c)                           (6)   layer_norm: of g_c ⊙ N(c) + b_c
        u = o ⊙ k                          (7)
        h = u                              (8)   proj_size: h = W_r u; hidden state, and the output y

    G is 4, or 3 with coupled gates: then W_x, W_h, b and the gains have no rows of f, and p has none.

    peepholes   Gers & Schmidhuber 2000; p (3H,) is p_i, p_f, p_o
    coupled     Greff et al. 2017: new values replace forgotten ones; three gates i, g, o
    proj_size   Sak et al. 2014; h (P, B), c (H, B), W_r (P, H), W_h (G·H, P)
    layer_norm  Ba et al. 2016; gains g_x, g_h (G·H,), g_c (H,), and a bias b_c (H,)
    activation  the name of φ; recurrent_activation that of σ. The names are those of functions.py
    """

    states = ("h", "c")
    kernel_activations = ("tanh",)
    p: Tensor
    W_r: Tensor
    g_c: Tensor
    b_c: Tensor

    @validate_call
    def __init__(
        self,
        hidden_size: int,
        *,
        peepholes: bool = False,
        coupled: bool = False,
        proj_size: int | None = None,
        layer_norm: bool = False,
        activation: str = "tanh",
        recurrent_activation: str = "sigmoid",
        forget_bias: float = 0.0,
        **options: Any,
    ) -> None:
        check_size(type(self).__name__, proj_size=proj_size)
        check_forget_bias(type(self).__name__, forget_bias, options.get("bias", True))
        self.peepholes, self.coupled, self.proj_size, self.layer_norm = peepholes, coupled, proj_size, layer_norm
        self.forget_bias, self.gates = forget_bias, ("i", "g", "o") if coupled else ("i", "f", "g", "o")
        self.set_functions(activation, recurrent_activation)
        self.G, self.gains = len(self.gates), ("g_x", "g_h") if layer_norm else ()
        super().__init__(hidden_size, **options)

    @functools.cached_property
    def state_sizes(self) -> tuple[int, ...]:
        return self.proj_size or self.hidden_size, self.hidden_size

    def make(self, rng: np.random.Generator) -> int:
        width, H = super().make(rng), self.hidden_size
        with torch.no_grad():
            if self.forget_bias and self.coupled:
                self.b[:H] -= self.forget_bias  # f = 1 - σ(a_i) = σ(-a_i)
            elif self.forget_bias:
                self.b[H : 2 * H] += self.forget_bias
        if self.peepholes:
            self.add_param("p", draw.vector(self.initial, rng, (2 if self.coupled else 3) * H, H))
        if self.proj_size:
            self.add_param("W_r", draw.projection(self.initial, rng, self.proj_size, H))
        if self.layer_norm:
            self.add_param("g_c", np.ones(H))
            if self.bias:
                self.add_param("b_c", np.zeros(H))
            else:
                self.register_parameter("b_c", None)
        return width

    def config(self) -> dict[str, Any]:
        options = {name: getattr(self, name) for name in ("peepholes", "coupled", "proj_size", "layer_norm")}
        return {**super().config(), "forget_bias": self.forget_bias, **{k: v for k, v in options.items() if v}}

    @once_a_call
    def peephole_weights(self) -> tuple[Any, ...]:
        """p_i, p_f, p_o (H, 1), or zeros; coupled gates have no p_f."""
        return self.p[:, None].chunk(self.G - 1) if self.peepholes else (0.0,) * (self.G - 1)

    def step(self, a_x: Tensor, h_prev: Tensor, c_prev: Tensor, drop: Tensor | None = None) -> Any:
        p_i, *p_f, p_o = self.peephole_weights
        phi, sigma = self.phi, self.sigma
        product = self.W_h @ dropped(h_prev, drop)  # (1)
        product = normalize(product, self.g_h) if self.layer_norm else product  # (1)
        a_i, *a_f, a_g, a_o = self.blocks(a_x + product)  # (1)
        i = sigma(a_i + p_i * c_prev)  # (2)
        f = 1 - i if self.coupled else sigma(a_f[0] + p_f[0] * c_prev)  # (2)
        g = phi(a_g)  # (3)
        c = f * c_prev + i * g  # (4)
        o = sigma(a_o + p_o * c)  # (5)
        c_hat = normalize(c, self.g_c, self.b_c) if self.layer_norm else c  # (6)
        k = phi(c_hat)  # (6)
        u = o * k  # (7)
        h = self.W_r @ u if self.proj_size else u  # (8)
        return h, (h, c)
