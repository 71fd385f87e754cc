"""Define by run: parts called in a plain Python program, in any `for` and `if`, and walked back through.

A part keeps what its way back needs of its last call alone. So the tape takes that away after every call, and gives it
back for as long as the way back is in that call: see kept.py. How each kind of part is called is in calls.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from numnet.calls import call_of, with_grads
from numnet.checks import check_on_tape, check_unchanged
from numnet.kept import Kept, forget
from numnet.model import Model
from numnet.operation import Array, Layer, Operation
from numnet.program import Program
from numnet.several import on_tape


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
    `seed` is that of their first values, `dtype` that of all, `device` is "cpu": torchnet has others. For a Trainer,
    `objective` is a function (x, target), or with SequenceBatches (x, target, lengths), → the loss on this tape.
    """

    changes = 0  # how often an optimizer, or a file, may have changed the weights
    usable_device = vars(Model)["usable_device"]

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A part as it is called on the tape."""

    def __init__(
        self, seed: int | None = None, dtype: npt.DTypeLike = "float32", device: str = "cpu", **parts: Operation
    ) -> None:
        super().__init__(None, seed, dtype)
        self.device = self.usable_device(device)
        self.begin(parts)
        for name, part in parts.items():
            setattr(self, name, OnTape(self, part))

    def parts(self) -> dict[str, Operation]:
        return self.named_parts

    def backward(self, value: Any, dy: Any = None) -> None:  # type: ignore[override]
        """From a value back through every call that it was made of; dy is its gradient, 1 for a single number.

        Gradients are ADDED to `grads`, and to the `grad` of every ArrayWithGrad on the way.
        """
        check_on_tape(self.name, "backward's", value)
        value.backward(dy)

    def flat(self) -> list[tuple[Array, Array]]:
        self.changes += 1
        return super().flat()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.changes += 1


class OnTape:
    """A part as it is called on a tape; its other attributes are the part's own."""

    def __init__(self, tape: Tape, part: Any) -> None:
        self.tape, self.part = tape, part
        self.call = call_of(part)

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        tape, part = self.tape, self.part
        forget(part)
        given, outputs, back = self.call(part, *inputs, **options)
        kept, changes = Kept(part), tape.changes
        forget(part)
        tape.settle()

        def walk_back(gradients: Any) -> list[Any]:
            check_unchanged(part.name, tape.changes, changes)
            with kept.given_back():
                return [dx for _, dx in with_grads(given, back(gradients))]

        y = on_tape(outputs, [x for x, _ in with_grads(given, given)], walk_back)
        if part.recurrent:
            y, self.last_state = y
        return y

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
