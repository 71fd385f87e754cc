"""Define by run: a Tape records the calls of its parts in a plain Python program, and backpropagates through them.

calls.py has the call of each kind of part; stored.py and weights.py have the values saved for its backward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from numnet.autograd.array import ArrayWithGrad
from numnet.autograd.calls import on
from numnet.autograd.tape_base import TapeBase
from numnet.core.checks import check_on_tape, validate_call
from numnet.core.device import usable_device
from numnet.core.evaluation import Evaluation, Exclusive
from numnet.core.operation import Operation
from numnet.core.parameters import Layer
from numnet.core.show import Answering


class Tape(TapeBase, Answering, Layer):
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
    `seed` initializes the parts, `dtype` is that of all, `device` is "cpu": torchnet has others. For a Trainer,
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
        dtype: npt.DTypeLike = "float32",
        device: Any = "cpu",
        **parts: Operation | Sequence[Operation],
    ) -> None:
        super().__init__(None, seed, dtype)
        self.device = self.usable_device(device)
        self.begin(parts)
        self.wrap(parts, {name: on(self, part) for name, part in self.named_parts.items()})

    def parts(self) -> dict[str, Operation]:
        return self.named_parts

    def backward(self, value: Any, dy: Any = None) -> None:  # type: ignore[override]
        """Backpropagate through every call that the value was computed from; dy is its gradient, 1 for a single number.

        Gradients are ADDED to `grads`, and to the `grad` of every ArrayWithGrad in between.
        """
        check_on_tape(self.name, "the value", value, self.output_type)
        with Exclusive(self, "backward"):
            value.backward(dy)

    def without_graph(self) -> Evaluation:
        """A context in evaluation mode, in which values do not refer to those that they were computed from."""
        return Evaluation()
