"""Elementwise activations and softmax, computed by PyTorch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from numnet.core.checks import check_choice, check_finite_number, check_last_axis, check_positive, validate_call
from torchnet.core.operation import Operation


class Activation(Operation):
    """y = f(x), elementwise; float32 and float64 keep their dtype."""

    def forward(self, x: Any) -> Tensor:
        x = self.as_real("x", x)
        y = self.f(x)
        self.save_graph((y,), (x,))
        return y

    def f(self, x: Tensor) -> Tensor:
        raise NotImplementedError


class Sigmoid(Activation):
    """y = σ(x)"""

    def f(self, x: Tensor) -> Tensor:
        return torch.sigmoid(x)


class Tanh(Activation):
    """y = tanh(x)"""

    def f(self, x: Tensor) -> Tensor:
        return torch.tanh(x)


class ReLU(Activation):
    """y = max(x, 0), its derivative at 0 taken as 0."""

    def f(self, x: Tensor) -> Tensor:
        return torch.relu(x)


class Softmax(Activation):
    """y = exp(x) / Σ exp(x) over the last axis."""

    def f(self, x: Tensor) -> Tensor:
        check_last_axis(self.name, x)
        return torch.softmax(x, dim=-1)


class SiLU(Activation):
    """y = x σ(x), also called swish (Elfwing et al. 2018)."""

    def f(self, x: Tensor) -> Tensor:
        return F.silu(x)


class GELU(Activation):
    """y = x Φ(x), Φ(x) = (1 + erf(x/√2)) / 2, of the normal distribution (Hendrycks & Gimpel 2016).

    With approximate="tanh" Φ(x) = (1 + tanh u) / 2, u = √(2/π) (x + 0.044715 x³), as in torch.nn.GELU.
    """

    @validate_call
    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        check_choice(self.name, "approximate", approximate, ("none", "tanh"))
        self.approximate = approximate

    def config(self) -> dict[str, Any]:
        return {"approximate": self.approximate}

    def f(self, x: Tensor) -> Tensor:
        return F.gelu(x, approximate=self.approximate)


class ELU(Activation):
    """y = x for x > 0, α (exp(x) - 1) for others (Clevert et al. 2016); `alpha` is α."""

    @validate_call
    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        check_positive(self.name, alpha=alpha)
        self.alpha = float(alpha)

    def config(self) -> dict[str, Any]:
        return {"alpha": self.alpha}

    def f(self, x: Tensor) -> Tensor:
        return F.elu(x, self.alpha)


class Softplus(Activation):
    """y = log(1 + exp(x)), exact for every x: PyTorch's is x above 20 (Dugas et al. 2001)."""

    def f(self, x: Tensor) -> Tensor:
        return torch.logaddexp(x, torch.zeros_like(x))


class LeakyReLU(Activation):
    """y = x for x > 0, a x for others (Maas et al. 2013); `negative_slope` is a."""

    @validate_call
    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        check_finite_number(self.name, "negative_slope", negative_slope)
        self.negative_slope = float(negative_slope)

    def config(self) -> dict[str, Any]:
        return {"negative_slope": self.negative_slope}

    def f(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, self.negative_slope)
