"""The elementwise functions of a node by name, each with its derivative written in terms of its output."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from numnet.core.operation import Array
from numnet.layers.activations import sigmoid

ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805  # of SELU, for which mean 0 and variance 1 are a fixed point


class Function(NamedTuple):
    """y = f(a)  (f), and f'(a) from y alone  (f'): a node saves its outputs, and needs no pre-activation."""

    f: Callable[[Array], Array]
    of_output: Callable[[Array], Array]

    def __call__(self, a: Array) -> Array:
        return self.f(a)  # (f)

    def slope(self, y: Array) -> Array:
        """f'(a), of y's dtype; or True for 1 and False for 0, with which a product is faster."""
        slope = self.of_output(y)
        return slope if slope.dtype in (y.dtype, bool) else slope.astype(y.dtype)  # (f')


# Derivatives at a kink are those of PyTorch: 0 for relu, hard_sigmoid and hard_tanh. Below 0, elu has y = eᵃ - 1 and
# f' = eᵃ = y + 1, selu the same with its factors. softplus has f' = σ(a) = 1 - e⁻ʸ, as eʸ = 1 + eᵃ.
FUNCTIONS: dict[str, Function] = {
    "tanh": Function(np.tanh, lambda y: 1 - y**2),
    "sigmoid": Function(sigmoid, lambda y: y * (1 - y)),
    "relu": Function(lambda a: np.maximum(a, 0), lambda y: y > 0),
    "linear": Function(lambda a: a, np.ones_like),
    "hard_sigmoid": Function(lambda a: np.clip(a / 6 + 0.5, 0, 1), lambda y: ((y > 0) & (y < 1)) / 6),
    "hard_tanh": Function(lambda a: np.clip(a, -1, 1), lambda y: abs(y) < 1),
    "softsign": Function(lambda a: a / (1 + abs(a)), lambda y: (1 - abs(y)) ** 2),
    "softplus": Function(lambda a: np.maximum(a, 0) + np.log1p(np.exp(-abs(a))), lambda y: -np.expm1(-y)),
    "elu": Function(lambda a: np.where(a > 0, a, np.expm1(np.minimum(a, 0))), lambda y: np.where(y > 0, 1, y + 1)),
    "selu": Function(
        lambda a: SCALE * np.where(a > 0, a, ALPHA * np.expm1(np.minimum(a, 0))),
        lambda y: np.where(y > 0, SCALE, y + SCALE * ALPHA),
    ),
    "leaky_relu": Function(lambda a: np.where(a > 0, a, 0.01 * a), lambda y: np.where(y > 0, 1, 0.01)),
}
