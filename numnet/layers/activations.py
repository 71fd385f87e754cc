"""Elementwise activations, with derivatives computed from their outputs or inputs, and softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.checks import check_choice, check_finite_number, check_last_axis, check_positive, validate_call
from numnet.core.operation import Array, Operation
from numnet.layers.erf import erf

SQRT_HALF = 0.5**0.5
SQRT_2_PI = (2 / np.pi) ** 0.5
CUBIC = 0.044715  # of the tanh approximation of GELU


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


class InputActivation(Activation):
    """An activation whose derivative is computed from its input x: `slope` returns dx from dy and x."""

    def forward(self, x: Any) -> Array:
        self.saved = x = self.validated(x)
        return self.f(x)

    def compute(self, x: Array) -> tuple[Array, Array]:
        return self.f(x), x


class SiLU(InputActivation):
    """y = x σ(x)  (1), also called swish (Elfwing et al. 2018)."""

    def f(self, x: Array) -> Array:
        return x * sigmoid(x)  # (1)

    def slope(self, dy: Array, x: Array) -> Array:
        s = sigmoid(x)
        return dy * (s + x * sigmoid_slope(s))  # (1)


class GELU(InputActivation):
    """y = x Φ(x)  (1), Φ(x) = (1 + erf(x/√2)) / 2  (2), of the normal distribution (Hendrycks & Gimpel 2016).

    With approximate="tanh" Φ(x) = (1 + tanh u) / 2  (2), u = √(2/π) (x + 0.044715 x³)  (3), as in torch.nn.GELU.
    """

    @validate_call
    def __init__(self, approximate: str = "none") -> None:
        check_choice(self.name, "approximate", approximate, ("none", "tanh"))
        self.approximate = approximate

    def config(self) -> dict[str, Any]:
        return {"approximate": self.approximate}

    def f(self, x: Array) -> Array:
        return x * self.normal(x)  # (1)

    def normal(self, x: Array) -> Array:
        """Φ(x)"""
        if self.approximate == "none":
            return 0.5 * (1 + erf(x * SQRT_HALF))  # (2)
        return 0.5 * (1 + np.tanh(SQRT_2_PI * (x + CUBIC * x**3)))  # (2) (3)

    def slope(self, dy: Array, x: Array) -> Array:
        p = self.normal(x)
        if self.approximate == "none":
            density = 0.5 * SQRT_2_PI * np.exp(-0.5 * x**2)  # (2)   Φ' = exp(-x²/2) / √(2π)
        else:
            density = 2 * p * (1 - p) * SQRT_2_PI * (1 + 3 * CUBIC * x**2)  # (2) (3)   1 - tanh² = 4 Φ (1 - Φ)
        return dy * (p + x * density)  # (1)


class ELU(Activation):
    """y = x for x > 0, α (exp(x) - 1) for others  (1) (Clevert et al. 2016); `alpha` is α."""

    @validate_call
    def __init__(self, alpha: float = 1.0) -> None:
        check_positive(self.name, alpha=alpha)
        self.alpha = float(alpha)

    def config(self) -> dict[str, Any]:
        return {"alpha": self.alpha}

    def f(self, x: Array) -> Array:
        return np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))  # (1)

    def slope(self, dy: Array, y: Array) -> Array:
        return dy * np.where(y > 0, 1, y + self.alpha).astype(y.dtype)  # (1)   α exp(x) = y + α


class Softplus(InputActivation):
    """y = log(1 + exp(x))  (1), exact for every x: PyTorch's is x above 20 (Dugas et al. 2001)."""

    def f(self, x: Array) -> Array:
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))  # (1)   without overflow

    def slope(self, dy: Array, x: Array) -> Array:
        return dy * sigmoid(x)  # (1)


class LeakyReLU(InputActivation):
    """y = x for x > 0, a x for others  (1) (Maas et al. 2013); `negative_slope` is a."""

    @validate_call
    def __init__(self, negative_slope: float = 0.01) -> None:
        check_finite_number(self.name, "negative_slope", negative_slope)
        self.negative_slope = float(negative_slope)

    def config(self) -> dict[str, Any]:
        return {"negative_slope": self.negative_slope}

    def f(self, x: Array) -> Array:
        return np.where(x > 0, x, self.negative_slope * x)  # (1)

    def slope(self, dy: Array, x: Array) -> Array:
        return np.where(x > 0, dy, self.negative_slope * dy)  # (1)
