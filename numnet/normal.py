"""Layer normalisation of columns: each sample's numbers get mean 0 and variance 1, then a learned scale."""

from __future__ import annotations

import numpy as np

from numnet.operation import Array

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
