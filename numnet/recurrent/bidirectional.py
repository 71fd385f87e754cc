"""Bidirectional layers: a recurrent layer, and another from the last real step to the first."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.core.arrays import as_array
from numnet.core.attributes import OfCall, check_same_call, serials
from numnet.core.checks import (
    check_backward_layer,
    check_choice,
    check_merged_widths,
    check_pair,
    check_recurrent,
    check_steps,
    validate_call,
    wants_state,
)
from numnet.core.network import Paths
from numnet.core.operation import Array, Operation
from numnet.core.packed import Packed, padded_like, to_packed, to_padded
from numnet.core.parameters import Layer
from numnet.core.show import show
from numnet.recurrent.trace import trace

MERGES = ("concat", "sum", "mean", "mul", None)


class Bidirectional(Paths, Layer):
    """A recurrent layer and a reversed one with its own weights, over one input (Schuster & Paliwal 1997).

        y_f, y_b = forwards(x), backwards(x)   (1)   y_b[:, t] has read x[:, t] and all later steps
        y = merge(y_f, y_b)                    (2)   "concat" on the last axis, "sum", "mean", "mul"; None: a pair

    A state is a pair, the states of the first and the second layer; so are `last_state` and `d_state`. Options, shapes
    and lengths are those of the layer: see RecurrentLayer. The second layer is a copy of the first, with its own
    weights, or `backward_layer`: a layer of any kind with reverse=True, and batch_first and return_sequences as in the
    first. With return_sequences=False, y_b is the output at the first step, after all others have been read.
    """

    recurrent = True
    fixed = "forwards", "backwards", "batch_first", "keeps_time"
    last_state = OfCall()
    trace = trace
    d_state: Any = None

    @validate_call
    def __init__(self, layer: Any, merge: str | None = "concat", *, backward_layer: Any = None) -> None:
        check_recurrent(self.name, layer, Operation)
        check_backward_layer(self.name, layer, backward_layer, Operation)
        super().__init__(layer.input_size, layer.seed, layer.dtype)
        check_choice(self.name, "merge", merge, MERGES)
        backwards = layer.reversed_copy() if backward_layer is None else backward_layer
        self.forwards, self.backwards, self.merge = layer, backwards, merge
        self.own_backward = backward_layer is not None
        self.batch_first, self.keeps_time = layer.batch_first, layer.keeps_time
        self.ready(layer.input_size)

    def parts(self) -> dict[str, Operation]:
        return {"forwards": self.forwards, "backwards": self.backwards}

    named_layers = property(parts)

    def make(self, rng: np.random.Generator) -> int:
        widths = [layer.build(self.width, rng, self.dtype) for layer in (self.forwards, self.backwards)]
        check_merged_widths(self.name, self.merge, *widths)
        return sum(widths) if self.merge == "concat" else widths[0]

    def config(self) -> dict[str, Any]:
        config = {"layer": {"type": self.forwards.name, **self.forwards.config()}, "merge": self.merge}
        other = {"type": self.backwards.name, **self.backwards.config()}
        return {**config, "backward_layer": other} if self.own_backward else config

    def forward(
        self, x: Any, state: Any = None, lengths: Any = None, resets: Any = None, return_state: bool = False
    ) -> Any:
        """y, or (y, last_state) with return_state=True; state and last_state are pairs, one of each layer."""
        return_state = wants_state(self.name, return_state)
        packed, (x, lengths) = isinstance(x, Packed), to_padded(x, lengths, self.batch_first)
        x = as_array(self.name, "x", x)
        check_steps(self.name, x, self.batch_first, input_size=self.input_size)
        first = check_pair(self.name, "state", state)
        if x.ndim == 3 and not self.built:
            for layer, start in zip((self.forwards, self.backwards), first):
                layer.check_start(start, x.shape[0 if self.batch_first else 1])
            self.ready(x.shape[-1])
        if self.built:  # check the second layer's state before the first layer is called
            self.backwards.start_state(first[1], x.shape[0 if self.batch_first else 1])
        y_f = self.forwards(x, first[0], lengths, resets)  # (1)
        y_b = self.backwards(x, first[1], lengths, resets)  # (1)
        self.last_state = self.forwards.last_state, self.backwards.last_state
        self.saved = y_f, y_b, lengths if packed else None, serials(self.parts().values())
        y = self.merged(y_f, y_b)  # (2)
        y = to_packed(y, lengths, self.batch_first) if packed and self.keeps_time else y
        return (y, self.last_state) if return_state else y

    def backward(self, dy: Any, d_last_state: Any = None) -> Any:
        """dx, None for tokens; `d_state` is then a pair, as d_last_state is, and with merge=None dy."""
        y_f, y_b, counts, calls = self.recall()
        check_same_call(self.name, self.parts(), calls)
        given = check_pair(self.name, "dy", dy) if self.merge is None else (dy,)
        dys = [padded_like(self.name, part, counts, self.batch_first) for part in given]
        d_last = check_pair(self.name, "d_last_state", d_last_state)
        self.backwards.checked(d_last[1], self.forwards.recall().x_shape[0], "d_last_state {}")
        d_f, d_b = self.merged_backward(dys, y_f, y_b)  # (2)
        dx_f, dx_b = self.forwards.backward(d_f, d_last[0]), self.backwards.backward(d_b, d_last[1])  # (1)
        self.d_state = self.forwards.d_state, self.backwards.d_state
        if dx_f is None:
            return None
        dx = dx_f + dx_b
        return dx if counts is None else to_packed(dx, counts, self.batch_first)

    def start_state(self, state: Any, B: int) -> None:
        """Check the states of both layers."""
        for layer, first in zip((self.forwards, self.backwards), check_pair(self.name, "state", state)):
            layer.start_state(first, B)

    def check_start(self, state: Any, B: int) -> None:
        """Check the states of both layers before these are built."""
        for layer, first in zip((self.forwards, self.backwards), check_pair(self.name, "state", state)):
            layer.check_start(first, B)

    def check_last(self, d_last_state: Any) -> None:
        """Check the gradient of the last states of the last call."""
        for layer, d_last in zip((self.forwards, self.backwards), check_pair(self.name, "d_last_state", d_last_state)):
            layer.check_last(d_last)

    def merged(self, y_f: Array, y_b: Array) -> Any:
        """(2)"""
        if self.merge == "concat":
            return np.concatenate((y_f, y_b), axis=-1)
        if self.merge == "mul":
            return y_f * y_b
        return (y_f, y_b) if self.merge is None else y_f + y_b if self.merge == "sum" else (y_f + y_b) / 2

    def merged_backward(self, given: Any, y_f: Array, y_b: Array) -> Any:
        """(2) Return the part of dy for each direction."""
        width = y_f.shape[-1] + (y_b.shape[-1] if self.merge == "concat" else 0)
        shape = (*y_f.shape[:-1], width)
        dy, *more = (self.gradient(part, shape, self.dtype) for part in given)
        if self.merge is None:
            return dy, *more
        if self.merge == "concat":
            return np.split(dy, [y_f.shape[-1]], axis=-1)
        if self.merge == "mul":
            return dy * y_b, dy * y_f
        return (dy, dy) if self.merge == "sum" else (dy / 2, dy / 2)

    def __repr__(self) -> str:
        alike = self.merge == "concat" and not self.own_backward
        return show(self.forwards, bidirectional=True) if alike else show(self)

    def reset_state(self, rows: Any = None) -> None:
        """Reset the state of stateful layers, for these rows, or for all."""
        self.forwards.reset_state(rows)
        self.backwards.reset_state(rows)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "last_state": None, "d_state": None}
