"""The base class of the optimizers, around torch.optim: clipping, the step count, and the state of either backend."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from numnet.core.checks import check_built, check_model, check_same_model, no_method
from numnet.core.checks.training import check_epsilon, check_finite_norm, check_same_dtype, check_squares
from numnet.core.checks.values import check_fits
from numnet.training.optimizer_base import OptimizerBase
from torchnet.core.late import TAKES_THE_MODEL
from torchnet.training.clipping import check_finite, clip_by_value, norm_of, scale_to

Buffers = dict[str, Any]


class ByUpdate(torch.optim.Optimizer):
    """An optimizer of torch.optim that calls `update` of a torchnet.Optimizer for each parameter."""

    def __init__(self, params: Any, **options: Any) -> None:
        super().__init__(params, {"rule": None, **options})

    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            rule = group["rule"]
            for p in group["params"]:
                state = self.state[p]
                state["step"] += 1
                rule.update(
                    p, -p.grad if rule.maximize else p.grad, group["lr"], {**state, "steps": int(state["step"])}
                )


class Optimizer(OptimizerBase):
    """learning_rate: a number or a schedule. clip_norm bounds ‖g‖ over all parameters, clip_value each |g|.

    maximize=True ascends: g is then -∂L/∂p. `groups` gives parts of the model other options: a dictionary from parts,
    or names as in `params`, to options, or a list of such pairs, as in groups={"layers.0": {"learning_rate": 1e-4}}. A
    schedule scales the rates of all groups by the same factor.

    `steps` counts the steps taken. `kind` is the class in torch.optim, and `torch_names` has for each of `buffer_names`
    its name there. Parameters of float16 or bfloat16 are updated in float32, and the result is rounded; their buffers
    are float32.

    An optimizer of one's own is a subclass with `update`, and `buffer_names` if it has a state. Written with Python's
    operators, the same class works on both backends.
    """

    kind: Any = ByUpdate
    torch_names: ClassVar[dict[str, str]] = {}

    def options(self) -> dict[str, Any]:
        """Return the arguments of torch.optim's class, except those that all have."""
        return {}

    def forget(self) -> None:
        """Discard the state."""
        self.torch_optimizer: Any = None
        self.updated: list[Tensor] = []  # what torch.optim updates: the parameters, or float32 copies of them
        self.prepared: Any = None  # the rules for which the buffers were created

    def step(self, model: Any = None) -> float:
        """Update all parameters that are not frozen. Return the global norm of their gradients before clipping.

        If a gradient or the rate is not finite, raise FloatingPointError or ValueError, and change nothing.
        """
        who = type(self).__name__
        check_model(who, model, "parameters")
        check_built(who, model)
        check_same_model(who, self.model, model)
        params = list(model.parameters())
        trained = [p.requires_grad for p in params]
        self.check_trained(who, trained, model)
        dtype = check_same_dtype(who, self.dtype, params[0].dtype)
        chosen = [p for p in params if p.requires_grad]
        grads = [p.grad for p in chosen if p.grad is not None]
        norm = norm_of(grads)
        if not math.isfinite(norm):
            check_finite(who, model.grads)
            check_finite_norm(who, norm)
        rates = self.rates()
        self.check_division(zip(self.numbers(model), params), norm)
        self.torch_optimizer_for(model, rates, trained)
        self.dtype = dtype
        self.clip(grads, norm)
        self.count(trained)
        for p in chosen:
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        self.rounded_update(params)
        for p in chosen:
            torch.autograd.graph.increment_version(p)  # fused Adam does not: backward with old weights must fail
        return norm

    def check_division(self, params: Any, norm: float) -> None:
        """Check that neither ε nor g² leaves the range of the dtype that an update is computed in."""
        largest = min(limit for limit in (norm, self.clip_norm, self.clip_value) if limit is not None)
        for number, dtype in {(number, computed_in(p)) for number, p in params}:
            epsilon = self.all_rules()[number].epsilon
            if epsilon is not None:
                check_epsilon(type(self).__name__, epsilon, str(dtype).removeprefix("torch."))
                check_squares(type(self).__name__, largest, str(dtype).removeprefix("torch."))

    def clip(self, grads: Sequence[Tensor], norm: float) -> None:
        """Clip the gradients, of this norm, in place."""
        if self.clip_norm is not None:
            scale_to(grads, self.clip_norm, norm)
        if self.clip_value is not None:
            clip_by_value(grads, self.clip_value)

    def rounded_update(self, params: Sequence[Tensor]) -> None:
        """Update the parameters in place, in float32 or float64."""
        rounded = [(p, exact) for p, exact in zip(params, self.updated) if p is not exact]
        with torch.no_grad():
            for p, exact in rounded:
                exact.copy_(p)
                exact.grad = None if p.grad is None else p.grad.to(exact.dtype)
            self.torch_optimizer.step()
            for p, exact in rounded:
                p.copy_(exact)

    def update(self, p: Tensor, g: Tensor, rate: float, buffers: Buffers) -> None:
        """Update p in place, one step, element by element, in an optimizer without a `kind`.

        `buffers` has a tensor of p's shape for each of `buffer_names`, to be changed in place, and under "steps" the
        number of updates of p, including this one.
        """
        raise no_method(self, "update", "update(p, g, rate, buffers), which changes p in place")

    def decayed(self, p: Tensor, g: Tensor) -> Tensor:
        """Return g + λ p."""
        return g + self.weight_decay * p if self.weight_decay else g

    def torch_optimizer_for(self, model: Any, rates: Sequence[float], trained: Sequence[bool]) -> None:
        """Prepare torch.optim's optimizer: a group for each rule, without the frozen parameters."""
        self.model, rules, numbers = model, self.all_rules(), self.numbers(model)
        self.create(model)
        self.torch_optimizer.param_groups = [
            {
                **self.torch_optimizer.defaults,
                **rule.settings(rate),
                "params": [p for p, n, each in zip(self.updated, numbers, trained) if each and n == number],
            }
            for number, (rule, rate) in enumerate(zip(rules, rates))
        ]

    def create(self, model: Any) -> None:
        """Create torch.optim's optimizer at the first step, and the buffers that do not exist yet."""
        rules = self.all_rules()
        if self.torch_optimizer is None:
            self.updated = [
                p if p.dtype == computed_in(p) else p.detach().to(computed_in(p)) for p in model.parameters()
            ]
            self.torch_optimizer = self.own_kind(self.updated, **self.settings(0.0))
            setattr(self.torch_optimizer, TAKES_THE_MODEL, True)
            self.torch_optimizer.state.clear()
        if self.prepared is not rules:
            for p, number, count in zip(self.updated, self.numbers(model), self.updates):
                state = self.torch_optimizer.state[p]
                state.setdefault(
                    "step", torch.tensor(float(count), device=p.device if "fused" in self.options() else "cpu")
                )
                for name, value in rules[number].initial_buffers(p).items():
                    state.setdefault(name, value)
            self.prepared = rules

    @property
    def own_kind(self) -> Any:
        """The class in torch.optim, unless a subclass defines an update of its own."""
        return self.kind if type(self).update is Optimizer.update else ByUpdate

    def settings(self, rate: float) -> dict[str, Any]:
        """Return the options of a group of torch.optim."""
        own = {"rule": self} if self.own_kind is ByUpdate else {"maximize": self.maximize, **self.options()}
        return {"lr": rate, "weight_decay": self.weight_decay, **own}

    def initial_buffers(self, p: Tensor) -> dict[str, Tensor]:
        """Return the buffers of a parameter before its first update, by their names in torch.optim."""
        return {self.torch_names.get(name, name): torch.full_like(p, self.initial(name)) for name in self.buffer_names}

    def state_dict(self) -> dict[str, Any]:
        """Return `steps`, and each buffer as one vector over all parameters in the order of `model.params`."""
        joined: dict[str, Any] = {}
        for name in self.all_buffer_names() if self.steps else ():
            theirs, states = self.torch_names.get(name, name), [self.torch_optimizer.state[p] for p in self.updated]
            own = [state.get(theirs, torch.zeros_like(p)) for p, state in zip(self.updated, states)]
            joined[name] = torch.cat([each.reshape(-1) for each in own]).cpu().numpy()
        return {**self.counts_dict(), **joined}

    def load_state_dict(self, state: Mapping[str, Any], model: Any) -> None:
        """Restore the state of an optimizer of either backend."""
        who = type(self).__name__
        check_model(who, model, "parameters")
        check_built(who, model)
        params = list(model.parameters())
        state, names = self.checked_state(state, [p.numel() for p in params])
        dtype = max((computed_in(p) for p in params), key=lambda each: each.itemsize)
        for name in names:
            check_fits(who, name, torch.as_tensor(state[name]), dtype)
        self.forget()
        self.load_counts(state, len(params))
        self.dtype = params[0].dtype
        self.create(model)
        for name in names:
            pieces = torch.as_tensor(np.array(state[name])).split([p.numel() for p in params])
            for p, piece, count in zip(self.updated, pieces, self.updates):
                if count:
                    theirs = self.torch_names.get(name, name)
                    self.torch_optimizer.state[p][theirs] = piece.reshape(p.shape).to(p).clone()


def computed_in(p: Tensor) -> torch.dtype:
    """Return the dtype in which a parameter is updated."""
    return torch.promote_types(p.dtype, torch.float32)
