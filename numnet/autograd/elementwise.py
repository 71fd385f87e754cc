"""Elementwise functions of values with gradients; number.py has the arithmetic, exp, log, tanh, relu and σ.

    z                   ∂z/∂u                           ∂z/∂v
    uᵛ                  v uᵛ⁻¹, 0 where v = 0           z log u, 0 where u = 0 and v ≥ 0    (16)
    |u|                 sign u                                                              (17)   0 at 0 and at nan
    √u                  1 / (2z)                                                            (18)
    sin u               cos u                                                               (19)
    cos u               -sin u                                                              (20)
    tan u               1 + z²                                                              (21)
    log(1 + u)          1 / (1 + u)                                                         (22)
    exp(u) - 1          1 + z                                                               (23)
    clip(u, a, b)       1 where a ≤ u ≤ b, else 0                                           (24)
    max(u, v)           1 where u > v, ½ where u = v    1 where v > u, ½ where u = v        (25)   and min
    u where c, else v   1 where c                       1 where not c                       (26)

In (25) a nan passes the gradient to both. These are PyTorch's conventions, so both backends agree at such points too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.checks import check_bounds, check_broadcast, check_condition


def power(x: Any, exponent: Any) -> Any:
    """uᵛ: 0 ** v has the gradient 0 for v > 1; a negative u has one only for whole v, none for v itself."""
    return x.apply(power_and_slopes, exponent)


def power_and_slopes(u: Any, v: Any) -> tuple[Any, Any, Any]:
    """(16)"""
    z = np.power(u, v)
    dz_du = np.where(np.equal(v, 0), 0, v * np.power(u, v - 1))
    dz_dv = np.where(np.equal(u, 0) & np.greater_equal(v, 0), 0, z * np.log(u))
    return z, dz_du, dz_dv


def absolute(x: Any) -> Any:
    """|u|, its derivative at 0 taken as 0."""
    return x.apply(lambda u: (np.abs(u), np.where(np.isnan(u), 0, np.sign(u))))  # (17)


def sqrt(x: Any) -> Any:
    """√u; the derivative at 0 is infinite."""
    return x.apply(lambda u: (z := np.sqrt(u), np.divide(0.5, z)))  # (18)


def sin(x: Any) -> Any:
    """The sine of an angle in radians."""
    return x.apply(lambda u: (np.sin(u), np.cos(u)))  # (19)


def cos(x: Any) -> Any:
    """The cosine of an angle in radians."""
    return x.apply(lambda u: (np.cos(u), -np.sin(u)))  # (20)


def tan(x: Any) -> Any:
    """The tangent of an angle in radians."""
    return x.apply(lambda u: (z := np.tan(u), 1 + z * z))  # (21)


def log1p(x: Any) -> Any:
    """log(1 + u), exact for small u."""
    return x.apply(lambda u: (np.log1p(u), np.divide(1, 1 + u)))  # (22)


def expm1(x: Any) -> Any:
    """exp(u) - 1, exact for small u."""
    return x.apply(lambda u: (z := np.expm1(u), 1 + z))  # (23)


def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """Limit the values to min ≤ u ≤ max: plain numbers or arrays, or None."""
    low, high = check_bounds("ArrayWithGrad", min, max)
    check_broadcast("ArrayWithGrad", x.shape, low.shape, high.shape)
    low, high = low.astype(x.dtype), high.astype(x.dtype)
    return x.apply(lambda u: (np.clip(u, low, high), (u >= low) & (u <= high)))  # (24)


def larger(x: Any, other: Any) -> Any:
    """max(u, v)"""
    return x.apply(lambda u, v: (np.maximum(u, v), ahead(u, v), ahead(v, u)), other)  # (25)


def smaller(x: Any, other: Any) -> Any:
    """min(u, v)"""
    return x.apply(lambda u, v: (np.minimum(u, v), ahead(v, u), ahead(u, v)), other)  # (25)


def ahead(u: Any, v: Any) -> Any:
    """1 where u > v, ½ where u = v."""
    return np.logical_not(u < v) - 0.5 * (u == v)


def select(condition: Any, x: Any, other: Any) -> Any:
    """u where the condition is True, else v."""
    c = check_condition("where", condition)
    check_broadcast("where", c.shape, x.shape, other.shape)
    z = np.where(c, x.value, other.value)
    return x.record(z, lambda dz: (np.where(c, dz, 0), np.where(c, 0, dz)), x, other)  # (26)
