"""The batch is first outside and last inside, where a column is a sample: there, back, and all steps at once."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from numnet.operation import Array

STRIP = 16  # rows copied at a time
LONG = 16  # from so many products on, their gain pays for the copy
NARROW = 8  # columns; up to so many, a product in blocks of rows is never slower
UNPACKED = 10**6  # multiplications; OpenBLAS packs the matrix first where there are more, unless the processor is old


def columns(x: Array) -> Array:
    """(B, ..., D) as (..., D, B): a column is a sample. A view; nothing is copied."""
    return x.transpose(*range(1, x.ndim), 0)


def rows(x: Array) -> Array:
    """(..., D, B) as (B, ..., D): the way back, a view too."""
    return x.transpose(-1, *range(x.ndim - 1))


def columns_copy(x: Array, out: Array | None = None) -> Array:
    """columns(x) in memory of its own; of a matrix, its transpose.

    Strip by strip: what is read and what is written stay in the processor's cache.
    """
    out = np.empty((*x.shape[1:], len(x)), x.dtype) if out is None else out
    for k in range(0, len(x), STRIP):
        out[..., k : k + STRIP] = columns(x[k : k + STRIP])
    return out


def transposed(W: Array, products: int) -> Array:
    """Wᵀ for so many products: a view, or a copy, by which BLAS multiplies faster."""
    return columns_copy(W) if products >= LONG else W.T


def dot_for(B: int) -> Callable[[Array, Array, Array], Array]:
    """The product dot(W, x, out) for x (D, B)."""
    return dot_in_blocks if 1 < B <= NARROW else np.dot


def dot_in_blocks(W: Array, x: Array, out: Array) -> Array:
    """out = W x for a few columns: blocks of rows so small that BLAS multiplies them without packing W before."""
    blocks = number_of_blocks(*W.shape, x.shape[1])
    if blocks == 1:
        return np.dot(W, x, out)
    in_blocks = out.view()
    in_blocks.shape = blocks, -1, x.shape[1]  # an error, where reshape would write into a copy
    np.matmul(W.reshape(blocks, -1, W.shape[1]), x, out=in_blocks)
    return out


@functools.cache
def number_of_blocks(rows: int, D: int, B: int) -> int:
    """The smallest power of two that makes the blocks small enough, as far as it divides the rows."""
    blocks = 1
    while rows * D * B > UNPACKED * blocks and rows % (2 * blocks) == 0:
        blocks *= 2
    return blocks


def with_ones(x: Array) -> Array:
    """(B, ..., D) as (..., D + 1, B), a row of ones below: W x + b is then one product [W b] [x; 1]. A copy."""
    B, *steps, D = x.shape
    out = np.empty((*steps, D + 1, B), x.dtype)
    columns_copy(x, out[..., :-1, :])
    out[..., -1, :] = 1
    return out


def product(W: Array, x: Array, out: Array) -> None:
    """out = W x for all steps x (T, D, B): a product a step; where B = 1, the steps are the rows of one product."""
    if x.shape[-1] > 1:
        np.matmul(W, x, out=out)
    else:
        np.matmul(x[..., 0], W.T, out=out[..., 0])


def all_columns(*parts: Array) -> Array:
    """(..., D, B) as (D, everything else): all steps side by side, and all parts, for one product over all of them."""
    if len(parts) == 1:
        return np.moveaxis(parts[0], -2, 0).reshape(parts[0].shape[-2], -1)
    return np.concatenate([all_columns(part) for part in parts], axis=1)
