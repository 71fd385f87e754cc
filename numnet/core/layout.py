"""Batch-first arrays outside, batch-last arrays inside, where a column is a sample: views, and the product W x."""

from __future__ import annotations

import numpy as np

from numnet.core.operation import Array

IN_CACHE = 2**17  # numbers of a matrix that stays in the processor's cache from one step to the next


def columns(x: Array) -> Array:
    """(B, ..., D) as (..., D, B): a column is a sample. A view."""
    if x.ndim == 2:
        return x.T
    return x.transpose(*range(1, x.ndim), 0)


def rows(x: Array) -> Array:
    """(..., D, B) as (B, ..., D). A view."""
    if x.ndim == 2:
        return x.T
    return x.transpose(-1, *range(x.ndim - 1))


def all_columns(*parts: Array) -> Array:
    """(..., D, B) as (D, everything else): the columns of all steps, and of all parts, side by side."""
    if len(parts) == 1 and parts[0].ndim == 2:
        return parts[0]
    if len(parts) == 1:
        samples = parts[0].swapaxes(-1, -2)
        if samples.flags.c_contiguous:  # as `times` returns them
            return samples.reshape(-1, samples.shape[-1]).T
        steps = range(parts[0].ndim - 2)
        return parts[0].transpose(-2, *steps, -1).reshape(parts[0].shape[-2], -1)
    return np.concatenate([all_columns(part) for part in parts], axis=1)


def times(W: Array, x: Array) -> Array:
    """W x for the columns x (..., D, B) of all steps.

    A small W is multiplied with the columns of one step after the other. A large one, such as that of a vocabulary,
    would be read from memory at each step: it is multiplied once, with all samples as rows, (W x)ᵀ = xᵀ Wᵀ, and each
    column of the result is contiguous. So it is, too, if each column of x is: the layers around then agree.
    """
    samples = x.swapaxes(-1, -2)
    if W.size <= IN_CACHE and (x.flags.c_contiguous or not samples.flags.c_contiguous):
        return W @ x
    y = samples.reshape(-1, W.shape[1]) @ W.T
    return y.reshape(*samples.shape[:-1], len(W)).swapaxes(-1, -2)


def pieces(x: Array) -> list[tuple[slice, ...]]:
    """Return indices of x (B, ..., D), each of a few samples, whose results stay in the processor's cache."""
    if x.size <= IN_CACHE:
        return [()]
    axis = max(range(x.ndim - 1), key=lambda k: x.strides[k])  # the first in memory
    few = max(1, IN_CACHE * x.shape[axis] // x.size)
    return [(*(slice(None),) * axis, slice(k, k + few)) for k in range(0, x.shape[axis], few)]
