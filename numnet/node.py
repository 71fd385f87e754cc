"""The node is one step; the layer is that step through time. What every node shares stands here.

    a = W_x x + b                      (0)   the step's input, which does not depend on the state
    state = step(a, state before)            the equations of each node: rnn.py, gru.py, lstm.py

Columns are samples: x (D, B), h (H, B), a (G·H, B), where G is the number of gates. What a matrix or a reset gate
meets of h' is h_met, which state dropout may thin; every other h' is whole. A step reads h_met and writes h_new.
Because (0) needs no state, a layer computes it for all steps at once before its loop, and likewise sums the
gradients of W_x, W_h and b over all steps after it. On the way back every gradient is linear in what comes from
the later steps. What that is multiplied by is known after the forward: so `slopes` finds it for many steps at once,
and the loop multiplies. A node called alone does the same with one step.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet import initial as draw
from numnet.checks import check_choice, check_features, check_sequence, check_size
from numnet.columns import all_columns, product, transposed, with_ones
from numnet.embedding import sum_by_token
from numnet.normal import NormalProducts
from numnet.operation import Array
from numnet.slots import Memory, Slots
from numnet.state import State

Stretches = Sequence[Slots]  # of one batch: without lengths there is one. See course.py


class Node(NormalProducts):
    """W_x (G·H, D), W_h (G·H, H), b (G·H,); gates stacked in PyTorch's order.

    `forward` is a function: it returns the new state and what `backward` needs, so that one node can be
    called many times in one network, along a sequence or up a tree. `backward` adds to dW_x, dW_h, db.
    """

    speaker: str | None = None
    G = 1
    gates: tuple[str, ...] = ()  # their names, in the order of the rows
    recurrent_weights = "W_h"
    passes_state = False  # True where a step uses h' itself beside h_met: then step_backward drops h_met's part of dh'
    bounded = False  # whether the state stays finite on any number of steps, so that a row that has ended may go on
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
        seed: int | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        super().__init__(input_size, seed, dtype)
        check_size(self.name, hidden_size=hidden_size, input_size=input_size)
        check_choice(self.name, "initial", initial, draw.SCHEMES)
        self.hidden_size, self.initial = hidden_size, initial
        self.ready(input_size)

    def make(self, rng: np.random.Generator) -> int:
        shown = self.state_sizes[0]
        drawn = draw.recurrent(self.initial, rng, self.G, self.hidden_size, self.width, shown)
        for name, value in zip(("W_x", "W_h", "b"), drawn):
            self.add_param(name, value)
        if self.layer_norm:
            self.add_gains(len(self.b))
        return shown

    @functools.cached_property
    def state_sizes(self) -> tuple[int, ...]:
        """How many numbers each part of the state has; the first is the layer's output."""
        return (self.hidden_size,) * len(self.states)

    @property
    def rows_back(self) -> int:
        """Rows that the way back leaves of each step: the gates', and what else a node's sums need."""
        return self.G * self.hidden_size * (2 if self.layer_norm else 1)

    def slots(self, T: int, B: int, memory: Memory | None = None) -> Slots:
        """Memory for T steps of B samples; each node adds its own, and cuts the views."""
        s = Slots(self, T, B, memory)
        if self.layer_norm:
            self.add_slots(s)
        return s

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

    def weights_back(self, stretches: Stretches) -> None:
        """The weights transposed, by which every step goes back."""
        W_hT = transposed(self.W_h, sum(s.T for s in stretches))
        for s in stretches:
            s.W_hT = W_hT

    def inputs(self, x: Array, s: Slots) -> None:
        """s.a = W_x x + b  (0) for all steps: [W_x b] [x; 1] for x (T, D+1, B), a lookup for tokens (T, B).

        With layer_norm s.a = g_x ⊙ N(W_x x) + b.
        """
        if not self.layer_norm:
            return self.weighted(x, s, self.b)
        self.weighted(x, s, np.zeros_like(self.b))
        self.normalise_inputs(s)
        s.a += self.b[:, None]

    def weighted(self, x: Array, s: Slots, b: Array) -> None:
        """s.a = W_x x + b"""
        if x.ndim == 3:
            product(np.column_stack((self.W_x, b)), x, out=s.a)  # (0)
            return
        few = x.size < self.width  # fewer tokens than columns: b is added to what was looked up, not to the table
        table = self.W_x if few else self.W_x + b[:, None]  # (0): W_x times a one-hot column is a column of W_x
        for tokens, a in zip(x, s.a):  # "clip", for numpy would else copy first; all tokens are known to be in range
            np.take(table, tokens, axis=1, out=a, mode="clip")
        if few:
            s.a += b[:, None]

    def sums_backward(self, xs: Sequence[Array], stretches: Stretches) -> Array | None:
        """What all steps together add to dW_h, dW_x and db, and dx (D, N); tokens have no dx."""
        da_all = stretches[0].memory.da_all
        self.state_backward(stretches, da_all)
        da = da_all[: len(self.W_x)]
        if self.layer_norm:
            da = self.inputs_backward(stretches, da)
        if xs[0].ndim == 3:
            dW = da @ all_columns(*xs).T  # (0) [dW_x db] = da [x; 1]ᵀ
            self.dW_x += dW[:, :-1]
            if not self.layer_norm:
                self.db += dW[:, -1]
            return self.W_x.T @ da  # (0) dx = W_xᵀ da
        present, sums = sum_by_token(np.concatenate([x.reshape(-1) for x in xs]), da)  # (0)
        self.dW_x[:, present] += sums
        if not self.layer_norm:
            self.db += sums.sum(axis=1)
        return None

    def state_backward(self, stretches: Stretches, da_all: Array) -> None:
        """dW_h from da_all (rows_back, N), whose first rows are da, where a = ... + W_h h'."""
        dp = da_all[: len(self.W_h)]
        if self.layer_norm:
            self.dg_h += (dp * all_columns(*(s.h_hat for s in stretches))).sum(axis=1)
            dp = da_all[-len(self.W_h) :]
        self.dW_h += dp @ all_columns(*(s.h_met for s in stretches)).T  # (1)

    def forward(self, x: Any, state: State = None) -> tuple[State, Any]:  # type: ignore[override]
        """One step: x (D, B) or tokens (B,), state (H, B) or None for zeros → the new state, what backward needs."""
        x = np.asarray(x)
        self.check(x)
        self.ready(x.shape[0])
        x = with_ones(self.cast("x", x).T[:, None]) if x.ndim == 2 else x[None].copy()
        names = [f"state {name}" for name in self.states]
        shapes = [(size, x.shape[-1]) for size in self.state_sizes]
        parts = self.checked(names, self.each(state), shapes, "Columns are samples: (hidden, batch).")
        s = self.slots(1, x.shape[-1])
        self.start(s, parts)
        self.inputs(x, s)
        self.step(s, 0)
        return self.joined(self.last_state(s)), (x, s)

    def backward(self, d_state: State, saved: Any) -> tuple[Array | None, State]:  # type: ignore[override]
        """From the gradient of the new state: dx and the gradient of the state before; adds to dW_x, dW_h, db."""
        x, s = saved
        shapes = [gradient.shape for gradient in self.gradients(s)]
        parts = self.checked(["dy"] * len(shapes), self.each(d_state), shapes, "It has the shape of y.")
        self.weights_back([s])
        self.start_backward(s, parts)
        step = slice(0, 1)
        self.slopes(s, step)
        self.step_backward(s, 0)
        s.lay_aside(step)
        return self.sums_backward([x], [s]), self.joined(self.state_gradient(s))

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
        named = {"layer_norm": True} if self.layer_norm else {}
        return {"hidden_size": self.hidden_size, "initial": self.initial, **named}
