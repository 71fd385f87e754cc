"""Pooling: one vector per sequence, its last or first step, or the mean or maximum over time, without padding."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.core.attributes import Saved
from numnet.core.checks import check_choice, check_steps, validate_call
from numnet.core.lengths import as_mask
from numnet.core.packed import Packed, to_packed, to_padded
from torchnet.core.operation import Operation

WAYS = ("last", "first", "mean", "max")


class Pooling(Operation):
    """x (B, T, D), with `lengths` (B,) or a mask (B, T), or Packed → y (B, D): 0 for a row without a real step.

    how: the row's "last" or "first" real step, or the "mean" or "max" over its real steps.
    """

    over_time = True
    packed = Saved()
    counts = Saved()
    keeps_time = False

    @validate_call
    def __init__(self, how: str = "mean", batch_first: bool = True) -> None:
        super().__init__()
        check_choice(self.name, "how", how, WAYS)
        self.how, self.batch_first = how, batch_first

    def config(self) -> dict[str, Any]:
        return {"how": self.how, "batch_first": self.batch_first}

    def forward(self, x: Any, lengths: Any = None) -> Tensor:
        """y (B, D) from x (B, T, D). ValueError for an x or lengths that do not fit."""
        self.packed, (x, lengths) = isinstance(x, Packed), to_padded(x, lengths, self.batch_first)
        given = self.as_real("x", x)
        check_steps(self.name, given, self.batch_first)
        x = given if self.batch_first else given.transpose(0, 1)
        found = as_mask(self.name, lengths, x.shape[0], x.shape[1], self.batch_first)
        mask = torch.ones(x.shape[:2], dtype=torch.bool) if found is None else torch.from_numpy(np.array(found))
        mask = mask.to(x.device)
        y = torch.where(mask.any(dim=1, keepdim=True), self.pooled(x, mask), 0)
        self.save_graph((y,), (given,))
        self.counts = mask.sum(dim=1)
        return y

    def backward(self, dy: Any) -> Any:
        """dx (B, T, D), Packed if x was, from dy (B, D). ValueError for another shape."""
        dx = super().backward(dy)
        return to_packed(dx, self.counts, self.batch_first) if self.packed else dx

    def pooled(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return y for rows with a real step."""
        if self.how == "mean":
            return torch.where(mask[..., None], x, 0).sum(dim=1) / mask.sum(dim=1, keepdim=True).clamp(min=1)
        if self.how == "max":
            return x.masked_fill(~mask[..., None], -torch.inf).max(dim=1).values
        T, rows = mask.shape[1], torch.arange(len(mask), device=x.device)
        times = mask * torch.arange(1, T + 1, device=x.device)
        if self.how == "first":
            times = torch.where(mask, T + 1 - times, 0)
        return x[rows, times.argmax(dim=1)]
