"""A node is one time step: four pure functions. A layer is that step, unrolled over time (unroll.py, layer.py).

    inputs(x) -> a_x                                             the part that needs no state, for all steps at once
    inputs_backward(da_x, x) -> dx, grads                        its backward pass
    step(a_x, *state) -> y, state, saved                         one step
    step_backward(dy, *d_state, saved) -> da_x, d_state, pairs   its backward pass

Columns are samples: x (T, D, B) or tokens (T, B), a_x (T, G·H, B), h (H, B). dq is ∂L/∂q, L being the loss; q' is q of
the previous step, q_prev in the code. The functions are pure: they write nothing to the node and nothing in place.

The gradient of a weight is a sum over time of outer products, dW_h = Σ_t da_t h_{t-1}ᵀ. `pairs` holds the factors of
one term; after the loop one product computes the sum (`summed` in numnet/core/pairs.py):

    {"W_h": (da, h_prev)}                   a matrix: Σ_t da_t h_{t-1}ᵀ
    {"W_h": [(da_rz, h_prev), (da_n, m)]}   a matrix whose blocks of rows read different arrays: a pair for each block
    {"b_h": (dm, None)}                     a vector that is added or multiplied elementwise: Σ_t dm_t
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core import init as draw
from numnet.core.arrays import as_array
from numnet.core.checks import (
    check_choice,
    check_one_step,
    check_size,
    check_state,
    no_method,
    parts_of_state,
    validate_call,
)
from numnet.core.operation import Array
from numnet.core.pairs import add_grads, sum_by_token
from numnet.core.parameters import ParamOperation
from numnet.recurrent import unroll
from numnet.recurrent.functions import FUNCTIONS, Function
from numnet.recurrent.signature import Signature

State = Any  # h, or for an LSTM (h, c)


class Node(ParamOperation):
    """W_x (G·H, D), W_h (G·H, H), b (G·H,): G gates, in blocks of H rows. A subclass adds `step` and `step_backward`.

    With bias=False there is no b. `states` names the parts of the state. y, the output, is the first of them; a node
    whose output is none of them sets `reads_out = True`. `recurrent_weights` names the parameter that multiplies the
    previous state, which weight dropout needs, or is None: without it a node has no W_h. State dropout needs an
    argument `drop` of `step` and `step_backward`: see `dropped`.
    """

    error_name: str | None = None
    G = 1
    gates: tuple[str, ...] = ()  # the names of the blocks
    states: tuple[str, ...] = ("h",)
    reads_out = False
    recurrent_weights: str | None = "W_h"
    gains: tuple[str, ...] = ()  # of layer normalization
    kernel_activations: tuple[str, ...] = ()  # the values of `activation` that a kernel supports
    activation = "tanh"
    recurrent_activation = "sigmoid"
    __signature__ = Signature()
    W_x: Array
    W_h: Array
    b: Array

    @validate_call
    def __init__(
        self,
        hidden_size: int,
        *,
        input_size: int | None = None,
        bias: bool = True,
        initial: str | float = "pytorch",
        seed: int | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        super().__init__(input_size, seed, dtype)
        check_size(self.name, hidden_size=hidden_size, input_size=input_size)
        draw.check_initial(self.name, initial)
        self.hidden_size, self.bias, self.initial = hidden_size, bias, initial
        self.ready(input_size)

    def make(self, rng: np.random.Generator) -> int:
        output_size = self.state_sizes[0]
        values = draw.recurrent(self.initial, rng, self.G, self.hidden_size, self.width, output_size)
        for name, value in zip(("W_x", "W_h", "b"), values):
            if self.has_param(name):
                self.add_param(name, value)
        for name in self.gains:
            self.add_param(name, np.ones(self.G * self.hidden_size))
        return output_size

    def has_param(self, name: str) -> bool:
        """Return whether the node has this one of W_x, W_h and b."""
        return self.bias if name == "b" else name != "W_h" or bool(self.recurrent_weights)

    def inputs(self, x: Array) -> Any:
        """a_x = W_x x + b  (0) for all steps. W_x times a one-hot token is a column of W_x, so tokens are looked up."""
        if not self.bias:
            return self.W_x @ x if x.ndim == 3 else np.ascontiguousarray(self.W_x[:, x].swapaxes(0, 1))  # (0)
        if x.ndim == 2:
            return np.add(self.W_x[:, x].swapaxes(0, 1), self.b[:, None], order="C")  # (0)
        return self.W_x @ x + self.b[:, None]  # (0)

    def inputs_backward(self, da_x: Any, x: Array) -> tuple[Array | None, dict[str, Any]]:
        """dx, None for tokens; and the gradients of W_x and b."""
        return self.inputs_dx(da_x, x), self.inputs_grads(da_x, x)

    def inputs_dx(self, da_x: Any, x: Array) -> Array | None:
        """The gradient of x, None for tokens."""
        return None if x.ndim == 2 else self.W_x.T @ da_x  # (0)

    def inputs_grads(self, da_x: Any, x: Array) -> dict[str, Any]:
        """The gradients of W_x and b. For tokens that of W_x is (columns, their sums)."""
        da = side_by_side(da_x)
        dW_x = sum_by_token(x.reshape(-1), da) if x.ndim == 2 else da @ side_by_side(x).T  # (0)
        if not self.bias:
            return {"W_x": dW_x}  # (0)
        return {"W_x": dW_x, "b": da.sum(axis=1)}  # (0)

    def step(self, a_x: Any, *state: Any) -> tuple[Array, tuple[Array, ...], Any]:
        """Run one step: return y, the new state, and the values saved for step_backward."""
        raise no_method(self, "step", "step(a_x, *state) → y, state, saved")

    def step_backward(self, dy: Any, *d_state_saved: Any) -> tuple[Any, tuple[Array, ...], dict[str, Any]]:
        """The gradients of a_x and of the previous state, and the pairs."""
        raise no_method(self, "step_backward", "step_backward(dy, *d_state, saved) → da_x, d_state, pairs")

    def blocks(self, a: Array) -> Array:
        """The G blocks of H rows of a (G·H, B)."""
        return a.reshape(self.G, -1, a.shape[-1])

    def forward(self, x: Any, state: State = None) -> tuple[Any, Any]:  # type: ignore[override]
        """One step: x (D, B) or tokens (B,), state (H, B) or None for zeros → the new state, the saved values.

        A node with reads_out returns (y, the new state) instead of the new state.
        """
        x, start = self.validated(x, state)
        y, new, saved = unroll.forward(self, x, start)
        shapes = [part.shape for part in start]
        return (y[0], self.joined(new)) if self.reads_out else self.joined(new), (saved, y.shape, shapes)

    def validated(self, x: Any, state: State) -> tuple[Array, tuple[Array, ...]]:
        """Return x as T = 1 steps, (1, D, B) or tokens (1, B), and the parts of the state, checked and cast."""
        x = as_array(self.name, "x", x)
        check_one_step(self.name, x, self.input_size)
        shapes = [(size, x.shape[-1]) for size in self.state_sizes]
        start = check_state(self, "state {}", state, shapes, "Columns are samples: (hidden, batch).")
        self.ready(x.shape[0])
        x = self.cast("x", x)[None] if x.ndim == 2 else x[None].copy()
        return x, or_zeros(start, shapes, self.dtype)

    def backward(self, d_new: Any, saved: Any) -> tuple[Array | None, State]:  # type: ignore[override]
        """Return dx and the gradient of the previous state; ADD the gradients of the parameters."""
        saved, y_shape, shapes = saved
        dy, d_state = (None, d_new) if not self.reads_out else (None, None) if d_new is None else d_new
        dy = self.gradient(None if dy is None else as_array(self.name, "dy", dy)[None], y_shape, self.dtype)
        d_last = check_state(self, "dy", d_state, shapes, "It has the shape of y.")
        dx, d_start, grads, _ = unroll.backward(self, dy, or_zeros(d_last, shapes, self.dtype), saved)
        add_grads(self, grads)
        return None if dx is None else dx[0], self.joined(d_start)

    def with_weights(self, mask: Array) -> Node:
        """Return the node with its recurrent weights ⊙ mask, for weight dropout."""
        other, name = copy.copy(self), str(self.recurrent_weights)
        vars(other)[name] = getattr(self, name) * mask.astype(self.dtype)
        return other

    def each(self, state: State, label: str = "state") -> tuple[Any, ...]:
        """The state as a tuple: (h,), or an LSTM's (h, c)."""
        return parts_of_state(self.name, self.states, state, label)

    def joined(self, state: Any) -> State:
        """Return a state of one part as that part, a state of two parts as a pair."""
        return tuple(state) if len(state) > 1 else state[0]

    def set_functions(self, activation: str, recurrent_activation: str = "sigmoid") -> None:
        """Set φ, and σ of the gates, by their names in functions.py."""
        check_choice(self.name, "activation", activation, FUNCTIONS)
        check_choice(self.name, "recurrent_activation", recurrent_activation, FUNCTIONS)
        self.activation, self.recurrent_activation = activation, recurrent_activation

    @property
    def phi(self) -> Function:
        """φ, the function that the option activation names."""
        return FUNCTIONS[self.activation]

    @property
    def sigma(self) -> Function:
        """σ, the function of the gates, which the option recurrent_activation names."""
        return FUNCTIONS[self.recurrent_activation]

    @functools.cached_property
    def state_sizes(self) -> tuple[int, ...]:
        """The number of rows of each part of the state."""
        return (self.hidden_size,) * len(self.states)

    @property
    def name(self) -> str:
        """The name in error messages: the node's, or that of the layer that it is part of."""
        return self.error_name or type(self).__name__

    def config(self) -> dict[str, Any]:
        changed: dict[str, Any] = {} if self.bias else {"bias": False}
        functions = ("activation", "recurrent_activation")
        changed |= {name: getattr(self, name) for name in functions if getattr(self, name) != getattr(Node, name)}
        return {"hidden_size": self.hidden_size, "initial": self.initial, **changed}


def side_by_side(q: Array) -> Array:
    """(T, rows, B) as (rows, T·B): the columns of all steps, for one product over all of them."""
    return q.swapaxes(0, 1).reshape(q.shape[1], -1)


def dropped(h: Array, drop: Array | None) -> Array:
    """h ⊙ d for a mask d of state dropout (Gal & Ghahramani 2016), h without one; likewise backward, dh ⊙ d."""
    return h if drop is None else h * drop


def or_zeros(parts: Sequence[Any], shapes: Sequence[tuple[int, ...]], dtype: npt.DTypeLike) -> tuple[Array, ...]:
    """Return the parts of a state, zeros for None."""
    return tuple(np.zeros(shape, dtype) if part is None else part for part, shape in zip(parts, shapes))
