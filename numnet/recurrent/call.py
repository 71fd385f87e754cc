"""The values that the forward pass of a recurrent layer saves for its backward pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from numnet.core.operation import Array
from numnet.recurrent.node import Node


@dataclass
class Call:
    """The values that forward saves for backward."""

    node: Node  # with the weights of this call
    kernel: Any  # its kernel, or None
    saved: Any  # by unroll or the kernel
    x_shape: tuple[int, ...]  # (B, T, D), of tokens (B, T)
    mask: Array | None  # (B, T)
    reverse: bool
    learned: Any  # (B,), the rows that start from h_0, or None
    weight_mask: Array | None  # of weight dropout
    lengths: Array | None  # (B,), of a Packed x

    @property
    def ends(self) -> Array:
        """(B,): the step of each row that is processed last."""
        T = self.x_shape[1]
        real = np.ones(self.x_shape[:2], bool) if self.mask is None else self.mask
        return real.argmax(axis=1) if self.reverse else T - 1 - real[:, ::-1].argmax(axis=1)

    def masked(self, y: Array) -> Array:
        """Return y (B, T, ...), or of the last step only (B, ...), with 0 at padding."""
        if self.mask is None:
            return y
        real: Any = self.mask if y.ndim == 3 else self.mask.any(axis=1)
        return np.where(real[..., None], y, 0)
