"""Losses of classes and of yes or no: the cross-entropy of softmax, and that of the sigmoid."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.checks import (
    check_classes,
    check_logit_axis,
    check_one_hot,
    check_target_shape,
    check_unit_interval,
    validate_call,
)
from numnet.core.operation import Array
from numnet.layers.activations import sigmoid
from numnet.layers.losses import Loss

CLASSES = "Integer targets have the shape of the logits without the last axis."


class SoftmaxCrossEntropy(Loss):
    """Negative log-likelihood of the target under softmax of the logits, in nats.

        z = x - max x               (1)   x (B, ..., V) logits; the shift cancels, and prevents overflow
        ℓ = log Σ exp z - z[t]      (2)   t the target class
        dx = softmax(x) - one_hot(t)      (2) (1)   as ∂ log Σ exp z / ∂x_j = exp z_j / Σ exp z, and the shift cancels

    target: integer classes (B, ...), or one-hot or any weights (B, ..., V), for which ℓ = Σ t (log Σ exp z - z).
    Classes equal to `ignore_index` do not count. exp(loss) is the perplexity, loss / ln 2 bits per token.
    """

    in_nats = True

    @validate_call
    def __init__(self, ignore_index: int | None = None) -> None:
        self.ignore_index = ignore_index

    def config(self) -> dict[str, Any]:
        return {"ignore_index": self.ignore_index}

    def aligned(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        return prediction, target

    def places(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        check_logit_axis(self.name, shape)
        return shape[:-1]

    def weights(self, prediction: Array, target: Array, mask: Any) -> Array:
        weights = super().weights(prediction, target, mask)
        if self.ignore_index is None or target.ndim == prediction.ndim:
            return weights
        check_target_shape(self.name, target, weights.shape, CLASSES)
        return weights * (target != self.ignore_index)

    def terms(self, prediction: Array, target: Array, weights: Array) -> tuple[Array, Array]:
        z = prediction - prediction.max(axis=-1, keepdims=True)  # (1)
        e = np.exp(z)
        total = e.sum(axis=-1, keepdims=True)
        if target.ndim == prediction.ndim:
            check_one_hot(self.name, target, prediction.shape)
            t = target.astype(z.dtype)
            mass = t.sum(axis=-1, keepdims=True)
            losses = np.multiply(t, np.log(total) - z, out=np.zeros_like(z), where=t != 0)  # (2) 0 where t is
            dx = mass * e / total - t  # (2) (1)
            return losses.sum(axis=-1), dx
        check_classes(self.name, target, prediction.shape)
        t = target[..., None]
        losses = np.log(total) - np.take_along_axis(z, t, axis=-1)  # (2)
        dx = np.divide(e, total, out=e)  # (2) (1)
        np.put_along_axis(dx, t, np.take_along_axis(dx, t, axis=-1) - 1, axis=-1)
        return losses[..., 0], dx


class BinaryCrossEntropy(Loss):
    """Negative log-likelihood of targets t in [0, 1] under σ(x), from the logits x; x, t and mask of one shape.

    ℓ = u |x| + log(1 + exp(-|x|))    (1)   u = 1 - t if x > 0, else t
                                            = -t log σ(x) - (1 - t) log(1 - σ(x)), without overflow
    dx = σ(x) - t                               (1)
    """

    def terms(self, prediction: Array, target: Array, weights: Array) -> tuple[Array, Array]:
        x = prediction
        check_target_shape(self.name, target, x.shape, "Targets have the shape of the logits.")
        check_unit_interval(self.name, target)
        t, size = target.astype(x.dtype), np.abs(x)
        u = np.where(x > 0, 1 - t, t)
        losses = np.multiply(u, size, out=np.zeros_like(x), where=u != 0) + np.log1p(np.exp(-size))  # (1)
        return losses, sigmoid(x) - t  # (1)
