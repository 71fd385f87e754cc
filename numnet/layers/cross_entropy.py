"""Losses of classes and of yes or no: the cross-entropy of softmax, and that of the sigmoid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numnet.core.checks import (
    check_class_weights,
    check_classes,
    check_label_weights,
    check_logit_axis,
    check_one_hot,
    check_probability,
    check_target_like,
    check_target_shape,
    check_unit_interval,
    check_width_of_labels,
    check_width_of_weights,
    has_axis_of_one,
    validate_call,
)
from numnet.core.layout import pieces
from numnet.core.operation import Array
from numnet.layers.activations import sigmoid
from numnet.layers.losses import Loss

CLASSES = "Integer targets have the shape of the logits without the last axis."


class SoftmaxCrossEntropy(Loss):
    """Negative log-likelihood of the target under softmax of the logits, in nats.

        z = x - max x                           (1)   x (B, ..., V) logits; the shift cancels, and prevents overflow
        ℓ = log Σ exp z - z[t]                  (2)   t the target class
        dx = softmax(x) - one_hot(t)      (2) (1)   as ∂ log Σ exp z / ∂x_j = exp z_j / Σ exp z, and the shift cancels

    With class weights w (V,), smoothing ε, or targets t (B, ..., V), one-hot or any weights:

        u = w ⊙ ((1 - ε) t + ε / V)             (3)   w = 1 and ε = 0 by default; for a class t it is
                                                      a one_hot(t) + r, with a = (1 - ε) w[t] and r = ε w / V
        ℓ = Σ u (log Σ exp z - z)               (2)   = a (log Σ exp z - z[t]) + Σ r (log Σ exp z - z)
        dx = softmax(x) Σ u - u           (2) (1)

    target: integer classes (B, ...) or (B, ..., 1), or (B, ..., V). Classes equal to `ignore_index` do not count; for
    targets (B, ..., V) it has no effect. The mean divides by Σ w[t] for classes, and by the number of targets (B, ...,
    V), as in PyTorch. Without weights and smoothing exp(loss) is the perplexity, loss / ln 2 bits per token. Label
    smoothing: Szegedy et al., 2016.
    """

    in_nats = True

    @validate_call
    def __init__(
        self,
        ignore_index: int | None = None,
        *,
        class_weights: Sequence[float] | Array | None = None,
        label_smoothing: float = 0.0,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        check_probability(self.name, "label_smoothing", label_smoothing)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing
        self.class_weights = check_class_weights(self.name, class_weights)
        self.in_nats = self.plain = class_weights is None and label_smoothing == 0

    def config(self) -> dict[str, Any]:
        weights = None if self.class_weights is None else self.class_weights.tolist()
        own = {"class_weights": weights, "label_smoothing": self.label_smoothing}
        return {"ignore_index": self.ignore_index, **own, **super().config()}

    def aligned(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        check_logit_axis(self.name, prediction.shape)
        check_width_of_weights(self.name, self.class_weights, prediction.shape)
        return prediction, target[..., 0] if has_axis_of_one(target, prediction.shape) else target

    def places(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[:-1]

    def weights(self, prediction: Array, target: Array, mask: Any) -> Array:
        weights = super().weights(prediction, target, mask)
        if self.ignore_index is None or target.ndim == prediction.ndim:
            return weights
        check_target_shape(self.name, target, weights.shape, CLASSES)
        return weights * (target != self.ignore_index)

    def all_terms(self, prediction: Array, target: Array, weights: Array) -> tuple[Array, Array]:
        if target.ndim == prediction.ndim:
            check_one_hot(self.name, target, prediction.shape, weights)
        else:
            check_classes(self.name, target, prediction.shape)
        losses, slope = np.empty(weights.shape, prediction.dtype), np.empty_like(prediction)
        for some in pieces(prediction):
            losses[some], slope[some] = self.terms(prediction[some], target[some], weights[some])
        return losses, slope

    def terms(self, prediction: Array, target: Array, weights: Array) -> tuple[Array, Array]:
        z = prediction - prediction.max(axis=-1, keepdims=True)  # (1)
        e = np.exp(z)
        total = e.sum(axis=-1, keepdims=True)
        if target.ndim == prediction.ndim or not self.plain:
            return self.weighted_terms(target, z, e, total)
        t = (*np.indices(target.shape, sparse=True), target)  # z[t] has the number of the target class in each row
        losses = np.log(total[..., 0]) - z[t]  # (2)
        dx = np.divide(e, total, out=e)  # (2) (1)
        dx[t] -= 1  # (2) (1)
        return losses, dx

    def weighted_terms(self, target: Array, z: Array, e: Array, total: Array) -> tuple[Array, Array]:
        """Return the terms with u: for targets that are weights of the classes, class weights, or smoothing."""
        V, smoothing, log_total = z.shape[-1], self.label_smoothing, np.log(total)
        w = np.ones(V, z.dtype) if self.class_weights is None else self.class_weights.astype(z.dtype)
        if target.ndim == z.ndim:
            t = target.astype(z.dtype)
            u = t if self.plain else w * ((1 - smoothing) * t + smoothing / V)  # (3)
            losses = np.multiply(u, log_total - z, out=np.zeros_like(z), where=u != 0).sum(axis=-1)  # (2) 0 if u = 0
            dx = e * (u.sum(axis=-1, keepdims=True) / total) - u  # (2) (1)
            return losses, dx
        log_total, at_target = log_total[..., 0], (*np.indices(target.shape, sparse=True), target)
        a, r = (1 - smoothing) * w[target], smoothing / V * w  # (3)
        rest = r.sum() * log_total - (z if r.all() else np.where(r > 0, z, 0)) @ r  # (2) 0 if r = 0
        losses = a * (log_total - z[at_target]) + rest  # (2)
        dx = np.multiply(e, (a + r.sum())[..., None] / total, out=e)  # (2) (1)
        dx -= r  # (2) (1)
        dx[at_target] -= a  # (2) (1)
        return losses, dx

    def divisor(self, target: Array, weights: Array) -> float:
        w = self.class_weights
        return super().divisor(target, weights if w is None or target.ndim > weights.ndim else weights * w[target])


class BinaryCrossEntropy(Loss):
    """Negative log-likelihood of targets t in [0, 1] under σ(x), from the logits x; x, t and mask of one shape.

        ℓ = -w (p t log σ(x) + (1 - t) log(1 - σ(x)))
          = w (u |x| + v log(1 + exp(-|x|)))    (1)   u = 1 - t if x > 0, else p t; v = p t + 1 - t; no overflow
        dx = w (v σ(x) - p t)                   (1)

    `pos_weight` p multiplies the loss of the positive class: above 1 for more recall, such as the number of negatives
    per positive. `weight` w multiplies every loss. Each is one number, or (K,), one for each label of the last axis.
    The mean divides by the number of targets, without w and p, as in PyTorch.
    """

    @validate_call
    def __init__(
        self,
        *,
        pos_weight: float | Sequence[float] | Array | None = None,
        weight: float | Sequence[float] | Array | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.pos_weight = check_label_weights(self.name, "pos_weight", pos_weight)
        self.weight = check_label_weights(self.name, "weight", weight)

    def config(self) -> dict[str, Any]:
        own = {"pos_weight": self.pos_weight, "weight": self.weight}
        return {**{name: value if value is None else value.tolist() for name, value in own.items()}, **super().config()}

    def terms(self, prediction: Array, target: Array, weights: Array) -> tuple[Array, Array]:
        x = prediction
        check_target_like(self.name, target, x.shape, "logits")
        check_unit_interval(self.name, target)
        check_width_of_labels(self.name, x.shape, pos_weight=self.pos_weight, weight=self.weight)
        t, size = target.astype(x.dtype), np.abs(x)
        pt, v = t, 1
        if self.pos_weight is not None:
            pt = self.pos_weight.astype(x.dtype) * t
            v = pt + 1 - t
        u = np.where(x > 0, 1 - t, pt)
        losses = np.multiply(u, size, out=np.zeros_like(x), where=u != 0) + v * np.log1p(np.exp(-size))  # (1)
        dx = v * sigmoid(x) - pt  # (1)
        if self.weight is not None:
            w = self.weight.astype(x.dtype)
            losses, dx = w * losses, w * dx  # (1)
        return losses, dx
