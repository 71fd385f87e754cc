"""Indexing of ArrayWithGrad, by numpy's rules, which PyTorch's differ from: see `indexed`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from numnet.core.checks import axes_read, check_index


def indexed(u: Tensor, index: Any) -> Tensor:
    """Return u[index] as numpy has it.

    PyTorch has no negative steps, reads an array of uint8 as a mask, and applies whole numbers before index arrays, so
    that the axes of u[0, :, [0, 1]] are in another order. So slices are applied first, then index arrays alone.
    """
    if (same := same_places(index)) is not None and (basic(same) or checks_places(u)):
        try:
            return u[same]
        except (IndexError, TypeError, ValueError, RuntimeError):
            pass  # check_index describes the error, except for a slice that is longer than PyTorch's
    parts = check_index("ArrayWithGrad", index, tuple(u.shape))
    fancy = any(isinstance(part, np.ndarray) for part in parts)
    places = [place for part in parts for place in places_of(part, fancy)]
    z = sliced(u, parts)[tuple(as_places(k).to(u.device) if isinstance(k, np.ndarray) else k for k in places)]
    return z.movedim(*moved_axes(parts, places)) if fancy and ... in parts_between(parts) else z


def parts_between(parts: tuple[Any, ...]) -> list[Any]:
    """Return what stands between the index arrays: 0 for each of them, and the other parts."""
    kinds = [0 if isinstance(part, (int, np.ndarray)) else part for part in parts]
    return kinds[kinds.index(0) : len(kinds) - kinds[::-1].index(0)]


def moved_axes(parts: tuple[Any, ...], places: list[Any]) -> tuple[list[int], list[int]]:
    """Return from where to where the axes of the index arrays move: to the front, if an Ellipsis alone divides them."""
    if any(part is not ... and part != 0 for part in parts_between(parts)):
        return [], []
    before = next(k for k, part in enumerate(parts) if isinstance(part, (int, np.ndarray)))
    count = max(place.ndim for place in places if isinstance(place, np.ndarray))
    return list(range(before, before + count)), list(range(count))


def sliced(u: Tensor, parts: tuple[Any, ...]) -> Tensor:
    """Return u with the slices applied alone, and an axis of size 1 for each plain True or False."""
    slices: list[Any] = []
    backwards: list[int] = []
    axis = 0
    for part in parts:
        if isinstance(part, slice):
            positions = range(*part.indices(u.shape[axis]))
            if positions.step < 0:
                positions = positions[::-1]
                backwards.append(len(slices))
            slices.append(slice(positions.start, max(positions.start, positions.stop), positions.step))
        elif part is not None and part is not ...:
            slices += [slice(None)] * axes_read(part) or [None]
        axis += axes_read(part)
    return u[tuple(slices)].flip(backwards) if backwards else u[tuple(slices)]


def places_of(part: Any, fancy: bool) -> list[Any]:
    """Return the places that a part reads in `sliced`, as arrays if the index has any: all True of a mask."""
    if isinstance(part, slice):
        return [slice(None)]
    if part is ...:
        return []
    if isinstance(part, np.ndarray):
        return list(np.atleast_1d(part).nonzero()) if part.dtype == bool else [part]
    return [np.array([part])] if fancy and part is not None else [part]


def same_places(index: Any) -> tuple[Any, ...] | None:
    """Return the index for PyTorch if its rules are numpy's here, else None; a mistake in it remains."""
    places: list[Any] = []
    numbers = arrays = dots = 0
    for part in index if isinstance(index, tuple) else (index,):
        if type(part) is np.ndarray and part.dtype.kind == "i" and part.ndim:
            arrays += 1
            places.append(as_places(part))
            continue
        numbers, dots = numbers + (type(part) is int), dots + (part is ...)
        if not (part is None or part is ... or type(part) is int or (type(part) is slice and forward(part))):
            return None
        places.append(part)
    return tuple(places) if dots < 2 and not (arrays and (numbers or dots)) else None


def forward(part: slice) -> bool:
    """Return whether the step of a slice is positive, for certain."""
    return part.step is None or (type(part.step) is int and part.step > 0)


def basic(places: tuple[Any, ...]) -> bool:
    """Return whether there is no index array."""
    return not any(isinstance(place, Tensor) for place in places)


def checks_places(u: Tensor) -> bool:
    """Return whether PyTorch reports a place of an index array that is out of range as an error."""
    return u.device.type == "cpu" and u.numel() > 0


def as_places(array: Any) -> Tensor:
    """Return whole numbers as a tensor."""
    return torch.from_numpy(np.array(array, np.int64, order="C"))
