"""The optimizers of torch.optim, under the names and with the defaults of numnet.

The equations are in numnet/training/optimizers.py. PyTorch computes them with its own kernels, so the two agree only
if both are correct.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from numnet.core.checks import check_fraction, check_positive, validate_call
from numnet.core.schedules import Schedule
from torchnet.training.optimizer import Optimizer


class SGD(Optimizer):
    """p ← p - η g   (Robbins & Monro 1951)"""

    kind = torch.optim.SGD


class SGDMomentum(Optimizer):
    """v ← μ v + g,  p ← p - η v   (Polyak 1964)"""

    kind = torch.optim.SGD
    buffer_names: ClassVar[dict[str, str]] = {"v": "momentum_buffer"}

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

    def options(self) -> dict[str, Any]:
        return {"momentum": self.momentum}


class AdaGrad(Optimizer):
    """s ← s + g²,  p ← p - η g / (√s + ε)   (Duchi et al. 2011)"""

    kind = torch.optim.Adagrad
    buffer_names: ClassVar[dict[str, str]] = {"s": "sum"}

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

    def options(self) -> dict[str, Any]:
        return {"eps": self.epsilon}


class RMSProp(Optimizer):
    """s ← ρ s + (1 - ρ) g²,  p ← p - η g / (√s + ε)   (Tieleman & Hinton 2012, lecture 6.5)"""

    kind = torch.optim.RMSprop
    buffer_names: ClassVar[dict[str, str]] = {"s": "square_avg"}

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

    def options(self) -> dict[str, Any]:
        return {"alpha": self.decay, "eps": self.epsilon}


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015), in PyTorch's fused form."""

    kind: Any = torch.optim.Adam
    buffer_names: ClassVar[dict[str, str]] = {"m": "exp_avg", "v": "exp_avg_sq"}

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

    def options(self) -> dict[str, Any]:
        return {"betas": (self.beta1, self.beta2), "eps": self.epsilon, "fused": True}


class AdamW(Adam):
    """Adam with decoupled weight decay, not in g (Loshchilov & Hutter 2019)."""

    kind = torch.optim.AdamW

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


OPTIMIZERS = {"sgd": SGD, "momentum": SGDMomentum, "adagrad": AdaGrad, "rmsprop": RMSProp, "adam": Adam, "adamw": AdamW}
