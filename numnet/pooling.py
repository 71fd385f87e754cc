"""A sequence as one vector: its last or first step, or the mean or largest over time; padding counts for nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.checks import check_choice, check_steps
from numnet.lengths import as_mask
from numnet.operation import Array, Operation
from numnet.sequences import Packed, closed, opened

WAYS = ("last", "first", "mean", "max")


class Pooling(Operation):
    """x (B, T, D), with `lengths` (B,) or a mask (B, T), or Packed → y (B, D): 0 for a row without a real step.

        last, first   y = x[t], t the row's last or first real step               (1)
        max           y_d = x_d[t], t the step at which x_d is largest              (2)
        mean          y = Σ_t m_t x_t / n, m_t = 1 for the n real steps, else 0     (3)

    Backward, dy goes to the step t that was taken (1) (2), or to every real step, divided by n (3).
    """

    over_time = True
    keeps_time = False

    def __init__(self, how: str = "mean", batch_first: bool = True) -> None:
        check_choice(self.name, "how", how, WAYS)
        self.how, self.batch_first = how, batch_first

    def config(self) -> dict[str, Any]:
        return {"how": self.how, "batch_first": self.batch_first}

    def forward(self, x: Any, lengths: Any = None) -> Array:
        self.packed, (x, lengths) = isinstance(x, Packed), opened(x, lengths, self.batch_first)
        x = self.place("x", x)
        check_steps(self.name, x, self.batch_first)
        x = x if self.batch_first else x.swapaxes(0, 1)
        mask = as_mask(self.name, lengths, x.shape[0], x.shape[1], self.batch_first)
        mask = np.ones(x.shape[:2], bool) if mask is None else mask
        n = mask.sum(axis=1)[:, None]
        weights = self.weights(np.where(mask[..., None], x, -np.inf if self.how == "max" else 0), mask)
        weights = (weights / np.maximum(n, 1)[..., None] if self.how == "mean" else weights).astype(x.dtype)
        self.saved = weights, mask, x.shape[-1]
        return (np.where(mask[..., None], x, 0) * weights).sum(axis=1)  # (1) (2) (3)

    def backward(self, dy: Any) -> Any:
        weights, mask, D = self.recall()
        dy = self.gradient(dy, (len(mask), D), weights.dtype)
        dx = dy[:, None] * weights  # (1) (2) (3)
        dx = dx if self.batch_first else dx.swapaxes(0, 1)
        return closed(dx, mask.sum(axis=1), self.batch_first) if self.packed else dx

    def weights(self, x: Array, mask: Array) -> Array:
        """1 for each step that counts, of all numbers (B, T, 1) or of each (B, T, D)."""
        if self.how == "mean":
            return mask[..., None]
        T = mask.shape[1]
        if self.how == "max":
            t = x.argmax(axis=1)[:, None]  # (2)
        else:
            t = mask.argmax(axis=1) if self.how == "first" else T - 1 - mask[:, ::-1].argmax(axis=1)  # (1)
            t = t[:, None, None]
        some = mask.sum(axis=1)[:, None, None] > 0
        return np.equal(np.arange(T)[:, None], t) & some
