"""The base class of the optimizers, around torch.optim: clipping, the step count, and the state of either backend."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch

from numnet.core.assignment import Rechecked
from numnet.core.checks import (
    check_built,
    check_model,
    check_positive,
    check_same_model,
    check_state_dict,
    check_trainable,
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
from numnet.core.schedules import ConstantSchedule, Schedule, as_schedule
from torchnet.core.late import TAKES_THE_MODEL
from torchnet.training.clipping import check_finite, clip_by_value, norm_of, scale_to


class Optimizer(Rechecked):
    """learning_rate: a number or a schedule. clip_norm bounds ‖g‖ over all parameters, clip_value each |g|.

    `steps` counts the steps taken. `kind` is the class in torch.optim. `buffer_names` maps the name of each buffer in
    numnet to its name in torch.optim. Parameters of float16 or bfloat16 are updated in float32, and the result is
    rounded; their buffers are float32.
    """

    kind: Any
    epsilon: float | None = None  # of the optimizers that divide by the root of the mean of g²
    buffer_names: ClassVar[dict[str, str]] = {}

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
        self.torch_optimizer: torch.optim.Optimizer | None = None
        self.updated: list[torch.Tensor] = []  # what torch.optim updates: the parameters, or float32 copies of them
        self.model: Any = None
        self.dtype: torch.dtype | None = None  # of the parameters at the first step

    def options(self) -> dict[str, Any]:
        """Return the arguments of torch.optim's class, except the learning rate and the weight decay."""
        return {}

    @property
    def learning_rate(self) -> float:
        """The rate of the next step; assign a number or a schedule to change it."""
        return self.schedule(self.steps)

    def step(self, model: Any = None) -> float:
        """Update all parameters once. Return the global norm of the gradients before clipping.

        If a gradient or the rate is not finite, raise FloatingPointError or ValueError, and change nothing.
        """
        who = type(self).__name__
        check_model(who, model, "parameters")
        check_built(who, model)
        check_same_model(who, self.model, model)
        params = list(model.parameters())
        dtype = check_same_dtype(who, self.dtype, params[0].dtype if params else None)
        grads = [p.grad for p in params if p.grad is not None]
        norm = norm_of(grads)
        if not math.isfinite(norm):
            check_finite(who, {name: g for name, g in model.grads.items() if g is not None})
            check_finite_norm(who, norm)
        check_trainable(who, [name for name, p in model.named_parameters() if not p.requires_grad])
        rate = check_rate(who, self.steps, self.schedule(self.steps))
        if self.epsilon is not None:
            self.check_division(params, norm)
        torch_optimizer, self.dtype = self.torch_optimizer_for(model), dtype
        self.clip(grads, norm)
        settings = {"lr": rate, "weight_decay": self.weight_decay, **self.options()}
        torch_optimizer.param_groups[0].update(settings)  # the options may have changed
        self.steps += 1
        self.rounded_update(params, torch_optimizer)
        for p in params:
            torch.autograd.graph.increment_version(p)  # fused Adam does not: backward with old weights must fail
        return norm

    def check_division(self, params: Sequence[torch.Tensor], norm: float) -> None:
        """Check that neither ε nor g² leaves the range of the dtype that an update is computed in."""
        largest = min(limit for limit in (norm, self.clip_norm, self.clip_value) if limit is not None)
        for dtype in {computed_in(p) for p in params}:
            check_epsilon(type(self).__name__, self.epsilon, str(dtype).removeprefix("torch."))
            check_squares(type(self).__name__, largest, str(dtype).removeprefix("torch."))

    def clip(self, grads: Sequence[torch.Tensor], norm: float) -> None:
        """Clip the gradients, of this norm, in place."""
        if self.clip_norm is not None:
            scale_to(grads, self.clip_norm, norm)
        if self.clip_value is not None:
            clip_by_value(grads, self.clip_value)

    def rounded_update(self, params: Sequence[torch.Tensor], torch_optimizer: torch.optim.Optimizer) -> None:
        """Update the parameters in place, in float32 or float64."""
        rounded = [(p, exact) for p, exact in zip(params, self.updated) if p is not exact]
        with torch.no_grad():
            for p, exact in rounded:
                exact.copy_(p)
                exact.grad = None if p.grad is None else p.grad.to(exact.dtype)
            torch_optimizer.step()
            for p, exact in rounded:
                p.copy_(exact)

    def torch_optimizer_for(self, model: Any) -> torch.optim.Optimizer:
        """Return torch.optim's optimizer; it is created at the first step."""
        self.model = model
        if self.torch_optimizer is None:
            params = model.parameters()
            self.updated = [p if p.dtype == computed_in(p) else p.detach().to(computed_in(p)) for p in params]
            self.torch_optimizer = self.kind(self.updated, lr=0.0, weight_decay=self.weight_decay, **self.options())
        setattr(self.torch_optimizer, TAKES_THE_MODEL, True)
        return self.torch_optimizer

    def arguments(self) -> dict[str, Any]:
        """The learning rate as a number if it is constant."""
        rate = self.schedule
        return {"learning_rate": rate.learning_rate if isinstance(rate, ConstantSchedule) else rate}

    def state_dict(self) -> dict[str, Any]:
        """Return `steps`, and each buffer as one vector over all parameters in the order of `model.params`."""
        states = list(self.torch_optimizer.state.values()) if self.torch_optimizer is not None and self.steps else []
        joined = {
            ours: torch.cat([buffers[theirs].reshape(-1) for buffers in states]).cpu().numpy()
            for ours, theirs in self.buffer_names.items()
            if states
        }
        return {"steps": np.asarray(self.steps), **joined}

    def load_state_dict(self, state: Mapping[str, Any], model: Any) -> None:
        """Restore the state of an optimizer of either backend."""
        who, state = type(self).__name__, check_optimizer_state(type(self).__name__, state)
        check_model(who, model, "parameters")
        check_built(who, model)
        params = list(model.parameters())
        names = self.buffer_names if state.get("steps") else {}
        expected = {"steps": (), **dict.fromkeys(names, (sum(p.numel() for p in params),))}
        check_state_dict(who, expected, {name: value.shape for name, value in state.items()})
        for name in names:
            dtype = max((computed_in(p) for p in params), key=lambda each: each.itemsize)
            check_fits(who, name, torch.as_tensor(state[name]), dtype)
        self.torch_optimizer, self.steps, self.dtype = None, int(state["steps"]), params[0].dtype
        torch_optimizer = self.torch_optimizer_for(model)
        for p in self.updated:
            torch_optimizer.state[p] = {"step": torch.tensor(float(self.steps), device=p.device)} if names else {}
        for ours, theirs in names.items():
            pieces = torch.as_tensor(np.array(state[ours])).split([p.numel() for p in params])
            for p, piece in zip(self.updated, pieces):
                torch_optimizer.state[p][theirs] = piece.reshape(p.shape).to(p).clone()


def computed_in(p: torch.Tensor) -> torch.dtype:
    """Return the dtype in which a parameter is updated."""
    return torch.promote_types(p.dtype, torch.float32)
