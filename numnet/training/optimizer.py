"""The base class of the optimizers: clipping, the step count, the buffers, and saving and loading them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from numnet.core.checks import (
    check_built,
    check_model,
    check_positive,
    check_same_model,
    check_state_dict,
    validate_call,
)
from numnet.core.operation import Array, ParamOperation
from numnet.core.schedules import ConstantSchedule, Schedule, as_schedule
from numnet.core.show import Answering
from numnet.training.clipping import check_finite, clip_by_norm, clip_by_value, global_norm

Buffers = dict[str, Array]


class Optimizer(Answering):
    """learning_rate: a number or a schedule. clip_norm bounds ‖g‖ over all parameters, clip_value each |g|.

    `steps` counts the steps taken. `buffers` is the state of the optimizer: each parameter has one array of its shape
    for every name in `buffer_names`.
    """

    buffer_names: tuple[str, ...] = ()

    @validate_call
    def __init__(
        self,
        learning_rate: float | Schedule,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        check_positive(type(self).__name__, clip_norm=clip_norm, clip_value=clip_value)
        self.schedule, self.weight_decay = as_schedule(type(self).__name__, learning_rate), weight_decay
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.steps = 0
        self.buffers: list[Buffers] = []
        self.model: ParamOperation | None = None

    def step(self, model: Any = None) -> float:
        """Update all parameters once. Return the global norm of the gradients before clipping.

        If a gradient is not finite, raise FloatingPointError and change nothing.
        """
        check_model(type(self).__name__, model, "flat")
        check_built(type(self).__name__, model)
        check_same_model(type(self).__name__, self.model, model)
        pairs = model.flat()
        grads = [g for _, g in pairs]
        norm = global_norm(grads)
        if not math.isfinite(norm):
            check_finite(type(self).__name__, model.grads)
        self.model = model
        self.create_buffers(pairs)
        if self.clip_norm is not None:
            clip_by_norm(grads, self.clip_norm, norm)
        if self.clip_value is not None:
            clip_by_value(grads, self.clip_value)
        rate = self.schedule(self.steps)
        self.steps += 1
        for (p, g), buffers in zip(pairs, self.buffers):
            self.update(p, g, rate, buffers)
        return norm

    def update(self, p: Array, g: Array, rate: float, buffers: Buffers) -> None:
        """Update p in place, one step."""
        raise NotImplementedError

    def decayed(self, p: Array, g: Array) -> Array:
        """Return g + λ p."""
        return g + self.weight_decay * p if self.weight_decay else g

    def create_buffers(self, pairs: list[tuple[Array, Array]]) -> None:
        """Create the buffers, filled with zeros, at the first step."""
        if not self.buffers:
            self.buffers = [{name: np.zeros_like(p) for name in self.buffer_names} for p, _ in pairs]

    def arguments(self) -> dict[str, Any]:
        """The learning rate as a number if it is constant."""
        rate = self.schedule
        return {"learning_rate": rate.learning_rate if isinstance(rate, ConstantSchedule) else rate}

    def state_dict(self) -> dict[str, Array]:
        """Return `steps`, and each buffer as one vector over all parameters in the order of `model.params`."""
        names = self.buffer_names if self.steps else ()
        joined = {name: np.concatenate([buffers[name].ravel() for buffers in self.buffers]) for name in names}
        return {"steps": np.asarray(self.steps), **joined}

    def load_state_dict(self, state: Mapping[str, Any], model: ParamOperation) -> None:
        """Restore the state of an optimizer of either backend."""
        pairs = model.flat()
        total = sum(p.size for p, _ in pairs)
        names = self.buffer_names if state.get("steps") else ()
        expected = {"steps": (), **dict.fromkeys(names, (total,))}
        check_state_dict(type(self).__name__, expected, {name: np.shape(value) for name, value in state.items()})
        self.buffers, self.steps = [], int(state["steps"])
        self.create_buffers(pairs)
        for name in names:
            pieces = np.split(np.asarray(state[name]), np.cumsum([p.size for p, _ in pairs])[:-1])
            for buffers, piece in zip(self.buffers, pieces):
                buffers[name].ravel()[...] = piece
