"""Elementwise activations, with derivatives computed from their outputs, and softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.checks import check_last_axis
from numnet.core.operation import Array, Operation


def sigmoid(x: Array) -> Array:
    """σ(x) = tanh(x/2)/2 + 1/2: the same function as 1/(1 + exp(-x)), without overflow."""
    return 0.5 * np.tanh(0.5 * x) + 0.5


def sigmoid_slope(y: Array) -> Array:
    """The derivative σ' = y (1 - y) from the output y = σ(x), without a second exponential."""
    return y * (1 - y)


class Activation(Operation):
    """y = f(x), elementwise; float32 and float64 keep their dtype."""

    def forward(self, x: Any) -> Array:
        self.saved = y = self.f(self.validated(x))
        return y

    def backward(self, dy: Any) -> Array:
        y = self.recall()
        return self.slope(self.gradient(dy, y.shape, y.dtype), y)

    def validated(self, x: Any) -> Array:
        return self.as_real("x", x)

    def compute(self, x: Array) -> tuple[Array, Array]:
        y = self.f(x)
        return y, y

    def compute_backward(self, dy: Array, y: Array) -> tuple[Array, dict[str, Any]]:
        return self.slope(dy, y), {}

    def f(self, x: Array) -> Array:
        raise NotImplementedError

    def slope(self, dy: Array, y: Array) -> Array:
        """Return dx from dy and the output y."""
        raise NotImplementedError


class Sigmoid(Activation):
    """y = σ(x)  (1)"""

    def f(self, x: Array) -> Array:
        return sigmoid(x)  # (1)

    def slope(self, dy: Array, y: Array) -> Array:
        return dy * sigmoid_slope(y)  # (1)


class Tanh(Activation):
    """y = tanh(x)  (1)"""

    def f(self, x: Array) -> Array:
        return np.tanh(x)  # (1)

    def slope(self, dy: Array, y: Array) -> Array:
        return dy * (1 - y * y)  # (1)


class ReLU(Activation):
    """y = max(x, 0)  (1), its derivative at 0 taken as 0, as in PyTorch."""

    def f(self, x: Array) -> Array:
        return np.maximum(x, 0)  # (1)

    def slope(self, dy: Array, y: Array) -> Array:
        return dy * (y > 0)  # (1)


class Softmax(Activation):
    """e = exp(x - max x)  (1),  y = e / Σ e  (2), over the last axis; the shift cancels, and prevents overflow."""

    def f(self, x: Array) -> Array:
        check_last_axis(self.name, x)
        e = np.exp(x - x.max(axis=-1, keepdims=True))  # (1)
        return e / e.sum(axis=-1, keepdims=True)  # (2)

    def slope(self, dy: Array, y: Array) -> Array:
        return y * (dy - (dy * y).sum(axis=-1, keepdims=True))  # (2) (1): ∂y_i/∂x_j = y_i (δ_ij - y_j)
