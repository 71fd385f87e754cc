"""Second derivatives: the product of the Hessian of a model's loss with a vector, without computing the Hessian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from numnet.core.checks import check_state_dict, validate_call
from numnet.core.checks.runs import check_direction, check_finite_values
from numnet.core.operation import Array


@validate_call
def hessian_vector(
    model: Any, x: Any, target: Any, direction: Mapping[str, Any], mask: Any = None, lengths: Any = None
) -> dict[str, Array]:
    """Return H v for H = ∂²L/∂w², by differences of exact gradients. The keys of v are the names of `params`.

        H v ≈ (∂L/∂w at w + εv - ∂L/∂w at w - εv) / 2ε,  ε = ε_machine^(1/3) · max(1, ‖w‖) / ‖v‖

    The error relative to the gradients is about ε_machine^(2/3): use dtype="float64" for more than a few digits.
    Dropout draws the masks of the next step, the same for both gradients. Afterwards weights, gradients, masks and the
    states of stateful layers are as before.
    A frozen parameter is a constant: its rows and columns of H are 0.
    """
    check_direction(model, direction)
    params = model.params
    v = {name: model.cast(f"direction {name}", value) for name, value in direction.items()}
    check_state_dict("hessian_vector", {n: p.shape for n, p in params.items()}, {n: a.shape for n, a in v.items()})
    check_finite_values("hessian_vector", "direction", all(np.isfinite(value).all() for value in v.values()))
    for name in model.frozen:
        v[name] = np.zeros_like(v[name])
    before, grads = model.state_dict(), {name: gradient.copy() for name, gradient in model.grads.items()}
    calls = {module: module.calls for module in model.modules() if hasattr(module, "calls")}
    length = norm(v)
    epsilon = float(np.finfo(model.dtype).eps) ** (1 / 3) * max(1.0, norm(before)) / (length or 1.0)
    found = []
    try:
        for sign in (1, -1):
            for module, count in calls.items():
                module.calls = count
            for name, value in v.items():
                params[name][...] = before[name] + sign * epsilon * value
            model.zero_grad()
            with model.preserving_state():
                model.loss_and_grads(x, target, mask=mask, lengths=lengths)
            found.append({name: gradient.copy() for name, gradient in model.grads.items()})
    finally:
        model.load_state_dict(before)
        for name, gradient in model.grads.items():
            gradient[...] = grads[name]
        for module, count in calls.items():
            module.calls = count
    return {name: (found[0][name] - found[1][name]) / (2 * epsilon) for name in v}


def norm(arrays: Mapping[str, Array]) -> float:
    """Return √Σ a² over all arrays."""
    return float(np.sqrt(sum(float((a.astype(float) ** 2).sum()) for a in arrays.values())))
