"""What a model is to make small: PyTorch's losses, as a mean over what is counted.

Counted are the targets that are not ignored and that the mask, where there is one, lets through.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from numnet.checks import check_shape, check_targets, kind_of
from torchnet.operation import Operation, as_tensor


class Loss(Operation):
    """forward(prediction, target, mask=None) → a number; backward() → its gradient with respect to the prediction.

    `counted` is how many targets the last mean was taken over; `in_nats` says whether exp(loss) is a perplexity.
    """

    counted = 0.0
    in_nats = False

    def forward(self, prediction: Any, target: Any, mask: Any = None) -> Tensor:  # type: ignore[override]
        prediction = self.place("prediction", prediction)
        losses, weights = self.terms(prediction, as_tensor(target).to(prediction.device), mask)
        N = weights.sum()
        self.counted = float(N)
        if N == 0:
            warnings.warn(
                f"{self.name}: no target is counted, so the loss is 0 and so is every gradient.", stacklevel=2
            )
        value = (losses * weights).sum() / N.clamp(min=1)
        self.keep((value,), (prediction,))
        return value

    def backward(self, dy: Any = 1.0) -> Tensor | None:
        return super().backward(dy)

    def terms(self, prediction: Tensor, target: Tensor, mask: Any) -> tuple[Tensor, Tensor]:
        """Each counted place's loss, and its weight 0 or 1."""
        raise NotImplementedError

    def weights(self, mask: Any, like: Tensor) -> Tensor:
        """The mask as numbers, ones for None."""
        if mask is None:
            return torch.ones_like(like)
        mask = as_tensor(mask)
        check_shape(self.name, "mask", mask.shape, like.shape, "One truth value for each target.")
        return mask.bool().to(like)


class SoftmaxCrossEntropy(Loss):
    """Negative log-likelihood of the target under softmax of the logits, in nats; torch.nn.functional.cross_entropy.

    target: integer classes (B, ...), or one-hot or any weights (B, ..., V). Classes equal to `ignore_index` do not
    count. exp(loss) is the perplexity, loss / ln 2 bits per token.
    """

    in_nats = True

    def __init__(self, ignore_index: int | None = None) -> None:
        super().__init__()
        self.ignore_index = ignore_index

    def config(self) -> dict[str, Any]:
        return {"ignore_index": self.ignore_index}

    def terms(self, prediction: Tensor, target: Tensor, mask: Any) -> tuple[Tensor, Tensor]:
        weights = self.weights(mask, prediction[..., 0])
        if kind_of(target) != "token" or target.ndim == prediction.ndim:
            check_shape(
                self.name, "target", target.shape, prediction.shape, "One-hot targets are shaped as the logits."
            )
            return -(target.to(prediction) * F.log_softmax(prediction, dim=-1)).sum(dim=-1), weights
        check_targets(self.name, target, prediction.shape, self.ignore_index)
        if self.ignore_index is not None:
            weights = weights * (target != self.ignore_index)
        t = torch.where(weights > 0, target, 0).long()
        losses = F.cross_entropy(prediction.reshape(-1, prediction.shape[-1]), t.reshape(-1), reduction="none")
        return losses.reshape(t.shape), weights


class BinaryCrossEntropy(Loss):
    """Negative log-likelihood of targets t in [0, 1] under σ(x), from the logits x; x, t and mask of one shape."""

    def terms(self, prediction: Tensor, target: Tensor, mask: Any) -> tuple[Tensor, Tensor]:
        check_shape(self.name, "target", target.shape, prediction.shape, "Targets are shaped as the logits.")
        losses = F.binary_cross_entropy_with_logits(prediction, target.to(prediction), reduction="none")
        return losses, self.weights(mask, prediction)


class MeanSquaredError(Loss):
    """ℓ = (y - t)²; y, t and mask of one shape."""

    def terms(self, prediction: Tensor, target: Tensor, mask: Any) -> tuple[Tensor, Tensor]:
        check_shape(self.name, "target", target.shape, prediction.shape, "Targets are shaped as the prediction.")
        return F.mse_loss(prediction, target.to(prediction), reduction="none"), self.weights(mask, prediction)
