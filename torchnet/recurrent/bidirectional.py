"""Bidirectional layers: a recurrent layer, and another from the last real step to the first."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.core.attributes import OfCall, Saved
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
from numnet.core.packed import Packed, padded_like, to_packed, to_padded
from numnet.core.show import show
from numnet.recurrent.trace import trace
from torchnet.core.device import as_tensor
from torchnet.core.operation import Operation
from torchnet.core.parameters import Layer

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
    counts = Saved()

    @validate_call
    def __init__(self, layer: Any, merge: str | None = "concat", *, backward_layer: Any = None) -> None:
        check_recurrent(type(self).__name__, layer, Operation)
        check_backward_layer(type(self).__name__, layer, backward_layer, Operation)
        super().__init__(layer.input_size, layer.seed, layer.dtype)
        check_choice(self.name, "merge", merge, MERGES)
        backwards = layer.reversed_copy() if backward_layer is None else backward_layer
        self.forwards, self.backwards, self.merge = layer, backwards, merge
        self.own_backward = backward_layer is not None
        self.batch_first, self.keeps_time = layer.batch_first, layer.keeps_time
        self.d_state: Any = None
        self.ready(layer.input_size)

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
        x = as_tensor(x, self.name, "x")
        check_steps(self.name, x, self.batch_first, input_size=self.input_size)
        first = check_pair(self.name, "state", state)
        if x.ndim == 3 and not self.built:
            for layer, start in zip((self.forwards, self.backwards), first):
                layer.check_start(start, x.shape[0 if self.batch_first else 1])
            self.ready(x.shape[-1], x)
        if x.ndim == 3:
            x = self.followed(self.cast("x", x))
        if self.built:  # check the second layer's state before the first layer is called
            self.backwards.start_state(first[1], x.shape[0 if self.batch_first else 1])
        y_f, last_f = self.forwards(x, first[0], lengths, resets, True)  # (1)
        y_b, last_b = self.backwards(x, first[1], lengths, resets, True)  # (1)
        self.last_state = self.forwards.last_state, self.backwards.last_state
        y = self.merged(y_f, y_b)  # (2)
        outputs = [*(y if self.merge is None else [y]), *flat((last_f, last_b))]
        starts = [part for layer in (self.forwards, self.backwards) for part in (layer.saved or ((), ()))[1][1:]]
        self.save_graph(outputs, (x, *starts))
        self.counts = lengths if packed else None
        y = to_packed(y, lengths, self.batch_first) if packed and self.keeps_time else y
        return (y, (last_f, last_b)) if return_state else y

    def backward(self, dy: Any, d_last_state: Any = None) -> Any:
        """dx, None for tokens; `d_state` is then a pair, as d_last_state is, and with merge=None dy."""
        outputs, inputs = self.recall()
        counts = self.counts
        given = check_pair(self.name, "dy", dy) if self.merge is None else (dy,)
        dys = [padded_like(self.name, part, counts, self.batch_first) for part in given]
        d_last = check_pair(self.name, "d_last_state", d_last_state)
        parts = len(self.forwards.node.states)
        last = outputs[len(given) : len(given) + parts], outputs[len(given) + parts :]
        layers = self.forwards, self.backwards
        upstream = [part for k, layer in enumerate(layers) for part in layer.checked(d_last[k], last[k])]
        dx, *d_start = self.pull(outputs, inputs, (*dys, *upstream))
        self.d_state = self.forwards.node.joined(d_start[:parts]), self.backwards.node.joined(d_start[parts:])
        return to_packed(dx, counts, self.batch_first) if counts is not None and dx is not None else dx

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

    @property
    def state_in_graph(self) -> Any:
        """The last states with their graph, if there is one: `last_state` has none."""
        return self.forwards.state_in_graph, self.backwards.state_in_graph

    def merged(self, y_f: Tensor, y_b: Tensor) -> Any:
        """(2)"""
        if self.merge == "concat":
            return torch.cat((y_f, y_b), dim=-1)
        if self.merge == "mul":
            return y_f * y_b
        return (y_f, y_b) if self.merge is None else y_f + y_b if self.merge == "sum" else (y_f + y_b) / 2

    @property
    def named_layers(self) -> dict[str, Any]:
        """The two layers by name."""
        return {"forwards": self.forwards, "backwards": self.backwards}

    def start_gradients(self) -> Any:
        """Return the start states' gradients after `loss.backward()` of a larger model."""
        return self.forwards.start_gradients(), self.backwards.start_gradients()

    def __repr__(self) -> str:
        alike = self.merge == "concat" and not self.own_backward
        return show(self.forwards, bidirectional=True) if alike else show(self)

    def reset_state(self, rows: Any = None) -> None:
        """Reset the state of stateful layers, for these rows, or for all."""
        self.forwards.reset_state(rows)
        self.backwards.reset_state(rows)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "last_state": None, "d_state": None}


def flat(states: Any) -> list[Tensor]:
    """Return the parts of both states in one list."""
    return [part for state in states for part in (state if isinstance(state, tuple) else (state,))]
