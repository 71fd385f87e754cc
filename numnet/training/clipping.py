"""Gradient clipping: scale all gradients together by their norm, or clip each value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from numnet.core.checks.training import check_finite_norm, check_grad_list, check_limit
from numnet.core.operation import Array


def global_norm(grads: Iterable[Array]) -> float:
    """Return ‖g‖ = √Σ g² over all gradients, also where g² overflows or underflows."""
    return norm_of(check_grad_list("global_norm", grads, np.ndarray))


def norm_of(grads: Sequence[Array]) -> float:
    """Return the global norm of arrays that were checked."""
    total, smallest = 0.0, 0.0
    for g in grads:
        g = g.ravel() if g.dtype.itemsize > 2 else g.astype(np.float32).ravel()
        total += float(np.vdot(g, g))
        smallest += g.size * LEAST[g.dtype.itemsize]
    return math.sqrt(total) if smallest < total < math.inf else scaled_norm(grads)


# A square below finfo.tiny has lost digits. A sum above size · tiny / eps has lost less than eps by such squares.
LEAST = {k: float(np.finfo(f"f{k}").tiny / np.finfo(f"f{k}").eps) for k in (4, 8, np.dtype("longdouble").itemsize)}


def scaled_norm(grads: Sequence[Array]) -> float:
    """Return s √Σ (g/s)², s = max |g|: no square overflows, and those that underflow are too small to matter."""
    s = float(np.max([np.abs(g).max(initial=0) for g in grads], initial=0))
    if s == 0 or not math.isfinite(s):
        return s
    return s * math.sqrt(sum(float(np.square(np.divide(g, s, dtype=np.float64)).sum()) for g in grads))


def check_finite(who: str, grads: Mapping[str, Array]) -> None:
    """Raise a FloatingPointError that names the first gradient with an infinity or NaN."""
    for name, g in grads.items():
        if not np.isfinite(g).all():
            raise FloatingPointError(f"{who}: the gradient of {name} is not finite.")


def clip_by_norm(grads: Iterable[Array], limit: float, norm: float | None = None) -> float:
    """Scale g ← min(1, θ/‖g‖) g in place (Pascanu et al. 2013), which keeps the direction. Return ‖g‖ before clipping.

    `norm` is ‖g‖ if it is already known. FloatingPointError, and no change, if a gradient is not finite.
    """
    checked = check_grad_list("clip_by_norm", grads, np.ndarray)
    check_limit("clip_by_norm", limit)
    norm = norm_of(checked) if norm is None else norm
    check_finite_norm("clip_by_norm", norm)
    scale_to(checked, limit, norm)
    return norm


def scale_to(grads: Sequence[Array], limit: float, norm: float) -> None:
    """Scale checked gradients of this norm to the limit, in place."""
    if norm > limit:
        for g in grads:
            if limit / norm > float(np.finfo(g.dtype).tiny):
                g *= limit / norm
            else:  # the factor would be rounded to few digits, or to 0
                np.multiply(np.divide(g, norm, dtype=np.float64), limit, out=g, casting="same_kind")


def clip_by_value(grads: Iterable[Array], limit: float) -> None:
    """Clip g ← min(max(g, -θ), θ) in place, elementwise, which may change the direction."""
    checked = check_grad_list("clip_by_value", grads, np.ndarray)
    check_limit("clip_by_value", limit)
    for g in checked:
        if limit < float(np.finfo(g.dtype).max):
            np.clip(g, -limit, limit, out=g)
