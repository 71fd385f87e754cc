"""How the gradient of a loss vanishes or explodes: the norm of ∂L/∂h_t at each time step of each recurrent layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks import validate_call
from numnet.core.checks.recurrent import check_has_steps
from numnet.core.packed import to_padded
from numnet.recurrent.record import built_for, recorded_copy

Array = npt.NDArray[Any]


@validate_call
def gradient_norms(
    model: Any, x: Any, target: Any, state: Any = None, mask: Any = None, lengths: Any = None, resets: Any = None
) -> dict[str, Array]:
    """Return ‖∂L/∂h_t‖ for each time step t, (T,), by the name of the recurrent layer.

        ∂L/∂h_t = dy_t + dh_next_t             (1)   h_t is read by the output y_t, and by step t + 1
        ‖∂L/∂h_t‖ = √Σ_bj (∂L/∂h_t)²           (2)   over all rows b of the batch and all units j

    The arguments are those of loss_and_grads, whose loss is a mean over the targets. With a loss at every step, dy_t
    alone keeps the norm from vanishing: to see how far a gradient reaches, take a target at the last step alone, by
    return_sequences=False or a mask. Of a node that reads out another output than its state, dy_t is not in (1).
    The call is one training call, with the masks of the next step if there is dropout, on a copy that shares the
    weights: the model, its gradients and states are as before. The layers run step by step, never in a kernel.
    """
    check_has_steps("gradient_norms", model)
    x, lengths = to_padded(x, lengths, model.batch_first)
    built_for(model, x, state, lengths, resets)
    other, records = recorded_copy(model, StateGradients)
    other.loss_and_grads(x, target, state, mask, lengths, resets)
    return {name: np.array([record.norms[t] for t in sorted(record.norms)]) for name, (_, record) in records.items()}


class StateGradients:
    """The norm of the gradient of each state h, stored in the backward pass."""

    def __init__(self) -> None:
        self.node: Any = None
        self.norms: dict[int, float] = {}

    def begin(self, node: Any, steps: Any) -> Any:
        """Return the node for the loop."""
        self.node = node
        return node

    def after(self, t: int, y: Any, new: Any) -> tuple[Any, Any]:
        """Return the results of step t unchanged."""
        return y, new

    def before_backward(self, t: int, dy: Array, d_state: Any) -> None:
        """Store the norm of the gradient that arrives at the state of step t."""
        dh = d_state[0] if self.node.reads_out else dy + d_state[0]  # (1)
        self.norms[t] = float(np.sqrt((dh.astype(np.float64) ** 2).sum()))  # (2)
