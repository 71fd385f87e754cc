"""A node is one time step: two functions. A layer is that step, unrolled over time (unroll.py, layer.py).

    inputs(x) -> a_x                 the part that needs no state, for all steps at once
    step(a_x, *state) -> y, state    one step

Columns are samples: x (T, D, B) or tokens (T, B), a_x (T, G·H, B), h (H, B); q' is q of the previous step, q_prev in
the code. The functions are pure: they write nothing to the node and nothing in place. Autograd computes the gradients.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding

from numnet.core import init as draw
from numnet.core.checks import (
    check_choice,
    check_one_step,
    check_size,
    check_state,
    no_method,
    parts_of_state,
    validate_call,
)
from numnet.recurrent.signature import Signature
from torchnet.core.device import DTypeLike, as_tensor
from torchnet.core.parameters import ParamOperation
from torchnet.recurrent import unroll
from torchnet.recurrent.functions import FUNCTIONS

State = Any  # h, or for an LSTM (h, c)


class Node(ParamOperation):
    """W_x (G·H, D), W_h (G·H, H), b (G·H,): G gates, in blocks of H rows. A subclass adds `step`.

    With bias=False there is no b. `states` names the parts of the state. y, the output, is the first of them; a node
    whose output is none of them sets `reads_out = True`. `recurrent_weights` names the parameter that multiplies the
    previous state, which weight dropout needs, or is None. State dropout needs an argument `drop` of `step`: see
    `dropped`.
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
    W_x: Tensor
    W_h: Tensor
    b: Tensor

    @validate_call
    def __init__(
        self,
        hidden_size: int,
        *,
        input_size: int | None = None,
        bias: bool = True,
        initial: str | float = "pytorch",
        seed: int | None = None,
        dtype: DTypeLike = "float32",
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
            elif name == "b":
                self.register_parameter(name, None)
        for name in self.gains:
            self.add_param(name, np.ones(self.G * self.hidden_size))
        return output_size

    def has_param(self, name: str) -> bool:
        """Return whether the node has this one of W_x, W_h and b."""
        return self.bias if name == "b" else name != "W_h" or bool(self.recurrent_weights)

    def inputs(self, x: Tensor) -> Any:
        """a_x = W_x x + b  (0) for all steps. W_x times a one-hot token is a column of W_x, so tokens are looked up."""
        return self.product(x) + self.b[:, None] if self.bias else self.product(x)  # (0)

    def product(self, x: Tensor) -> Tensor:
        """W_x x of columns x (..., D, B), a lookup for tokens (..., B)."""
        return torch.matmul(self.W_x, x) if x.is_floating_point() else embedding(x, self.W_x.T).movedim(-1, -2)

    def step(self, a_x: Any, *state: Any) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Run one step: return y and the new state."""
        raise no_method(self, "step", "step(a_x, *state) → y, state")

    def blocks(self, a: Tensor) -> tuple[Tensor, ...]:
        """The G blocks of H rows of a (G·H, B)."""
        return a.chunk(self.G)

    def prepared(self) -> Node:
        """Return a shallow copy for the steps of one call: it computes `once_a_call` properties now, not in each step.

        Autograd records every slice of a matrix, and its backward pass fills a matrix of zeros.
        """
        other = copy.copy(self)
        for name, value in self._parameters.items():
            vars(other).setdefault(name, value)  # an attribute of torch.nn.Module takes longer to look up
        for kind in type(self).__mro__:
            for name, value in vars(kind).items():
                if isinstance(value, once_a_call) and name not in vars(other):
                    vars(other)[name] = getattr(other, name)
        return other

    def with_weights(self, mask: Any) -> Node:
        """Return the node with its recurrent weights ⊙ mask, for weight dropout."""
        other, name = copy.copy(self), str(self.recurrent_weights)
        weights = getattr(self, name)
        vars(other)[name] = weights * torch.as_tensor(mask).to(weights)
        return other

    def forward(self, x: Any, state: State = None) -> tuple[Any, Any]:
        """One step: x (D, B) or tokens (B,), state (H, B) or None for zeros → the new state, the saved values.

        A node with reads_out returns (y, the new state) instead of the new state.
        """
        x = as_tensor(x, self.name, "x")
        check_one_step(self.name, x, self.input_size)
        shapes = [(size, x.shape[-1]) for size in self.state_sizes]
        parts = check_state(self, "state {}", state, shapes, "Columns are samples: (hidden, batch).")
        self.ready(x.shape[0], x)
        x = self.followed(self.cast("x", x)) if x.ndim == 2 else x.long().to(self.place_of.device)
        start = self.start(parts, shapes)
        y, new = unroll.forward(self, x[None], start)
        outputs = (y[0], *new) if self.reads_out else new
        return (y[0], self.joined(new)) if self.reads_out else self.joined(new), (outputs, (x, *start))

    def backward(self, d_new: Any, saved: Any) -> tuple[Tensor | None, State]:  # type: ignore[override]
        """Return dx and the gradient of the previous state; ADD to the parameters' `.grad`."""
        outputs, inputs = saved
        dy, d_state = (None, d_new) if not self.reads_out else (None, None) if d_new is None else d_new
        upstream = (dy, *self.each(d_state, "dy")) if self.reads_out else self.each(d_state, "dy")
        dx, *d_start = self.pull(outputs, inputs, upstream)
        return dx, self.joined(d_start)

    @property
    def place_of(self) -> Tensor:
        """A parameter: its device and dtype are the node's."""
        return next(self.parameters())

    def start(self, parts: Sequence[Any], shapes: Sequence[tuple[int, ...]]) -> tuple[Tensor, ...]:
        """Return the parts of the start state as tensors that require gradients, zeros for None."""
        like = self.place_of
        filled = (like.new_zeros(shape) if part is None else part for part, shape in zip(parts, shapes))
        return tuple(self.followed(part) if part.is_leaf and not part.requires_grad else own(part) for part in filled)

    def each(self, state: State, label: str = "state") -> tuple[Any, ...]:
        """The state as a tuple: (h,), or an LSTM's (h, c)."""
        return parts_of_state(self.name, self.states, state, label)

    def joined(self, state: Any) -> State:
        """Return a state of one part as that part, a state of two parts as a pair."""
        return tuple(state) if len(state) > 1 else state[0]

    def set_functions(self, activation: str, recurrent_activation: str = "sigmoid") -> None:
        """Set φ, and σ of the gates, by their names in functions.py."""
        check_choice(type(self).__name__, "activation", activation, FUNCTIONS)
        check_choice(type(self).__name__, "recurrent_activation", recurrent_activation, FUNCTIONS)
        self.activation, self.recurrent_activation = activation, recurrent_activation

    @property
    def phi(self) -> Callable[[Tensor], Tensor]:
        """φ, the function that the option activation names."""
        return FUNCTIONS[self.activation]

    @property
    def sigma(self) -> Callable[[Tensor], Tensor]:
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


class once_a_call:
    """A property of a node that a prepared node computes once for all steps of a call."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function, self.__doc__ = function, function.__doc__

    def __get__(self, node: Any, kind: type) -> Any:
        return self if node is None else self.function(node)


def own(state: Tensor) -> Tensor:
    """Return a part of a start state in a graph as a tensor of this call: its `grad` is that of this call alone."""
    part = state.view_as(state)
    if part.requires_grad:
        part.retain_grad()
    return part


def dropped(h: Tensor, drop: Tensor | None) -> Tensor:
    """h ⊙ d for a mask d of state dropout (Gal & Ghahramani 2016), h without one."""
    return h if drop is None else h * drop
