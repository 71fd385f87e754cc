"""Recurrent layers one upon another, as one layer: `LSTMLayer(64, layers=2, dropout=0.5)`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from numnet.core.attributes import OfCall, check_same_call, serials
from numnet.core.checks import (
    check_distinct,
    check_layers,
    check_stacked_layers,
    check_state_of_stack,
    check_steps,
    validate_call,
    wants_state,
)
from numnet.core.network import Paths
from numnet.core.packed import Packed, padded_like, to_packed, to_padded
from numnet.core.show import show_stack
from numnet.recurrent.trace import trace
from torchnet.core.device import as_tensor
from torchnet.core.layer_list import LayerList
from torchnet.core.operation import Operation
from torchnet.core.parameters import Layer
from torchnet.layers.dropout import Dropout


class RecurrentStack(Paths, Layer):
    """Recurrent layers of which each reads the outputs of the one before, with dropout between them.

        y_1 = layer_1(x)                    (1)
        y_k = layer_k(drop(y_{k-1}))        (2)   k = 2, ..., K; drop is Dropout(dropout), y = y_K

    A state is a tuple, one state for each layer; so are `last_state` and `d_state`. `stacked_state()` is the last state
    in PyTorch's layout. Options, shapes and lengths are those of the layers: see RecurrentLayer.
    """

    recurrent = True
    fixed = "layers", "between", "batch_first", "keeps_time"
    last_state = OfCall()
    trace = trace

    @validate_call
    def __init__(self, layers: Sequence[Any], dropout: float = 0.0) -> None:
        check_layers(type(self).__name__, layers, Operation)
        check_stacked_layers(type(self).__name__, layers)
        check_distinct(type(self).__name__, layers)
        super().__init__(layers[0].input_size, layers[0].seed, layers[0].dtype)
        self.layers: Any = LayerList(self.name, layers)
        self.between: Any = torch.nn.ModuleList([Dropout(dropout) for _ in layers[1:]])
        self.dropout, self.d_state = dropout, None
        self.batch_first, self.keeps_time = layers[0].batch_first, layers[-1].keeps_time
        self.ready(self.input_size)

    @property
    def named_layers(self) -> dict[str, Any]:
        """The layers, by the prefix of their parameter names."""
        return {f"layers.{k}": layer for k, layer in enumerate(self.layers)}

    def make(self, rng: np.random.Generator) -> int:
        width = self.width
        for layer, drop in zip(self.layers, [*self.between, None]):
            width = layer.build(width, rng, self.dtype)
            if drop is not None:
                drop.build(width, rng, self.dtype)
        return width

    def config(self) -> dict[str, Any]:
        return {"layers": [{"type": each.name, **each.config()} for each in self.layers], "dropout": self.dropout}

    def forward(
        self, x: Any, state: Any = None, lengths: Any = None, resets: Any = None, return_state: bool = False
    ) -> Any:
        """y, or (y, last_state) with return_state=True; state and last_state have one entry for each layer."""
        return_state = wants_state(self.name, return_state)
        packed, (x, lengths) = isinstance(x, Packed), to_padded(x, lengths, self.batch_first)
        x = as_tensor(x, self.name, "x")
        check_steps(self.name, x, self.batch_first, input_size=self.input_size)
        first = check_state_of_stack(self.name, "state", state, len(self.layers))
        if x.ndim == 3 and not self.built:
            self.check_start(first, x.shape[0 if self.batch_first else 1])
            self.ready(x.shape[-1], x)
        if x.ndim == 3:
            x = self.followed(self.cast("x", x))
        if self.built:  # check the states of all layers before the first layer is called
            self.start_state(first, x.shape[0 if self.batch_first else 1])
        y = self.layers[0](x, first[0], lengths, resets)  # (1)
        for drop, layer, start in zip(self.between, self.layers[1:], first[1:]):
            y = layer(drop(y), start, lengths, resets)  # (2)
        self.last_state = tuple(layer.last_state for layer in self.layers)
        self.saved = lengths if packed else None, serials(self.layers)
        y = to_packed(y, lengths, self.batch_first) if packed and self.keeps_time else y
        return (y, self.state_in_graph) if return_state else y

    def backward(self, dy: Any, d_last_state: Any = None) -> Any:
        """dx, None for tokens; `d_state` then has one entry for each layer, as d_last_state has."""
        counts, calls = self.recall()
        check_same_call(self.name, self.named_layers, calls)
        dy = padded_like(self.name, dy, counts, self.batch_first)
        d_last = check_state_of_stack(self.name, "d_last_state", d_last_state, len(self.layers))
        for k in range(len(self.layers) - 1, 0, -1):
            dy = self.between[k - 1].backward(self.layers[k].backward(dy, d_last[k]))  # (2)
        dx = self.layers[0].backward(dy, d_last[0])  # (1)
        self.d_state = tuple(layer.d_state for layer in self.layers)
        return to_packed(dx, counts, self.batch_first) if counts is not None and dx is not None else dx

    def start_state(self, state: Any, B: int) -> None:
        """Check the start states of all layers, which are built."""
        for layer, first in zip(self.layers, check_state_of_stack(self.name, "state", state, len(self.layers))):
            layer.start_state(first, B)

    def check_start(self, state: Any, B: int) -> None:
        """Check the start states of all layers before they are built."""
        for layer, first in zip(self.layers, check_state_of_stack(self.name, "state", state, len(self.layers))):
            layer.check_start(first, B)

    def check_last(self, d_last_state: Any) -> None:
        """Check the gradient of the last states of the last call."""
        given = check_state_of_stack(self.name, "d_last_state", d_last_state, len(self.layers))
        for layer, d_last in zip(self.layers, given):
            layer.check_last(d_last)

    @property
    def state_in_graph(self) -> Any:
        """The last states with their graph, if there is one: `last_state` has none."""
        return tuple(layer.state_in_graph for layer in self.layers)

    def stacked_state(self) -> Any:
        """Return the last state as PyTorch does: h, or an LSTM's (h, c), each (layers · directions, B, H)."""
        found: list[Any] = []
        for layer, state in zip(self.layers, self.state_in_graph if self.last_state else ()):
            ways = [(layer, state)]
            if hasattr(layer, "forwards"):
                ways = list(zip((layer.forwards, layer.backwards), state))
            found += [way.node.each(part) for way, part in ways]
        parts = [torch.stack(part) for part in zip(*found)]
        return tuple(parts) if len(parts) > 1 else parts[0] if parts else None

    def start_gradients(self) -> Any:
        """Return the start states' gradients after `loss.backward()` of a larger model."""
        return tuple(layer.start_gradients() for layer in self.layers)

    def __repr__(self) -> str:
        return show_stack(self)

    def reset_state(self, rows: Any = None) -> None:
        """Reset the state of stateful layers, for these rows, or for all."""
        for layer in self.layers:
            layer.reset_state(rows)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "last_state": None, "d_state": None}
