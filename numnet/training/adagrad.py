"""Steps divided by the root of a sum, or of a mean, of squared gradients: AdaGrad, RMSProp, Adadelta.

p is a parameter, g its gradient, with λ p added for weight decay λ, η the learning rate, k counts updates of p.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.checks import check_fraction, check_positive, validate_call
from numnet.core.checks.training import check_amounts
from numnet.core.operation import Array
from numnet.core.schedules import Schedule
from numnet.training.optimizer import Buffers, Optimizer


class AdaGrad(Optimizer):
    """The step of each parameter shrinks with the sum of its squared gradients (Duchi et al. 2011).

    s ← s + g²                                  (1)   from `initial_accumulator`
    p ← p - η / (1 + (k - 1) γ) g / (√s + ε)    (2)   γ is `rate_decay`
    """

    buffer_names = ("s",)

    @validate_call
    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        epsilon: float = 1e-10,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        *,
        initial_accumulator: float = 0.0,
        rate_decay: float = 0.0,
        maximize: bool = False,
        groups: Any = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm, clip_value, maximize=maximize, groups=groups)
        check_positive("AdaGrad", epsilon=epsilon)
        check_amounts("AdaGrad", initial_accumulator=initial_accumulator, rate_decay=rate_decay)
        self.epsilon, self.initial_accumulator, self.rate_decay = epsilon, initial_accumulator, rate_decay

    def initial(self, name: str) -> float:
        return self.initial_accumulator

    def update(self, p: Array, g: Array, rate: float, buffers: Buffers) -> None:
        g, s, k = self.decayed(p, g), buffers["s"], buffers["steps"]
        s += g * g  # (1)
        p -= rate / (1 + (k - 1) * self.rate_decay) * g / (np.sqrt(s) + self.epsilon)  # (2)


class RMSProp(Optimizer):
    """AdaGrad with an exponential moving average in place of the sum (Tieleman & Hinton 2012, lecture 6.5).

    s ← ρ s + (1 - ρ) g²     (1)   ρ is `decay`
    d = g / (√s + ε)         (2)
    p ← p - η d              (3)

    With centered=True the variance s - m² replaces the mean square s in (2) (Graves 2013); with `momentum` μ > 0 a
    velocity v replaces d in (3):

    m ← ρ m + (1 - ρ) g      (4)
    v ← μ v + d              (5)
    """

    @validate_call
    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        decay: float = 0.99,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        *,
        centered: bool = False,
        momentum: float = 0.0,
        maximize: bool = False,
        groups: Any = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm, clip_value, maximize=maximize, groups=groups)
        check_fraction("RMSProp", decay=decay, momentum=momentum)
        check_positive("RMSProp", epsilon=epsilon)
        self.decay, self.epsilon, self.centered, self.momentum = decay, epsilon, centered, momentum

    @property
    def buffer_names(self) -> tuple[str, ...]:
        return ("s", *["m"] * self.centered, *["v"] * (self.momentum > 0))

    def update(self, p: Array, g: Array, rate: float, buffers: Buffers) -> None:
        g, s = self.decayed(p, g), buffers["s"]
        s *= self.decay
        s += (1 - self.decay) * g * g  # (1)
        if self.centered:
            m = buffers["m"]
            m *= self.decay
            m += (1 - self.decay) * g  # (4)
            s = s - m * m  # (2)
        d = g / (np.sqrt(s) + self.epsilon)  # (2)
        if self.momentum:
            v = buffers["v"]
            v *= self.momentum
            v += d  # (5)
            d = v
        p -= rate * d  # (3)


class Adadelta(Optimizer):
    """Steps in the parameter's unit: the root mean square of steps over that of gradients (Zeiler 2012).

    s ← ρ s + (1 - ρ) g²          (1)   ρ is `decay`
    d = √(u + ε) / √(s + ε) g     (2)
    u ← ρ u + (1 - ρ) d²          (3)
    p ← p - η d                   (4)   the paper has η = 1
    """

    buffer_names = ("s", "u")

    @validate_call
    def __init__(
        self,
        learning_rate: float | Schedule = 1.0,
        decay: float = 0.9,
        epsilon: float = 1e-6,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        *,
        maximize: bool = False,
        groups: Any = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm, clip_value, maximize=maximize, groups=groups)
        check_fraction("Adadelta", decay=decay)
        check_positive("Adadelta", epsilon=epsilon)
        self.decay, self.epsilon = decay, epsilon

    def update(self, p: Array, g: Array, rate: float, buffers: Buffers) -> None:
        g, s, u = self.decayed(p, g), buffers["s"], buffers["u"]
        s *= self.decay
        s += (1 - self.decay) * g * g  # (1)
        d = np.sqrt(u + self.epsilon) / np.sqrt(s + self.epsilon) * g  # (2)
        u *= self.decay
        u += (1 - self.decay) * d * d  # (3)
        p -= rate * d  # (4)
