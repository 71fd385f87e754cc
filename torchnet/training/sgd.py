"""Gradient descent, and with momentum, of torch.optim, under the names and with the defaults of numnet.

The equations are in numnet/training/sgd.py. PyTorch computes them with its own kernels, so the two agree only if both
are correct.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from numnet.core.checks import check_fraction, validate_call
from numnet.core.checks.groups import check_nesterov
from numnet.core.checks.training import check_amounts
from numnet.core.schedules import Schedule
from torchnet.training.optimizer import Optimizer


class SGD(Optimizer):
    """p ← p - η g   (Robbins & Monro 1951)"""

    kind = torch.optim.SGD


class SGDMomentum(Optimizer):
    """v ← μ v + (1 - τ) g, p ← p - η v   (Polyak 1964); with nesterov=True p ← p - η (g + μ v)   (Nesterov 1983)"""

    kind = torch.optim.SGD
    buffer_names = ("v",)
    torch_names: ClassVar[dict[str, str]] = {"v": "momentum_buffer"}

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

    def options(self) -> dict[str, Any]:
        return {"momentum": self.momentum, "dampening": self.dampening, "nesterov": self.nesterov}

    def initial_buffers(self, p: Tensor) -> dict[str, Tensor]:
        return {}  # PyTorch begins with v = g
