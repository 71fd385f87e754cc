"""What every optimizer does around torch.optim's rule: clip, count, and go on from a file of either backend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch

from numnet.core.checks import check_built, check_model, check_positive, check_same_model, check_state_dict
from numnet.core.schedules import ConstantSchedule, Schedule, as_schedule
from numnet.core.show import Shown
from torchnet.training.clipping import check_finite, clip_by_norm, clip_by_value, global_norm


class Optimizer(Shown):
    """learning_rate: a number or a schedule. clip_norm bounds ‖g‖ over all parameters, clip_value each |g|.

    `steps` counts the steps taken. `kind` is the class in torch.optim, `remembers` this project's name for each array
    that it remembers, with torch.optim's.
    """

    kind: Any
    remembers: ClassVar[dict[str, str]] = {}

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
        self.vendor: torch.optim.Optimizer | None = None
        self.model: Any = None

    def options(self) -> dict[str, Any]:
        """The arguments of torch.optim's class, but for the learning rate and the weight decay."""
        return {}

    def step(self, model: Any = None) -> float:
        """One update; returns the global norm of the gradients before clipping.

        FloatingPointError, and nothing changed, where a gradient is not finite.
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
        vendor = self.vendor_for(model)
        vendor.param_groups[0]["lr"] = self.schedule(self.steps)
        self.steps += 1
        vendor.step()
        for p in model.parameters():
            torch.autograd.graph.increment_version(p)  # Adam does not: a way back through old weights is refused
        return norm

    def vendor_for(self, model: Any) -> torch.optim.Optimizer:
        """torch.optim's optimizer over the model's parameters, made at the first step, when they exist."""
        self.model = model
        if self.vendor is None:
            self.vendor = self.kind(
                model.parameters(), lr=self.schedule(0), weight_decay=self.weight_decay, **self.options()
            )
        return self.vendor

    def arguments(self) -> dict[str, Any]:
        """The learning rate as a number if it is constant."""
        rate = self.schedule
        return {"learning_rate": rate.learning_rate if isinstance(rate, ConstantSchedule) else rate}

    def state_dict(self) -> dict[str, Any]:
        """`steps`, and each memory as one vector over all parameters in the order of `model.params`."""
        memories = list(self.vendor.state.values()) if self.vendor is not None and self.steps else []
        joined = {
            ours: torch.cat([buffers[theirs].reshape(-1) for buffers in memories]).cpu().numpy()
            for ours, theirs in self.remembers.items()
            if memories
        }
        return {"steps": np.asarray(self.steps), **joined}

    def load_state_dict(self, state: Mapping[str, Any], model: Any) -> None:
        """Go on where the optimizer that wrote `state` stopped; the other backend's will do."""
        params = list(model.parameters())
        sizes = [p.numel() for p in params]
        remembered = self.remembers if state.get("steps") else {}
        expected = {"steps": (), **dict.fromkeys(remembered, (sum(sizes),))}
        check_state_dict(type(self).__name__, expected, {name: np.shape(value) for name, value in state.items()})
        self.vendor, self.steps = None, int(state["steps"])
        vendor = self.vendor_for(model)
        for p in params:
            vendor.state[p] = {"step": torch.tensor(float(self.steps), device=p.device)} if remembered else {}
        for ours, theirs in remembered.items():
            pieces = torch.as_tensor(np.array(state[ours])).split(sizes)
            for p, piece in zip(params, pieces):
                vendor.state[p][theirs] = piece.reshape(p.shape).to(p).clone()
