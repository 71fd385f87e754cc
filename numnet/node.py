"""The node is one step; the layer is that step through time. What every node shares stands here.

    a = W_x x + b                      (0)   the step's input, which does not depend on the state
    state = step(a, state before)            the equations of each node: rnn.py, gru.py, lstm.py

Columns are samples: x (D, B), h (H, B), a (G·H, B), where G is the number of gates.
Because (0) needs no state, a layer computes it for all steps at once before its loop, and likewise sums the
gradients of W_x, W_h and b over all steps after it. A node called alone does the same with one step.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet import initial as draw
from numnet.checks import check_choice, check_features, check_sequence, check_shape, check_size
from numnet.columns import all_columns
from numnet.dense import affine
from numnet.embedding import sum_by_token
from numnet.operation import Array, ParamOperation

State = Any  # h, or for an LSTM (h, c)


class Slots(SimpleNamespace):
    """The memory of T steps, made once a size; and `steps`, each step's views of it, cut once.

    a, da      (T, G·H, B)   pre-activations, which the step turns into gates; their gradients
    h          (T+1, H, B)   h[t] enters step t, h[t+1] leaves it; an LSTM has c beside it
    dh         (H, B)        the gradient of the state, carried from the last step to the first; likewise dc
    tanh_c; m, dm  (T, H, B) what an LSTM, what a GRU keeps of each step besides
    product, spare, spare2   (G·H, B), (H, B), (2H, B): room for a result that the next line uses up
    steps, d_steps           each step's views, one tuple a step, in the order in which the node unpacks them
    """


class Node(ParamOperation):
    """W_x (G·H, D), W_h (G·H, H), b (G·H,); gates stacked in PyTorch's order.

    `forward` is a function: it returns the new state and what `backward` needs, so that one node can be
    called many times in one network, along a sequence or up a tree. `backward` adds to dW_x, dW_h, db.
    """

    speaker: str | None = None
    G = 1
    states: tuple[str, ...] = ("h",)
    W_x: Array
    W_h: Array
    b: Array
    dW_x: Array
    dW_h: Array
    db: Array

    def __init__(
        self,
        hidden_size: int,
        input_size: int | None = None,
        initial: str = "pytorch",
        seed: int = 0,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        super().__init__(input_size, seed, dtype)
        check_size(self.name, hidden_size=hidden_size, input_size=input_size)
        check_choice(self.name, "initial", initial, draw.SCHEMES)
        self.hidden_size, self.initial = hidden_size, initial
        self.ready(input_size)

    def make(self, rng: np.random.Generator) -> int:
        drawn = draw.recurrent(self.initial, rng, self.G, self.hidden_size, self.width)
        for name, value in zip(("W_x", "W_h", "b"), drawn):
            self.add_param(name, value)
        return self.hidden_size

    def slots(self, T: int, B: int) -> Slots:
        """Memory for T steps of B samples; each node adds its own, and cuts the views."""
        s, G, H = Slots(T=T, B=B), self.G, self.hidden_size
        s.new = lambda *shape: np.empty(shape, self.dtype)
        s.a, s.da, s.h, s.dh = s.new(T, G * H, B), s.new(T, G * H, B), s.new(T + 1, H, B), s.new(H, B)
        return s

    def step(self, s: Slots, t: int) -> None:
        """Step t forward: s.a[t] and the state at t become gates and the state at t+1."""
        raise NotImplementedError

    def step_backward(self, s: Slots, t: int) -> None:
        """Step t backward: s.dh at t+1 becomes s.dh at t, and s.da[t] is found on the way."""
        raise NotImplementedError

    def inputs(self, x: Array, s: Slots) -> None:
        """s.a = W_x x + b  (0) for all steps: one product for x (T, D, B), a lookup for tokens (T, B)."""
        if x.ndim == 3:
            affine(self.W_x, self.b, x, out=s.a)  # (0)
            return
        table = self.W_x + self.b[:, None]  # (0): the product with a one-hot column is that column of W_x
        for tokens, a in zip(x, s.a):  # "clip", for numpy would else copy first; all tokens are known to be in range
            np.take(table, tokens, axis=1, out=a, mode="clip")

    def steps_backward(self, x: Array, s: Slots) -> Array | None:
        """What all steps together add to dW_h, dW_x and db, and dx; tokens have no dx."""
        da = all_columns(s.da)
        self.state_backward(s, da)
        self.db += da.sum(axis=1)  # (0)
        if x.ndim == 3:
            self.dW_x += da @ all_columns(x).T  # (0)
            return np.matmul(self.W_x.T, s.da)
        present, sums = sum_by_token(x.reshape(-1), da)  # (0)
        self.dW_x[:, present] += sums
        return None

    def state_backward(self, s: Slots, da: Array) -> None:
        """dW_h from da (G·H, all steps), where a = ... + W_h h'."""
        self.dW_h += da @ all_columns(s.h[:-1]).T  # (1)

    def forward(self, x: Any, state: State = None) -> tuple[State, Any]:  # type: ignore[override]
        """One step: x (D, B) or tokens (B,), state (H, B) or None for zeros → the new state, what backward needs."""
        x = np.asarray(x)
        self.check(x)
        self.ready(x.shape[0])
        x = self.cast("x", x)[None] if x.ndim == 2 else x[None].copy()
        s = self.slots(1, x.shape[-1])
        self.inputs(x, s)
        self.start(s, state)
        self.step(s, 0)
        return self.state_at(s, 1), (x, s)

    def backward(self, d_state: State, saved: Any) -> tuple[Array | None, State]:  # type: ignore[override]
        """From the gradient of the new state: dx and the gradient of the state before; adds to dW_x, dW_h, db."""
        x, s = saved
        self.start_backward(s, d_state)
        self.step_backward(s, 0)
        dx = self.steps_backward(x, s)
        return (None if dx is None else dx[0]), self.state_gradient(s)

    def check(self, x: Array) -> None:
        """x as a layer sees it: one step, batch first."""
        if x.ndim not in (1, 2):
            raise ValueError(
                f"{self.name}: x is {tuple(x.shape)}, expected one step: (features, batch), or tokens (batch,)."
            )
        if x.ndim == 2:
            check_features(self.name, x.T, self.input_size)
        else:
            check_sequence(self.name, x[:, None] if x.ndim == 1 else x, self.input_size)

    def start(self, s: Slots, state: State) -> None:
        """Write the start state, zeros for None, into the slots that enter step 0."""
        for name, value in zip(self.states, self.each(state)):
            first = getattr(s, name)[0]
            if value is None:
                first.fill(0)
            else:
                value = self.cast(f"state {name}", value)
                check_shape(
                    self.name, f"state {name}", value.shape, first.shape, "Columns are samples: (hidden, batch)."
                )
                first[...] = value

    def start_backward(self, s: Slots, d_state: State) -> None:
        """Write the gradient of the last state, zeros for None."""
        for name, value in zip(self.states, self.each(d_state)):
            gradient = getattr(s, f"d{name}")
            if value is None:
                gradient.fill(0)
            else:
                value = self.cast("dy", value)
                check_shape(self.name, "dy", value.shape, gradient.shape, "It has the shape of y.")
                gradient[...] = value

    def each(self, state: State) -> tuple[Any, ...]:
        """The state as a tuple: (h,), or an LSTM's (h, c)."""
        if state is None:
            return (None,) * len(self.states)
        if len(self.states) == 1:
            return (state,)
        if not isinstance(state, (tuple, list)) or len(state) != len(self.states):
            pair = f"({', '.join(self.states)})"
            raise ValueError(
                f"{self.name}: state is {type(state).__name__}, expected a pair {pair}. Pass both, or None."
            )
        return tuple(state)

    def state_at(self, s: Slots, t: int) -> State:
        """A copy of the state that enters step t."""
        return self.joined([getattr(s, name)[t].copy() for name in self.states])

    def state_gradient(self, s: Slots) -> State:
        """A copy of the gradient of the state that is carried."""
        return self.joined([getattr(s, f"d{name}").copy() for name in self.states])

    def joined(self, state: Any) -> State:
        """A state of one part as that part, of two as a pair."""
        return tuple(state) if len(state) > 1 else state[0]

    @property
    def name(self) -> str:
        """Who speaks in an error: the node, or the layer that it is part of."""
        return self.speaker or type(self).__name__

    def config(self) -> dict[str, Any]:
        return {"hidden_size": self.hidden_size, "initial": self.initial}
