"""The base class of the optimizers, around torch.optim: clipping, the step count, and the state of either backend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch

from numnet.core.checks import (
    check_built,
    check_model,
    check_positive,
    check_same_model,
    check_state_dict,
    validate_call,
)
from numnet.core.schedules import ConstantSchedule, Schedule, as_schedule
from numnet.core.show import Answering
from torchnet.training.clipping import check_finite, clip_by_norm, clip_by_value, global_norm


class Optimizer(Answering):
    """learning_rate: a number or a schedule. clip_norm bounds ‖g‖ over all parameters, clip_value each |g|.

    `steps` counts the steps taken. `kind` is the class in torch.optim. `buffer_names` maps the name of each buffer in
    numnet to its name in torch.optim.
    """

    kind: Any
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
        self.schedule, self.weight_decay = as_schedule(type(self).__name__, learning_rate), weight_decay
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.steps = 0
        self.torch_optimizer: torch.optim.Optimizer | None = None
        self.model: Any = None

    def options(self) -> dict[str, Any]:
        """Return the arguments of torch.optim's class, except the learning rate and the weight decay."""
        return {}

    def step(self, model: Any = None) -> float:
        """Update all parameters once. Return the global norm of the gradients before clipping.

        If a gradient is not finite, raise FloatingPointError and change nothing.
        """
        check_model(type(self).__name__, model, "parameters")
        check_built(type(self).__name__, model)
        check_same_model(type(self).__name__, self.model, model)
        grads = [p.grad for p in model.parameters() if p.grad is not None]
        norm = global_norm(grads)
        if not math.isfinite(norm):
            check_finite(type(self).__name__, model.grads)
        if self.clip_norm is not None:
            clip_by_norm(grads, self.clip_norm, norm)
        if self.clip_value is not None:
            clip_by_value(grads, self.clip_value)
        torch_optimizer = self.torch_optimizer_for(model)
        torch_optimizer.param_groups[0]["lr"] = self.schedule(self.steps)
        self.steps += 1
        torch_optimizer.step()
        for p in model.parameters():
            torch.autograd.graph.increment_version(p)  # fused Adam does not: backward with old weights must fail
        return norm

    def torch_optimizer_for(self, model: Any) -> torch.optim.Optimizer:
        """Return torch.optim's optimizer over the model's parameters; it is created at the first step."""
        self.model = model
        if self.torch_optimizer is None:
            self.torch_optimizer = self.kind(
                model.parameters(), lr=self.schedule(0), weight_decay=self.weight_decay, **self.options()
            )
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
        params = list(model.parameters())
        sizes = [p.numel() for p in params]
        names = self.buffer_names if state.get("steps") else {}
        expected = {"steps": (), **dict.fromkeys(names, (sum(sizes),))}
        check_state_dict(type(self).__name__, expected, {name: np.shape(value) for name, value in state.items()})
        self.torch_optimizer, self.steps = None, int(state["steps"])
        torch_optimizer = self.torch_optimizer_for(model)
        for p in params:
            torch_optimizer.state[p] = {"step": torch.tensor(float(self.steps), device=p.device)} if names else {}
        for ours, theirs in names.items():
            pieces = torch.as_tensor(np.array(state[ours])).split(sizes)
            for p, piece in zip(params, pieces):
                torch_optimizer.state[p][theirs] = piece.reshape(p.shape).to(p).clone()
