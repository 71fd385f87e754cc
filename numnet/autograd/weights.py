"""The gradients of a part's weights on a tape: the terms of all its calls, summed in one product after the last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numnet.core.operation import Array
from numnet.core.pairs import JoinedOnce, add_grads, summed
from numnet.recurrent.node import Node


class Terms:
    """The terms that some calls of a part add to its weights' gradients in one backward pass; `a + b` adds b's to a."""

    def __init__(self, inputs: list[Any], pairs: list[dict[str, Any]], grads: dict[str, Any] | None = None) -> None:
        self.inputs, self.pairs, self.grads = inputs, pairs, grads or {}

    def __add__(self, other: Terms) -> Terms:
        """Add in place: only the backward pass refers to these objects."""
        self.inputs += other.inputs
        self.pairs += other.pairs
        for name, gradient in other.grads.items():
            self.grads[name] = self.grads[name] + gradient if name in self.grads else gradient
        return self


class Weights:
    """The weights of a part, as parents of each of its calls, and older than all of them.

    So a backward pass reaches them after every call of the part, when the terms are complete.
    """

    order = -1
    parents: tuple[Any, ...] = ()

    def __init__(self, part: Any) -> None:
        self.part = part

    def unbroadcast(self, terms: Terms) -> Terms:
        """Return the terms unchanged."""
        return terms

    def accumulate(self, terms: Terms) -> None:
        """Add the sums of one backward pass to the part's gradients."""
        by_name: dict[str, list[Any]] = {}
        join = JoinedOnce()
        for pairs in terms.pairs:
            for name, pair in pairs.items():
                by_name.setdefault(name, []).append(pair)
        for kind in (2, 3):  # tokens (1, B), vectors (1, D, B)
            calls = [(x, da_x) for x, da_x in terms.inputs if x.ndim == kind]
            add_grads(self.part, inputs_grads(self.part, calls, join))
        add_grads(self.part, {**terms.grads, **{name: summed(pairs, join) for name, pairs in by_name.items()}})

    def backward_fn(self, terms: None) -> tuple[Any, ...]:
        """Return nothing: weights have no parents."""
        return ()


def inputs_grads(node: Any, calls: Sequence[tuple[Array, Any]], join: JoinedOnce) -> dict[str, Any]:
    """Return the gradients of the weights of `inputs`, with the samples of all calls side by side, as one step."""
    if not calls:
        return {}
    x, da_x = (together(parts, join) for parts in zip(*calls))
    da_x = one_step(da_x)
    grads: dict[str, Any] = node.inputs_grads(da_x, x) if deferrable(node) else node.inputs_backward(da_x, x)[1]
    return grads


def inputs_backward(node: Any, da_x: Any, x: Array, pairs: dict[str, Any]) -> tuple[Any, Terms]:
    """Return dx of one step, and the terms of the weights' gradients."""
    if deferrable(node):
        return node.inputs_dx(one_step(da_x), x), Terms([(x, da_x)], [pairs])
    dx, grads = node.inputs_backward(one_step(da_x), x)
    return dx, Terms([], [pairs], grads)


def deferrable(node: Any) -> bool:
    """Return whether dx and the gradients of the weights of `inputs` can be computed separately."""
    return type(node).inputs_backward is Node.inputs_backward


def together(parts: Sequence[Any], join: JoinedOnce) -> Any:
    """Concatenate the samples of arrays (..., B), or of tuples of them."""
    if isinstance(parts[0], tuple):
        return tuple(together(each, join) for each in zip(*parts))
    return join(parts)


def one_step(da_x: Any) -> Any:
    """Add a time axis, T = 1, to the a_x of one step, an array or a tuple of arrays."""
    return tuple(map(one_step, da_x)) if isinstance(da_x, tuple) else da_x[None]
