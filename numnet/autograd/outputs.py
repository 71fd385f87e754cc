"""Several arrays that one call gives, such as y and the last state of a layer: one backward pass for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from numnet.autograd.array import ArrayWithGrad
from numnet.autograd.number import creation_order
from numnet.core.operation import Array


class CallOutputs:
    """The call, which stands between its outputs and the values that it was made of."""

    def __init__(self, count: int, parents: Sequence[Any], back: Callable[[list[Any]], Iterable[Any]]) -> None:
        self.count, self.parents, self.back, self.order = count, parents, back, next(creation_order)

    def fit(self, dz: ByOutput) -> ByOutput:
        """Gradients need no other shape."""
        return dz

    def receive(self, dz: ByOutput) -> list[Any]:
        """The gradient of each output, None where none has come."""
        return [dz.found.get(k) for k in range(self.count)]

    def output(self, k: int, value: Array) -> ArrayWithGrad:
        """The output number k."""
        array: ArrayWithGrad = ArrayWithGrad.of(value, (self,), lambda dz: [ByOutput(k, dz)])
        return array


class ByOutput:
    """The gradients of some outputs of a call; `a + b` adds those of b to a."""

    def __init__(self, k: int, dz: Array) -> None:
        self.found = {k: dz}

    def __add__(self, other: ByOutput) -> ByOutput:
        """Each output sends its gradient once. Only the backward pass refers to these objects, so self may change."""
        self.found |= other.found
        return self


def on_tape(arrays: Sequence[Any], parents: Sequence[Any], back: Callable[[list[Any]], Iterable[Any]]) -> list[Any]:
    """The outputs of a call; `back` takes the list of their gradients, None where none has come."""
    if len(arrays) == 1:
        return [ArrayWithGrad.of(arrays[0], parents, lambda dz: back([dz]))]
    call = CallOutputs(len(arrays), parents, back)
    return [call.output(k, value) for k, value in enumerate(arrays)]


def leaves(tree: Any) -> list[Any]:
    """The arrays of a state, or of other nested tuples, in a row."""
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, tuple) else [tree]


def nested(tree: Any, arrays: Iterable[Any]) -> Any:
    """As many arrays nested as the leaves of a tree are."""
    left = iter(arrays)
    return tuple(nested(part, left) for part in tree) if isinstance(tree, tuple) else next(left)
