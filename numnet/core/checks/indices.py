"""Validation of an index of an array: whole numbers, slices, None, Ellipsis, masks and arrays, by numpy's rules."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from numnet.core.arrays import to_numpy

Shape = tuple[int, ...]


def check_index(who: str, index: Any, shape: Shape) -> tuple[Any, ...]:
    """Return the parts of an index, arrays instead of lists, with a slice for each axis that it does not name.

    An Ellipsis is left only where it stands for no axis: numpy lets it divide index arrays all the same.
    """
    parts = [part_of(who, part) for part in (index if isinstance(index, tuple) else (index,))]
    gaps, given = sum(part is ... for part in parts), sum(map(axes_read, parts))
    if gaps > 1:
        raise IndexError(
            f"{who}: an index has {gaps} Ellipsis (...), expected at most one. Write slices for the others."
        )
    if given > len(shape):
        raise IndexError(f"{who}: an index has {given} axes, expected at most {len(shape)}, those of {tuple(shape)}.")
    rest: list[Any] = [slice(None)] * (len(shape) - given)
    place = next((k for k, part in enumerate(parts) if part is ...), None)
    whole = [*parts, *rest] if place is None else [*parts[:place], *(rest or [...]), *parts[place + 1 :]]
    check_broadcast_index(who, whole, shape)
    return tuple(whole)


def check_broadcast_index(who: str, parts: list[Any], shape: Shape) -> None:
    """Check that the index arrays broadcast, and that each part is within its axis."""
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    try:
        together = np.broadcast_shapes(*(each for part in arrays for each in shapes_read(part)))
    except ValueError:
        shapes = ", ".join(str(each) for part in arrays for each in shapes_read(part))
        raise IndexError(f"{who}: index arrays are {shapes}, expected shapes that broadcast.") from None
    axis = 0
    for part in parts:
        if isinstance(part, np.ndarray) and part.dtype == bool:
            check_mask(who, part, shape, axis)
        elif isinstance(part, int) or (isinstance(part, np.ndarray) and 0 not in together):
            check_places(who, part, shape[axis], axis)
        axis += axes_read(part)


def check_mask(who: str, mask: Any, shape: Shape, axis: int) -> None:
    """Check that a mask has the sizes of its axes, or 0, where numpy reads nothing."""
    expected = tuple(shape[axis : axis + mask.ndim])
    if any(size not in (0, axis_size) for size, axis_size in zip(mask.shape, expected)):
        raise IndexError(
            f"{who}: a mask is {mask.shape} at axis {axis}, expected {expected}. It has an entry for each element."
        )


def check_places(who: str, places: Any, size: int, axis: int) -> None:
    """Check that whole numbers, one or an array, are positions of an axis."""
    places = np.asarray(places)
    wrong = places[(places < -size) | (places >= size)] if size or places.size else places
    if wrong.size:
        expected = f"{-size} to {size - 1}" if size else "none: the axis is empty"
        raise IndexError(f"{who}: index {wrong.flat[0]} at axis {axis}, expected {expected}.")


def part_of(who: str, part: Any) -> Any:
    """Return one part of an index: an int, a slice, None, Ellipsis, or an array of whole numbers or of bools."""
    if part is None or part is ...:
        return part
    if isinstance(part, slice):
        return check_slice(who, part)
    if not isinstance(part, (bool, np.bool_)) and (whole := whole_number(part)) is not None:
        return whole
    try:
        array = to_numpy(part)
    except (ValueError, RuntimeError):
        array = np.array([None])
    if not array.size and isinstance(part, (list, tuple)):
        array = array.astype(np.intp)
    if array.dtype.kind not in "iub":
        got = f"{part!r} ({type(part).__name__})" if isinstance(part, (str, float)) else kind_name(part, array)
        raise IndexError(
            f"{who}: an index is {got}, expected whole numbers, slices, None, Ellipsis (...), or arrays of whole "
            "numbers or of True and False. Floats? Convert them with int() or .astype(int)."
        )
    return int(array) if array.ndim == 0 and array.dtype != bool else array


def kind_name(part: Any, array: Any) -> str:
    """Describe an index that is not one: a list or an array by its dtype, other objects by their type."""
    return f"an array of {array.dtype}" if array.ndim or isinstance(part, np.ndarray) else type(part).__name__


def whole_number(part: Any) -> int | None:
    """Return the int that Python would use as an index, or None."""
    try:
        return operator.index(part)
    except (TypeError, ValueError, RuntimeError):
        return None


def check_slice(who: str, part: slice) -> slice:
    """Check that the bounds of a slice are whole numbers or None, and its step not 0."""
    given = [part.start, part.stop, part.step]
    bounds = [None if k is None else whole_number(k) for k in given]
    if any(k is not None and bound is None for k, bound in zip(given, bounds)) or bounds[2] == 0:
        words = ":".join("" if k is None else repr(k) for k in given)
        raise IndexError(f"{who}: a slice is {words}, expected whole numbers, or nothing, and a step other than 0.")
    return slice(*bounds)


def axes_read(part: Any) -> int:
    """Return the number of axes that a part of an index reads."""
    if part is None or part is ...:
        return 0
    return part.ndim if isinstance(part, np.ndarray) and part.dtype == bool else 1


def shapes_read(part: Any) -> list[Shape]:
    """Return the shapes in which an index array is broadcast: a mask is as long as the number of its True."""
    return [(int(np.count_nonzero(part)),)] if part.dtype == bool else [part.shape]
