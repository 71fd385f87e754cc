"""The elementwise functions of a node by name."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "linear": lambda a: a,
    "hard_sigmoid": lambda a: F.hardtanh(a / 6 + 0.5, 0.0, 1.0),  # F.hardsigmoid has 1/6 in float32
    "hard_tanh": F.hardtanh,
    "softsign": F.softsign,
    "softplus": lambda a: torch.logaddexp(a, torch.zeros_like(a)),  # F.softplus is a above 20
    "elu": F.elu,
    "selu": F.selu,
    "leaky_relu": F.leaky_relu,
}
