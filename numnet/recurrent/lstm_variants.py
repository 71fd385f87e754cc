"""The long short-term memory with options: peepholes, coupled gates, a projection, layer_norm, other functions."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from numnet.core import init as draw
from numnet.core.checks import check_forget_bias, check_size, validate_call
from numnet.core.operation import Array
from numnet.recurrent.layer_norm import LayerNormNode
from numnet.recurrent.node import dropped


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
    p: Array
    W_r: Array
    g_c: Array
    b_c: Array

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
        check_size(self.name, proj_size=proj_size)
        check_forget_bias(self.name, forget_bias, options.get("bias", True))
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
        return width

    def config(self) -> dict[str, Any]:
        options = {name: getattr(self, name) for name in ("peepholes", "coupled", "proj_size", "layer_norm")}
        return {**super().config(), "forget_bias": self.forget_bias, **{k: v for k, v in options.items() if v}}

    @property
    def peephole_weights(self) -> list[Any]:
        """p_i, p_f, p_o (H, 1), zeros without peepholes; coupled gates have no p_f."""
        H = self.hidden_size
        p = self.p if self.peepholes else np.zeros((self.G - 1) * H, self.dtype)
        p_i, *p_f, p_o = p.reshape(-1, H, 1)
        return [p_i, p_f[0] if p_f else None, p_o]

    def step(self, a_x: Array, h_prev: Array, c_prev: Array, drop: Array | None = None) -> Any:
        h_in, (p_i, p_f, p_o) = dropped(h_prev, drop), self.peephole_weights
        phi, sigma = self.phi, self.sigma
        product, norm_h = self.normalized(self.W_h @ h_in, "g_h")  # (1)
        a_i, *a_f, a_g, a_o = self.blocks(a_x + product)  # (1)
        i = sigma(a_i + p_i * c_prev)  # (2)
        f = 1 - i if self.coupled else sigma(a_f[0] + p_f * c_prev)  # (2)
        g = phi(a_g)  # (3)
        c = f * c_prev + i * g  # (4)
        o = sigma(a_o + p_o * c)  # (5)
        c_hat, norm_c = self.normalized(c, "g_c")  # (6)
        c_hat = c_hat + self.b_c[:, None] if self.layer_norm and self.bias else c_hat  # (6)
        k = phi(c_hat)  # (6)
        u = o * k  # (7)
        h = self.W_r @ u if self.proj_size else u  # (8)
        return h, (h, c), (h_in, c_prev, i, f, g, o, c, k, u, norm_h, norm_c)

    def step_backward(self, dy: Array, dh_next: Array, dc_next: Array, saved: Any, drop: Array | None = None) -> Any:
        h_in, c_prev, i, f, g, o, c, k, u, norm_h, norm_c = saved
        (p_i, p_f, p_o), phi, sigma = self.peephole_weights, self.phi, self.sigma
        dh = dy + dh_next  # h is the output, and the next step's h'
        du = self.W_r.T @ dh if self.proj_size else dh  # (8)
        do, dk = du * k, du * o  # (7)
        dc_hat = dk * phi.slope(k)  # (6)   of tanh 1 - k²; c_hat is φ's argument
        through_k, dg_c = self.normalized_backward(dc_hat, "g_c", norm_c)  # (6)
        da_o = do * sigma.slope(o)  # (5)   of the sigmoid o (1 - o)
        dc = dc_next + through_k + p_o * da_o  # (6) (5)   the next step, k and o read c
        df, di, dg = dc * c_prev, dc * g, dc * i  # (4)
        da_g = dg * phi.slope(g)  # (3)
        if self.coupled:
            da_i = (di - df) * sigma.slope(i)  # (2)
            da, dc_prev = np.concatenate([da_i, da_g, da_o]), dc * f + p_i * da_i  # (4) (2)
            dp = np.concatenate([da_i * c_prev, da_o * c])  # (2) (5)
        else:
            da_i, da_f = di * sigma.slope(i), df * sigma.slope(f)  # (2)
            da, dc_prev = np.concatenate([da_i, da_f, da_g, da_o]), dc * f + p_i * da_i + p_f * da_f  # (4) (2)
            dp = np.concatenate([da_i * c_prev, da_f * c_prev, da_o * c])  # (2) (5)
        d_product, dg_h = self.normalized_backward(da, "g_h", norm_h)  # (1)
        dh_prev = dropped(self.W_h.T @ d_product, drop)  # (1)
        pairs: dict[str, Any] = {"W_h": (d_product, h_in)}  # (1)
        pairs |= {"p": (dp, None)} if self.peepholes else {}  # (2) (5)
        pairs |= {"W_r": (dh, u)} if self.proj_size else {}  # (8)
        pairs |= {"g_h": (dg_h, None), "g_c": (dg_c, None)} if self.layer_norm else {}  # (1) (6)
        pairs |= {"b_c": (dc_hat, None)} if self.layer_norm and self.bias else {}  # (6)
        return da, (dh_prev, dc_prev), pairs
