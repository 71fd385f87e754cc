"""Gradients kept from exploding: scaled as a whole, or cut one by one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor


def global_norm(grads: Iterable[Tensor]) -> float:
    """‖g‖ = √Σ g² over all gradients together; in float64 where float32 would overflow."""
    grads = list(grads)
    norm = float(torch.nn.utils.get_total_norm(grads))
    return norm if math.isfinite(norm) else float(torch.nn.utils.get_total_norm([g.double() for g in grads]))


def check_finite(who: str, grads: Mapping[str, Tensor]) -> None:
    """A FloatingPointError that names the first gradient with a number that is infinite or none at all."""
    for name, g in grads.items():
        if not torch.isfinite(g).all():
            raise FloatingPointError(f"{who}: the gradient of {name} is not finite.")


def clip_by_norm(grads: Sequence[Tensor], limit: float, norm: float | None = None) -> float:
    """g ← min(1, θ/‖g‖) g, in place (Pascanu et al. 2013): the direction stays. Returns ‖g‖ as it was.

    `norm` is ‖g‖ where it is known already.
    """
    norm = global_norm(grads) if norm is None else norm
    if norm > limit:
        torch._foreach_mul_(list(grads), limit / norm)
    return norm


def clip_by_value(grads: Iterable[Tensor], limit: float) -> None:
    """g ← min(max(g, -θ), θ), in place, each number by itself: the direction may turn."""
    for g in grads:
        g.clamp_(-limit, limit)
