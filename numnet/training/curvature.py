"""Second derivatives: the product of the Hessian of a model's loss with a vector, never the Hessian itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from numnet.core.checks import check_state_dict
from numnet.core.operation import Array


def hessian_vector(
    model: Any, x: Any, target: Any, direction: Mapping[str, Any], mask: Any = None, lengths: Any = None
) -> dict[str, Array]:
    """H v for H = ∂²L/∂w², v by the names of `params`; by differencing the exact gradients.

        H v ≈ (∂L/∂w at w + εv - ∂L/∂w at w - εv) / 2ε,  ε = ε_machine^(1/3) · max(1, ‖w‖) / ‖v‖

    Of the error, some ε_machine^(2/3) of what is divided: take dtype="float64" for more than a few digits. Dropout
    draws the masks of the next step, each time the same. Weights, gradients, masks and
    what stateful layers remember are left as they were.
    """
    params = model.params
    given = {name: np.asarray(value, model.dtype) for name, value in direction.items()}
    check_state_dict("hessian_vector", {n: p.shape for n, p in params.items()}, {n: v.shape for n, v in given.items()})
    before, grads = model.state_dict(), {name: gradient.copy() for name, gradient in model.grads.items()}
    calls = {module: module.calls for module in model.modules() if hasattr(module, "calls")}
    length = norm(given)
    epsilon = float(np.finfo(model.dtype).eps) ** (1 / 3) * max(1.0, norm(before)) / (length or 1.0)
    found = []
    try:
        for sign in (1, -1):
            for module, count in calls.items():
                module.calls = count
            for name, value in given.items():
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
    return {name: (found[0][name] - found[1][name]) / (2 * epsilon) for name in given}


def norm(arrays: Mapping[str, Array]) -> float:
    """√Σ over all of them."""
    return float(np.sqrt(sum(float((a.astype(float) ** 2).sum()) for a in arrays.values())))
