"""Several outputs of one call, such as y and the last state of a layer, share one backward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from numnet.autograd.array import ArrayWithGrad
from numnet.autograd.number import creation_order
from numnet.core.operation import Array


class CallOutputs:
    """The call as a node of the graph, between its outputs and its parents."""

    def __init__(self, count: int, parents: Sequence[Any], backward_fn: Callable[[list[Any]], Iterable[Any]]) -> None:
        self.count, self.parents, self.backward_fn, self.order = count, parents, backward_fn, next(creation_order)

    def unbroadcast(self, dz: ByOutput) -> ByOutput:
        """Return the gradients unchanged."""
        return dz

    def accumulate(self, dz: ByOutput) -> list[Any]:
        """Return the gradient of each output, None for an output without one."""
        return [dz.found.get(k) for k in range(self.count)]

    def output(self, k: int, value: Array) -> ArrayWithGrad:
        """Return output number k."""
        array: ArrayWithGrad = ArrayWithGrad.of(value, (self,), lambda dz: [ByOutput(k, dz)])
        return array


class ByOutput:
    """The gradients of some outputs of a call; `a + b` adds those of b to a."""

    def __init__(self, k: int, dz: Array) -> None:
        self.found = {k: dz}

    def __add__(self, other: ByOutput) -> ByOutput:
        """Add in place: each output sends its gradient once, and only the backward pass refers to these objects."""
        self.found |= other.found
        return self


def on_tape(
    arrays: Sequence[Any], parents: Sequence[Any], backward_fn: Callable[[list[Any]], Iterable[Any]]
) -> list[Any]:
    """Return the outputs of a call; `backward_fn` takes the list of their gradients, None for an output without one."""
    if len(arrays) == 1:
        return [ArrayWithGrad.of(arrays[0], parents, lambda dz: backward_fn([dz]))]
    call = CallOutputs(len(arrays), parents, backward_fn)
    return [call.output(k, value) for k, value in enumerate(arrays)]
