"""Loss functions: PyTorch's losses, as a mean over the counted targets.

Targets are counted if they are not ignored, and the mask, if given, includes them.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from numnet.core.attributes import OfCall, Saved
from numnet.core.checks import no_method, same_targets
from numnet.core.lengths import as_loss_mask
from numnet.core.packed import Packed, check_packed_target
from torchnet.core.device import as_tensor
from torchnet.core.operation import Operation


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
        prediction, target = self.aligned(prediction, target)
        weights = self.weights(prediction, target, mask)
        counted = weights > 0
        if target.shape == weights.shape:
            target = torch.where(counted, target, 0)
        counted = counted if counted.ndim == prediction.ndim else counted[..., None]
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
