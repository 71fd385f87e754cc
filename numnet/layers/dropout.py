"""Dropout: in training random features are set to 0, so that a model does not rely on a single one."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core import random as masks
from numnet.core.checks import check_fraction, check_steps, validate_call
from numnet.core.operation import Array, Operation


class Dropout(Operation):
    """y = m ⊙ x / (1 - p)  (1), m = 1 with probability 1 - p, else 0 (Srivastava et al. 2014, inverted form).

    With per_sequence=True, x (B, T, D) has one mask (B, 1, D) for all steps of a sequence: the variational dropout of
    Gal & Ghahramani 2016, which also drops the state (`state_dropout` of a recurrent layer). In evaluation mode y = x.
    On both backends numpy draws the mask of call number n from (seed, n) only: a script drops the same features on
    either backend, and a resumed run continues as if it had not stopped.
    """

    changeable = "p", "seed"

    @validate_call
    def __init__(self, p: float = 0.5, seed: int | None = None, per_sequence: bool = False) -> None:
        check_fraction(self.name, p=p)
        self.p, self.seed, self.calls, self.per_sequence = float(p), seed, 0, per_sequence
        self.batch_first = True if per_sequence else None

    def build(self, input_size: int, rng: np.random.Generator, dtype: Any) -> int:
        self.seed = int(rng.integers(2**31)) if self.seed is None else self.seed
        return input_size

    def check_option(self, name: str, value: Any) -> None:
        if name == "p":
            check_fraction(self.name, p=value)

    def config(self) -> dict[str, Any]:
        return {"p": self.p, "per_sequence": self.per_sequence}

    def forward(self, x: Any) -> Array:
        """y of x's shape, with another mask in each training call; in evaluation mode y = x."""
        x = self.as_real("x", x)
        if self.per_sequence:
            check_steps(self.name, x)
        self.saved = m = self.mask(x.shape, x.dtype)
        return x * m  # (1)

    def backward(self, dy: Any) -> Array:
        """dx = m ⊙ dy / (1 - p)  (1), of x's shape. ValueError for another shape."""
        m = self.recall()
        return self.gradient(dy, m.shape, m.dtype) * m  # (1)

    def mask(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return m / (1 - p), or ones in evaluation mode."""
        if not self.training or self.p == 0:
            return np.ones(shape, dtype)
        self.calls += 1
        mask_shape = (shape[0], 1, *shape[2:]) if self.per_sequence else shape
        m = masks.mask(self.p, mask_shape, self.seed or 0, self.calls) * (1 / np.dtype(dtype).type(1 - self.p))
        return np.broadcast_to(m, shape)
