"""Elementwise functions of values with gradients, by PyTorch; number.py has exp, log, tanh, relu and σ."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from numnet.core.checks import check_bounds, check_broadcast, check_condition


def power(x: Any, exponent: Any) -> Any:
    """uᵛ: 0 ** v has the gradient 0 for v > 1; a negative u has one only for whole v, none for v itself."""
    return x.apply(torch.pow, exponent)


def absolute(x: Any) -> Any:
    """|u|, its derivative at 0 taken as 0."""
    return x.apply(torch.abs)


def sqrt(x: Any) -> Any:
    """√u; the derivative at 0 is infinite."""
    return x.apply(torch.sqrt)


def sin(x: Any) -> Any:
    """The sine of an angle in radians."""
    return x.apply(torch.sin)


def cos(x: Any) -> Any:
    """The cosine of an angle in radians."""
    return x.apply(torch.cos)


def tan(x: Any) -> Any:
    """The tangent of an angle in radians."""
    return x.apply(torch.tan)


def log1p(x: Any) -> Any:
    """log(1 + u), exact for small u."""
    return x.apply(torch.log1p)


def expm1(x: Any) -> Any:
    """exp(u) - 1, exact for small u."""
    return x.apply(torch.expm1)


def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """Limit the values to min ≤ u ≤ max: plain numbers or arrays, or None."""
    low, high = check_bounds("ArrayWithGrad", min, max)
    check_broadcast("ArrayWithGrad", x.shape, low.shape, high.shape)
    shape = np.broadcast_shapes(x.shape, low.shape, high.shape)  # PyTorch's backward pass needs u of this shape
    return x.apply(lambda u: torch.clamp(u.broadcast_to(shape), *(torch.as_tensor(v).to(u) for v in (low, high))))


def larger(x: Any, other: Any) -> Any:
    """max(u, v)"""
    return x.apply(torch.maximum, other)


def smaller(x: Any, other: Any) -> Any:
    """min(u, v)"""
    return x.apply(torch.minimum, other)


def select(condition: Any, x: Any, other: Any) -> Any:
    """u where the condition is True, else v."""
    c = check_condition("where", condition)
    check_broadcast("where", c.shape, x.shape, other.shape)
    return x.apply(lambda u, v: torch.where(torch.from_numpy(c).to(u.device), u, v), other)
