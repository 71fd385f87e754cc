"""The gradient of a weight matrix is a sum of outer products da hᵀ: the pairs (da, h) of all terms, and their sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks import check_gradients

Array = npt.NDArray[Any]
FEW = 128  # different tokens; with more of them the product with one-hot columns is slower


def joined(columns: Sequence[Array]) -> Array:
    """Concatenate the columns (..., B) of all arrays; a copy, unless there is one array."""
    return columns[0] if len(columns) == 1 else np.concatenate(columns, axis=-1)


def summed(pairs: Sequence[Any], join: Callable[[Sequence[Array]], Array] = joined) -> Array:
    """Return Σ_t da_t h_tᵀ of pairs (da_t, h_t), as one product; of pairs (d_t, None) Σ_t d_t.

    If a term is a list of pairs, each pair is a block of rows. `join` is `joined`, or JoinedOnce.
    """
    if isinstance(pairs[0], list):
        return np.concatenate([summed(block, join) for block in zip(*pairs)])
    das, hs = zip(*pairs)
    da_all = join(das)
    total: Array = da_all.sum(axis=1) if hs[0] is None else da_all @ join(hs).T
    return total


class JoinedOnce:
    """`joined`, which copies the same arrays once: the factor da of a step is that of several weights."""

    def __init__(self) -> None:
        self.found: dict[tuple[int, ...], tuple[Any, Array]] = {}

    def __call__(self, columns: Sequence[Array]) -> Array:
        key = tuple(map(id, columns))
        if key not in self.found:
            self.found[key] = columns, joined(columns)  # `columns` too, so that no id is used again
        return self.found[key][1]


def add_grads(part: Any, grads: Mapping[str, Any]) -> None:
    """Add the gradients to dW for each W of the part; (columns, sums) are added to these columns only."""
    check_gradients(part, grads)
    for name, gradient in grads.items():
        total = getattr(part, f"d{name}")
        if isinstance(gradient, tuple):
            columns, sums = gradient
            total[:, columns] += sums
        else:
            total += gradient


def sum_by_token(tokens: Array, dy: Array) -> tuple[Array, Array]:
    """Return the tokens present (U,) and the sums (D, U) of their columns of dy (D, N): backward of y = W[:, tokens].

    Few tokens: a product with their one-hot columns, whose cost grows with U. Many: they are sorted first,
    so that equal tokens are adjacent and each sum reads contiguous memory.
    """
    present, which, counts = np.unique(tokens, return_inverse=True, return_counts=True)
    if len(present) <= FEW:
        one_hot = (which[:, None] == np.arange(len(present))).astype(dy.dtype)
        return present, dy @ one_hot
    order, starts = np.argsort(which, kind="stable"), np.cumsum(counts) - counts
    return present, np.add.reduceat(np.take(dy, order, axis=1), starts, axis=1)
