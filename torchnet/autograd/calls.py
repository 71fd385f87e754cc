"""Calls of each kind of part on a Tape: rows are samples; inputs and outputs are ArrayWithGrad, with autograd."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from numnet.core.checks import (
    check_constants,
    check_padded,
    check_parameter,
    check_step,
    check_step_state,
)
from numnet.core.checks.nodes import parts_of_children
from torchnet.autograd.array import ArrayWithGrad
from torchnet.core.device import as_tensor
from torchnet.layers.dense import Dense
from torchnet.recurrent.gru import GRUNode
from torchnet.recurrent.lstm import LSTMNode
from torchnet.recurrent.rnn import RNNNode


def on(tape: Any, part: Any) -> OnTape:
    """Return the wrapper that calls the part on the tape."""
    if hasattr(part, "states"):
        return TreeOnTape(tape, part) if hasattr(part, "child_states") else NodeOnTape(tape, part)
    if part.recurrent:
        return LayerOnTape(tape, part)
    return DenseOnTape(tape, part) if type(part) is Dense and part.tied_to is None else OnTape(tape, part)


class OnTape:
    """A wrapper that calls a part on a tape; other attributes are those of the part."""

    own = ("tape", "part", "cell", "settled", "last_state")

    def __init__(self, tape: Any, part: Any) -> None:
        self.tape, self.part, self.settled = tape, part, False

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        y = on_tape(self.called(*inputs, **options))
        if not self.settled:
            self.tape.settle()
            self.settled = getattr(self.part, "built", True)
        return y

    def called(self, *inputs: Any, **options: Any) -> Any:
        """Call the part: first the inputs that have gradients, then constants such as a loss's target."""
        taken = len(getattr(self.part, "takes", ("x",)))
        check_padded(self.part.name, *inputs)
        check_constants(self.part.name, **{f"input {k}": x for k, x in enumerate(inputs) if k >= taken}, **options)
        return self.part(*(self.moved(x) if k < taken else x for k, x in enumerate(inputs)), **options)

    def moved(self, x: Any) -> Any:
        """Return x as a tensor on the tape's device; a ParseBatch stays one."""
        if hasattr(x, "_fields"):
            return x
        return as_tensor(plain(x), self.part.name, "x").to(self.tape.device)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "part" not in vars(self):
            raise AttributeError(name)
        known = name in getattr(self.part, "params", ()) or (name == "W" and hasattr(self.part, "tied_to"))
        return self.parameter(name) if known else getattr(self.part, name)

    def parameter(self, name: str) -> ArrayWithGrad:
        """Return a parameter, by its name in the part's `params`, on the tape: backward adds to its gradient."""
        tied = getattr(self.part, "tied_to", None)
        params = getattr(self.part if tied is None or name != "W" else tied, "params", {})
        check_parameter(self.part.name, name, params)
        parameter: ArrayWithGrad = ArrayWithGrad.of(params[name].view_as(params[name]))
        return parameter

    def __repr__(self) -> str:
        return f"<{self.part!r} on a tape>"

    def __setattr__(self, name: str, value: Any) -> None:
        if name in OnTape.own:
            vars(self)[name] = value
        else:
            setattr(self.part, name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "last_state"}


class NodeOnTape(OnTape):
    """One step: on the tape a row is a sample, in the node a column; a kernel of PyTorch's takes rows."""

    def __init__(self, tape: Any, part: Any) -> None:
        super().__init__(tape, part)
        kind = CELLS.get(type(part))
        self.cell = kind() if isinstance(kind, type) else kind

    def called(self, x: Any, state: Any = None) -> Any:
        node, parts = self.part, self.part.each(plain(as_tuples(state)))
        x = x if isinstance(x, Tensor) else self.moved(x)
        if self.cell and fits(node, x, parts):
            start = [x.new_zeros(len(x), size) if h is None else h for h, size in zip(parts, node.state_sizes)]
            if new := self.cell(node, x, *start):
                return node.joined(new)
        x = self.moved(x)
        check_step(node.name, x)
        rows = [None if h is None else as_tensor(h, node.name, f"state {name}") for name, h in zip(node.states, parts)]
        check_step_state(node, rows, len(x))
        columns = [None if h is None else h.T for h in rows]
        new, _ = node(x.T if x.ndim == 2 else x, node.joined(columns))
        return transposed(new)


class TreeOnTape(OnTape):
    """A node of a tree: the states of two children, None for a missing one, and a context or None."""

    def called(self, left: Any = None, right: Any = None, x: Any = None) -> Any:
        node, x = self.part, None if x is None else self.moved(x)
        parts = parts_of_children(node, *plain((as_tuples(left), as_tuples(right))))
        columns, states = node.validated(x, parts, rows=True)
        _, new = node.step(node.inputs(columns), *states)
        return transposed(node.joined(new))


class LayerOnTape(OnTape):
    """A recurrent layer: it returns y; `last_state` is on the tape too."""

    def called(self, x: Any, state: Any = None, lengths: Any = None, resets: Any = None) -> Any:
        check_padded(self.part.name, x)
        check_constants(self.part.name, lengths=lengths, resets=resets)
        given = [lengths] if resets is None else [lengths, resets]
        y = self.part(self.moved(x), plain(as_tuples(state)), *given)
        self.last_state = on_tape(self.part.state_in_graph)
        return y


class DenseOnTape(OnTape):
    """Dense, with a fast path: its product is so fast that input validation would cost as much."""

    def called(self, x: Any) -> Any:
        x = x.tensor if isinstance(x, ArrayWithGrad) else x
        if isinstance(x, Tensor) and self.part.built and not hooked(self.part):
            W, b = self.part._parameters["W"], self.part._parameters["b"]  # faster than an attribute of a Module
            if x.ndim > 1 and x.shape[-1] == W.shape[1] and (x.dtype, x.device) == (W.dtype, W.device):
                return linear(x, W, b)
        return super().called(x)


def hooked(part: Any) -> bool:
    """Return whether a forward hook is registered, which needs the module's own call."""
    return bool(part._forward_hooks or part._forward_pre_hooks)


def fits(node: Any, x: Any, parts: tuple[Any, ...]) -> bool:
    """Return whether a kernel accepts the inputs unchanged; if not, the node validates them."""
    if not (node.built and isinstance(x, Tensor) and x.ndim == 2 and x.shape[1] == node.input_size) or hooked(node):
        return False
    kind = (node._parameters["W_x"].dtype, node._parameters["W_x"].device)
    return (x.dtype, x.device) == kind and all(
        h is None or (isinstance(h, Tensor) and (h.dtype, h.device) == kind and tuple(h.shape) == (len(x), size))
        for h, size in zip(parts, node.state_sizes)
    )


class GRUCell:
    """The kernel of a GRU. PyTorch also has a second bias for r and z: b_h is padded with zeros for them.

    Calls share one padded array, and one backward pass of the padding, until the values of b_h change.
    """

    padded: Tensor | None = None
    of: Tensor
    values: Tensor

    def __call__(self, node: Any, x: Tensor, h: Tensor) -> tuple[Tensor, ...] | None:
        """The new state (h,), or None for reset="before", which PyTorch does not have."""
        if node.reset == "before":
            return None
        weights = node._parameters
        b_h = self.second_bias(weights["b_h"]) if node.bias else None
        return (torch.gru_cell(x, h, weights["W_x"], weights["W_h"], weights["b"], b_h),)

    def second_bias(self, b_h: Tensor) -> Tensor:
        """Return (3H,), zeros except for n. Comparing values costs less than padding and its backward pass."""
        padded = self.padded
        graph = torch.is_grad_enabled() and b_h.requires_grad
        if padded is None or self.of is not b_h or padded.requires_grad != graph or not self.unchanged(b_h):
            H = len(b_h)
            self.padded = padded = torch.constant_pad_nd(b_h, (2 * H, 0))
            self.of, self.values = b_h, padded.detach()[2 * H :]
        return padded

    def unchanged(self, b_h: Tensor) -> bool:
        """Return whether b_h still has the padded values; on a GPU the comparison would wait for the device."""
        return b_h.device.type == "cpu" and b_h.dtype == self.values.dtype and torch.equal(self.values, b_h)

    def __getstate__(self) -> dict[str, Any]:
        return {}


RNN_CELLS = {"tanh": torch.rnn_tanh_cell, "relu": torch.rnn_relu_cell}


def rnn_cell(node: Any, x: Tensor, h: Tensor) -> tuple[Tensor, ...] | None:
    """The new state (h,), or None for other activations, which PyTorch does not have."""
    weights, cell = node._parameters, RNN_CELLS.get(node.activation)
    return None if cell is None else (cell(x, h, weights["W_x"], weights["W_h"], weights["b"]),)


def lstm_cell(node: Any, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
    """The new state (h, c)."""
    weights = node._parameters
    return torch.lstm_cell(x, (h, c), weights["W_x"], weights["W_h"], weights["b"])


CELLS: dict[type, Any] = {RNNNode: rnn_cell, GRUNode: GRUCell, LSTMNode: lstm_cell}


def as_tuples(state: Any) -> Any:
    """Convert nested lists to tuples."""
    return tuple(map(as_tuples, state)) if isinstance(state, (tuple, list)) else state


def plain(tree: Any) -> Any:
    """Return the tensors of a state, with their graph: an array, a pair, or a pair of pairs."""
    if isinstance(tree, tuple):
        return tuple(map(plain, tree))
    return tree.tensor if isinstance(tree, ArrayWithGrad) else tree


def on_tape(tree: Any) -> Any:
    """Convert each tensor to an ArrayWithGrad, nested alike."""
    return tuple(map(on_tape, tree)) if isinstance(tree, tuple) else ArrayWithGrad.of(tree)


def transposed(tree: Any) -> Any:
    """Transpose each tensor of nested tuples."""
    return tuple(map(transposed, tree)) if isinstance(tree, tuple) else tree.T
