"""Validation of the lengths or the mask that a user passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import as_array
from numnet.core.checks import check_shape, kind_of, same_targets

Array = npt.NDArray[Any]


def mask_of(lengths: Array, T: int) -> Array:
    """(B, T): True where there is a step."""
    return np.arange(T) < lengths[:, None]


def check_lengths(who: str, lengths: Any, B: int, T: int) -> Array:
    """Return lengths as an int64 array (B,); a ValueError names the first that is not a whole number from 0 to T."""
    found = as_array(who, "lengths", lengths, detach=True)
    check_shape(who, "lengths", found.shape, (B,), "One whole number per sequence.")
    if B and kind_of(found) != "token":
        k = (found != found.round()).argmax()  # the first that is not whole, or 0
        raise ValueError(f"{who}: lengths[{k}] is {found[k]} ({found.dtype}), expected whole numbers. Pass integers.")
    wrong = np.flatnonzero((found < 0) | (found > T))
    if len(wrong):
        raise ValueError(f"{who}: lengths[{wrong[0]}] is {found[wrong[0]]}, expected 0 to {T} (T = {T}).")
    return found.astype(np.int64)


def check_mask(who: str, mask: Any, B: int, T: int) -> Array:
    """Return a mask as a boolean array (B, T); 0 and 1 of any dtype are accepted."""
    found = as_array(who, "mask", mask, detach=True)
    check_shape(who, "mask", found.shape, (B, T), "One truth value per step.")
    return truth_values(who, "mask", found, ", True where a step is real")


def truth_values(who: str, name: str, found: Array, meaning: str) -> Array:
    """Return truth values, or 0 and 1 of any dtype, as booleans; ValueError for any other value, such as 2 or NaN."""
    if found.dtype == bool:
        return found
    wrong = ~np.isin(found, (0, 1))
    if wrong.any():
        raise ValueError(f"{who}: {name} contains {found[wrong][0]}, expected truth values{meaning}.")
    return found.astype(bool)


def as_mask(who: str, lengths: Any, B: int, T: int, batch_first: bool = True) -> Array | None:
    """Return the mask (B, T) for the argument `lengths` of a layer: a mask, lengths (B,), or None, which stays None.

    A mask has the layout of x: with batch_first=False it is (T, B).
    """
    if lengths is None:
        return None
    found, shape = as_array(who, "lengths", lengths, detach=True), (B, T) if batch_first else (T, B)
    if found.dtype == bool or found.shape == shape:
        found = check_mask(who, found, *shape)
        return found if batch_first else found.T
    return mask_of(check_lengths(who, found, B, T), T)


def as_resets(who: str, resets: Any, B: int, T: int, batch_first: bool = True) -> Array | None:
    """Return the argument `resets` of a layer as (B, T) truth values, or None; 0 and 1 of any dtype are accepted."""
    if resets is None:
        return None
    found, shape = as_array(who, "resets", resets, detach=True), (B, T) if batch_first else (T, B)
    check_shape(who, "resets", found.shape, shape, "One truth value per step, True where a sequence begins.")
    found = truth_values(who, "resets", found, ". True where a sequence begins")
    return found if batch_first else found.swapaxes(0, 1)


def continuing(resets: Array, mask: Any, reverse: bool) -> Array:
    """Return (B, T): False at a step before which the state is reset, because a sequence begins there.

    `resets` (B, T) is True at the first step of a sequence. A reset at a step that is not real applies to the next
    real step of the row in this call. In reverse, a sequence begins with its last step, the one before the first step
    of the next sequence.
    """
    mask = np.ones_like(resets) if mask is None else mask
    number = resets.cumsum(axis=1)  # the number of the sequence that a step belongs to
    continues = np.ones_like(resets)
    for row, real in enumerate(mask):
        steps = np.flatnonzero(real)
        of_steps = number[row, steps]
        changes = np.diff(of_steps, append=of_steps[-1:]) if reverse else np.diff(of_steps, prepend=0)
        continues[row, steps] = changes == 0
    return continues


def mask_like(who: str, x: Any, lengths: Any, batch_first: bool = True) -> Array | None:
    """Return the mask of as_mask in the layout of x."""
    B, T = x.shape[:2] if batch_first else x.shape[1::-1]
    mask = as_mask(who, lengths, B, T, batch_first)
    return mask if batch_first or mask is None else mask.T


def as_loss_mask(who: str, mask: Any, places: tuple[int, ...]) -> Array:
    """Return which targets count, in the shape of the losses, from a mask per target or per step, or lengths (B,)."""
    found = as_array(who, "mask", mask, detach=True)
    if same_targets(found.shape, places):  # (...) and (..., 1) are the same targets
        found = found.reshape(places)
    if found.ndim == 1 and len(places) > 1 and found.dtype != bool:
        found = mask_of(check_lengths(who, found, *places[:2]), places[1])
    found = truth_values(who, "mask", found, ", True for a target that counts")
    steps = places[:2] if found.ndim == 2 else places
    check_shape(who, "mask", found.shape, steps, "One truth value for each target.")
    return np.broadcast_to(found.reshape(*found.shape, *(1,) * (len(places) - found.ndim)), places)


def expand_mask(mask: Any, x: Any) -> Any:
    """A mask (B, T) in the shape of x (B, T, ...), for arrays and tensors."""
    return mask.reshape(*mask.shape, *(1,) * (x.ndim - 2))
