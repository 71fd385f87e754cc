"""Features dropped at random in training, so that none is relied on alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.checks import check_fraction
from torchnet.operation import Operation


class Dropout(Operation):
    """y = m ⊙ x / (1 - p), m = 1 with probability 1 - p, else 0 (Srivastava et al. 2014, inverted form).

    In evaluation mode y = x. The mask of call number n is drawn from (seed, n) alone, by numpy, on both
    backends: the same script drops the same features on either, and a resumed run goes on as if never stopped.
    """

    def __init__(self, p: float = 0.5, seed: int = 0) -> None:
        super().__init__()
        check_fraction(self.name, p=p)
        self.p, self.seed, self.calls = p, seed, 0

    def build(self, input_size: int, rng: np.random.Generator, dtype: Any) -> int:
        self.seed = int(rng.integers(2**31))
        return input_size

    def config(self) -> dict[str, Any]:
        return {"p": self.p}

    def forward(self, x: Any) -> Tensor:
        x = self.place("x", x)
        y = x * self.mask(x) if self.training and self.p else x * 1
        self.keep((y,), (x,))
        return y

    def mask(self, x: Tensor) -> Tensor:
        """m / (1 - p)."""
        self.calls += 1
        kept = np.random.default_rng([self.seed, self.calls]).random(tuple(x.shape), dtype=np.float32) >= self.p
        return torch.as_tensor(kept).to(x) / (1 - self.p)
