"""Losses of real numbers: squared and absolute error, Huber's loss between the two, and the loss of quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from numnet.core.checks import (
    check_positive,
    check_quantile_target,
    check_quantiles,
    check_target_like,
    validate_call,
)
from torchnet.layers.losses import Loss


class MeanSquaredError(Loss):
    """ℓ = (y - t)²; y, t and mask of one shape."""

    def terms(self, prediction: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        check_target_like(self.name, target, tuple(prediction.shape))
        return F.mse_loss(prediction, target.to(prediction), reduction="none")


class MeanAbsoluteError(Loss):
    """ℓ = |y - t|; y, t and mask of one shape."""

    def terms(self, prediction: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        check_target_like(self.name, target, tuple(prediction.shape))
        return F.l1_loss(prediction, target.to(prediction), reduction="none")


class HuberLoss(Loss):
    """The squared error near the target, the absolute error far from it, so that outliers have bounded gradients.

    ℓ = e² / 2 for e = y - t if |e| ≤ δ, else δ (|e| - δ/2). y, t and mask have one shape. PyTorch's SmoothL1Loss(beta)
    is HuberLoss(beta) / beta. Huber, 1964.
    """

    @validate_call
    def __init__(self, delta: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        check_positive(self.name, delta=delta)
        self.delta = delta

    def config(self) -> dict[str, Any]:
        return {"delta": self.delta, **super().config()}

    def terms(self, prediction: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        check_target_like(self.name, target, tuple(prediction.shape))
        return F.huber_loss(prediction, target.to(prediction), reduction="none", delta=self.delta)


class QuantileLoss(Loss):
    """The pinball loss of K predicted quantiles: smallest if y_k is the quantile τ_k of t, given the input.

    ℓ = 1/K Σ_k (τ_k - [e_k < 0]) e_k for e_k = t - y_k: τ e above the prediction, (1 - τ) |e| below.

    `quantiles` are the τ, each between 0 and 1; 0.5 is the median, and its loss half of the absolute error. Predictions
    are (..., K) for targets (...), or (..., D K) for targets (..., D), where the K quantiles of a target are adjacent.
    So Dense(K) fits targets (B, T) and (B, T, 1), and Dense(D K) fits (B, D). The mask has the shape of the targets.
    Koenker and Bassett, 1978.
    """

    @validate_call
    def __init__(self, quantiles: float | Sequence[float] | Tensor, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.quantiles = check_quantiles(self.name, quantiles)

    def config(self) -> dict[str, Any]:
        return {"quantiles": self.quantiles, **super().config()}

    def aligned(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        check_quantile_target(self.name, target, tuple(prediction.shape), len(self.quantiles))
        return prediction.reshape(*target.shape, len(self.quantiles)), target

    def places(self, shape: Sequence[int]) -> Sequence[int]:
        return shape[:-1]

    def terms(self, prediction: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        tau = prediction.new_tensor(self.quantiles)
        e = target.to(prediction)[..., None] - prediction
        return ((tau - (e < 0).to(e)) * e).mean(dim=-1)
