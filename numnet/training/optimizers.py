"""The update rules of the optimizers. p is a parameter, g its gradient, η the learning rate.

`step(model)` clips the gradients if requested, then updates every parameter in place. Weight decay λ adds λ p to g
(the gradient of λ/2 ‖p‖²), except in AdamW, which subtracts η λ p from p directly. Where papers and libraries use
different forms, the form is PyTorch's, so that the same learning rate has the same effect.
"""

from __future__ import annotations

import numpy as np

from numnet.core.checks import check_fraction, check_positive, validate_call
from numnet.core.operation import Array
from numnet.core.schedules import Schedule
from numnet.training.optimizer import Buffers, Optimizer


class SGD(Optimizer):
    """p ← p - η g  (1)   (Robbins & Monro 1951)"""

    def update(self, p: Array, g: Array, rate: float, buffers: Buffers) -> None:
        p -= rate * self.decayed(p, g)  # (1)


class SGDMomentum(Optimizer):
    """v ← μ v + g  (1),  p ← p - η v  (2)   (Polyak 1964)"""

    buffer_names = ("v",)

    @validate_call
    def __init__(
        self,
        learning_rate: float | Schedule,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm, clip_value)
        check_fraction("SGDMomentum", momentum=momentum)
        self.momentum = momentum

    def update(self, p: Array, g: Array, rate: float, buffers: Buffers) -> None:
        v = buffers["v"]
        v *= self.momentum
        v += self.decayed(p, g)  # (1)
        p -= rate * v  # (2)


class AdaGrad(Optimizer):
    """s ← s + g²  (1),  p ← p - η g / (√s + ε)  (2)   (Duchi et al. 2011)"""

    buffer_names = ("s",)

    @validate_call
    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        epsilon: float = 1e-10,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm, clip_value)
        check_positive("AdaGrad", epsilon=epsilon)
        self.epsilon = epsilon

    def update(self, p: Array, g: Array, rate: float, buffers: Buffers) -> None:
        g, s = self.decayed(p, g), buffers["s"]
        s += g * g  # (1)
        p -= rate * g / (np.sqrt(s) + self.epsilon)  # (2)


class RMSProp(Optimizer):
    """s ← ρ s + (1 - ρ) g²  (1),  p ← p - η g / (√s + ε)  (2)   (Tieleman & Hinton 2012, lecture 6.5)"""

    buffer_names = ("s",)

    @validate_call
    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        decay: float = 0.99,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm, clip_value)
        check_fraction("RMSProp", decay=decay)
        check_positive("RMSProp", epsilon=epsilon)
        self.decay, self.epsilon = decay, epsilon

    def update(self, p: Array, g: Array, rate: float, buffers: Buffers) -> None:
        g, s = self.decayed(p, g), buffers["s"]
        s *= self.decay
        s += (1 - self.decay) * g * g  # (1)
        p -= rate * g / (np.sqrt(s) + self.epsilon)  # (2)


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015); k counts steps from 1.

    m ← β₁ m + (1 - β₁) g                (1)   mean of the gradient
    v ← β₂ v + (1 - β₂) g²               (2)   mean of its square
    m̂ = m / (1 - β₁ᵏ), v̂ = v / (1 - β₂ᵏ)  (3)   bias correction: m and v start at 0
    p ← p - η m̂ / (√v̂ + ε)               (4)
    """

    buffer_names = ("m", "v")

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
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm, clip_value)
        check_fraction(type(self).__name__, beta1=beta1, beta2=beta2)
        check_positive(type(self).__name__, epsilon=epsilon)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon

    def update(self, p: Array, g: Array, rate: float, buffers: Buffers) -> None:
        g, m, v, k = self.decayed(p, g), buffers["m"], buffers["v"], self.steps
        m *= self.beta1
        m += (1 - self.beta1) * g  # (1)
        v *= self.beta2
        v += (1 - self.beta2) * g * g  # (2)
        root = np.sqrt(v / (1 - self.beta2**k))  # (3)
        root += self.epsilon
        p -= rate / (1 - self.beta1**k) * m / root  # (3) (4)


class AdamW(Adam):
    """Adam with decoupled weight decay: p ← p - η λ p, then (1) to (4) without λ in g (Loshchilov & Hutter 2019)."""

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
    ) -> None:
        super().__init__(learning_rate, beta1, beta2, epsilon, weight_decay, clip_norm, clip_value)

    def decayed(self, p: Array, g: Array) -> Array:
        return g

    def update(self, p: Array, g: Array, rate: float, buffers: Buffers) -> None:
        p *= 1 - rate * self.weight_decay
        super().update(p, g, rate, buffers)


OPTIMIZERS = {"sgd": SGD, "momentum": SGDMomentum, "adagrad": AdaGrad, "rmsprop": RMSProp, "adam": Adam, "adamw": AdamW}
