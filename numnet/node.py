"""The node is one step; the layer is that step through time. What every node shares stands here.

    a = W_x x + b                      (0)   the step's input, which does not depend on the state
    state = step(a, state before)            the equations of each node: rnn.py, gru.py, lstm.py

Columns are samples: x (D, B), h (H, B), a (G·H, B), where G is the number of gates.
Because (0) needs no state, a layer computes it for all steps at once before its loop, and likewise sums the
gradients of W_x, W_h and b over all steps after it. On the way back every gradient is linear in what comes from
the later steps. What that is multiplied by is known after the forward: so `slopes` finds it for many steps at once,
and the loop multiplies. A node called alone does the same with one step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numnet import initial as draw
from numnet.checks import check_choice, check_features, check_sequence, check_size
from numnet.columns import all_columns, product, transposed, with_ones
from numnet.embedding import sum_by_token
from numnet.operation import Array
from numnet.slots import Slots
from numnet.state import State, Stateful


class Node(Stateful):
    """W_x (G·H, D), W_h (G·H, H), b (G·H,); gates stacked in PyTorch's order.

    `forward` is a function: it returns the new state and what `backward` needs, so that one node can be
    called many times in one network, along a sequence or up a tree. `backward` adds to dW_x, dW_h, db.
    """

    speaker: str | None = None
    G = 1
    more = 0  # blocks of H rows that the way back has besides the gates'
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
        return Slots(T, B, self.G, self.hidden_size, self.dtype, self.more)

    def step(self, s: Slots, t: int) -> None:
        """Step t forward: s.a[t] and the state s.h[t] become gates and the state s.h[t + 1], written in place."""
        raise NotImplementedError

    def slopes(self, s: Slots, steps: slice) -> None:
        """All of the way back that does not depend on later steps: a chunk's factors, left in s.da[: its length].

        A node may leave this out and do everything in `step_backward`. One that inherits another's `slopes` and
        changes `step` changes both: the factors are those of its equations.
        """

    def step_backward(self, s: Slots, t: int) -> None:
        """Step t backward: s.dh at t+1 becomes s.dh at t, and the step's da is found on the way.

        da has room for one chunk: step t's is s.da[t % s.chunk_steps].
        """
        raise NotImplementedError

    def start_backward(self, s: Slots, d_state: State) -> None:
        super().start_backward(s, d_state)
        self.weights_back(s)

    def weights_back(self, s: Slots) -> None:
        """The weights transposed, by which every step goes back."""
        s.W_hT = transposed(self.W_h, s.T)

    def inputs(self, x: Array, s: Slots) -> None:
        """s.a = W_x x + b  (0) for all steps: [W_x b] [x; 1] for x (T, D+1, B), a lookup for tokens (T, B)."""
        if x.ndim == 3:
            product(np.column_stack((self.W_x, self.b)), x, out=s.a)  # (0)
            return
        few = x.size < self.width  # fewer tokens than columns: b is added to what was looked up, not to the table
        table = self.W_x if few else self.W_x + self.b[:, None]  # (0): W_x times a one-hot column is a column of W_x
        for tokens, a in zip(x, s.a):  # "clip", for numpy would else copy first; all tokens are known to be in range
            np.take(table, tokens, axis=1, out=a, mode="clip")
        if few:
            s.a += self.b[:, None]

    def sums_backward(self, x: Array, s: Slots) -> Array | None:
        """What all steps together add to dW_h, dW_x and db, and dx; tokens have no dx."""
        da_all = s.da_all.reshape(len(s.da_all), -1)
        self.state_backward(s, da_all)
        da = da_all[: len(self.W_x)]
        if x.ndim == 3:
            dW = da @ all_columns(x).T  # (0) [dW_x db] = da [x; 1]ᵀ
            self.dW_x += dW[:, :-1]
            self.db += dW[:, -1]
            return (self.W_x.T @ da).reshape(-1, s.T, s.B).swapaxes(0, 1)  # (0) dx = W_xᵀ da
        present, sums = sum_by_token(x.reshape(-1), da)  # (0)
        self.dW_x[:, present] += sums
        self.db += sums.sum(axis=1)
        return None

    def state_backward(self, s: Slots, da_all: Array) -> None:
        """dW_h from da_all (G·H, T·B), a GRU's with dm below it, where a = ... + W_h h'."""
        self.dW_h += da_all @ all_columns(s.h[:-1]).T  # (1)

    def forward(self, x: Any, state: State = None) -> tuple[State, Any]:  # type: ignore[override]
        """One step: x (D, B) or tokens (B,), state (H, B) or None for zeros → the new state, what backward needs."""
        x = np.asarray(x)
        self.check(x)
        self.ready(x.shape[0])
        x = with_ones(self.cast("x", x).T[:, None]) if x.ndim == 2 else x[None].copy()
        s = self.slots(1, x.shape[-1])
        self.start(s, state)
        self.inputs(x, s)
        self.step(s, 0)
        return self.state_at(s, 1), (x, s)

    def backward(self, d_state: State, saved: Any) -> tuple[Array | None, State]:  # type: ignore[override]
        """From the gradient of the new state: dx and the gradient of the state before; adds to dW_x, dW_h, db."""
        x, s = saved
        self.start_backward(s, d_state)
        step = slice(0, 1)
        self.slopes(s, step)
        self.step_backward(s, 0)
        s.lay_aside(step)
        dx = self.sums_backward(x, s)
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

    @property
    def name(self) -> str:
        """Who speaks in an error: the node, or the layer that it is part of."""
        return self.speaker or type(self).__name__

    def config(self) -> dict[str, Any]:
        return {"hidden_size": self.hidden_size, "initial": self.initial}
