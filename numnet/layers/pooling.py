"""Pooling: one vector per sequence, its last or first step, or the mean or maximum over time, without padding."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.attributes import Saved
from numnet.core.checks import check_choice, check_steps, validate_call
from numnet.core.lengths import as_mask
from numnet.core.operation import Array, Operation
from numnet.core.packed import Packed, to_packed, to_padded

WAYS = ("last", "first", "mean", "max")


class Pooling(Operation):
    """x (B, T, D), with `lengths` (B,) or a mask (B, T), or Packed → y (B, D): 0 for a row without a real step.

        last, first   y = x[t], t the row's last or first real step               (1)
        max           y_d = x_d[t], t the step at which x_d is largest              (2)
        mean          y = Σ_t m_t x_t / n, m_t = 1 for the n real steps, else 0     (3)

    The backward pass sends dy to the selected step t (1) (2), or to every real step, divided by n (3).
    """

    over_time = True
    packed = Saved()
    keeps_time = False

    @validate_call
    def __init__(self, how: str = "mean", batch_first: bool = True) -> None:
        check_choice(self.name, "how", how, WAYS)
        self.how, self.batch_first = how, batch_first

    def config(self) -> dict[str, Any]:
        return {"how": self.how, "batch_first": self.batch_first}

    def forward(self, x: Any, lengths: Any = None) -> Array:
        """y (B, D) from x (B, T, D). ValueError for an x or lengths that do not fit."""
        self.packed, (x, lengths) = isinstance(x, Packed), to_padded(x, lengths, self.batch_first)
        x = self.as_real("x", x)
        check_steps(self.name, x, self.batch_first)
        x = x if self.batch_first else x.swapaxes(0, 1)
        mask = as_mask(self.name, lengths, x.shape[0], x.shape[1], self.batch_first)
        mask = np.ones(x.shape[:2], bool) if mask is None else mask
        t = self.step_taken(x, mask)
        self.saved = mask, t, x.shape, x.dtype
        if self.how == "mean":
            return np.where(mask[..., None], x, 0).sum(axis=1) / counted(mask).astype(x.dtype)  # (3)
        y = np.take_along_axis(x, t, axis=1)[:, 0]  # (1) (2)
        return np.where(mask.sum(axis=1)[:, None] > 0, y, 0)

    def backward(self, dy: Any) -> Any:
        """dx (B, T, D), Packed if x was, from dy (B, D). ValueError for another shape."""
        mask, t, shape, dtype = self.recall()
        dy = self.gradient(dy, shape[:1] + shape[2:], dtype) * (mask.sum(axis=1)[:, None] > 0).astype(dtype)
        if self.how == "mean":
            dx = (dy / counted(mask).astype(dtype))[:, None] * mask[..., None].astype(dtype)  # (3)
        else:
            dx = np.zeros(shape, dtype)
            np.put_along_axis(dx, t, dy[:, None], axis=1)  # (1) (2)
        dx = dx if self.batch_first else dx.swapaxes(0, 1)
        return to_packed(dx, mask.sum(axis=1), self.batch_first) if self.packed else dx

    def step_taken(self, x: Array, mask: Array) -> Any:
        """Return the selected step t (B, 1, D) of each row, for "max" of each feature; None for "mean"."""
        B, T, D = x.shape
        if self.how == "mean":
            return None
        if self.how == "max":
            low, real = np.full((T, B, D), -np.inf, x.dtype), mask.T[..., None]  # time first: whole rows are compared
            np.copyto(low, x.swapaxes(0, 1), where=real)
            largest: Array = ((low == low.max(axis=0)) | (low != low)) & real  # NaN counts as largest
            return np.expand_dims(largest.argmax(axis=0), 1)  # (2) a real step, even if all are -inf
        t = mask.argmax(axis=1) if self.how == "first" else T - 1 - mask[:, ::-1].argmax(axis=1)  # (1)
        return np.broadcast_to(t[:, None, None], (B, 1, D))


def counted(mask: Array) -> Array:
    """Return n (B, 1), or 1 for a row without a real step."""
    return np.maximum(mask.sum(axis=1), 1)[:, None]
