"""The long short-term memory with options: peepholes, coupled gates, a projection, layer normalisation."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy import multiply, tanh

from numnet import initial as draw
from numnet.activations import sigmoid
from numnet.checks import check_size
from numnet.columns import all_columns, transposed
from numnet.node import Node, Stretches
from numnet.normal import normalise, normalise_backward
from numnet.operation import Array
from numnet.slots import Memory, Slots


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
    layer_norm  Ba et al. 2016; gains g_x, g_h (G·H,), g_c (H,), and a bias b_c (H,): see normal.py
    """

    states = ("h", "c")
    bounded = True
    p: Array
    W_r: Array
    g_c: Array
    b_c: Array
    dp: Array
    dW_r: Array
    dg_c: Array
    db_c: Array

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
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        check_size(self.name, proj_size=proj_size)
        self.peepholes, self.coupled, self.proj_size, self.layer_norm = peepholes, coupled, proj_size, layer_norm
        self.forget_bias, self.gates = forget_bias, ("i", "g", "o") if coupled else ("i", "f", "g", "o")
        self.G = len(self.gates)
        super().__init__(hidden_size, input_size, initial, seed, dtype)

    @functools.cached_property
    def state_sizes(self) -> tuple[int, ...]:
        return self.proj_size or self.hidden_size, self.hidden_size

    @property
    def rows_back(self) -> int:
        """da; the gradient of tanh's argument (6), with layer_norm; dh (8), with a projection; and as in every node."""
        return super().rows_back + self.hidden_size * self.layer_norm + (self.proj_size or 0)

    def make(self, rng: np.random.Generator) -> int:
        width, H = super().make(rng), self.hidden_size
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

    def slots(self, T: int, B: int, memory: Memory | None = None) -> Slots:
        s, H, G = super().slots(T, B, memory), self.hidden_size, self.G
        i, *f, g, o = s.gates
        di, *df, dg, do = s.d_gates[:G]
        s.f = s.new(T, H, B) if self.coupled else f[0]
        s.df = df[0] if df else None
        s.i, s.g, s.o, s.di, s.dg, s.do = i, g, o, di, dg, do
        s.tanh_c = s.new(T, H, B)
        s.u = s.new(T, H, B) if self.proj_size else s.h_new
        s.du = s.lent(H, B)
        if self.layer_norm:
            s.c_hat, s.c_scale = s.new(T, H, B), s.new(T, 1, B)
        return s

    def start(self, s: Slots, state: Sequence[Any]) -> None:
        super().start(s, state)
        s.peeps = self.p.reshape(-1, self.hidden_size, 1) if self.peepholes else ()  # where p is now: slots outlive it

    def weights_back(self, stretches: Stretches) -> None:
        super().weights_back(stretches)
        if self.proj_size:
            W_rT = transposed(self.W_r, sum(s.T for s in stretches))
            for s in stretches:
                s.W_rT = W_rT

    def step(self, s: Slots, t: int) -> None:
        i, f, g, o, c_prev, c, k = s.i[t], s.f[t], s.g[t], s.o[t], s.c[t], s.c_new[t], s.tanh_c[t]
        p = s.dot(self.W_h, s.h_met[t], s.product)  # (1)
        if self.layer_norm:
            self.normal(s, t, 0, p)
        s.a[t] += p
        if self.peepholes:
            for gate, weight in zip((i,) if self.coupled else (i, f), s.peeps):
                gate += weight * c_prev  # (2)
        i[...] = sigmoid(i)  # (2)
        f[...] = 1 - i if self.coupled else sigmoid(f)
        tanh(g, g)  # (3)
        multiply(f, c_prev, c)  # (4)
        c += i * g
        if self.peepholes:
            o += s.peeps[-1] * c  # (5)
        o[...] = sigmoid(o)
        k[...] = c
        if self.layer_norm:
            normalise(k, self.g_c[:, None], s.c_hat[t], s.c_scale[t])  # (6)
            k += self.b_c[:, None]
        tanh(k, k)
        multiply(o, k, s.u[t])  # (7)
        if self.proj_size:
            s.dot(self.W_r, s.u[t], s.h_new[t])  # (8)

    def step_backward(self, s: Slots, t: int) -> None:
        n = t % s.chunk_steps
        i, f, g, o, c_prev, k = s.i[t], s.f[t], s.g[t], s.o[t], s.c[t], s.tanh_c[t]
        da, di, dg, do, dc, du = s.da[n, : self.G * self.hidden_size], s.di[n], s.dg[n], s.do[n], s.dc, s.dh
        if self.proj_size:
            s.da[n, self.place_of_dh] = s.dh
            du = s.dot(s.W_rT, s.dh, s.du)  # (8)
        multiply(du * k, o * (1 - o), do)  # (7) (5)
        dk = du * o * (1 - k * k)  # (7) (6)
        if self.layer_norm:
            s.da[n, self.place_of_dk] = dk
            dk = normalise_backward(dk, self.g_c[:, None], s.c_hat[t], s.c_scale[t])  # (6)
        dc += dk
        if self.peepholes:
            dc += s.peeps[-1] * do  # (5)
        multiply(dc * i, 1 - g * g, dg)  # (4) (3)
        if self.coupled:
            multiply(dc * (g - c_prev), i * (1 - i), di)  # (4) (2) f = 1 - i
        else:
            multiply(dc * g, i * (1 - i), di)  # (4) (2)
            multiply(dc * c_prev, f * (1 - f), s.df[n])
        dc *= f  # (4) dc' = dc f
        if self.peepholes:
            for d_gate, weight in zip((di,) if self.coupled else (di, s.df[n]), s.peeps):
                dc += weight * d_gate  # (2)
        dp = self.normal_backward(s, t, 0, da) if self.layer_norm else da
        s.dot(s.W_hT, dp, s.dh)  # (1) dh' = W_hᵀ da

    @property
    def place_of_dk(self) -> slice:
        """The rows of da that hold the gradient of tanh's argument (6)."""
        first = self.G * self.hidden_size
        return slice(first, first + self.hidden_size)

    @property
    def place_of_dh(self) -> slice:
        """The rows of da that hold dh as it came, for dW_r (8)."""
        first = (self.G + self.layer_norm) * self.hidden_size
        return slice(first, first + (self.proj_size or 0))

    def state_backward(self, stretches: Stretches, da_all: Array) -> None:
        super().state_backward(stretches, da_all)
        H = self.hidden_size
        if self.peepholes:
            met = [all_columns(*(s.c[:-1] for s in stretches))] * (1 if self.coupled else 2)
            met.append(all_columns(*(s.c_new for s in stretches)))
            rows = [slice(0, H), slice(H, 2 * H), slice((self.G - 1) * H, self.G * H)]
            sums = [(da_all[r] * c).sum(axis=1) for r, c in zip(rows[:: 2 if self.coupled else 1], met)]
            self.dp += np.concatenate(sums)  # (2) (5)
        if self.layer_norm:
            dk = da_all[self.place_of_dk]
            self.dg_c += (dk * all_columns(*(s.c_hat for s in stretches))).sum(axis=1)  # (6)
            self.db_c += dk.sum(axis=1)
        if self.proj_size:
            self.dW_r += da_all[self.place_of_dh] @ all_columns(*(s.u for s in stretches)).T  # (8)
