"""Mistakes in the pairs: a parameter without a pair, swapped factors, blocks of rows in another order."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from numnet.check.engine.equations.step import Step
from numnet.core.operation import Array
from numnet.core.pairs import summed

MOST_BLOCKS = 4  # at most this many blocks are permuted


def mistaken(step: Step, expected: dict[str, Array]) -> Iterator[tuple[str, str, str]]:
    """Yield each parameter whose wrong gradient comes from its pairs: its name, the mistake in words, the cause."""
    for name in step.unpaired:
        if np.any(expected[name]):
            yield name, f"is missing: step_backward returns no pair for {name}", "missing"
    for name, pair in step.pairs.items():
        if name in expected and not alike(step.analytic[name], expected[name]):
            for words, cause, other in otherwise(pair):
                if alike(other, expected[name]):
                    yield name, words, cause
                    break


def otherwise(pair: Any) -> Iterator[tuple[str, str, Array]]:
    """Yield common mistakes in a pair, each with the gradient after correcting it."""
    blocks = pair if isinstance(pair, list) else [pair]
    for swapped in itertools.product((False, True), repeat=len(blocks)):
        if any(swapped) and all(block[1] is not None for block in blocks):
            found = together([block[::-1] if swap else block for block, swap in zip(blocks, swapped)])
            if found is not None:
                yield "has its two factors swapped in the pair", "transposed", found
    if 1 < len(blocks) <= MOST_BLOCKS:
        for order in list(itertools.permutations(blocks))[1:]:
            found = together(order)
            if found is not None:
                yield "has the blocks of its pairs in another order", "order", found
        for k, j in itertools.permutations(range(len(blocks)), 2):
            mixed = [*blocks]
            mixed[k], mixed[j] = (blocks[k][0], blocks[j][1]), (blocks[j][0], blocks[k][1])
            found = together(mixed)
            if found is not None:
                yield "has the second factors of its pairs exchanged", "order", found


def together(blocks: Sequence[Any]) -> Array | None:
    """Return the gradient of these pairs, None if the shapes do not fit."""
    try:
        return summed([list(blocks)] if len(blocks) > 1 else [blocks[0]])
    except ValueError:
        return None


def alike(a: Array, b: Array) -> bool:
    """Whether two arrays have the same shape and are equal up to rounding."""
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-7, atol=1e-9 * (1 + float(np.abs(b).max(initial=0)))))
