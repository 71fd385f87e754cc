"""Losses of real numbers: squared and absolute error, Huber's loss between the two, and the loss of quantiles.

In this file dy is ∂ℓ/∂y of one target; the base class multiplies it by dL s_i.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numnet.core.checks import (
    check_positive,
    check_quantile_target,
    check_quantiles,
    check_target_like,
    validate_call,
)
from numnet.core.operation import Array
from numnet.layers.losses import Loss


class MeanSquaredError(Loss):
    """ℓ = (y - t)²  (1),  dy = 2 (y - t)  (1); y, t and mask of one shape."""

    def terms(self, prediction: Array, target: Array, weights: Array) -> tuple[Array, Array]:
        check_target_like(self.name, target, prediction.shape)
        difference = prediction - target.astype(prediction.dtype)
        return difference**2, 2 * difference  # (1)


class MeanAbsoluteError(Loss):
    """ℓ = |y - t|  (1),  dy = sign(y - t), 0 at 0  (1); y, t and mask of one shape."""

    def terms(self, prediction: Array, target: Array, weights: Array) -> tuple[Array, Array]:
        check_target_like(self.name, target, prediction.shape)
        difference = prediction - target.astype(prediction.dtype)
        return np.abs(difference), np.sign(difference)  # (1)


class HuberLoss(Loss):
    """The squared error near the target, the absolute error far from it, so that outliers have bounded gradients.

        e = y - t                                                (1)
        ℓ = e² / 2 if |e| ≤ δ, else δ (|e| - δ/2)                (2)
        dy = e if |e| ≤ δ, else δ sign(e)                        (2) (1)   = e, clipped to ±δ

    y, t and mask have one shape. PyTorch's SmoothL1Loss(beta) is HuberLoss(beta) / beta. Huber, 1964.
    """

    @validate_call
    def __init__(self, delta: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        check_positive(self.name, delta=delta)
        self.delta = delta

    def config(self) -> dict[str, Any]:
        return {"delta": self.delta, **super().config()}

    def terms(self, prediction: Array, target: Array, weights: Array) -> tuple[Array, Array]:
        check_target_like(self.name, target, prediction.shape)
        e = prediction - target.astype(prediction.dtype)  # (1)
        size, delta = np.abs(e), self.delta
        losses = np.where(size <= delta, e**2 / 2, delta * (size - delta / 2))  # (2)
        dy = np.clip(e, -delta, delta)  # (2) (1)
        return losses, dy


class QuantileLoss(Loss):
    """The pinball loss of K predicted quantiles: smallest if y_k is the quantile τ_k of t, given the input.

        e_k = t - y_k                                (1)
        ℓ = 1/K Σ_k (τ_k - [e_k < 0]) e_k            (2)   [...] is 1 or 0: τ e above the prediction, (1 - τ) |e| below
        dy_k = ([e_k < 0] - τ_k) / K                 (2) (1)

    `quantiles` are the τ, each between 0 and 1; 0.5 is the median, and its loss half of the absolute error.
    Predictions are (..., K) for targets (...), or (..., D K) for targets (..., D), where the K quantiles of a target
    are adjacent. So Dense(K) fits targets (B, T) and (B, T, 1), and Dense(D K) fits (B, D). The mask has the shape of
    the targets. Koenker and Bassett, 1978.
    """

    @validate_call
    def __init__(self, quantiles: float | Sequence[float] | Array, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.quantiles = check_quantiles(self.name, quantiles)

    def config(self) -> dict[str, Any]:
        return {"quantiles": self.quantiles, **super().config()}

    def aligned(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        check_quantile_target(self.name, target, prediction.shape, len(self.quantiles))
        return prediction.reshape(*target.shape, len(self.quantiles)), target

    def places(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[:-1]

    def terms(self, prediction: Array, target: Array, weights: Array) -> tuple[Array, Array]:
        tau = np.array(self.quantiles, prediction.dtype)
        e = target.astype(prediction.dtype)[..., None] - prediction  # (1)
        below = (e < 0).astype(e.dtype)
        losses = ((tau - below) * e).mean(axis=-1)  # (2)
        dy = (below - tau) / len(tau)  # (2) (1)
        return losses, dy
