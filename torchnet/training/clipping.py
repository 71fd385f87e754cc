"""Gradient clipping: scale all gradients together by their norm, or clip each value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor


def global_norm(grads: Iterable[Tensor]) -> float:
    """Return ‖g‖ = √Σ g² over all gradients; it is computed in float64 if float32 overflows."""
    grads = list(grads)
    norm = float(torch.nn.utils.get_total_norm(grads))
    return norm if math.isfinite(norm) else float(torch.nn.utils.get_total_norm([g.double() for g in grads]))


def check_finite(who: str, grads: Mapping[str, Tensor]) -> None:
    """Raise a FloatingPointError that names the first gradient with an infinity or NaN."""
    for name, g in grads.items():
        if not torch.isfinite(g).all():
            raise FloatingPointError(f"{who}: the gradient of {name} is not finite.")


def clip_by_norm(grads: Sequence[Tensor], limit: float, norm: float | None = None) -> float:
    """Scale g ← min(1, θ/‖g‖) g in place (Pascanu et al. 2013), which keeps the direction. Return ‖g‖ before clipping.

    `norm` is ‖g‖ if it is already known.
    """
    norm = global_norm(grads) if norm is None else norm
    if norm > limit:
        torch._foreach_mul_(list(grads), limit / norm)
    return norm


def clip_by_value(grads: Iterable[Tensor], limit: float) -> None:
    """Clip g ← min(max(g, -θ), θ) in place, elementwise, which may change the direction."""
    for g in grads:
        g.clamp_(-limit, limit)
