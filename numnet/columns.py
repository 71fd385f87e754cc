"""The batch is first outside and last inside, where a column is a sample: views there and back."""

from __future__ import annotations

import numpy as np

from numnet.operation import Array


def columns(x: Array) -> Array:
    """(B, ..., D) as (..., D, B): a column is a sample. A view; nothing is copied."""
    return x.transpose(*range(1, x.ndim), 0)


def rows(x: Array) -> Array:
    """(..., D, B) as (B, ..., D): the way back, a view too."""
    return x.transpose(-1, *range(x.ndim - 1))


def all_columns(x: Array) -> Array:
    """(..., D, B) as (D, everything else): all steps side by side, for one product over all of them."""
    return np.moveaxis(x, -2, 0).reshape(x.shape[-2], -1)
