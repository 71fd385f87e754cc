"""States and outputs are arrays or nested tuples of them: their leaves, their values, the gradient of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numnet.autograd.array import ArrayWithGrad


def leaves(tree: Any) -> list[Any]:
    """Return the arrays of a state, or of other nested tuples, as a flat list."""
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, tuple) else [tree]


def nested(tree: Any, arrays: Iterable[Any]) -> Any:
    """Return the arrays nested as the leaves of a tree."""
    left = iter(arrays)
    return tuple(nested(part, left) for part in tree) if isinstance(tree, tuple) else next(left)


def value_of(x: Any) -> Any:
    """Return the value of an ArrayWithGrad, anything else unchanged."""
    return x.value if isinstance(x, ArrayWithGrad) else x


def as_tuples(state: Any) -> Any:
    """Convert nested lists to tuples."""
    return tuple(map(as_tuples, state)) if isinstance(state, (tuple, list)) else state


def plain(tree: Any) -> Any:
    """Return the values of a state: an array, a pair, or a pair of pairs."""
    return tuple(map(plain, tree)) if isinstance(tree, tuple) else value_of(tree)


def values_in(given: Any) -> list[ArrayWithGrad]:
    """Return each ArrayWithGrad of nested tuples."""
    return [x for x, _ in with_grads(given, given)]


def gradients_of(given: Any, found: Any) -> list[Any]:
    """Return the gradient of each ArrayWithGrad in `given`; `found` has all gradients, nested alike."""
    return [dx for _, dx in with_grads(given, found)]


def with_grads(given: Any, found: Any) -> list[tuple[ArrayWithGrad, Any]]:
    """Return each ArrayWithGrad in `given` with the value at the same position in `found`."""
    if isinstance(given, ArrayWithGrad):
        return [(given, found)]
    pairs = zip(given, found) if isinstance(given, tuple) and isinstance(found, tuple) else ()
    return [pair for ours, theirs in pairs for pair in with_grads(ours, theirs)]
