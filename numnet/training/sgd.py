"""Gradient descent, and with momentum. p is a parameter, g its gradient, η the learning rate, k counts updates of p.

`step(model)` clips the gradients if requested, then updates every parameter in place. Weight decay λ adds λ p to g
(the gradient of λ/2 ‖p‖²). Where papers and libraries use different forms, the form is PyTorch's, so that the same
learning rate has the same effect.
"""

from __future__ import annotations

from typing import Any

from numnet.core.checks import check_fraction, validate_call
from numnet.core.checks.groups import check_nesterov
from numnet.core.checks.training import check_amounts
from numnet.core.operation import Array
from numnet.core.schedules import Schedule
from numnet.training.optimizer import Buffers, Optimizer


class SGD(Optimizer):
    """p ← p - η g  (1)   (Robbins & Monro 1951)"""

    def update(self, p: Array, g: Array, rate: float, buffers: Buffers) -> None:
        p -= rate * self.decayed(p, g)  # (1)


class SGDMomentum(Optimizer):
    """Gradient descent with momentum μ and dampening τ (Polyak 1964).

    v ← g at k = 1, then μ v + (1 - τ) g    (1)
    p ← p - η v                             (2)

    With nesterov=True (Nesterov 1983, in the form of Sutskever et al. 2013), which excludes dampening:

    p ← p - η (g + μ v)                     (3)
    """

    buffer_names = ("v",)

    @validate_call
    def __init__(
        self,
        learning_rate: float | Schedule,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        *,
        dampening: float = 0.0,
        nesterov: bool = False,
        maximize: bool = False,
        groups: Any = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm, clip_value, maximize=maximize, groups=groups)
        check_fraction("SGDMomentum", momentum=momentum)
        check_amounts("SGDMomentum", dampening=dampening)
        check_nesterov("SGDMomentum", nesterov, momentum, dampening)
        self.momentum, self.dampening, self.nesterov = momentum, dampening, nesterov

    def update(self, p: Array, g: Array, rate: float, buffers: Buffers) -> None:
        g, v = self.decayed(p, g), buffers["v"]
        v *= self.momentum
        v += g if buffers["steps"] == 1 or not self.dampening else (1 - self.dampening) * g  # (1)
        p -= rate * (g + self.momentum * v if self.nesterov else v)  # (3) (2)
