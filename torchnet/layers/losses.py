"""Loss functions: PyTorch's losses, as a mean over the counted targets.

Targets are counted if they are not ignored, and the mask, if given, includes them.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from numnet.core.attributes import OfCall, Saved
from numnet.core.checks import REDUCTIONS, check_choice, no_method, same_targets, target_shape, validate_call
from numnet.core.lengths import as_loss_mask
from numnet.core.packed import Packed, check_packed_target
from torchnet.core.device import as_tensor
from torchnet.core.operation import Operation


class Loss(Operation):
    """forward(prediction, target, mask=None) → a number; backward() → its gradient with respect to the prediction.

    L = Σ_i s_i ℓ_i over the targets i.

    reduction  "mean": s_i is 1/N for a counted target, 0 for any other; "sum": 1 or 0; "none": 1 or 0, and without the
               sum: L_i = s_i ℓ_i is an array of the targets' shape, and dL one of the same shape
    counted    N of the last call: the number of counted targets, or the sum of their class weights
    in_nats    True if exp(mean loss) is a perplexity
    """

    counted = OfCall(0.0)
    in_nats = False
    reduction = "mean"
    packed = Saved()

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
        prediction, target = self.as_real("prediction", prediction), as_tensor(target, self.name, "target")
        target, given, shape = target.to(prediction.device), prediction, tuple(target.shape)
        if prediction.dtype in (torch.float16, torch.bfloat16):
            prediction = prediction.float()
        prediction, target = self.aligned(prediction, target)
        weights = self.weights(prediction, target, mask)
        counted = weights > 0
        prediction, target = only_counted(prediction, target, counted)
        losses = self.terms(prediction, target, weights)
        losses = losses * self.shares(target, weights)  # divided by N before the sum, so that it does not overflow
        if self.reduction == "none":
            value = torch.where(counted, losses, 0).reshape(target_shape(shape, tuple(losses.shape)))
        else:
            value = losses.sum()
        self.save_graph((value,), (given,))
        self.packed = packed
        return packed.like(value) if packed is not None and self.reduction == "none" else value

    def backward(self, dy: Any = 1.0) -> Any:
        """The gradient with respect to the prediction, of its shape; dy is dL, of the loss's shape."""
        dx = super().backward(dy.values if isinstance(dy, Packed) and self.reduction == "none" else dy)
        return dx if self.packed is None else self.packed.like(dx)

    def shares(self, target: Tensor, weights: Tensor) -> Tensor:
        """Set `counted`; return the factor of each loss: weights / N for a mean, else the weights."""
        self.counted = self.divisor(target, weights)
        shares = weights / (self.counted or math.inf) if self.reduction == "mean" else weights
        if not shares.any():
            warnings.warn(
                f"{self.name}: no target is counted, so the loss and all gradients are 0. Check mask and ignore_index.",
                stacklevel=3,
            )
        return shares

    def aligned(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return prediction and target in the shapes that `terms` reads; (...) and (..., 1) are the same targets."""
        return prediction, target.reshape(prediction.shape) if same_targets(prediction.shape, target.shape) else target

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

    def divisor(self, target: Tensor, weights: Tensor) -> float:
        """Return N, by which a mean divides."""
        return float(weights.sum())


def only_counted(prediction: Tensor, target: Tensor, counted: Tensor) -> tuple[Tensor, Tensor]:
    """Return the tensors with 0 at each target that does not count: its values may be anything, even NaN."""
    if target.shape == counted.shape:
        target = torch.where(counted, target, 0)
    counted = counted if counted.ndim == prediction.ndim else counted[..., None]
    if target.shape == prediction.shape:
        target = torch.where(counted, target, 0)
    return torch.where(counted, prediction, 0), target
