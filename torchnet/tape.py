"""Define by run: parts called in a plain Python program, as PyTorch always is; here under numnet's names and shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from numnet.checks import check_on_tape, check_one_way, check_padded, check_step
from numnet.program import Program
from torchnet.array_with_grad import ArrayWithGrad
from torchnet.model import Model
from torchnet.operation import Layer, Operation, as_tensor


class Tape(Program, Layer):
    """Parts by name. What they are called with and give is an ArrayWithGrad, (B, ...) throughout, a Node's too.

        tape = Tape(embed=Embedding(V, 16), node=GRUNode(32), dense=Dense(2), loss=SoftmaxCrossEntropy())
        h = None
        for word in sentence:
            h = tape.node(tape.embed([word]), h)
        value = tape.loss(tape.dense(h), [label])
        tape.backward(value)                          # gradients are ADDED to tape.grads
        optimizer.step(tape)

    A part may be called any number of times, or never: then its gradient is 0. `tape.node` is the node as it is called
    on the tape; its attributes are the node's own, and `tape.node.part` is the node. Plain arrays are constants, and so
    is a value's `.value`. A recurrent layer takes x, state and lengths as ever and gives y; its `last_state` is then on
    the tape as well.
    `seed` is that of their first values, `dtype` that of all, `device` any that PyTorch knows. For a Trainer,
    `objective` is a function (x, target), or with SequenceBatches (x, target, lengths), → the loss on this tape.
    """

    usable_device = vars(Model)["usable_device"]

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A part as it is called on the tape."""

    def __init__(
        self, seed: int | None = None, dtype: Any = "float32", device: str = "cpu", **parts: Operation
    ) -> None:
        super().__init__(None, seed, dtype)
        self.device = self.usable_device(device)
        self.begin(parts)
        for name, part in parts.items():
            self.add_module(name, part.to(self.device))
            self.__dict__[name] = OnTape(self, part)

    def backward(self, value: Any, dy: Any = None) -> None:  # type: ignore[override]
        """From a value back through every call that it was made of; dy is its gradient, 1 for a single number.

        Gradients are ADDED to `grads`, and to the `grad` of every ArrayWithGrad on the way.
        """
        check_on_tape(self.name, "backward's", value)
        value.backward(dy)
        for p in self.parameters():
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad  # of a part that was not called


class OnTape:
    """A part as it is called on a tape; its other attributes are the part's own."""

    def __init__(self, tape: Tape, part: Any) -> None:
        self.tape, self.part = tape, part
        self.call = self.node if hasattr(part, "states") else self.layer if part.recurrent else self.operation

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        y = on_tape(self.call(*inputs, **options))
        self.tape.settle()
        return y

    def node(self, x: Any, state: Any = None) -> Any:
        """One step: on the tape a row is a sample, in the node a column."""
        x = self.moved(x)
        check_step(self.part.name, x)
        parts = [None if h is None else as_tensor(h).T for h in self.part.each(plain(as_tuples(state)))]
        new, _ = self.part(x.T if x.ndim == 2 else x, self.part.joined(parts))
        return turned(new)

    def layer(self, x: Any, state: Any = None, lengths: Any = None) -> Any:
        """A recurrent layer: y, and `last_state` beside it."""
        check_padded(self.part.name, x)
        check_one_way(self.part.name, lengths=lengths)
        y = self.part(self.moved(x), plain(as_tuples(state)), lengths)
        self.last_state = on_tape(self.part.last_state)
        return y

    def operation(self, *inputs: Any, **options: Any) -> Any:
        """Any other part: the inputs that it takes gradients of come first, then constants such as a loss's target."""
        taken = len(getattr(self.part, "takes", ("x",)))
        check_padded(self.part.name, *inputs)
        check_one_way(self.part.name, **{f"input {k}": x for k, x in enumerate(inputs) if k >= taken}, **options)
        return self.part(*(self.moved(x) if k < taken else x for k, x in enumerate(inputs)), **options)

    def moved(self, x: Any) -> Any:
        """A tensor where the tape's parts are."""
        x = as_tensor(plain(x))
        return x.to(self.tape.device) if isinstance(x, torch.Tensor) else x

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "part" not in vars(self):
            raise AttributeError(name)
        return getattr(self.part, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("tape", "part", "call", "last_state"):
            vars(self)[name] = value
        else:
            setattr(self.part, name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "last_state"}


def as_tuples(state: Any) -> Any:
    """Lists as tuples, all the way down."""
    return tuple(map(as_tuples, state)) if isinstance(state, (tuple, list)) else state


def plain(tree: Any) -> Any:
    """The tensors of a state, with their graph: of an array, of a pair, of a pair of pairs."""
    if isinstance(tree, tuple):
        return tuple(map(plain, tree))
    return tree.tensor if isinstance(tree, ArrayWithGrad) else tree


def on_tape(tree: Any) -> Any:
    """Each tensor as an ArrayWithGrad, nested as before."""
    return tuple(map(on_tape, tree)) if isinstance(tree, tuple) else ArrayWithGrad.of(tree)


def turned(tree: Any) -> Any:
    """Each transposed."""
    return tuple(map(turned, tree)) if isinstance(tree, tuple) else tree.T
