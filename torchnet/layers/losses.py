"""Loss functions: PyTorch's losses, as a mean over the counted targets.

Targets are counted if they are not ignored, and the mask, if given, includes them.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from numnet.core.attributes import OfCall, Saved
from numnet.core.checks import (
    check_classes,
    check_logit_axis,
    check_one_hot,
    check_target_shape,
    check_unit_interval,
    no_method,
    validate_call,
)
from numnet.core.lengths import as_loss_mask
from numnet.core.packed import Packed, check_packed_target
from torchnet.core.device import as_tensor
from torchnet.core.operation import Operation

CLASSES = "Integer targets have the shape of the logits without the last axis."


class Loss(Operation):
    """forward(prediction, target, mask=None) → a number; backward() → its gradient with respect to the prediction.

    `counted` is the number of targets in the last mean; `in_nats` is True if exp(loss) is a perplexity.
    """

    counted = OfCall(0.0)
    in_nats = False
    packed = Saved()

    def forward(self, prediction: Any, target: Any, mask: Any = None) -> Tensor:  # type: ignore[override]
        """The mean loss of the targets that count; `counted` is then their number.

        `mask` has the shape of the losses, one for each target, or is lengths (B,): True where a target counts. Where
        none counts the loss is 0, with a warning. ValueError for shapes that do not fit, IndexError for a class that
        the prediction does not have.
        """
        check_packed_target(self.name, target, prediction)
        packed = prediction if isinstance(prediction, Packed) else None
        prediction, target = (z.values if isinstance(z, Packed) else z for z in (prediction, target))
        prediction, target = self.as_real("prediction", prediction), as_tensor(target, self.name, "target")
        target, given = target.to(prediction.device), prediction
        if prediction.dtype in (torch.float16, torch.bfloat16):
            prediction = prediction.float()
        if self.one_number(prediction.shape, target.shape):
            target = target[..., None]
        weights = self.weights(prediction, target, mask)
        counted = weights > 0 if weights.ndim == prediction.ndim else weights[..., None] > 0
        if target.shape == prediction.shape:
            target = torch.where(counted, target, 0)
        losses = self.terms(torch.where(counted, prediction, 0), target, weights)
        N = weights.sum()
        self.counted = float(N)
        if N == 0:
            warnings.warn(
                f"{self.name}: no target is counted, so the loss and all gradients are 0. Check the mask.", stacklevel=2
            )
        value = (losses * (weights / N.clamp(min=1))).sum()  # divided first, as in numnet
        self.save_graph((value,), (given,))
        self.packed = packed
        return value

    def backward(self, dy: Any = 1.0) -> Any:
        """The gradient with respect to the prediction, of its shape; dy is that of the loss."""
        dx = super().backward(dy)
        return dx if self.packed is None else self.packed.like(dx)

    def terms(self, prediction: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        """Return the loss of each target. Predictions of weight 0 are passed as 0."""
        raise no_method(self, "terms", "terms(prediction, target, weights) → losses")

    def weights(self, prediction: Tensor, target: Tensor, mask: Any) -> Tensor:
        """Return 1 for a target that counts, 0 for one that the mask, or lengths (B,), exclude."""
        weights = torch.ones(self.places(prediction.shape), dtype=prediction.dtype, device=prediction.device)
        if mask is None:
            return weights
        return torch.from_numpy(as_loss_mask(self.name, mask, tuple(weights.shape)).copy()).to(weights)

    def places(self, shape: Sequence[int]) -> Sequence[int]:
        """Return the shape of the losses, one per target, for a prediction of this shape."""
        return shape

    def one_number(self, shape: Sequence[int], target: Sequence[int]) -> bool:
        """Return whether predictions are (..., 1) and targets (...): each target is then one number."""
        return tuple(shape[-1:]) == (1,) and tuple(target) == tuple(shape[:-1]) and self.places(shape) == shape


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
        t = torch.where(weights > 0, target, 0).long() if target.shape == weights.shape else target
        check_classes(self.name, target, t, tuple(prediction.shape))
        losses = F.cross_entropy(prediction.reshape(-1, prediction.shape[-1]), t.reshape(-1), reduction="none")
        return losses.reshape(t.shape)


class BinaryCrossEntropy(Loss):
    """Negative log-likelihood of targets t in [0, 1] under σ(x), from the logits x; x, t and mask of one shape."""

    def terms(self, prediction: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        check_target_shape(self.name, target, tuple(prediction.shape), "Targets have the shape of the logits.")
        check_unit_interval(self.name, target)
        t = target.to(prediction)
        return -weighted(t, F.logsigmoid(prediction)) - weighted(1 - t, F.logsigmoid(-prediction))


class MeanSquaredError(Loss):
    """ℓ = (y - t)²; y, t and mask of one shape."""

    def terms(self, prediction: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        check_target_shape(self.name, target, tuple(prediction.shape), "Targets have the shape of the prediction.")
        return F.mse_loss(prediction, target.to(prediction), reduction="none")


def weighted(weight: Tensor, log_p: Tensor) -> Tensor:
    """weight ⊙ log p, 0 where the weight is 0, even if log p is -inf."""
    return weight * log_p.masked_fill(weight == 0, 0)
