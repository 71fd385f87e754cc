"""Features dropped at random in training, so that none is relied on alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.checks import check_fraction
from numnet.operation import Array, Operation


class Dropout(Operation):
    """y = m ⊙ x / (1 - p)  (1), m = 1 with probability 1 - p, else 0 (Srivastava et al. 2014, inverted form).

    In evaluation mode y = x. The mask of call number n is drawn from (seed, n) alone, by numpy, on both
    backends: the same script drops the same features on either, and a resumed run goes on as if never stopped.
    """

    def __init__(self, p: float = 0.5, seed: int = 0) -> None:
        check_fraction(self.name, p=p)
        self.p, self.seed, self.calls = p, seed, 0

    def build(self, input_size: int, rng: np.random.Generator, dtype: Any) -> int:
        self.seed = int(rng.integers(2**31))
        return input_size

    def config(self) -> dict[str, Any]:
        return {"p": self.p}

    def forward(self, x: Any) -> Array:
        x = self.place("x", x)
        self.saved = m = self.mask(x.shape, x.dtype)
        return x * m  # (1)

    def backward(self, dy: Any) -> Array:
        m = self.recall()
        return self.gradient(dy, m.shape, m.dtype) * m  # (1)

    def mask(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """m / (1 - p), and ones in evaluation mode."""
        if not self.training or self.p == 0:
            return np.ones(shape, dtype)
        self.calls += 1
        kept = np.random.default_rng([self.seed, self.calls]).random(shape, dtype=np.float32) >= self.p
        return kept.astype(dtype) / (1 - self.p)
