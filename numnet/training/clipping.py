"""Gradients kept from exploding: scaled as a whole, or cut one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from numnet.core.operation import Array


def global_norm(grads: Iterable[Array]) -> float:
    """‖g‖ = √Σ g² over all gradients together; in float64 where float32 would overflow."""
    grads = list(grads)
    squares = [float(np.vdot(g, g)) for g in grads]
    if not np.isfinite(squares).all():
        squares = [float(np.square(g, dtype=np.float64).sum()) for g in grads]
    return float(np.sqrt(sum(squares)))


def check_finite(who: str, grads: Mapping[str, Array]) -> None:
    """A FloatingPointError that names the first gradient with a number that is infinite or none at all."""
    for name, g in grads.items():
        if not np.isfinite(g).all():
            raise FloatingPointError(f"{who}: the gradient of {name} is not finite.")


def clip_by_norm(grads: Sequence[Array], limit: float, norm: float | None = None) -> float:
    """g ← min(1, θ/‖g‖) g, in place (Pascanu et al. 2013): the direction stays. Returns ‖g‖ as it was.

    `norm` is ‖g‖ where it is known already.
    """
    norm = global_norm(grads) if norm is None else norm
    if norm > limit:
        for g in grads:
            g *= limit / norm
    return norm


def clip_by_value(grads: Iterable[Array], limit: float) -> None:
    """g ← min(max(g, -θ), θ), in place, each number by itself: the direction may turn."""
    for g in grads:
        np.clip(g, -limit, limit, out=g)
