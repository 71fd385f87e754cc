"""Adam and AdamW: steps along a mean of the gradients, divided by the root of a mean of their squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.checks import check_fraction, check_positive, validate_call
from numnet.core.operation import Array
from numnet.core.schedules import Schedule
from numnet.training.optimizer import Buffers, Optimizer


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015); k counts the updates of p from 1.

    m ← β₁ m + (1 - β₁) g                (1)   mean of the gradient
    v ← β₂ v + (1 - β₂) g²               (2)   mean of its square
    m̂ = m / (1 - β₁ᵏ), v̂ = v / (1 - β₂ᵏ)  (3)   bias correction: m and v start at 0
    p ← p - η m̂ / (√v̂ + ε)               (4)

    With amsgrad=True the largest v so far, w, replaces v in (3) (Reddi et al. 2018):

    w ← max(w, v)                        (5)
    """

    @validate_call
    def __init__(
        self,
        learning_rate: float | Schedule = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        *,
        amsgrad: bool = False,
        maximize: bool = False,
        groups: Any = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm, clip_value, maximize=maximize, groups=groups)
        check_fraction(type(self).__name__, beta1=beta1, beta2=beta2)
        check_positive(type(self).__name__, epsilon=epsilon)
        self.beta1, self.beta2, self.epsilon, self.amsgrad = beta1, beta2, epsilon, amsgrad

    @property
    def buffer_names(self) -> tuple[str, ...]:
        return ("m", "v", "w") if self.amsgrad else ("m", "v")

    def update(self, p: Array, g: Array, rate: float, buffers: Buffers) -> None:
        g, m, v, k = self.decayed(p, g), buffers["m"], buffers["v"], buffers["steps"]
        m *= self.beta1
        m += (1 - self.beta1) * g  # (1)
        v *= self.beta2
        v += (1 - self.beta2) * g * g  # (2)
        if self.amsgrad:
            v = np.maximum(buffers["w"], v, out=buffers["w"])  # (5)
        root = np.sqrt(v / (1 - self.beta2**k))  # (3)
        root += self.epsilon
        p -= rate / (1 - self.beta1**k) * m / root  # (3) (4)


class AdamW(Adam):
    """Adam with decoupled weight decay: p ← p - η λ p  (0), then Adam without λ in g (Loshchilov & Hutter 2019)."""

    @validate_call
    def __init__(
        self,
        learning_rate: float | Schedule = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        *,
        amsgrad: bool = False,
        maximize: bool = False,
        groups: Any = None,
    ) -> None:
        more: dict[str, Any] = {"amsgrad": amsgrad, "maximize": maximize, "groups": groups}
        super().__init__(learning_rate, beta1, beta2, epsilon, weight_decay, clip_norm, clip_value, **more)

    def decayed(self, p: Array, g: Array) -> Array:
        return g

    def update(self, p: Array, g: Array, rate: float, buffers: Buffers) -> None:
        p *= 1 - rate * self.weight_decay  # (0)
        super().update(p, g, rate, buffers)
