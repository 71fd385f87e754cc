"""What a model is to make small: each loss is the exact function whose gradient it returns.

A mean over what is counted: targets that are not ignored and that the mask, where there is one, lets through.
So neither padding nor the sizes of a batch change the scale of a gradient.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from numnet.activations import sigmoid
from numnet.checks import check_real, check_shape, check_targets, kind_of
from numnet.operation import Array, Operation


class Loss(Operation):
    """forward(prediction, target, mask=None) → a number; backward() → its gradient with respect to the prediction.

    `counted` is how many targets the last mean was taken over; `in_nats` says whether exp(loss) is a perplexity.
    """

    counted = 0.0
    in_nats = False

    def forward(self, prediction: Any, target: Any, mask: Any = None) -> float:  # type: ignore[override]
        prediction, target = np.asarray(prediction), np.asarray(target)
        check_real(self.name, "prediction", prediction)
        prediction = prediction if prediction.dtype.kind == "f" else prediction.astype(np.float32)
        losses, weights, slope = self.terms(prediction, target, mask)
        N = self.counted = float(weights.sum())
        if N == 0:
            warnings.warn(
                f"{self.name}: no target is counted, so the loss is 0 and so is every gradient.", stacklevel=2
            )
            N = 1.0
        self.saved = slope, weights, N
        return float((losses * weights).sum() / N)

    def backward(self, dy: float = 1.0) -> Array:
        slope, weights, N = self.recall()
        weights = weights if weights.ndim == slope.ndim else weights[..., None]
        return slope * (weights * (dy / N)).astype(slope.dtype)

    def terms(self, prediction: Array, target: Array, mask: Any) -> tuple[Array, Array, Array]:
        """Each counted place's loss, its weight 0 or 1, and d loss / d prediction."""
        raise NotImplementedError

    def weights(self, mask: Any, shape: tuple[int, ...], dtype: Any) -> Array:
        """The mask as numbers, ones for None."""
        if mask is None:
            return np.ones(shape, dtype)
        check_shape(self.name, "mask", np.shape(mask), shape, "One truth value for each target.")
        return np.asarray(mask).astype(bool).astype(dtype)


class SoftmaxCrossEntropy(Loss):
    """Negative log-likelihood of the target under softmax of the logits, in nats.

        z = x - max x               (1)   x (B, ..., V) logits; the shift changes nothing and cannot overflow
        ℓ = log Σ exp z - z[t]      (2)   t the target class
        dx = softmax(x) - one_hot(t)      (2) (1)

    target: integer classes (B, ...), or one-hot or any weights (B, ..., V), for which ℓ = Σ t (log Σ exp z - z).
    Classes equal to `ignore_index` do not count. exp(loss) is the perplexity, loss / ln 2 bits per token.
    """

    in_nats = True

    def __init__(self, ignore_index: int | None = None) -> None:
        self.ignore_index = ignore_index

    def config(self) -> dict[str, Any]:
        return {"ignore_index": self.ignore_index}

    def terms(self, prediction: Array, target: Array, mask: Any) -> tuple[Array, Array, Array]:
        z = prediction - prediction.max(axis=-1, keepdims=True)  # (1)
        e = np.exp(z)
        total = e.sum(axis=-1, keepdims=True)
        weights = self.weights(mask, prediction.shape[:-1], z.dtype)
        if kind_of(target) != "token" or target.ndim == prediction.ndim:
            check_shape(
                self.name, "target", target.shape, prediction.shape, "One-hot targets are shaped as the logits."
            )
            t = target.astype(z.dtype)
            mass = t.sum(axis=-1, keepdims=True)
            return (t * (np.log(total) - z)).sum(axis=-1), weights, mass * e / total - t  # (2)
        check_targets(self.name, target, prediction.shape, self.ignore_index)
        if self.ignore_index is not None:
            weights = weights * (target != self.ignore_index)
        t = np.where(weights > 0, target, 0)[..., None]
        losses = np.log(total) - np.take_along_axis(z, t, axis=-1)  # (2)
        slope = np.divide(e, total, out=e)
        np.put_along_axis(slope, t, np.take_along_axis(slope, t, axis=-1) - 1, axis=-1)
        return losses[..., 0], weights, slope


class BinaryCrossEntropy(Loss):
    """Negative log-likelihood of targets t in [0, 1] under σ(x), from the logits x; x, t and mask of one shape.

    ℓ = max(x, 0) - x t + log(1 + exp(-|x|))    (1)   = -t log σ(x) - (1 - t) log(1 - σ(x)), never overflowing
    dx = σ(x) - t                               (1)
    """

    def terms(self, prediction: Array, target: Array, mask: Any) -> tuple[Array, Array, Array]:
        x = prediction
        check_shape(self.name, "target", target.shape, x.shape, "Targets are shaped as the logits.")
        t = target.astype(x.dtype)
        losses = np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))  # (1)
        return losses, self.weights(mask, x.shape, x.dtype), sigmoid(x) - t


class MeanSquaredError(Loss):
    """ℓ = (y - t)²  (1),  dy = 2 (y - t)  (1); y, t and mask of one shape."""

    def terms(self, prediction: Array, target: Array, mask: Any) -> tuple[Array, Array, Array]:
        check_shape(self.name, "target", target.shape, prediction.shape, "Targets are shaped as the prediction.")
        difference = prediction - target.astype(prediction.dtype)
        return difference**2, self.weights(mask, difference.shape, difference.dtype), 2 * difference  # (1)
