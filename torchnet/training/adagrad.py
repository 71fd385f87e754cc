"""AdaGrad, RMSProp and Adadelta of torch.optim, under the names and with the defaults of numnet.

The equations are in numnet/training/adagrad.py. PyTorch computes them with its own kernels, so the two agree only if
both are correct.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from numnet.core.checks import check_fraction, check_positive, validate_call
from numnet.core.checks.training import check_amounts
from numnet.core.schedules import Schedule
from torchnet.training.optimizer import Optimizer


class AdaGrad(Optimizer):
    """s ← s + g², p ← p - η / (1 + (k - 1) γ) g / (√s + ε)   (Duchi et al. 2011)"""

    kind = torch.optim.Adagrad
    buffer_names = ("s",)
    torch_names: ClassVar[dict[str, str]] = {"s": "sum"}

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

    def options(self) -> dict[str, Any]:
        return {"eps": self.epsilon, "lr_decay": self.rate_decay}


class RMSProp(Optimizer):
    """s ← ρ s + (1 - ρ) g², p ← p - η g / (√s + ε)   (Tieleman & Hinton 2012, lecture 6.5)

    With centered=True the variance s - m² replaces the mean square s (Graves 2013); with `momentum` μ > 0 a velocity v
    replaces the step: v ← μ v + g / (√s + ε), p ← p - η v.
    """

    kind = torch.optim.RMSprop
    torch_names: ClassVar[dict[str, str]] = {"s": "square_avg", "m": "grad_avg", "v": "momentum_buffer"}

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

    def options(self) -> dict[str, Any]:
        own = {"centered": self.centered, "momentum": self.momentum}
        return {"alpha": self.decay, "eps": self.epsilon, **own}


class Adadelta(Optimizer):
    """Steps in the parameter's unit: the root mean square of steps over that of gradients (Zeiler 2012)."""

    kind = torch.optim.Adadelta
    buffer_names = ("s", "u")
    torch_names: ClassVar[dict[str, str]] = {"s": "square_avg", "u": "acc_delta"}

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

    def options(self) -> dict[str, Any]:
        return {"rho": self.decay, "eps": self.epsilon}
