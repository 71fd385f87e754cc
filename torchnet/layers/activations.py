"""Elementwise activations and softmax, computed by PyTorch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from numnet.core.checks import check_last_axis
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
