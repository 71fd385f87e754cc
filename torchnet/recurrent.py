"""The layer is time: the vendor's fused kernel where there is one, else the node's step, written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.checks import check_sequence, check_shape, check_size
from torchnet.dense import Dense
from torchnet.gru import GRUNode
from torchnet.lstm import LSTMNode
from torchnet.node import Node, State
from torchnet.operation import Layer, as_tensor
from torchnet.rnn import RNNNode


class RecurrentLayer(Layer):
    """Any node through time. x (B, T, D) or tokens (B, T) → y (B, T, H), or (B, T, O) with output_size.

    forward(x, state=None) starts from the state (B, H), an LSTM's a pair (h, c), zeros for None; then `last_state`
    is the state after step T. backward(dy, d_last_state=None) → dx; then `d_state` is the start state's gradient.
    `use_fused = False` takes the written-out step even where there is a fused kernel.
    """

    recurrent = True
    use_fused = True

    def __init__(self, node: Node, output_size: int | None = None) -> None:
        super().__init__(node.input_size, node.seed, node.dtype)
        check_size(self.name, output_size=output_size)
        self.__dict__["node"] = node  # no submodule: the parameters are the layer's own, and lent to the node
        self.hidden_size, self.output_size = node.hidden_size, output_size
        self.output = Dense(output_size, None, node.initial) if output_size else None
        self.lent: list[str] = []
        self.last_state: State = None
        self.d_state: State = None
        node.speaker = self.name
        self.ready(node.input_size)

    node: Node

    def make(self, rng: np.random.Generator) -> int:
        width = self.node.build(self.width, rng, self.dtype)
        self.lent = [name for name, _ in self.node.named_parameters()]
        for name in self.lent:
            self.register_parameter(name, getattr(self.node, name))
        return self.output.build(width, rng, self.dtype) if self.output is not None else width

    def config(self) -> dict[str, Any]:
        node = self.node.config()
        if type(self) is RecurrentLayer:
            return {"node": {"type": type(self.node).__name__, **node}, "output_size": self.output_size}
        return {**node, "output_size": self.output_size}

    def forward(self, x: Any, state: State = None) -> Tensor:
        x = as_tensor(x)
        check_sequence(self.name, x, self.input_size)
        self.ready(x.shape[-1], x)
        self.lend()
        x = self.followed(self.cast("x", x)) if x.ndim == 3 else x.long().to(self.node.W_x.device)
        start = self.node.start(state, (len(x), self.hidden_size), "It is (batch, hidden).", self.name)
        y, *last = (self.use_fused and self.node.fused(*self.dense(x), start)) or self.written_out(x, start)
        self.last_state = self.node.joined(last)
        y = y if self.output is None else self.output(y)
        self.keep((y, *last), (x, *start))
        return y

    def backward(self, dy: Any, d_last_state: State = None) -> Tensor | None:
        outputs, inputs = self.recall()
        d_last = self.node.each(d_last_state)
        for name, value, last in zip(self.node.states, d_last, outputs[1:]):
            if value is not None:
                check_shape(self.name, f"d_last_state {name}", value.shape, last.shape, "It is (batch, hidden).")
        dx, *d_start = self.pull(outputs, inputs, (dy, *d_last))
        self.d_state = self.node.joined(d_start)
        return dx

    def lend(self) -> None:
        """Whatever W_x, W_h, b are by now (moved, pruned, replaced for one call), the node computes with them."""
        for name in self.lent:
            self.node.__dict__.pop(name, None)
            value = getattr(self, name)
            (self.node._parameters if isinstance(value, torch.nn.Parameter) else self.node.__dict__)[name] = value

    def written_out(self, x: Tensor, start: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """y (B, T, H) and the last state, step by step, a column a sample."""
        steps = self.node.inputs(x.permute(1, 2, 0) if x.is_floating_point() else x.T)
        state, W_h, shown = tuple(part.T for part in start), self.node.parts_of_W_h(), []
        for a in steps:
            state = self.node.step(a, state, W_h)
            shown.append(state[0])
        return torch.stack(shown).permute(2, 0, 1), *(part.T for part in state)

    def dense(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x and W_x as the vendors' kernels take them: tokens as one-hot vectors, over the tokens that are there."""
        W_x = self.node.W_x
        if x.is_floating_point():
            return x, W_x
        present, places = torch.unique(x, return_inverse=True)
        one_hot = torch.zeros(*x.shape, len(present), dtype=W_x.dtype, device=x.device)
        return one_hot.scatter_(-1, places[..., None], 1), W_x[:, present]

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "last_state": None, "d_state": None}


class RNNLayer(RecurrentLayer):
    """The plain recurrent network through time: see RNNNode for equations, RecurrentLayer for shapes."""

    def __init__(
        self,
        hidden_size: int,
        output_size: int | None = None,
        input_size: int | None = None,
        initial: str = "pytorch",
        seed: int = 0,
        dtype: Any = "float32",
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
        dtype: Any = "float32",
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
        dtype: Any = "float32",
    ) -> None:
        super().__init__(LSTMNode(hidden_size, input_size, initial, forget_bias, seed, dtype), output_size)
