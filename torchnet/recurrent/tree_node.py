"""A node of a tree: one step from the states of two children, a left and a right one, instead of a previous state.

    step(a_x, *left, *right) -> y, state    (h, c) of the parent from two (h, c)

Everything else is as in node.py. The input x is optional; it is called the context e in equations. A program on a Tape
has the loop. Autograd computes the gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from numnet.core.checks import check_parts_of_state, check_results, validate_call
from numnet.core.checks.nodes import check_children, parts_of_children
from numnet.core.evaluation import BUILDING
from torchnet.core.device import as_tensor
from torchnet.recurrent.node import Node, State


class TreeNode(Node):
    """Two children: W_x (G·H, D) if there is a context, b (G·H,), and the weights that a subclass adds in `make`.

    forward(left, right, x=None) takes each child as its state, h or (h, c), and None for a missing child. A first call
    without a context, or input_size=0, creates a node without W_x, which refuses a context later. A subclass adds
    `step`.
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

    def ready(self, input_size: int | None, like: Tensor | None = None) -> None:
        """Build for a context of this width; 0 is no context."""
        if input_size != 0:
            super().ready(input_size, like)
        elif not self.built:
            vars(self)["constructed"] = True
            with BUILDING:
                self.build_once(0, like)

    def inputs(self, x: Tensor) -> Any:
        """a_x = W_x e + b  (0); without a context a_x = b."""
        if self.input_size:
            return super().inputs(x)
        a_x = x.new_zeros((self.G * self.hidden_size, x.shape[-1]))
        return a_x + self.b[:, None] if self.bias else a_x  # (0)

    def forward(self, left: State = None, right: State = None, x: Any = None) -> tuple[Any, Any]:  # type: ignore[override]
        """left, right (H, B), or pairs of them, x (D, B) or tokens (B,) → the parent's state, the saved values."""
        x, parts = self.validated(x, parts_of_children(self, left, right))
        _, new = check_results(self, "step", self.step(self.inputs(x), *parts), "y, state")
        check_parts_of_state(self, "step", "new state", new)
        return self.joined(new), (new, (*parts, x))

    def validated(self, x: Any, parts: Sequence[Any], rows: bool = False) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return x, and the parts of both children, checked and cast; columns are samples.

        With rows=True rows are samples, as on a Tape. Without a context x is (0, B).
        """
        x = None if x is None else as_tensor(x, self.name, "x")
        named = zip(self.child_states, parts)
        given = [None if part is None else as_tensor(part, self.name, name) for name, part in named]
        batch = check_children(self, given, x, rows)
        x = x.T if rows and x is not None and x.ndim == 2 else x
        like = next(q for q in (x, *given) if q is not None)
        self.ready(0 if x is None else x.shape[0], like)
        columns = [part.T if rows and part is not None else part for part in given]
        cast = [None if part is None else self.cast(name, part) for name, part in zip(self.child_states, columns)]
        states = self.start(cast, [(size, batch) for size in self.state_sizes * 2])
        if x is None:
            return self.place_of.new_zeros((0, batch)), states
        return (self.followed(self.cast("x", x)) if x.ndim == 2 else x.long().to(self.place_of.device)), states

    def backward(self, d_new: Any, saved: Any) -> tuple[State, State, Tensor | None]:  # type: ignore[override]
        """Return the gradients of left, right and x; ADD to the parameters' `.grad`."""
        outputs, inputs = saved
        *d_children, dx = self.pull(outputs, inputs, self.each(d_new, "dy"))
        count = len(self.states)
        return self.joined(d_children[:count]), self.joined(d_children[count:]), dx
