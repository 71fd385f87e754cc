"""How a Tape calls each kind of part, and goes back through it: rows in and out, gradients nested as the values are.

A call is given, outputs, back: what may have a gradient, what came of it, and the way from the outputs' gradients to
theirs. A state is an array, a pair, or of two directions a pair of these: tuples in tuples.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numnet.array_with_grad import ArrayWithGrad
from numnet.checks import check_one_way, check_padded, check_step

Call = tuple[Any, Any, Callable[[Any], Any]]


def call_of(part: Any) -> Callable[..., Call]:
    """Which of the three ways is this part's."""
    return node_call if hasattr(part, "states") else layer_call if part.recurrent else operation_call


def node_call(node: Any, x: Any, state: Any = None) -> Call:
    """One step: on the tape a row is a sample, in the node a column."""
    given, state = np.asarray(value_of(x)), node.joined(node.each(as_tuples(state)))
    check_step(node.name, given)
    columns = [None if h is None else np.asarray(h).T for h in node.each(plain(state))]
    new, saved = node.forward(given.T, node.joined(columns))

    def back(d_new: Any) -> Any:
        dx, d_state = node.backward(node.joined([None if dh is None else dh.T for dh in node.each(d_new)]), saved)
        return None if dx is None else dx.T, node.joined([dh.T for dh in node.each(d_state)])

    return (x, state), node.joined([h.T for h in node.each(new)]), back


def layer_call(layer: Any, x: Any, state: Any = None, lengths: Any = None) -> Call:
    """A recurrent layer: y and the last state, from x and the start state."""
    check_padded(layer.name, x)
    check_one_way(layer.name, lengths=lengths)
    state = as_tuples(state)
    y = layer.forward(value_of(x), plain(state), lengths)

    def back(gradients: Any) -> Any:
        return layer.backward(*gradients), layer.d_state

    return (x, state), (y, layer.last_state), back


def operation_call(part: Any, *inputs: Any, **options: Any) -> Call:
    """Any other part: the inputs that it takes gradients of come first, then constants such as a loss's target."""
    taken = len(getattr(part, "takes", ("x",)))
    check_padded(part.name, *inputs)
    check_one_way(part.name, **{f"input {k}": x for k, x in enumerate(inputs) if k >= taken}, **options)
    y = part.forward(*map(value_of, inputs), **options)

    def back(dy: Any) -> Any:
        found = part.backward(float(dy) if isinstance(y, float) else dy)
        return found if isinstance(found, tuple) else (found,)

    return inputs[:taken], y, back


def value_of(x: Any) -> Any:
    """An ArrayWithGrad's value; all else as it is."""
    return x.value if isinstance(x, ArrayWithGrad) else x


def as_tuples(state: Any) -> Any:
    """Lists as tuples, all the way down."""
    return tuple(map(as_tuples, state)) if isinstance(state, (tuple, list)) else state


def plain(tree: Any) -> Any:
    """The values of a state: of an array, of a pair, of a pair of pairs."""
    return tuple(map(plain, tree)) if isinstance(tree, tuple) else value_of(tree)


def with_grads(given: Any, found: Any) -> list[tuple[ArrayWithGrad, Any]]:
    """Each ArrayWithGrad of a tree, and what stands in its place in another."""
    if isinstance(given, ArrayWithGrad):
        return [(given, found)]
    pairs = zip(given, found) if isinstance(given, tuple) and isinstance(found, tuple) else ()
    return [pair for ours, theirs in pairs for pair in with_grads(ours, theirs)]
