"""Four published cells as nodes of a user's own; each has the same equations again, in PyTorch, for autograd.

One function of PyTorch is one step of one sequence: x (D,), h (H,), and p the parameters by name.
"""

# mypy: disable-error-code="attr-defined"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import numnet
from numnet.layers.activations import sigmoid
from numnet.recurrent.node import dropped


class MUT1Node(numnet.Node):
    """The cell MUT1 (Jozefowicz et al. 2015), D = H. Its step reads x itself, so a_x is a pair.

    z = σ(a_z)                                   (1)   W_x (2H, D), b (2H,): the rows of z, r
    r = σ(a_r + W_r h')                          (1)   W_h (2H, H) = W_r over W_n
    m = r ⊙ h'                                   (2)
    n = tanh(W_n m + tanh(x) + b_h)              (3)   b_h (H,)
    h = z ⊙ n + (1 - z) ⊙ h'                     (4)
    """

    G = 2

    def make(self, rng):
        self.add_param("b_h", rng.standard_normal(self.hidden_size))
        return super().make(rng)

    def inputs(self, x):
        return super().inputs(x), np.tanh(x)  # (0) (3)

    def inputs_backward(self, da_x, x):
        dx, grads = super().inputs_backward(da_x[0], x)  # (0)
        return dx + da_x[1] * (1 - np.tanh(x) ** 2), grads  # (0) (3)

    def step(self, a_x, h_prev, drop=None):
        (a_z, a_r), (W_r, W_n), h_in = self.blocks(a_x[0]), self.blocks(self.W_h), dropped(h_prev, drop)
        z, r = sigmoid(a_z), sigmoid(a_r + W_r @ h_in)  # (1)
        m = r * h_in  # (2)
        n = np.tanh(W_n @ m + a_x[1] + self.b_h[:, None])  # (3)
        h = z * n + (1 - z) * h_prev  # (4)
        return h, (h,), (h_prev, h_in, z, r, m, n)

    def step_backward(self, dy, dh_next, saved, drop=None):
        (h_prev, h_in, z, r, m, n), (W_r, W_n) = saved, self.blocks(self.W_h)
        dh = dy + dh_next
        dz, da_n = dh * (n - h_prev), dh * z * (1 - n**2)  # (4) (3)
        dm = W_n.T @ da_n  # (3)
        da_z, da_r = dz * z * (1 - z), dm * h_in * r * (1 - r)  # (2) (1)
        dh_prev = dh * (1 - z) + dropped(dm * r + W_r.T @ da_r, drop)  # (4) (2) (1)
        return (np.concatenate([da_z, da_r]), da_n), (dh_prev,), {"W_h": [(da_r, h_in), (da_n, m)], "b_h": (da_n, None)}


class MinGRUNode(numnet.Node):
    """minGRU (Feng et al. 2024), the linear form: its gate and its candidate read x alone, so there is no W_h.

    z = σ(a_z)                                   (1)   W_x (2H, D), b (2H,): the rows of z, n
    h = (1 - z) ⊙ h' + z ⊙ n                     (2)   n = a_n
    """

    G = 2
    recurrent_weights = None

    def step(self, a_x, h_prev):
        a_z, n = self.blocks(a_x)
        z = sigmoid(a_z)  # (1)
        h = (1 - z) * h_prev + z * n  # (2)
        return h, (h,), (h_prev, z, n)

    def step_backward(self, dy, dh_next, saved):
        h_prev, z, n = saved
        dh = dy + dh_next
        dz, dn, dh_prev = dh * (n - h_prev), dh * z, dh * (1 - z)  # (2)
        da_z = dz * z * (1 - z)  # (1)
        return np.concatenate([da_z, dn]), (dh_prev,), {}


class SRUNode(numnet.Node):
    """The simple recurrent unit (Lei et al. 2018, without their v ⊙ c'), D = H. Its output is none of its states.

    f, r = σ(a_f), σ(a_r)                        (1)   W_x (3H, D), b (3H,): the rows of u, f, r
    c = f ⊙ c' + (1 - f) ⊙ u                     (2)   u = a_u
    y = r ⊙ c + (1 - r) ⊙ x                      (3)
    """

    G = 3
    states = ("c",)
    reads_out = True
    recurrent_weights = None

    def inputs(self, x):
        return super().inputs(x), x  # (0)

    def inputs_backward(self, da_x, x):
        dx, grads = super().inputs_backward(da_x[0], x)  # (0)
        return dx + da_x[1], grads  # (0) (3)

    def step(self, a_x, c_prev):
        (u, a_f, a_r), x = self.blocks(a_x[0]), a_x[1]
        f, r = sigmoid(a_f), sigmoid(a_r)  # (1)
        c = f * c_prev + (1 - f) * u  # (2)
        y = r * c + (1 - r) * x  # (3)
        return y, (c,), (c_prev, u, f, r, c, x)

    def step_backward(self, dy, dc_next, saved):
        c_prev, u, f, r, c, x = saved
        dr, dx = dy * (c - x), dy * (1 - r)  # (3)
        dc = dc_next + dy * r  # (3)   the next step and y both read c
        df, du, dc_prev = dc * (c_prev - u), dc * (1 - f), dc * f  # (2)
        da_f, da_r = df * f * (1 - f), dr * r * (1 - r)  # (1)
        return (np.concatenate([du, da_f, da_r]), dx), (dc_prev,), {}


class LinearStateNode(numnet.Node):
    """A diagonal linear state space (S4D-Real, Gu et al. 2022), its λ as in the LRU (Orvieto et al. 2023); y is (D, B).

    λ = exp(-exp(ν))                             (1)   ν (H,), so that 0 < λ < 1
    h = λ ⊙ h' + a_x                             (2)   W_x (H, D), b (H,)
    y = C h + d ⊙ x                              (3)   C (D, H), d (D,)
    """

    reads_out = True
    recurrent_weights = None

    def make(self, rng):
        super().make(rng)
        for name, shape in (("nu", self.hidden_size), ("C", (self.width, self.hidden_size)), ("d", self.width)):
            self.add_param(name, rng.standard_normal(shape))
        return self.width

    def inputs(self, x):
        return super().inputs(x), x  # (0)

    def inputs_backward(self, da_x, x):
        dx, grads = super().inputs_backward(da_x[0], x)  # (0)
        return dx + da_x[1], grads  # (0) (3)

    def step(self, a_x, h_prev):
        (a, x), lam = a_x, np.exp(-np.exp(self.nu[:, None]))  # (1)
        h = lam * h_prev + a  # (2)
        y = self.C @ h + self.d[:, None] * x  # (3)
        return y, (h,), (h_prev, lam, h, x)

    def step_backward(self, dy, dh_next, saved):
        h_prev, lam, h, x = saved
        dh, dx = dh_next + self.C.T @ dy, dy * self.d[:, None]  # (3)   the next step and y both read h
        dlam, dh_prev = dh * h_prev, dh * lam  # (2)
        dnu = dlam * lam * np.log(lam)  # (1)   ∂λ/∂ν = -exp(ν) λ = λ log λ
        return (dh, dx), (dh_prev,), {"nu": (dnu, None), "C": (dy, h), "d": (dy * x, None)}


def mut1(p: Any, x: Any, h: Any, drop: Any = 1) -> Any:
    (W_xz, W_xr), (W_hr, W_hh), (b_z, b_r) = (p[name].chunk(2) for name in ("W_x", "W_h", "b"))
    z = torch.sigmoid(W_xz @ x + b_z)
    r = torch.sigmoid(W_xr @ x + W_hr @ (h * drop) + b_r)
    h = torch.tanh(W_hh @ (r * h * drop) + torch.tanh(x) + p["b_h"]) * z + h * (1 - z)
    return h, h


def min_gru(p: Any, x: Any, h: Any) -> Any:
    z, n = (p["W_x"] @ x + p["b"]).chunk(2)
    h = torch.lerp(h, n, torch.sigmoid(z))
    return h, h


def sru(p: Any, x: Any, c: Any) -> Any:
    u, f, r = (p["W_x"] @ x + p["b"]).chunk(3)
    c = torch.lerp(u, c, torch.sigmoid(f))
    return torch.lerp(x, c, torch.sigmoid(r)), c


def linear_state(p: Any, x: Any, h: Any) -> Any:
    h = torch.exp(-torch.exp(p["nu"])) * h + p["W_x"] @ x + p["b"]
    return p["C"] @ h + p["d"] * x, h


CELLS: dict[str, tuple[type[numnet.Node], Callable[..., Any]]] = {
    "MUT1": (MUT1Node, mut1),
    "minGRU": (MinGRUNode, min_gru),
    "SRU": (SRUNode, sru),
    "linear state space": (LinearStateNode, linear_state),
}
