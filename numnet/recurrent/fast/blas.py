"""Matrix products in the layouts that BLAS multiplies fastest."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from numnet.core.layout import columns
from numnet.core.operation import Array

STRIP = 16  # rows copied at a time
LONG = 16  # from this number of products on, a faster layout is worth the copy
NARROW = 8  # columns; up to this number, a product in blocks of rows is not slower
UNPACKED = 10**6  # multiplications; with more, OpenBLAS packs the matrix first, except on old processors


def columns_copy(x: Array, out: Array | None = None) -> Array:
    """Copy columns(x) strip by strip, so that reads and writes stay in the processor's cache."""
    out = np.empty((*x.shape[1:], len(x)), x.dtype) if out is None else out
    for k in range(0, len(x), STRIP):
        out[..., k : k + STRIP] = columns(x[k : k + STRIP])
    return out


def transposed(W: Array, products: int) -> Array:
    """Return Wᵀ for this number of products: a view, or a copy, with which BLAS is faster."""
    return columns_copy(W) if products >= LONG else W.T


def dot_for(B: int) -> Callable[[Array, Array, Array], Array]:
    """Return the function dot(W, x, out) for x (D, B)."""
    return dot_in_blocks if 1 < B <= NARROW else np.dot


def dot_in_blocks(W: Array, x: Array, out: Array) -> Array:
    """out = W x for a few columns, in blocks of rows so small that BLAS multiplies them without packing W first."""
    blocks = number_of_blocks(*W.shape, x.shape[1])
    if blocks == 1:
        return np.dot(W, x, out)
    in_blocks = out.view()
    in_blocks.shape = blocks, -1, x.shape[1]  # raises where reshape would make a copy
    np.matmul(W.reshape(blocks, -1, W.shape[1]), x, out=in_blocks)
    return out


@functools.cache
def number_of_blocks(rows: int, D: int, B: int) -> int:
    """Return the smallest power of two that makes the blocks small enough, or the largest that divides the rows."""
    blocks = 1
    while rows * D * B > UNPACKED * blocks and rows % (2 * blocks) == 0:
        blocks *= 2
    return blocks


def with_ones(x: Array) -> Array:
    """Copy (B, ..., D) to (..., D + 1, B), with a last row of ones: W x + b is one product, [W b] [x; 1]."""
    B, *steps, D = x.shape
    out = np.empty((*steps, D + 1, B), x.dtype)
    columns_copy(x, out[..., :-1, :])
    out[..., -1, :] = 1
    return out


def product(W: Array, x: Array, out: Array) -> None:
    """out = W x for all steps x (T, D, B): one product per step, or, if B = 1, one product with the steps as rows."""
    if x.shape[-1] > 1:
        np.matmul(W, x, out=out)
    else:
        np.matmul(x[..., 0], W.T, out=out[..., 0])
