"""How the gradient of a loss vanishes or explodes: the norm of ∂L/∂h_t at each time step of each recurrent layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

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

    ∂L/∂h_t is the gradient that autograd finds for the state after step t, which the output y_t and step t + 1 read.
    The norm is over all rows of the batch and all units.

    The arguments are those of loss_and_grads, whose loss is a mean over the targets. With a loss at every step, y_t
    alone keeps the norm from vanishing: to see how far a gradient reaches, take a target at the last step alone, by
    return_sequences=False or a mask. Of a node that reads out another output than its state, y_t does not count.
    The call is one training call, with the masks of the next step if there is dropout, on a copy that shares the
    weights: the model, its gradients and states are as before. The layers run step by step, never in a kernel.
    """
    check_has_steps("gradient_norms", model)
    x, lengths = to_padded(x, lengths, model.batch_first)
    built_for(model, x, state, lengths, resets)
    other, records = recorded_copy(model, StateGradients)
    with torch.enable_grad(), torch.random.fork_rng():
        loss = other.needs_loss()(other.forward(x, state, lengths, resets), target, other.loss_mask(mask))
    states = [record.states[t] for _, record in records.values() for t in sorted(record.states)]
    found = iter(torch.autograd.grad(loss, states, allow_unused=True))
    norms = {name: [norm(next(found)) for _ in record.states] for name, (_, record) in records.items()}
    return {name: np.array(values) for name, values in norms.items()}


def norm(gradient: Tensor | None) -> float:
    """Return the norm of a gradient; None is a gradient of 0."""
    return 0.0 if gradient is None else float(gradient.double().norm())


class StateGradients:
    """The state h after each step, in the graph: the state that the output and the next step read."""

    def __init__(self) -> None:
        self.node: Any = None
        self.states: dict[int, Tensor] = {}

    def begin(self, node: Any, steps: Any) -> Any:
        """Return the node for the loop."""
        self.node = node
        return node

    def after(self, t: int, y: Tensor, new: Any) -> tuple[Tensor, Any]:
        """Store the state of step t; return the results, with the stored state in its place."""
        h = self.states[t] = new[0].view_as(new[0])
        return y if self.node.reads_out else h, (h, *new[1:])
