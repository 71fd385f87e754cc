"""Several arrays that one call gives, as a layer's y and last state: walked back through together, in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from numnet.array_with_grad import ArrayWithGrad
from numnet.operation import Array
from numnet.with_grad import WithGrad


class Several(WithGrad):
    """What a call gives where it is more than one array; each of these is made of it."""

    def zero_grad(self) -> None:
        self.grad = 0

    def checked(self, value: Any) -> Any:
        return value

    def fit(self, dz: Any) -> Any:
        return dz

    def part(self, k: int) -> ArrayWithGrad:
        """The array number k; on the way back a gradient for each, 0 for those from which none has come."""

        def back(dz: Array) -> list[Array]:
            gradients = np.zeros(len(self.value), object)
            gradients[k] = dz
            return [gradients]

        array: ArrayWithGrad = ArrayWithGrad.of(self.value[k], (self,), back)
        return array


def on_tape(outputs: Any, made_of: list[Any], back: Callable[[Any], Any]) -> Any:
    """What a call gave, each array with its way back.

    `back` takes their gradients, nested as they are; None where none has come.
    """
    arrays = leaves(outputs)
    if len(arrays) == 1:
        return nested(outputs, [ArrayWithGrad.of(arrays[0], made_of, back)])
    several = Several.of(arrays, made_of, lambda dz: back(nested(outputs, [none_for_0(dy) for dy in dz])))
    return nested(outputs, [several.part(k) for k in range(len(arrays))])


def leaves(tree: Any) -> list[Any]:
    """The arrays of a state, or of other nested tuples, in a row."""
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, tuple) else [tree]


def nested(tree: Any, arrays: Iterable[Any]) -> Any:
    """As many arrays nested as the leaves of a tree are."""
    left = iter(arrays)
    return tuple(nested(part, left) for part in tree) if isinstance(tree, tuple) else next(left)


def none_for_0(dy: Any) -> Any:
    """The 0 that stands for no gradient at all, as None."""
    return None if isinstance(dy, int) else dy
