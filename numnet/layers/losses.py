"""Loss functions: each returns the exact gradient of its value.

A loss is the mean over the counted targets: those that are not ignored, and that the mask, if given, includes.
So neither padding nor the sizes of a batch change the scale of a gradient.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from numnet.core.arrays import as_array
from numnet.core.attributes import OfCall
from numnet.core.checks import no_method, same_targets
from numnet.core.lengths import as_loss_mask
from numnet.core.operation import Array, Operation
from numnet.core.packed import Packed, check_packed_target


class Loss(Operation):
    """forward(prediction, target, mask=None) → a number; backward() → its gradient with respect to the prediction.

    `counted` is the number of targets in the last mean; `in_nats` is True if exp(loss) is a perplexity.
    """

    counted = OfCall(0.0)
    in_nats = False

    def forward(self, prediction: Any, target: Any, mask: Any = None) -> float:  # type: ignore[override]
        """The mean loss of the targets that count; `counted` is then their number.

        `mask` has the shape of the losses, one for each target, or is lengths (B,): True where a target counts. Where
        none counts the loss is 0, with a warning. ValueError for shapes that do not fit, IndexError for a class that
        the prediction does not have.
        """
        check_packed_target(self.name, target, prediction)
        packed = prediction if isinstance(prediction, Packed) else None
        prediction, target = (z.values if isinstance(z, Packed) else z for z in (prediction, target))
        prediction, target = self.as_real("prediction", prediction), as_array(self.name, "target", target)
        dtype = prediction.dtype
        if dtype == np.float16:
            prediction = prediction.astype(np.float32)
        shape = prediction.shape
        prediction, target = self.aligned(prediction, target)
        weights = self.weights(prediction, target, mask)
        counted = weights > 0
        if not counted.all():  # values that do not count may be anything, even NaN
            if target.shape == weights.shape:
                target = np.where(counted, target, 0)
            counted = counted if counted.ndim == prediction.ndim else counted[..., None]
            if target.shape == prediction.shape:
                target = np.where(counted, target, 0)
            prediction = np.where(counted, prediction, 0)
        losses, slope = self.terms(prediction, target, weights)
        N = self.counted = float(weights.sum())
        if N == 0:
            warnings.warn(
                f"{self.name}: no target is counted, so the loss and all gradients are 0. Check the mask.", stacklevel=2
            )
            N = 1.0
        self.saved = slope, weights / N, dtype, shape, packed
        return float((losses * (weights / N)).sum())  # divided first, so that the sum is not larger than a loss

    def backward(self, dy: float = 1.0) -> Any:
        """The gradient with respect to the prediction, of its shape; dy is that of the loss."""
        slope, shares, dtype, shape, packed = self.recall()
        dy = dy if type(dy) is float else float(self.gradient(dy, (), np.float64))
        shares = shares if shares.ndim == slope.ndim else shares[..., None]
        dx = (slope * (shares * dy).astype(slope.dtype)).astype(dtype, copy=False).reshape(shape)
        return dx if packed is None else packed.like(dx)

    def aligned(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        """Return prediction and target in the shapes that `terms` reads; (...) and (..., 1) are the same targets."""
        return prediction, target.reshape(prediction.shape) if same_targets(prediction.shape, target.shape) else target

    def terms(self, prediction: Array, target: Array, weights: Array) -> tuple[Array, Array]:
        """Return the loss of each target, and d loss / d prediction. Predictions of weight 0 are passed as 0."""
        raise no_method(self, "terms", "terms(prediction, target, weights) → losses, slope")

    def weights(self, prediction: Array, target: Array, mask: Any) -> Array:
        """Return 1 for a target that counts, 0 for one that the mask, or lengths (B,), exclude."""
        shape = self.places(prediction.shape)
        if mask is None:
            return np.ones(shape, prediction.dtype)
        return as_loss_mask(self.name, mask, shape).astype(prediction.dtype)

    def places(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the losses, one per target, for a prediction of this shape."""
        return shape
