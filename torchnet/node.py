"""The node is one step; the layer is that step through time. What every node shares stands here.

    a = W_x x + b                (0)   the step's input, which does not depend on the state
    state = step(a, state before)      the equations of each node: rnn.py, gru.py, lstm.py

Columns are samples: x (D, B), h (H, B), a (G·H, B), where G is the number of gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding, layer_norm

from numnet import initial as draw
from numnet.checks import check_choice, check_features, check_real, check_sequence, check_shape, check_size
from torchnet.operation import ParamOperation, as_tensor

State = Any  # h, or for an LSTM (h, c)


class Node(ParamOperation):
    """W_x (G·H, D), W_h (G·H, H), b (G·H,); gates stacked in PyTorch's order.

    `forward` is a function: it returns the new state and what `backward` needs, so that one node can be
    called many times in one network, along a sequence or up a tree.
    """

    speaker: str | None = None
    G = 1
    recurrent_weights = "W_h"
    layer_norm = False
    not_fused = "the node has no fused kernel"
    states: tuple[str, ...] = ("h",)
    W_x: Tensor
    W_h: Tensor
    b: Tensor
    g_x: Tensor
    g_h: Tensor

    def __init__(
        self,
        hidden_size: int,
        input_size: int | None = None,
        initial: str = "pytorch",
        seed: int | None = None,
        dtype: Any = "float32",
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
            self.add_param("g_x", np.ones(len(self.b)))
            self.add_param("g_h", np.ones(len(self.b)))
        return shown

    @property
    def name(self) -> str:
        """Who speaks in an error: the node, or the layer that it is part of."""
        return self.speaker or type(self).__name__

    def config(self) -> dict[str, Any]:
        named = {"layer_norm": True} if self.layer_norm else {}
        return {"hidden_size": self.hidden_size, "initial": self.initial, **named}

    def parts_of_W_h(self) -> tuple[Tensor, ...]:
        """W_h in the parts by which a step multiplies; cut once for all steps, for autograd pays for every cut."""
        return (self.W_h,)

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """How many numbers each part of the state has; the first is the layer's output."""
        return (self.hidden_size,) * len(self.states)

    def step(self, a: Tensor, state: tuple[Tensor, ...], h_met: Tensor, W_h: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """One step written out: the equations. Matrices meet h_met, which is h' unless state dropout changes it."""
        raise NotImplementedError

    def kernel(self, W_x: Tensor) -> tuple[Any, list[Tensor]]:
        """The vendor's function of all steps, and its weights; where there is none, `not_fused` says why."""
        raise NotImplementedError

    def inputs(self, x: Tensor) -> Tensor:
        """a = W_x x + b for columns x (..., D, B), or tokens (..., B) by lookup; with layer_norm g_x ⊙ N(W_x x) + b."""
        a = torch.matmul(self.W_x, x) if x.is_floating_point() else embedding(x, self.W_x.T).movedim(-1, -2)
        if self.layer_norm:
            parts = zip(a.split(self.blocks, dim=-2), self.g_x.split(self.blocks))
            a = torch.cat([normal(part, gain) for part, gain in parts], dim=-2)
        return a + self.b[:, None]

    @property
    def blocks(self) -> list[int]:
        """How many rows of W_x x, and of W_h h', layer_norm normalises together."""
        return [self.G * self.hidden_size]

    def forward(self, x: Any, state: State = None) -> tuple[State, Any]:
        """One step: x (D, B) or tokens (B,), state (H, B) or None for zeros → the new state, what backward needs."""
        x = as_tensor(x)
        self.check(x)
        self.ready(x.shape[0], x)
        x = self.followed(self.cast("x", x)) if x.ndim == 2 else x.long().to(self.W_x.device)
        shapes = [(size, x.shape[-1]) for size in self.state_sizes]
        start = self.start(self.each(state), shapes, "Columns are samples: (hidden, batch).")
        new = self.step(self.inputs(x), start, start[0], self.parts_of_W_h())
        return self.joined(new), (new, (x, *start))

    def backward(self, d_state: State, saved: Any) -> tuple[Tensor | None, State]:  # type: ignore[override]
        """From the gradient of the new state: dx and that of the state before; adds to the parameters' `.grad`."""
        outputs, inputs = saved
        dx, *d_start = self.pull(outputs, inputs, self.each(d_state))
        return dx, self.joined(d_start)

    def cast(self, name: str, x: Any) -> Tensor:
        x = as_tensor(x)
        check_real(self.name, name, x)
        return x.to(self.W_x)

    def check(self, x: Tensor) -> None:
        """x as a layer sees it: one step, batch first."""
        if x.ndim not in (1, 2):
            raise ValueError(
                f"{self.name}: x is {tuple(x.shape)}, expected one step: (features, batch), or tokens (batch,)."
            )
        if x.ndim == 2:
            check_features(self.name, x.T, self.input_size)
        else:
            check_sequence(self.name, x[:, None] if x.ndim == 1 else x, self.input_size)

    def start(
        self, state: Sequence[Any], shapes: Sequence[tuple[int, int]], remedy: str, who: str | None = None
    ) -> tuple[Tensor, ...]:
        """The parts of the start state as tensors that autograd follows, zeros for None."""
        start = []
        for name, value, shape in zip(self.states, state, shapes):
            value = torch.zeros(shape) if value is None else as_tensor(value)
            check_shape(who or self.name, f"state {name}", value.shape, shape, remedy)
            start.append(self.followed(self.cast(f"state {name}", value)))
        return tuple(start)

    def each(self, state: State, name: str = "state") -> tuple[Any, ...]:
        """The state as a tuple: (h,), or an LSTM's (h, c)."""
        if state is None:
            return (None,) * len(self.states)
        if len(self.states) == 1:
            return (state,)
        if not isinstance(state, (tuple, list)) or len(state) != len(self.states):
            pair = f"({', '.join(self.states)})"
            raise ValueError(
                f"{self.name}: {name} is {type(state).__name__}, expected a pair {pair}. Pass both, or None."
            )
        return tuple(state)

    def joined(self, state: Any) -> State:
        """A state of one part as that part, of two as a pair."""
        return tuple(state) if len(state) > 1 else state[0]


def normal(x: Tensor, gain: Tensor, bias: Tensor | None = None) -> Tensor:
    """g ⊙ N(x) of columns x (..., rows, B) (Ba et al. 2016), by PyTorch's own layer normalisation."""
    return layer_norm(x.transpose(-1, -2), gain.shape, gain, bias).transpose(-1, -2)
