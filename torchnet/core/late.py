"""Warns of an optimizer of torch.optim that was created before a part had its parameters, and so misses them."""

from __future__ import annotations

import warnings
import weakref
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

LATE: weakref.WeakSet[Any] = weakref.WeakSet()  # the parts whose first batch created their parameters
TAKES_THE_MODEL = "takes_the_model"  # the mark of an optimizer that a torchnet.Optimizer has created: it misses none


def warn_of_missed_parameters(optimizer: torch.optim.Optimizer, *_: Any) -> None:
    """Warn once of each part that has gradients, and none of whose parameters the optimizer updates."""
    if not LATE or getattr(optimizer, TAKES_THE_MODEL, False):
        return
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    for part in list(LATE):
        params = [p for _, p in part.own_parameters()]
        missed = not any(id(p) in held for p in params)
        if missed and all(p.grad is None for p in params):
            continue
        LATE.discard(part)
        if missed:
            warnings.warn(
                f"{part.name}: the first batch created its parameters after this {type(optimizer).__name__}, which "
                "does not update them. Create the optimizer after the first batch, or give input_size=.",
                stacklevel=3,
            )


register_optimizer_step_pre_hook(warn_of_missed_parameters)
