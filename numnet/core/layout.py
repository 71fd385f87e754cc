"""Conversion, as views, between batch-first arrays outside and batch-last arrays inside, where a column is a sample."""

from __future__ import annotations

import numpy as np

from numnet.core.operation import Array


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
        steps = range(parts[0].ndim - 2)
        return parts[0].transpose(-2, *steps, -1).reshape(parts[0].shape[-2], -1)
    return np.concatenate([all_columns(part) for part in parts], axis=1)
