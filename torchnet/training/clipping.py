"""Gradient clipping: scale all gradients together by their norm, or clip each value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from numnet.core.checks.training import check_finite_norm, check_grad_list, check_limit


def global_norm(grads: Iterable[Tensor]) -> float:
    """Return ‖g‖ = √Σ g² over all gradients, also where g² overflows or underflows."""
    return norm_of(check_grad_list("global_norm", grads, Tensor))


def norm_of(grads: Sequence[Tensor]) -> float:
    """Return the global norm of tensors that were checked."""
    wide = [g if g.dtype.itemsize > 2 else g.float() for g in grads]
    norm = float(torch.nn.utils.get_total_norm(wide))
    smallest = sum(g.numel() * LEAST[g.dtype] for g in wide)
    return norm if math.sqrt(smallest) < norm < math.inf else scaled_norm(wide)


# A square below finfo.tiny has lost digits. A sum above size · tiny / eps has lost less than eps by such squares.
LEAST = {dtype: torch.finfo(dtype).tiny / torch.finfo(dtype).eps for dtype in (torch.float32, torch.float64)}


def scaled_norm(grads: Sequence[Tensor]) -> float:
    """Return s √Σ (g/s)², s = max |g|: no square overflows, and those that underflow are too small to matter."""
    largest = torch.tensor([float(g.abs().max()) for g in grads if g.numel()], dtype=torch.float64)
    s = float(largest.max()) if len(largest) else 0.0
    if s == 0 or not math.isfinite(s):
        return s
    return s * math.sqrt(sum(float((g.double() / s).square().sum()) for g in grads))


def check_finite(who: str, grads: Mapping[str, Tensor]) -> None:
    """Raise a FloatingPointError that names the first gradient with an infinity or NaN."""
    for name, g in grads.items():
        if not torch.isfinite(g).all():
            raise FloatingPointError(f"{who}: the gradient of {name} is not finite.")


def clip_by_norm(grads: Iterable[Tensor], limit: float, norm: float | None = None) -> float:
    """Scale g ← min(1, θ/‖g‖) g in place (Pascanu et al. 2013), which keeps the direction. Return ‖g‖ before clipping.

    `norm` is ‖g‖ if it is already known. FloatingPointError, and no change, if a gradient is not finite.
    """
    checked = check_grad_list("clip_by_norm", grads, Tensor)
    check_limit("clip_by_norm", limit)
    norm = norm_of(checked) if norm is None else norm
    check_finite_norm("clip_by_norm", norm)
    scale_to(checked, limit, norm)
    return norm


def scale_to(grads: Sequence[Tensor], limit: float, norm: float) -> None:
    """Scale checked gradients of this norm to the limit, in place."""
    if norm > limit and all(limit / norm > torch.finfo(g.dtype).tiny for g in grads):
        torch._foreach_mul_(list(grads), limit / norm)
    elif norm > limit:  # the factor would be rounded to few digits, or to 0
        for g in grads:
            g.copy_(g.double() / norm * limit)


def clip_by_value(grads: Iterable[Tensor], limit: float) -> None:
    """Clip g ← min(max(g, -θ), θ) in place, elementwise, which may change the direction."""
    checked = check_grad_list("clip_by_value", grads, Tensor)
    check_limit("clip_by_value", limit)
    for g in checked:
        if limit < torch.finfo(g.dtype).max:
            g.clamp_(-limit, limit)
