"""Losses of classes and of yes or no: the cross-entropy of softmax, and that of the sigmoid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from numnet.core.checks import (
    check_classes,
    check_logit_axis,
    check_one_hot,
    check_target_shape,
    check_unit_interval,
    validate_call,
)
from torchnet.layers.losses import Loss

CLASSES = "Integer targets have the shape of the logits without the last axis."


class SoftmaxCrossEntropy(Loss):
    """Negative log-likelihood of the target under softmax of the logits, in nats; torch.nn.functional.cross_entropy.

    target: integer classes (B, ...), or one-hot or any weights (B, ..., V). Classes equal to `ignore_index` do not
    count. exp(loss) is the perplexity, loss / ln 2 bits per token.
    """

    in_nats = True

    @validate_call
    def __init__(self, ignore_index: int | None = None) -> None:
        super().__init__()
        self.ignore_index = ignore_index

    def config(self) -> dict[str, Any]:
        return {"ignore_index": self.ignore_index}

    def aligned(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        return prediction, target

    def places(self, shape: Sequence[int]) -> Sequence[int]:
        check_logit_axis(self.name, tuple(shape))
        return shape[:-1]

    def weights(self, prediction: Tensor, target: Tensor, mask: Any) -> Tensor:
        weights = super().weights(prediction, target, mask)
        if self.ignore_index is None or target.ndim == prediction.ndim:
            return weights
        check_target_shape(self.name, target, tuple(weights.shape), CLASSES)
        return weights * (target != self.ignore_index)

    def terms(self, prediction: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        if target.ndim == prediction.ndim:
            check_one_hot(self.name, target, tuple(prediction.shape))
            return -weighted(target.to(prediction), F.log_softmax(prediction, dim=-1)).sum(dim=-1)
        check_classes(self.name, target, tuple(prediction.shape))
        logits, classes = prediction.reshape(-1, prediction.shape[-1]), target.reshape(-1).long()
        return F.cross_entropy(logits, classes, reduction="none").reshape(target.shape)


class BinaryCrossEntropy(Loss):
    """Negative log-likelihood of targets t in [0, 1] under σ(x), from the logits x; x, t and mask of one shape."""

    def terms(self, prediction: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        check_target_shape(self.name, target, tuple(prediction.shape), "Targets have the shape of the logits.")
        check_unit_interval(self.name, target)
        t = target.to(prediction)
        return -weighted(t, F.logsigmoid(prediction)) - weighted(1 - t, F.logsigmoid(-prediction))


def weighted(weight: Tensor, log_p: Tensor) -> Tensor:
    """weight ⊙ log p, 0 where the weight is 0, even if log p is -inf."""
    return weight * log_p.masked_fill(weight == 0, 0)
