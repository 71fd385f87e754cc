"""How parameters follow their gradients: torch.optim's own optimizers under this project's names and defaults.

The equations stand in numnet/optimizers.py; these are the vendor's kernels for them, and so a second witness.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch

from numnet.checks import check_built, check_fraction, check_positive, check_same_model, check_state_dict
from numnet.schedules import Schedule, as_schedule
from torchnet.clipping import check_finite, clip_by_norm, clip_by_value, global_norm


class Optimizer:
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
        self.schedule, self.weight_decay = as_schedule(learning_rate), weight_decay
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.steps = 0
        self.vendor: torch.optim.Optimizer | None = None
        self.model: Any = None

    def options(self) -> dict[str, Any]:
        """The arguments of torch.optim's class, but for the learning rate and the weight decay."""
        return {}

    def step(self, model: Any) -> float:
        """One update; returns the global norm of the gradients before clipping.

        FloatingPointError, and nothing changed, where a gradient is not finite.
        """
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
        return norm

    def vendor_for(self, model: Any) -> torch.optim.Optimizer:
        """torch.optim's optimizer over the model's parameters, made at the first step, when they exist."""
        self.model = model
        if self.vendor is None:
            self.vendor = self.kind(
                model.parameters(), lr=self.schedule(0), weight_decay=self.weight_decay, **self.options()
            )
        return self.vendor

    def state_dict(self) -> dict[str, Any]:
        """`steps`, and each memory as one vector over all parameters in the order of `model.params`."""
        memories = list(self.vendor.state.values()) if self.vendor is not None and self.steps else []
        joined = {
            ours: torch.cat([memory[theirs].reshape(-1) for memory in memories]).cpu().numpy()
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


class SGD(Optimizer):
    """p ← p - η g   (Robbins & Monro 1951)"""

    kind = torch.optim.SGD


class SGDMomentum(Optimizer):
    """v ← μ v + g,  p ← p - η v   (Polyak 1964)"""

    kind = torch.optim.SGD
    remembers: ClassVar[dict[str, str]] = {"v": "momentum_buffer"}

    def __init__(
        self,
        learning_rate: float | Schedule,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm, clip_value)
        check_fraction("SGDMomentum", momentum=momentum)
        self.momentum = momentum

    def options(self) -> dict[str, Any]:
        return {"momentum": self.momentum}


class AdaGrad(Optimizer):
    """s ← s + g²,  p ← p - η g / (√s + ε)   (Duchi et al. 2011)"""

    kind = torch.optim.Adagrad
    remembers: ClassVar[dict[str, str]] = {"s": "sum"}

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        epsilon: float = 1e-10,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm, clip_value)
        self.epsilon = epsilon

    def options(self) -> dict[str, Any]:
        return {"eps": self.epsilon}


class RMSProp(Optimizer):
    """s ← ρ s + (1 - ρ) g²,  p ← p - η g / (√s + ε)   (Tieleman & Hinton 2012, lecture 6.5)"""

    kind = torch.optim.RMSprop
    remembers: ClassVar[dict[str, str]] = {"s": "square_avg"}

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        decay: float = 0.99,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm, clip_value)
        check_fraction("RMSProp", decay=decay)
        self.decay, self.epsilon = decay, epsilon

    def options(self) -> dict[str, Any]:
        return {"alpha": self.decay, "eps": self.epsilon}


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015), in PyTorch's fused form."""

    kind: Any = torch.optim.Adam
    remembers: ClassVar[dict[str, str]] = {"m": "exp_avg", "v": "exp_avg_sq"}

    def __init__(
        self,
        learning_rate: float | Schedule = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clip_norm, clip_value)
        check_fraction(type(self).__name__, beta1=beta1, beta2=beta2)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon

    def options(self) -> dict[str, Any]:
        return {"betas": (self.beta1, self.beta2), "eps": self.epsilon, "fused": True}


class AdamW(Adam):
    """Adam with weight decay beside the step, not in g (Loshchilov & Hutter 2019)."""

    kind = torch.optim.AdamW

    def __init__(
        self,
        learning_rate: float | Schedule = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(learning_rate, beta1, beta2, epsilon, weight_decay, clip_norm, clip_value)


OPTIMIZERS = {"sgd": SGD, "momentum": SGDMomentum, "adagrad": AdaGrad, "rmsprop": RMSProp, "adam": Adam, "adamw": AdamW}
