"""A node's step over all steps of a batch. Autograd backpropagates through time.

It runs every node with every option. The changes between two steps:

    padding    state = state'     at a step that is not real: the state is unchanged, and the output is 0
    resets     state' = h_0       where a sequence begins: earlier steps are not read, and the gradient stops
    zoneout    h = h_new + k ⊙ (h' - h_new)     where k is 1 a unit keeps its state (Krueger et al. 2016)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from numnet.core.checks import check_a_x, check_first_step, check_parts_of_state, check_results

Parts = tuple[Tensor, ...]  # of a state: (h,), or an LSTM's (h, c)


@dataclass
class Steps:
    """The order of the steps, and the changes of the state between two steps."""

    mask: Tensor | None = None  # (T, B), True where a step is real; None: everywhere
    reverse: bool = False
    continues: Tensor | None = None  # (T, B), False where the state is h_0 before the step; None: nowhere
    h_0: Sequence[Any] = ()  # the parts of that state, (H, 1) or 0
    zoneout: Sequence[Tensor | None] = ()  # k for each part of the state: (T, H, B), a number, or None
    options: dict[str, Tensor] = field(default_factory=dict)  # of a step: "drop", (H, B), the mask of state dropout
    record: Any = None  # of a call of which each step is stored: record.py


ALL = Steps()


def forward(node: Any, x: Tensor, state: Parts, steps: Steps = ALL) -> tuple[Tensor, Parts]:
    """x (T, D, B) or tokens (T, B), and the start state → y (T, O, B) and the last state."""
    node = node.prepared()
    inputs = node.inputs(x)
    check_a_x(node, inputs, len(x))
    a_x, first, start = of_each_step(inputs), len(x) - 1 if steps.reverse else 0, state
    if steps.mask is not None:  # a row without a real step does not read its state, even if NaN
        state = where(steps.mask.any(dim=0), state, (0,) * len(state))
    node = node if steps.record is None else steps.record.begin(node, steps)
    y: list[Tensor] = [x] * len(x)
    for t in reversed(range(len(x))) if steps.reverse else range(len(x)):
        if steps.continues is not None:
            state = where(steps.continues[t], state, steps.h_0)
        y[t], new = check_results(node, "step", node.step(a_x[t], *state, **steps.options), "y, state")
        check_parts_of_state(node, "step", "new state", new)
        if t == first:
            check_first_step(node, y[t], new, state)
        if steps.zoneout:
            new = tuple(zoned_out(q, q_prev, k, t) for q, q_prev, k in zip(new, state, steps.zoneout))
            y[t] = y[t] if node.reads_out else new[0]
        if steps.record is not None:
            y[t], new = steps.record.after(t, y[t], new)
        if steps.mask is not None:
            (y[t],), new = where(steps.mask[t], (y[t],), (0,)), where(steps.mask[t], new, state)
        state = new
    if steps.mask is not None:
        state = where(steps.mask.any(dim=0), state, start)
    return torch.stack(y), state


def of_each_step(a_x: Any) -> Sequence[Any]:
    """Split the result of `inputs`, a tensor or a tuple of tensors, into its steps."""
    return list(zip(*(part.unbind() for part in a_x))) if isinstance(a_x, tuple) else a_x.unbind()


def where(condition: Tensor, new: Parts, old: Sequence[Any]) -> Parts:
    """new where the condition (B,) is true, else old, part by part."""
    return tuple(torch.where(condition, q, q_prev) for q, q_prev in zip(new, old))


def zoned_out(new: Tensor, state: Tensor, k: Tensor | None, t: int) -> Tensor:
    """h_new + k ⊙ (h' - h_new)"""
    if k is None:
        return new
    return torch.lerp(new, state, (k[t] if k.ndim else k).expand_as(new))


def as_zone(k: Any, like: Tensor) -> Tensor | None:
    """Return a mask of zoneout (B, T, H) as (T, H, B), or its mean, in the layer's dtype."""
    k = None if k is None else torch.as_tensor(k, dtype=like.dtype, device=like.device)
    return k.permute(1, 2, 0) if k is not None and k.ndim else k
