"""Dropout: in training random features are set to 0, so that a model does not rely on a single one."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.core import random as masks
from numnet.core.checks import check_fraction, check_steps, validate_call
from torchnet.core.device import DTypeLike
from torchnet.core.operation import Operation


class Dropout(Operation):
    """y = m ⊙ x / (1 - p), m = 1 with probability 1 - p, else 0 (Srivastava et al. 2014, inverted form).

    With per_sequence=True, x (B, T, D) has one mask (B, 1, D) for all steps of a sequence: the variational dropout of
    Gal & Ghahramani 2016, which also drops the state (`state_dropout` of a recurrent layer). In evaluation mode y = x.
    On both backends numpy draws the mask of call number n from (seed, n) only: a script drops the same features on
    either backend, and a resumed run continues as if it had not stopped.
    """

    changeable = "p", "seed"

    @validate_call
    def __init__(self, p: float = 0.5, seed: int | None = None, per_sequence: bool = False) -> None:
        super().__init__()
        check_fraction(self.name, p=p)
        self.p, self.seed, self.calls, self.per_sequence = float(p), seed, 0, per_sequence
        self.batch_first = True if per_sequence else None

    def build(self, input_size: int, rng: np.random.Generator, dtype: DTypeLike) -> int:
        self.seed = int(rng.integers(2**31)) if self.seed is None else self.seed
        return input_size

    def check_option(self, name: str, value: Any) -> None:
        if name == "p":
            check_fraction(self.name, p=value)

    def config(self) -> dict[str, Any]:
        return {"p": self.p, "per_sequence": self.per_sequence}

    def forward(self, x: Any) -> Tensor:
        """y of x's shape, with another mask in each training call; in evaluation mode y = x."""
        x = self.as_real("x", x)
        if self.per_sequence:
            check_steps(self.name, x)
        y = x * self.mask(x) if self.training and self.p else x * 1
        self.save_graph((y,), (x,))
        return y

    def mask(self, x: Tensor) -> Tensor:
        """Draw m and return m / (1 - p)."""
        self.calls += 1
        mask_shape = (len(x), 1, *x.shape[2:]) if self.per_sequence else tuple(x.shape)
        return torch.as_tensor(masks.mask(self.p, mask_shape, self.seed or 0, self.calls)).to(x) / (1 - self.p)
