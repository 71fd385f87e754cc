"""Gradient clipping: scale all gradients together by their norm, or clip each value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from numnet.core.operation import Array


def global_norm(grads: Iterable[Array]) -> float:
    """Return ‖g‖ = √Σ g² over all gradients; it is computed in float64 if float32 overflows."""
    grads = list(grads)
    squares = [float(np.vdot(g, g)) for g in grads]
    if not np.isfinite(squares).all():
        squares = [float(np.square(g, dtype=np.float64).sum()) for g in grads]
    return float(np.sqrt(sum(squares)))


def check_finite(who: str, grads: Mapping[str, Array]) -> None:
    """Raise a FloatingPointError that names the first gradient with an infinity or NaN."""
    for name, g in grads.items():
        if not np.isfinite(g).all():
            raise FloatingPointError(f"{who}: the gradient of {name} is not finite.")


def clip_by_norm(grads: Sequence[Array], limit: float, norm: float | None = None) -> float:
    """Scale g ← min(1, θ/‖g‖) g in place (Pascanu et al. 2013), which keeps the direction. Return ‖g‖ before clipping.

    `norm` is ‖g‖ if it is already known.
    """
    norm = global_norm(grads) if norm is None else norm
    if norm > limit:
        for g in grads:
            g *= limit / norm
    return norm


def clip_by_value(grads: Iterable[Array], limit: float) -> None:
    """Clip g ← min(max(g, -θ), θ) in place, elementwise, which may change the direction."""
    for g in grads:
        np.clip(g, -limit, limit, out=g)
