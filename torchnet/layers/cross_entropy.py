"""Losses of classes and of yes or no: the cross-entropy of softmax, and that of the sigmoid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

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
from torchnet.layers.losses import Loss

CLASSES = "Integer targets have the shape of the logits without the last axis."


class SoftmaxCrossEntropy(Loss):
    """Negative log-likelihood of the target under softmax of the logits, in nats; torch.nn.functional.cross_entropy.

    With class weights w (V,), smoothing ε, or targets t (B, ..., V), one-hot or any weights, ℓ = -Σ u log softmax(x)
    for u = w ⊙ ((1 - ε) t + ε / V).

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
        class_weights: Sequence[float] | Tensor | None = None,
        label_smoothing: float = 0.0,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        check_probability(self.name, "label_smoothing", label_smoothing)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing
        self.class_weights = check_class_weights(self.name, class_weights)
        self.in_nats = class_weights is None and label_smoothing == 0

    def config(self) -> dict[str, Any]:
        weights = None if self.class_weights is None else self.class_weights.tolist()
        own = {"class_weights": weights, "label_smoothing": self.label_smoothing}
        return {"ignore_index": self.ignore_index, **own, **super().config()}

    def aligned(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        shape = tuple(prediction.shape)
        check_logit_axis(self.name, shape)
        check_width_of_weights(self.name, self.class_weights, shape)
        return prediction, target[..., 0] if has_axis_of_one(target, shape) else target

    def places(self, shape: Sequence[int]) -> Sequence[int]:
        return shape[:-1]

    def weights(self, prediction: Tensor, target: Tensor, mask: Any) -> Tensor:
        weights = super().weights(prediction, target, mask)
        if self.ignore_index is None or target.ndim == prediction.ndim:
            return weights
        check_target_shape(self.name, target, tuple(weights.shape), CLASSES)
        return weights * (target != self.ignore_index)

    def terms(self, prediction: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        w, smoothing, V = self.weights_of_classes(prediction), self.label_smoothing, prediction.shape[-1]
        if target.ndim == prediction.ndim:
            check_one_hot(self.name, target, tuple(prediction.shape), weights)
        else:
            check_classes(self.name, target, tuple(prediction.shape))
            if smoothing and w is not None and not w.all():  # PyTorch's own is nan if a logit of weight 0 is -inf
                target = F.one_hot(target.long(), V)
        if target.ndim == prediction.ndim:
            u = (1 - smoothing) * target.to(prediction) + smoothing / V
            return -weighted(u if w is None else w * u, F.log_softmax(prediction, dim=-1)).sum(dim=-1)
        logits, classes = prediction.reshape(-1, V), target.reshape(-1).long()
        losses = F.cross_entropy(logits, classes, w, reduction="none", label_smoothing=smoothing)
        return losses.reshape(target.shape)

    def weights_of_classes(self, prediction: Tensor) -> Tensor | None:
        """Return the class weights as a tensor of the dtype and on the device of the prediction."""
        return None if self.class_weights is None else torch.from_numpy(self.class_weights).to(prediction)

    def divisor(self, target: Tensor, weights: Tensor) -> float:
        w = self.weights_of_classes(weights)
        return super().divisor(
            target, weights if w is None or target.ndim > weights.ndim else weights * w[target.long()]
        )


class BinaryCrossEntropy(Loss):
    """Negative log-likelihood of targets t in [0, 1] under σ(x), from the logits x; x, t and mask of one shape.

    ℓ = -w (p t log σ(x) + (1 - t) log(1 - σ(x)))

    `pos_weight` p multiplies the loss of the positive class: above 1 for more recall, such as the number of negatives
    per positive. `weight` w multiplies every loss. Each is one number, or (K,), one for each label of the last axis.
    The mean divides by the number of targets, without w and p, as in PyTorch.
    """

    @validate_call
    def __init__(
        self,
        *,
        pos_weight: float | Sequence[float] | Tensor | None = None,
        weight: float | Sequence[float] | Tensor | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.pos_weight = check_label_weights(self.name, "pos_weight", pos_weight)
        self.weight = check_label_weights(self.name, "weight", weight)

    def config(self) -> dict[str, Any]:
        own = {"pos_weight": self.pos_weight, "weight": self.weight}
        return {**{name: value if value is None else value.tolist() for name, value in own.items()}, **super().config()}

    def terms(self, prediction: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        check_target_like(self.name, target, tuple(prediction.shape), "logits")
        check_unit_interval(self.name, target)
        check_width_of_labels(self.name, tuple(prediction.shape), pos_weight=self.pos_weight, weight=self.weight)
        t = target.to(prediction)
        pt = t if self.pos_weight is None else torch.from_numpy(self.pos_weight).to(t) * t
        losses = -weighted(pt, F.logsigmoid(prediction)) - weighted(1 - t, F.logsigmoid(-prediction))
        return losses if self.weight is None else torch.from_numpy(self.weight).to(t) * losses


def weighted(weight: Tensor, log_p: Tensor) -> Tensor:
    """weight ⊙ log p, 0 where the weight is 0, even if log p is -inf."""
    return weight * log_p.masked_fill(weight == 0, 0)
