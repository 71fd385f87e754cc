"""Define by run: parts are called in a plain Python program, as in PyTorch, with numnet's names and shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from numnet.autograd.tape_base import TapeBase
from numnet.core.checks import check_on_tape, validate_call
from numnet.core.evaluation import Evaluation, Exclusive
from torchnet.autograd.array import ArrayWithGrad
from torchnet.autograd.calls import on
from torchnet.core.device import DTypeLike, usable_device
from torchnet.core.parameters import Layer
from torchnet.layers.module import as_parts


class Tape(TapeBase, Layer):
    """Parts by name, whose calls are recorded. Inputs and outputs are ArrayWithGrad (B, ...), those of a Node too.

        tape = Tape(embed=Embedding(V, 16), node=GRUNode(32), dense=Dense(2), loss=SoftmaxCrossEntropy())
        h = None
        for word in sentence:
            h = tape.node(tape.embed([word]), h)
        value = tape.loss(tape.dense(h), [label])
        tape.backward(value)                          # gradients are ADDED to tape.grads
        optimizer.step(tape)

    A part may be called any number of times; if it is never called, its gradient is 0. `tape.node` is a wrapper with
    the attributes of the node, and `tape.node.part` is the node. A parameter read from a wrapper, as in
    h @ tape.embed.W.T, is an ArrayWithGrad; tape.parameter("node.W_h") reads any by its name in `params`. With
    layers=[Dense(3), Dense(4)] the parts are tape.layers[0] and tape.layers[1]. A Parameter is a part, too. Plain
    arrays are constants, and so is a value's `.value`. A recurrent layer takes x, state, lengths and resets
    and returns y; its `last_state` is on the tape too. A TreeLSTMNode takes two states: tape.node(left, right).
    `seed` initializes the parts, `dtype` is that of all, `device` any that PyTorch knows. For a Trainer,
    `objective` is a function (x, target), or with SequenceBatches (x, target, lengths), → the loss on this tape. For
    `predict`, `prediction` is a function (x), or (x, lengths), → the output.
    """

    usable_device = classmethod(usable_device)
    output_type = ArrayWithGrad

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Return the wrapper that calls the part on the tape."""

    @validate_call
    def __init__(
        self,
        seed: int | None = None,
        dtype: DTypeLike = "float32",
        device: Any = "cpu",
        **parts: torch.nn.Module | Sequence[torch.nn.Module],
    ) -> None:
        super().__init__(None, seed, dtype)
        self.device = self.usable_device(device)
        parts = as_parts(self.name, parts)
        self.begin(parts)
        for name, given in parts.items():
            modules: Any = torch.nn.ModuleList(given) if isinstance(given, (list, tuple)) else given
            self.add_module(name, modules)
        self.to(self.device)
        self.wrap(parts, {name: on(self, part) for name, part in self.named_parts.items()})

    @contextmanager
    def without_graph(self) -> Iterator[None]:
        """A context in evaluation mode, in which values do not refer to those that they were computed from."""
        with torch.no_grad(), Evaluation():
            yield

    def backward(self, value: Any, dy: Any = None) -> None:  # type: ignore[override]
        """Backpropagate through every call that the value was computed from; dy is its gradient, 1 for a single number.

        Gradients are ADDED to `grads`, and to the `grad` of every ArrayWithGrad in between.
        """
        check_on_tape(self.name, "the value", value, self.output_type)
        with Exclusive(self, "backward"):
            if value.tensor.requires_grad or not self.frozen:
                value.backward(dy)
            for _, p in self.own_parameters():  # the gradient of a part that was not called
                p.grad = torch.zeros_like(p) if p.grad is None and p.requires_grad else p.grad
