"""Second derivatives: the product of the Hessian of a model's loss with a vector, without computing the Hessian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from numnet.core.checks import check_state_dict, validate_call
from numnet.core.checks.runs import check_direction, check_finite_values


@validate_call
def hessian_vector(
    model: Any, x: Any, target: Any, direction: Mapping[str, Any], mask: Any = None, lengths: Any = None
) -> dict[str, Tensor]:
    """Return H v for H = ∂²L/∂w², by double backward (Pearlmutter 1994). The keys of v are the names of `params`.

        H v = ∂(∂L/∂w · v)/∂w

    The fused kernels have no second derivative, so every layer runs its plain steps. Dropout draws the masks of the
    next step. Afterwards weights, gradients, masks and the states of stateful layers are as before.
    A frozen parameter is a constant: its rows and columns of H are 0.
    """
    check_direction(model, direction)
    v = {name: model.cast(f"direction {name}", value) for name, value in direction.items()}
    shapes = {name: tuple(p.shape) for name, p in model.params.items()}
    check_state_dict("hessian_vector", shapes, {name: tuple(a.shape) for name, a in v.items()})
    check_finite_values("hessian_vector", "direction", all(bool(torch.isfinite(value).all()) for value in v.values()))
    recurrent = list(model.recurrent_layers.values())
    calls = {module: module.calls for module in model.modules() if hasattr(module, "calls")}
    used = [layer.use_fast for layer in recurrent]
    try:
        for layer in recurrent:
            layer.use_fast = False
        with model.preserving_state():
            loss = model.needs_loss()(model.forward(x, None, lengths), target, model.loss_mask(mask))
    finally:
        for layer, use_fast in zip(recurrent, used):
            layer.use_fast = use_fast
        for module, count in calls.items():
            module.calls = count
    frozen = model.frozen
    names, weights = zip(*((name, p) for name, p in model.params.items() if name not in frozen))
    first = torch.autograd.grad(loss, weights, create_graph=True, allow_unused=True)
    along: Any = sum((g * v[name].to(g)).sum() for name, g in zip(names, first) if g is not None)
    second = torch.autograd.grad(along, weights, allow_unused=True) if along.requires_grad else [None] * len(weights)
    found = dict(zip(names, second))
    return {name: torch.zeros_like(p) if found.get(name) is None else found[name] for name, p in model.params.items()}
