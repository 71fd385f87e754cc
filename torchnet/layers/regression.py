"""Losses of real numbers."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from numnet.core.checks import check_target_shape
from torchnet.layers.losses import Loss


class MeanSquaredError(Loss):
    """ℓ = (y - t)²; y, t and mask of one shape."""

    def terms(self, prediction: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        check_target_shape(self.name, target, tuple(prediction.shape), "Targets have the shape of the prediction.")
        return F.mse_loss(prediction, target.to(prediction), reduction="none")
