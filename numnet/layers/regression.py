"""Losses of real numbers."""

from __future__ import annotations

from numnet.core.checks import check_target_shape
from numnet.core.operation import Array
from numnet.layers.losses import Loss


class MeanSquaredError(Loss):
    """ℓ = (y - t)²  (1),  dy = 2 (y - t)  (1); y, t and mask of one shape."""

    def terms(self, prediction: Array, target: Array, weights: Array) -> tuple[Array, Array]:
        check_target_shape(self.name, target, prediction.shape, "Targets have the shape of the prediction.")
        difference = prediction - target.astype(prediction.dtype)
        return difference**2, 2 * difference  # (1)
