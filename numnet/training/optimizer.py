"""The base class of the optimizers: clipping, the step count, the buffers, and saving and loading them."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from numnet.core.assignment import Rechecked
from numnet.core.checks import (
    check_built,
    check_model,
    check_positive,
    check_same_model,
    check_state_dict,
    validate_call,
)
from numnet.core.checks.runs import check_optimizer_state
from numnet.core.checks.training import (
    check_amounts,
    check_epsilon,
    check_finite_norm,
    check_rate,
    check_same_dtype,
    check_squares,
)
from numnet.core.checks.values import check_fits
from numnet.core.operation import Array
from numnet.core.parameters import ParamOperation
from numnet.core.schedules import ConstantSchedule, Schedule, as_schedule
from numnet.training.clipping import check_finite, clip_by_value, norm_of, scale_to

Buffers = dict[str, Array]


class Optimizer(Rechecked):
    """learning_rate: a number or a schedule. clip_norm bounds ‖g‖ over all parameters, clip_value each |g|.

    `steps` counts the steps taken. `buffers` is the state of the optimizer: each parameter has one array of its shape
    for every name in `buffer_names`. Parameters of float16 are updated in float32, and the result is rounded; their
    buffers are float32.
    """

    buffer_names: tuple[str, ...] = ()
    epsilon: float | None = None  # of the optimizers that divide by the root of the mean of g²

    @validate_call
    def __init__(
        self,
        learning_rate: float | Schedule,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        check_positive(type(self).__name__, clip_norm=clip_norm, clip_value=clip_value)
        check_amounts(type(self).__name__, weight_decay=weight_decay)
        self.schedule, self.weight_decay = as_schedule(type(self).__name__, learning_rate), weight_decay
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.steps = 0
        self.buffers: list[Buffers] = []
        self.model: ParamOperation | None = None
        self.dtype: Any = None  # of the parameters at the first step

    @property
    def learning_rate(self) -> float:
        """The rate of the next step; assign a number or a schedule to change it."""
        return self.schedule(self.steps)

    def step(self, model: Any = None) -> float:
        """Update all parameters once. Return the global norm of the gradients before clipping.

        If a gradient or the rate is not finite, raise FloatingPointError or ValueError, and change nothing.
        """
        who = type(self).__name__
        check_model(who, model, "flat")
        check_built(who, model)
        check_same_model(who, self.model, model)
        pairs = model.flat()
        dtype = check_same_dtype(who, self.dtype, pairs[0][0].dtype if pairs and pairs[0][0].size else None)
        grads = [g for _, g in pairs]
        norm = norm_of(grads)
        if not math.isfinite(norm):
            check_finite(who, model.grads)
            check_finite_norm(who, norm)
        rate = check_rate(who, self.steps, self.schedule(self.steps))
        if self.epsilon is not None:
            self.check_division(pairs, norm)
        self.model, self.dtype = model, dtype
        self.create_buffers(pairs)
        self.clip(grads, norm)
        self.steps += 1
        for (p, g), buffers in zip(pairs, self.buffers):
            self.rounded_update(p, g, rate, buffers)
        if hasattr(model, "count_change"):
            model.count_change()
        return norm

    def check_division(self, pairs: list[tuple[Array, Array]], norm: float) -> None:
        """Check that neither ε nor g² leaves the range of the dtype that an update is computed in."""
        largest = min(limit for limit in (norm, self.clip_norm, self.clip_value) if limit is not None)
        for dtype in {computed_in(p.dtype) for p, _ in pairs}:
            check_epsilon(type(self).__name__, self.epsilon, dtype)
            check_squares(type(self).__name__, largest, dtype)

    def clip(self, grads: list[Array], norm: float) -> None:
        """Clip the gradients, of this norm, in place."""
        if self.clip_norm is not None:
            scale_to(grads, self.clip_norm, norm)
        if self.clip_value is not None:
            clip_by_value(grads, self.clip_value)

    def rounded_update(self, p: Array, g: Array, rate: float, buffers: Buffers) -> None:
        """Update p in place, in float32 or float64."""
        if p.dtype == computed_in(p.dtype):
            self.update(p, g, rate, buffers)
        else:
            exact = p.astype(np.float32)
            self.update(exact, g.astype(np.float32), rate, buffers)
            p[...] = exact

    def update(self, p: Array, g: Array, rate: float, buffers: Buffers) -> None:
        """Update p in place, one step."""
        raise NotImplementedError

    def decayed(self, p: Array, g: Array) -> Array:
        """Return g + λ p."""
        return g + self.weight_decay * p if self.weight_decay else g

    def create_buffers(self, pairs: list[tuple[Array, Array]]) -> None:
        """Create the buffers, filled with zeros, at the first step."""
        if not self.buffers:
            self.buffers = [
                {name: np.zeros_like(p, computed_in(p.dtype)) for name in self.buffer_names} for p, _ in pairs
            ]

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
        who, state = type(self).__name__, check_optimizer_state(type(self).__name__, state)
        check_model(who, model, "flat")
        check_built(who, model)
        pairs = model.flat()
        names = self.buffer_names if state.get("steps") else ()
        expected = {"steps": (), **dict.fromkeys(names, (sum(p.size for p, _ in pairs),))}
        check_state_dict(who, expected, {name: value.shape for name, value in state.items()})
        for name in names:
            check_fits(who, name, state[name], np.result_type(*(computed_in(p.dtype) for p, _ in pairs)))
        self.buffers, self.steps, self.dtype = [], int(state["steps"]), pairs[0][0].dtype
        self.create_buffers(pairs)
        for name in names:
            pieces = np.split(state[name], np.cumsum([p.size for p, _ in pairs])[:-1])
            for buffers, piece in zip(self.buffers, pieces):
                buffers[name].ravel()[...] = piece


@functools.cache  # numpy takes longer to name a dtype than to update a thousand numbers
def computed_in(dtype: np.dtype[Any]) -> str:
    """Return the dtype in which a parameter of this dtype is updated."""
    return np.promote_types(dtype, np.float32).name
