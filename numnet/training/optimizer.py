"""The base class of the optimizers: clipping, the buffers, and saving and loading them."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from numnet.core.checks import check_built, check_model, check_same_model, no_method
from numnet.core.checks.training import check_epsilon, check_finite_norm, check_same_dtype, check_squares
from numnet.core.checks.values import check_fits
from numnet.core.operation import Array
from numnet.training.clipping import check_finite, clip_by_value, norm_of, scale_to
from numnet.training.optimizer_base import OptimizerBase

Buffers = dict[str, Any]
IN_CACHE = 2**16  # numbers updated at a time: so many of p, g and the buffers stay in the processor's cache


class Optimizer(OptimizerBase):
    """learning_rate: a number or a schedule. clip_norm bounds ‖g‖ over all parameters, clip_value each |g|.

    maximize=True ascends: g is then -∂L/∂p. `groups` gives parts of the model other options: a dictionary from parts,
    or names as in `params`, to options, or a list of such pairs, as in groups={"layers.0": {"learning_rate": 1e-4}}. A
    schedule scales the rates of all groups by the same factor.

    `steps` counts the steps taken. `buffers` is the state of the optimizer: for every name in `buffer_names` one vector
    over all parameters. Parameters of float16 are updated in float32, and the result is rounded; their buffers are
    float32.

    An optimizer of one's own is a subclass with `update`, and `buffer_names` if it has a state. Written with Python's
    operators, the same class works on both backends.
    """

    buffers: dict[str, Array]

    def forget(self) -> None:
        """Discard the state."""
        self.buffers = {}
        self.prepared: Any = None  # the rules for which the buffers were created

    def step(self, model: Any = None) -> float:
        """Update all parameters that are not frozen. Return the global norm of their gradients before clipping.

        If a gradient or the rate is not finite, raise FloatingPointError or ValueError, and change nothing.
        """
        who = type(self).__name__
        check_model(who, model, "flat")
        check_built(who, model)
        check_same_model(who, self.model, model)
        trained = model.trained()
        self.check_trained(who, trained, model)
        runs = model.runs([key if each else None for key, each in zip(self.keys(model), trained)])
        dtype = check_same_dtype(who, self.dtype, runs[0][2].dtype)
        grads = [g for *_, g in runs]
        norm = norm_of(grads)
        if not math.isfinite(norm):
            check_finite(who, model.grads)
            check_finite_norm(who, norm)
        rates = self.rates()
        self.check_division(runs, norm)
        if self.model is None:
            self.model, self.dtype = model, dtype
        self.create_buffers(model)
        self.clip(grads, norm)
        self.count(trained)
        rules = self.all_rules()
        for (rule, k), place, p, g in runs:
            views = {name: vector[place].reshape(p.shape) for name, vector in self.buffers.items()}
            for some in pieces(p):
                of_some = {name: view[some] for name, view in views.items()}
                rules[rule].rounded_update(p[some], g[some], rates[rule], {**of_some, "steps": k + 1})
        model.count_change()
        return norm

    def check_division(self, runs: Sequence[Any], norm: float) -> None:
        """Check that neither ε nor g² leaves the range of the dtype that an update is computed in."""
        largest = min(limit for limit in (norm, self.clip_norm, self.clip_value) if limit is not None)
        for (rule, _), _, p, _ in runs:
            epsilon = self.all_rules()[rule].epsilon
            if epsilon is not None:
                dtype = computed_in(p.dtype)
                check_epsilon(type(self).__name__, epsilon, dtype)
                check_squares(type(self).__name__, largest, dtype)

    def clip(self, grads: list[Array], norm: float) -> None:
        """Clip the gradients, of this norm, in place."""
        if self.clip_norm is not None:
            scale_to(grads, self.clip_norm, norm)
        if self.clip_value is not None:
            clip_by_value(grads, self.clip_value)

    def rounded_update(self, p: Array, g: Array, rate: float, buffers: Buffers) -> None:
        """Update p in place, in float32 or float64."""
        g = -g if self.maximize else g
        if p.dtype == computed_in(p.dtype):
            self.update(p, g, rate, buffers)
        else:
            exact = p.astype(np.float32)
            self.update(exact, g.astype(np.float32), rate, buffers)
            p[...] = exact

    def update(self, p: Array, g: Array, rate: float, buffers: Buffers) -> None:
        """Update p in place, one step, element by element: p is a parameter, several as one vector, or a piece of it.

        `buffers` has an array of p's shape for each of `buffer_names`, to be changed in place, and under "steps" the
        number of updates of p, including this one.
        """
        raise no_method(self, "update", "update(p, g, rate, buffers), which changes p in place")

    def decayed(self, p: Array, g: Array) -> Array:
        """Return g + λ p."""
        return g + self.weight_decay * p if self.weight_decay else g

    def create_buffers(self, model: Any) -> None:
        """Create the buffers that do not exist yet, with their initial values."""
        rules = self.all_rules()
        if self.prepared is rules:
            return
        params = list(model.params.values())
        for name in self.all_buffer_names():
            if name not in self.buffers:
                values = [rules[number].initial(name) for number in self.numbers(model)]
                parts = [np.full(p.size, value, computed_in(p.dtype)) for p, value in zip(params, values)]
                self.buffers[name] = np.concatenate(parts)
        self.prepared = rules

    def state_dict(self) -> dict[str, Array]:
        """Return `steps`, and each buffer as one vector over all parameters in the order of `model.params`."""
        return {**self.counts_dict(), **{name: vector.copy() for name, vector in self.buffers.items()}}

    def load_state_dict(self, state: Mapping[str, Any], model: Any) -> None:
        """Restore the state of an optimizer of either backend."""
        who = type(self).__name__
        check_model(who, model, "flat")
        check_built(who, model)
        params = list(model.params.values())
        state, names = self.checked_state(state, [p.size for p in params])
        dtype = np.result_type(*(computed_in(p.dtype) for p in params))
        for name in names:
            check_fits(who, name, state[name], dtype)
        self.load_counts(state, len(params))
        self.dtype, self.buffers = params[0].dtype, {name: state[name].astype(dtype) for name in names}


def pieces(p: Array) -> list[Any]:
    """Return indices of the pieces of a parameter that are updated at a time."""
    if p.size <= IN_CACHE:
        return [...]
    few = max(1, IN_CACHE * len(p) // p.size)
    return [slice(k, k + few) for k in range(0, len(p), few)]


@functools.cache  # numpy takes longer to name a dtype than to update a thousand numbers
def computed_in(dtype: np.dtype[Any]) -> str:
    """Return the dtype in which a parameter of this dtype is updated."""
    return np.promote_types(dtype, np.float32).name
