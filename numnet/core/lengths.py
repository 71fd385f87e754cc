"""The one place that checks the lengths, or the mask, that a user gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import to_numpy
from numnet.core.checks import check_shape, kind_of

Array = npt.NDArray[Any]


def mask_of(lengths: Array, T: int) -> Array:
    """(B, T): True where there is a step."""
    return np.arange(T) < lengths[:, None]


def check_lengths(who: str, lengths: Any, B: int, T: int) -> Array:
    """Lengths as an int64 array (B,); a ValueError names the first that is no whole number from 0 to T."""
    found = to_numpy(lengths)
    check_shape(who, "lengths", found.shape, (B,), "One whole number a sequence.")
    if B and kind_of(found) != "token":
        raise ValueError(f"{who}: lengths[0] is {found[0]} ({found.dtype}), expected whole numbers. Pass integers.")
    wrong = np.flatnonzero((found < 0) | (found > T))
    if len(wrong):
        raise ValueError(f"{who}: lengths[{wrong[0]}] is {found[wrong[0]]}, expected 0 to {T} (T = {T}).")
    return found.astype(np.int64)


def check_mask(who: str, mask: Any, B: int, T: int) -> Array:
    """A mask as a boolean array (B, T); a TypeError for other kinds: a 2 or 0.5 would be True, silently."""
    found = to_numpy(mask)
    if found.dtype != bool:
        raise TypeError(f"{who}: mask is {found.dtype}, expected truth values. Convert it with .astype(bool).")
    check_shape(who, "mask", found.shape, (B, T), "One truth value a step.")
    return found


def as_mask(who: str, lengths: Any, B: int, T: int, batch_first: bool = True) -> Array | None:
    """What a layer makes of its `lengths`: None, or the mask (B, T), given as such or by lengths (B,).

    A mask lies as x does: with batch_first=False it is (T, B).
    """
    if lengths is None:
        return None
    found, shape = to_numpy(lengths), (B, T) if batch_first else (T, B)
    if found.dtype == bool or found.shape == shape:
        found = check_mask(who, found, *shape)
        return found if batch_first else found.T
    return mask_of(check_lengths(who, found, B, T), T)


def as_resets(who: str, resets: Any, B: int, T: int, batch_first: bool = True) -> Array | None:
    """What a layer makes of its `resets`: None, or (B, T) truth values; 0 and 1 of any type are such too."""
    if resets is None:
        return None
    found, shape = to_numpy(resets), (B, T) if batch_first else (T, B)
    check_shape(who, "resets", found.shape, shape, "One truth value a step, True where a sequence begins.")
    wrong = ~np.isin(found, (0, 1))
    if wrong.any():
        raise ValueError(f"{who}: resets holds {found[wrong][0]}, expected truth values. True where a sequence begins.")
    return found.astype(bool) if batch_first else found.astype(bool).T


def continuing(resets: Array, mask: Any, reverse: bool) -> Array:
    """(B, T): False before a step in which the state starts afresh, because a sequence begins there.

    `resets` (B, T) is True at the first step of a sequence. A reset at a step that is not real holds for the row's next
    real step in this call. In reverse a sequence begins with its last step, the one before the next sequence's first.
    """
    mask = np.ones_like(resets) if mask is None else mask
    number = resets.cumsum(axis=1)  # of the sequence that a step belongs to
    continues = np.ones_like(resets)
    for row, real in enumerate(mask):
        steps = np.flatnonzero(real)
        of_steps = number[row, steps]
        changes = np.diff(of_steps, append=of_steps[-1:]) if reverse else np.diff(of_steps, prepend=0)
        continues[row, steps] = changes == 0
    return continues


def mask_like(who: str, x: Any, lengths: Any, batch_first: bool = True) -> Array | None:
    """What as_mask makes of them, lying as x does."""
    B, T = x.shape[:2] if batch_first else x.shape[1::-1]
    mask = as_mask(who, lengths, B, T, batch_first)
    return mask if batch_first or mask is None else mask.T


def as_loss_mask(who: str, mask: Any, places: tuple[int, ...]) -> Array:
    """Which targets count, of the shape of the losses: one truth value for each, or for each step, or lengths (B,)."""
    found = to_numpy(mask)
    if found.ndim == 1 and len(places) > 1 and found.dtype != bool:
        found = mask_of(check_lengths(who, found, *places[:2]), places[1])
    if not np.isin(found, (0, 1)).all():
        wrong = found[~np.isin(found, (0, 1))][0]
        raise ValueError(f"{who}: mask holds {wrong}, expected truth values. What is to count, True or False?")
    steps = places[:2] if found.ndim == 2 else places
    check_shape(who, "mask", found.shape, steps, "One truth value for each target.")
    return np.broadcast_to(found.astype(bool).reshape(*found.shape, *(1,) * (len(places) - found.ndim)), places)


def expand_mask(mask: Any, x: Any) -> Any:
    """A mask (B, T) in the shape of x (B, T, ...), for arrays and tensors."""
    return mask.reshape(*mask.shape, *(1,) * (x.ndim - 2))
