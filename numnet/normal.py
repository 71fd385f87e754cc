"""Layer normalisation of columns: each sample's numbers get mean 0 and variance 1, then a learned scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from numnet.columns import all_columns
from numnet.operation import Array
from numnet.slots import Slots
from numnet.state import Stateful

EPSILON = 1e-5  # added to the variance; PyTorch's default


def normalise(x: Array, gain: Array, x_hat: Array, scale: Array) -> None:
    """x ← g ⊙ x̂ (Ba et al. 2016), in place; x and x_hat (..., rows, B), gain (rows, 1), scale (..., 1, B).

    μ = mean x                    (1)   over the rows
    s = 1 / √(mean (x - μ)² + ε)  (2)
    x̂ = s (x - μ)                 (3)
    y = g ⊙ x̂                     (4)
    """
    np.subtract(x, x.mean(axis=-2, keepdims=True), x_hat)  # (1)
    np.divide(1, np.sqrt(np.square(x_hat).mean(axis=-2, keepdims=True) + EPSILON), scale)  # (2)
    x_hat *= scale  # (3)
    np.multiply(gain, x_hat, x)  # (4)


def normalise_backward(dy: Array, gain: Array, x_hat: Array, scale: Array) -> Array:
    """dx: through x̂ itself (4) (3), through s (2) and through μ (1). Those of the gain are the sum of dy ⊙ x̂."""
    d_hat = dy * gain  # (4)
    through_s = x_hat * (d_hat * x_hat).mean(axis=-2, keepdims=True)  # (2) ∂s/∂x = -s² x̂ / rows
    return scale * (d_hat - d_hat.mean(axis=-2, keepdims=True) - through_s)  # (3) (1)


class NormalProducts(Stateful):
    """The part of a node that normalises its products: g_x ⊙ N(W_x x) of all steps at once, g_h ⊙ N(W_h h') in each."""

    layer_norm = False
    G: int
    hidden_size: int
    b: Array
    db: Array
    g_x: Array
    g_h: Array
    dg_x: Array
    dg_h: Array

    @property
    def blocks(self) -> list[slice]:
        """The rows of W_x x, and of W_h h', that layer_norm normalises together."""
        return [slice(0, self.G * self.hidden_size)]

    def add_gains(self, rows: int) -> None:
        """g_x and g_h, ones."""
        self.add_param("g_x", np.ones(rows))
        self.add_param("g_h", np.ones(rows))

    def add_slots(self, s: Slots) -> None:
        """Room for what normalise keeps of both products, and for the gradient of W_h h' itself, dp."""
        rows, blocks = self.G * self.hidden_size, len(self.blocks)
        s.x_hat, s.x_scale, s.h_hat, s.h_scale = (s.new(s.T, n, s.B) for n in (rows, blocks, rows, blocks))
        s.dp = s.in_turn(s.da[:, -rows:])

    def normal(self, s: Slots, t: int, k: int, p: Array) -> None:
        """Layer normalisation: block k of W_h h', p, of step t becomes g_h ⊙ p̂."""
        rows = self.blocks[k]
        normalise(p, self.g_h[rows, None], s.h_hat[t, rows], s.h_scale[t, k : k + 1])

    def normal_backward(self, s: Slots, t: int, k: int, dy: Array) -> Array:
        """The gradient of block k of W_h h' itself, from that of its normalised form; kept for dW_h."""
        rows, dp = self.blocks[k], s.dp[t]
        dp[rows] = normalise_backward(dy, self.g_h[rows, None], s.h_hat[t, rows], s.h_scale[t, k : k + 1])
        return dp[rows]

    def normalise_inputs(self, s: Slots) -> None:
        """s.a, W_x x of all steps, becomes g_x ⊙ N(W_x x)."""
        for k, rows in enumerate(self.blocks):
            normalise(s.a[:, rows], self.g_x[rows, None], s.x_hat[:, rows], s.x_scale[:, k : k + 1])

    def inputs_backward(self, stretches: Sequence[Slots], da: Array) -> Array:
        """The gradient of W_x x itself, (G·H, N)."""
        x_hat, scale = (all_columns(*(getattr(s, name) for s in stretches)) for name in ("x_hat", "x_scale"))
        self.db += da.sum(axis=1)
        self.dg_x += (da * x_hat).sum(axis=1)
        parts = [
            normalise_backward(da[rows], self.g_x[rows, None], x_hat[rows], scale[k : k + 1])
            for k, rows in enumerate(self.blocks)
        ]
        return np.concatenate(parts)
