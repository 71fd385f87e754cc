"""Adam and AdamW of torch.optim, under the names and with the defaults of numnet.

The equations are in numnet/training/adam.py. PyTorch computes them with its own kernels, so the two agree only if both
are correct.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from numnet.core.checks import check_fraction, check_positive, validate_call
from numnet.core.schedules import Schedule
from torchnet.training.optimizer import Optimizer


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015), in PyTorch's fused form; with amsgrad=True AMSGrad (Reddi et al. 2018)."""

    kind: Any = torch.optim.Adam
    torch_names: ClassVar[dict[str, str]] = {"m": "exp_avg", "v": "exp_avg_sq", "w": "max_exp_avg_sq"}

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

    def options(self) -> dict[str, Any]:
        own = {"amsgrad": self.amsgrad, "fused": True}
        return {"betas": (self.beta1, self.beta2), "eps": self.epsilon, **own}


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
        *,
        amsgrad: bool = False,
        maximize: bool = False,
        groups: Any = None,
    ) -> None:
        more: dict[str, Any] = {"amsgrad": amsgrad, "maximize": maximize, "groups": groups}
        super().__init__(learning_rate, beta1, beta2, epsilon, weight_decay, clip_norm, clip_value, **more)
