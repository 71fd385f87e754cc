"""Layer normalization: each sample is scaled to mean 0 and variance 1, then by a learned gain (Ba et al. 2016)."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.operation import Array
from numnet.recurrent.node import Node, dropped, side_by_side
from numnet.recurrent.rnn import RNNNode

EPSILON = 1e-5  # added to the variance; PyTorch's default
ALL = slice(None)


def normalize(x: Array, gain: Array) -> tuple[Array, Any]:
    """Return y = g ⊙ x̂ and the saved values; x, y (..., rows, B), gain g (rows,).

    μ = mean x                    (a)   over the rows
    s = 1 / √(mean (x - μ)² + ε)  (b)
    x̂ = s (x - μ)                 (c)
    y = g ⊙ x̂                     (d)
    """
    centered = x - x.mean(axis=-2, keepdims=True)  # (a)
    s = 1 / np.sqrt((centered**2).mean(axis=-2, keepdims=True) + EPSILON)  # (b)
    x_hat = s * centered  # (c)
    return gain[:, None] * x_hat, (x_hat, s)  # (d)


def normalize_backward(dy: Array, gain: Array, saved: Any) -> tuple[Array, Array]:
    """Return dx, and dy ⊙ x̂, whose sum over samples is the gradient of the gain."""
    x_hat, s = saved
    dx_hat = dy * gain[:, None]  # (d)
    through_s = x_hat * (dx_hat * x_hat).mean(axis=-2, keepdims=True)  # (b)   ∂s/∂x = -s² x̂ / rows
    dx = s * (dx_hat - dx_hat.mean(axis=-2, keepdims=True) - through_s)  # (c) (a)
    return dx, dy * x_hat  # (d)


class LayerNormNode(Node):
    """A node whose products are normalized: a_x = g_x ⊙ N(W_x x) + b  (0), and g_h ⊙ N(W_h h') in its step.

    N normalizes the rows between two `edges` together. Gains g_x, g_h (G·H,) start at 1.
    Without `gains` (0) is that of Node.
    """

    gains: tuple[str, ...] = ("g_x", "g_h")
    g_x: Array
    g_h: Array

    @property
    def edges(self) -> list[int]:
        """The rows at which np.split cuts; each block is normalized separately."""
        return []

    def product(self, x: Array) -> Array:
        """W_x x, a lookup for tokens."""
        return self.W_x[:, x].swapaxes(0, 1) if x.ndim == 2 else self.W_x @ x  # (0)

    def inputs(self, x: Array) -> Any:
        if not self.gains:
            return super().inputs(x)
        blocks = zip(np.split(self.product(x), self.edges, axis=1), np.split(self.g_x, self.edges))
        normalized = np.concatenate([normalize(p, gain)[0] for p, gain in blocks], axis=1)
        return normalized + self.b[:, None] if self.bias else normalized  # (0)

    def inputs_backward(self, da_x: Array, x: Array) -> tuple[Array | None, dict[str, Any]]:
        if not self.gains:
            return super().inputs_backward(da_x, x)
        parts = (np.split(q, self.edges, axis=k) for q, k in ((da_x, 1), (self.product(x), 1), (self.g_x, 0)))
        found = [normalize_backward(da, gain, normalize(p, gain)[1]) for da, p, gain in zip(*parts)]  # (0)
        dp, dg = (np.concatenate(blocks, axis=1) for blocks in zip(*found))
        dx, grads = super().inputs_backward(dp, x)  # (0)
        of_b = {"b": side_by_side(da_x).sum(axis=1)} if self.bias else {}  # (0)
        return dx, {"W_x": grads["W_x"], "g_x": dg.sum(axis=(0, 2)), **of_b}  # (0)

    def normalized(self, x: Array, gain: str, rows: slice = ALL) -> tuple[Array, Any]:
        """Return g ⊙ N(x), with these rows of the gain, and its saved values; x without gains."""
        return normalize(x, getattr(self, gain)[rows]) if self.gains else (x, None)

    def normalized_backward(self, dy: Array, gain: str, saved: Any, rows: slice = ALL) -> tuple[Array, Any]:
        """Return dx, and the terms of the gain's gradient."""
        return normalize_backward(dy, getattr(self, gain)[rows], saved) if self.gains else (dy, None)


class LayerNormRNNNode(LayerNormNode, RNNNode):
    """RNNNode with layer normalization: a = a_x + g_h ⊙ N(W_h h')  (1), and (0) as in LayerNormNode."""

    def step(self, a_x: Array, h_prev: Array, drop: Array | None = None) -> Any:
        h_in = dropped(h_prev, drop)
        p, norm = normalize(self.W_h @ h_in, self.g_h)  # (1)
        a = a_x + p  # (1)
        h = self.phi(a)  # (2)
        return h, (h,), (h_in, h, norm)

    def step_backward(self, dy: Array, dh_next: Array, saved: Any, drop: Array | None = None) -> Any:
        h_in, h, norm = saved
        dh = dy + dh_next
        da = dh * self.phi.slope(h)  # (2)
        dp, dg = normalize_backward(da, self.g_h, norm)  # (1)
        dh_prev = dropped(self.W_h.T @ dp, drop)  # (1)
        return da, (dh_prev,), {"W_h": (dp, h_in), "g_h": (dg, None)}  # (1)
