"""The batch is first outside and last inside, where a column is a sample: there, back, and all steps at once."""

from __future__ import annotations

import numpy as np

from numnet.operation import Array

STRIP = 16  # rows copied at a time
LONG = 16  # from so many products on, their gain pays for the copy


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
