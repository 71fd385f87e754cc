"""A node of a tree: one step from the states of two children, a left and a right one, instead of a previous state.

    step(a_x, *left, *right) -> y, state, saved                            (h, c) of the parent from two (h, c)
    step_backward(dy, *d_state, saved) -> da_x, (*d_left, *d_right), pairs   its backward pass

Everything else is as in node.py: columns are samples, functions are pure, and `pairs` holds the factors of the weight
gradients. The input x is optional; it is called the context e in equations. A program on a Tape has the loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numnet.core.arrays import as_array
from numnet.core.checks import check_parts_of_state, check_results, check_state, validate_call
from numnet.core.checks.nodes import check_children, parts_of_children
from numnet.core.evaluation import BUILDING
from numnet.core.operation import Array
from numnet.core.pairs import add_grads, summed
from numnet.recurrent.node import Node, State, or_zeros, side_by_side
from numnet.recurrent.unroll import at, stacked


class TreeNode(Node):
    """Two children: W_x (G·H, D) if there is a context, b (G·H,), and the weights that a subclass adds in `make`.

    forward(left, right, x=None) takes each child as its state, h or (h, c), and None for a missing child. A first call
    without a context, or input_size=0, creates a node without W_x, which refuses a context later. A subclass adds
    `step` and `step_backward`.
    """

    recurrent_weights = None

    @validate_call
    def __init__(self, hidden_size: int, *, input_size: int | None = None, **options: Any) -> None:
        super().__init__(hidden_size, input_size=input_size or None, **options)
        if input_size == 0:
            self.ready(0)

    @property
    def child_states(self) -> tuple[str, ...]:
        """The names of the parts of both children, such as h_l, c_l, h_r, c_r."""
        return tuple(f"{name}_{side}" for side in "lr" for name in self.states)

    def has_param(self, name: str) -> bool:
        return super().has_param(name) and (name != "W_x" or self.width > 0)

    def ready(self, input_size: int | None) -> None:
        """Build for a context of this width; 0 is no context."""
        if input_size != 0:
            super().ready(input_size)
        elif not self.built:
            vars(self)["constructed"] = True
            with BUILDING:
                self.build_once(0)

    def inputs(self, x: Array) -> Any:
        """a_x = W_x e + b  (0); without a context a_x = b."""
        if self.input_size:
            return super().inputs(x)
        a_x = self.b[:, None] if self.bias else np.zeros(1, self.dtype)
        return np.broadcast_to(a_x, (len(x), self.G * self.hidden_size, x.shape[-1]))  # (0)

    def inputs_dx(self, da_x: Any, x: Array) -> Array | None:
        return super().inputs_dx(da_x, x) if self.input_size else None

    def inputs_grads(self, da_x: Any, x: Array) -> dict[str, Any]:
        if self.input_size:
            return super().inputs_grads(da_x, x)
        return {"b": side_by_side(da_x).sum(axis=1)} if self.bias else {}  # (0)

    def forward(self, left: State = None, right: State = None, x: Any = None) -> tuple[Any, Any]:  # type: ignore[override]
        """left, right (H, B), or pairs of them, x (D, B) or tokens (B,) → the parent's state, the saved values."""
        x, parts = self.validated(x, parts_of_children(self, left, right))
        found = self.step(at(self.inputs(x), 0), *parts)
        _, new, saved = check_results(self, "step", found, "y, state, saved")
        check_parts_of_state(self, "step", "new state", new)
        return self.joined(new), (saved, x, [part.shape for part in new])

    def validated(self, x: Any, parts: Sequence[Any], rows: bool = False) -> tuple[Array, tuple[Array, ...]]:
        """Return x as T = 1 steps, and the parts of both children, checked and cast; columns are samples.

        With rows=True rows are samples, as on a Tape. Without a context x is (1, 0, B).
        """
        x = None if x is None else as_array(self.name, "x", x)
        named = zip(self.child_states, parts)
        given = [None if part is None else as_array(self.name, name, part) for name, part in named]
        batch = check_children(self, given, x, rows)
        x = x.T if rows and x is not None else x
        self.ready(0 if x is None else x.shape[0])
        columns = [part.T if rows and part is not None else part for part in given]
        cast = [None if part is None else self.cast(name, part) for name, part in zip(self.child_states, columns)]
        states = or_zeros(cast, [(size, batch) for size in self.state_sizes * 2], self.dtype)
        if x is None:
            return np.zeros((1, 0, batch), self.dtype), states
        return (self.cast("x", x)[None] if x.ndim == 2 else x[None].copy()), states

    def backward(self, d_new: Any, saved: Any) -> tuple[State, State, Array | None]:  # type: ignore[override]
        """Return the gradients of left, right and x; ADD the gradients of the parameters."""
        saved, x, shapes = saved
        d_state = check_state(self, "dy", d_new, shapes, "It has the shape of the new state.")
        dy = np.zeros(shapes[0], self.dtype)
        found = self.step_backward(dy, *or_zeros(d_state, shapes, self.dtype), saved)
        da_x, d_children, pairs = check_results(self, "step_backward", found, "da_x, d_state, pairs")
        dx, grads = self.inputs_backward(stacked([da_x]), x)
        add_grads(self, {**grads, **{name: summed([pair]) for name, pair in pairs.items()}})
        count = len(self.states)
        return self.joined(d_children[:count]), self.joined(d_children[count:]), None if dx is None else dx[0]
