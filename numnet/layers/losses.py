"""Loss functions: each returns the exact gradient of its value.

A loss is the mean over the counted targets: those that are not ignored, and that the mask, if given, includes.
So neither padding nor the sizes of a batch change the scale of a gradient. reduction="sum" and "none" do not divide.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from numnet.core.arrays import as_array
from numnet.core.attributes import OfCall
from numnet.core.checks import REDUCTIONS, check_choice, no_method, same_targets, target_shape, validate_call
from numnet.core.lengths import as_loss_mask
from numnet.core.operation import Array, Operation
from numnet.core.packed import Packed, check_packed_target


class Loss(Operation):
    """forward(prediction, target, mask=None) → a number; backward() → its gradient with respect to the prediction.

        L = Σ_i s_i ℓ_i,   dy_i = dL s_i ∂ℓ_i/∂y_i        over the targets i

    reduction  "mean": s_i is 1/N for a counted target, 0 for any other; "sum": 1 or 0; "none": 1 or 0, and without the
               sum: L_i = s_i ℓ_i is an array of the targets' shape, and dL one of the same shape
    counted    N of the last call: the number of counted targets, or the sum of their class weights
    in_nats    True if exp(mean loss) is a perplexity
    """

    counted = OfCall(0.0)
    in_nats = False
    reduction = "mean"

    @validate_call
    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        check_choice(self.name, "reduction", reduction, REDUCTIONS)
        self.reduction = reduction

    def config(self) -> dict[str, Any]:
        return {"reduction": self.reduction}

    def forward(self, prediction: Any, target: Any, mask: Any = None) -> Any:  # type: ignore[override]
        """The loss of the targets that count; `counted` is then their number.

        `mask` has the shape of the losses, one for each target, or is lengths (B,): True where a target counts. Where
        none counts the loss is 0, with a warning. ValueError for shapes that do not fit, IndexError for a class that
        the prediction does not have.
        """
        check_packed_target(self.name, target, prediction)
        packed = prediction if isinstance(prediction, Packed) else None
        prediction, target = (z.values if isinstance(z, Packed) else z for z in (prediction, target))
        prediction, target = self.as_real("prediction", prediction), as_array(self.name, "target", target)
        form = prediction.dtype, prediction.shape, target.shape, packed
        if prediction.dtype == np.float16:
            prediction = prediction.astype(np.float32)
        prediction, target = self.aligned(prediction, target)
        weights = self.weights(prediction, target, mask)
        prediction, target = only_counted(prediction, target, weights > 0)
        losses, slope = self.all_terms(prediction, target, weights)
        shares = self.shares(target, weights)
        self.saved = slope, shares, form
        losses = losses * shares  # s_i ℓ_i: divided by N before the sum, so that the sum does not overflow
        if self.reduction != "none":
            return float(losses.sum())
        losses = losses.reshape(target_shape(form[2], losses.shape))
        return losses if packed is None else packed.like(losses)

    def backward(self, dy: Any = 1.0) -> Any:
        """The gradient with respect to the prediction, of its shape; dy is dL, of the loss's shape."""
        slope, shares, form = self.recall()
        dtype, shape, given, packed = form
        shares = self.upstream(dy, shares, given)
        shares = shares if shares.ndim == slope.ndim else shares[..., None]
        dx = np.multiply(
            slope, shares.astype(slope.dtype), out=np.empty_like(slope)
        )  # in slope's memory layout, not shares'
        dx = dx.astype(dtype, copy=False).reshape(shape)
        return dx if packed is None else packed.like(dx)

    def upstream(self, dy: Any, shares: Array, given: tuple[int, ...]) -> Array:
        """Return dL s_i, the gradient of the loss ℓ_i of each target; `given` is the shape of the targets as passed."""
        if self.reduction != "none":
            return shares * (dy if type(dy) is float else float(self.gradient(dy, (), np.float64)))
        dy = dy.values if isinstance(dy, Packed) else dy
        dy = self.gradient(dy, target_shape(given, shares.shape), shares.dtype).reshape(shares.shape)
        return np.where(shares > 0, shares * dy, 0)

    def shares(self, target: Array, weights: Array) -> Array:
        """Set `counted`; return the factor of each loss: weights / N for a mean, else the weights."""
        self.counted = self.divisor(target, weights)
        shares = weights / (self.counted or math.inf) if self.reduction == "mean" else weights
        if not shares.any():
            warnings.warn(
                f"{self.name}: no target is counted, so the loss and all gradients are 0. Check mask and ignore_index.",
                stacklevel=3,
            )
        return shares

    def aligned(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        """Return prediction and target in the shapes that `terms` reads; (...) and (..., 1) are the same targets."""
        return prediction, target.reshape(prediction.shape) if same_targets(prediction.shape, target.shape) else target

    def all_terms(self, prediction: Array, target: Array, weights: Array) -> tuple[Array, Array]:
        """Return `terms` of all targets. A subclass may call it for a few at a time."""
        return self.terms(prediction, target, weights)

    def terms(self, prediction: Array, target: Array, weights: Array) -> tuple[Array, Array]:
        """Return ℓ_i of each target, and the slope ∂ℓ_i/∂y_i. Predictions of weight 0 are passed as 0."""
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

    def divisor(self, target: Array, weights: Array) -> float:
        """Return N, by which a mean divides."""
        return float(weights.sum())


def only_counted(prediction: Array, target: Array, counted: Array) -> tuple[Array, Array]:
    """Return the arrays with 0 at each target that does not count: its values may be anything, even NaN."""
    if counted.all():
        return prediction, target
    if target.shape == counted.shape:
        target = np.where(counted, target, 0)
    counted = counted if counted.ndim == prediction.ndim else counted[..., None]
    if target.shape == prediction.shape:
        target = np.where(counted, target, 0)
    return np.where(counted, prediction, 0), target
