"""The layer is time: one node, step after step, with all that can be done outside of the loop outside.

phase  forward                                           backward
  1    before the loop, a = W_x x + b for all steps:     after the loop, the gradients of W_x, W_h, b and x:
       a Dense layer over time (a lookup, for tokens)    one product over all steps each
  2    the node's step, which needs the state before     the node's step, which needs the gradient of the state after
  3    with output_size, y = W h + b for all steps:      before the loop
       another Dense layer, as in Weidman's book (2019)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.checks import check_sequence, check_shape, check_size
from numnet.columns import columns, columns_copy, rows, with_ones
from numnet.dense import Dense
from numnet.gru import GRUNode
from numnet.lstm import LSTMNode
from numnet.node import Node
from numnet.operation import Array, Layer, Operation
from numnet.rnn import RNNNode
from numnet.slots import Slots
from numnet.state import State


class RecurrentLayer(Layer):
    """Any node through time. x (B, T, D) or tokens (B, T) → y (B, T, H), or (B, T, O) with output_size.

    forward(x, state=None) starts from the state (B, H), an LSTM's a pair (h, c), zeros for None; then `last_state`
    is the state after step T. backward(dy, d_last_state=None) → dx; then `d_state` is the start state's gradient.
    """

    recurrent = True
    last_state: State = None
    d_state: State = None
    slots: Slots | None = None

    def __init__(self, node: Node, output_size: int | None = None) -> None:
        super().__init__(node.input_size, node.seed, node.dtype)
        check_size(self.name, output_size=output_size)
        self.node, self.hidden_size, self.output_size = node, node.hidden_size, output_size
        self.output = Dense(output_size, None, node.initial) if output_size else None
        node.speaker = self.name
        self.ready(node.input_size)

    def parts(self) -> dict[str, Operation]:
        return {"": self.node, "output": self.output} if self.output else {"": self.node}

    def make(self, rng: np.random.Generator) -> int:
        self.slots = None
        width = self.node.build(self.width, rng, self.dtype)
        return self.output.build(width, rng, self.dtype) if self.output else width

    def config(self) -> dict[str, Any]:
        node = self.node.config()
        if type(self) is RecurrentLayer:
            return {"node": {"type": type(self.node).__name__, **node}, "output_size": self.output_size}
        return {**node, "output_size": self.output_size}

    def forward(self, x: Any, state: State = None) -> Array:
        x = np.asarray(x)
        check_sequence(self.name, x, self.input_size)
        self.ready(x.shape[-1])
        x = with_ones(self.cast("x", x)) if x.ndim == 3 else x.T.copy()
        node, s = self.node, self.slots_for(len(x), x.shape[-1])
        node.start(s, self.turned(state, s.B))
        node.inputs(x, s)  # phase 1
        for t in range(s.T):
            node.step(s, t)  # phase 2
        self.last_state = self.turned(node.state_at(s, s.T))
        self.saved = x, s
        y = rows(s.h[1:])
        return self.output(y) if self.output else y.copy(order="K")  # phase 3; a copy, for the slots are used again

    def backward(self, dy: Any, d_last_state: State = None) -> Array | None:
        x, s = self.recall()
        y_shape = (s.B, s.T, self.hidden_size)
        dy = self.output.backward(dy) if self.output else self.gradient(dy, y_shape, self.dtype)  # phase 3
        node = self.node
        node.start_backward(s, self.turned(d_last_state, s.B, "d_last_state"))
        self.loop_backward(s, dy)  # phase 2
        self.d_state = self.turned(node.state_gradient(s))
        dx = node.sums_backward(x, s)  # phase 1
        return None if dx is None else rows(dx)

    def loop_backward(self, s: Slots, dy: Array) -> None:
        """From the last step to the first, chunk by chunk: what comes from above meets what the later steps send."""
        dy = columns(dy) if columns(dy).flags.c_contiguous else columns_copy(dy)
        for steps in reversed(s.chunks):
            self.node.slopes(s, steps)
            for t in reversed(range(steps.start, steps.stop)):
                s.dh += dy[t]
                self.node.step_backward(s, t)
            s.lay_aside(steps)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "slots": None, "last_state": None, "d_state": None}

    def slots_for(self, T: int, B: int) -> Slots:
        """Buffers made once, and anew when the sizes or the dtype change."""
        s = self.slots
        if s is None or (s.T, s.B, s.dtype) != (T, B, self.node.dtype):
            s = self.slots = self.node.slots(T, B)
        return s

    def turned(self, state: State, B: int | None = None, name: str = "state") -> State:
        """(B, H) as (H, B) and back; with B, the shape is checked."""
        if state is None:
            return None
        flipped = []
        for part, value in zip(self.node.states, self.node.each(state)):
            if value is not None and B is not None:
                value = self.cast(f"{name} {part}", value)
                check_shape(self.name, f"{name} {part}", value.shape, (B, self.hidden_size), "It is (batch, hidden).")
            flipped.append(None if value is None else value.T)
        return self.node.joined(flipped)


class RNNLayer(RecurrentLayer):
    """The plain recurrent network through time: see RNNNode for equations, RecurrentLayer for shapes."""

    def __init__(
        self,
        hidden_size: int,
        output_size: int | None = None,
        input_size: int | None = None,
        initial: str = "pytorch",
        seed: int = 0,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        super().__init__(RNNNode(hidden_size, input_size, initial, seed, dtype), output_size)


class GRULayer(RecurrentLayer):
    """The GRU through time, reset="before" or "after": see GRUNode for equations, RecurrentLayer for shapes."""

    def __init__(
        self,
        hidden_size: int,
        output_size: int | None = None,
        input_size: int | None = None,
        reset: str = "after",
        initial: str = "pytorch",
        seed: int = 0,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        super().__init__(GRUNode(hidden_size, input_size, reset, initial, seed, dtype), output_size)


class LSTMLayer(RecurrentLayer):
    """The LSTM through time, its state a pair (h, c): see LSTMNode for equations, RecurrentLayer for shapes."""

    def __init__(
        self,
        hidden_size: int,
        output_size: int | None = None,
        input_size: int | None = None,
        initial: str = "pytorch",
        forget_bias: float = 0.0,
        seed: int = 0,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        super().__init__(LSTMNode(hidden_size, input_size, initial, forget_bias, seed, dtype), output_size)
