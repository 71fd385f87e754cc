"""Drawn indices of arrays, right and wrong, in every form that numpy takes."""

from __future__ import annotations

from typing import Any

import numpy as np


def drawn_index(rng: np.random.Generator) -> tuple[Any, tuple[int, ...]]:
    """An index and the shape it is for: usually right, now and then out of range, or of arrays that do not fit."""
    shape = tuple(
        int(size) for size in rng.choice([0, 1, 2, 3, 4, 5], rng.integers(0, 5), p=[0.05, 0.15, 0.2, 0.2, 0.2, 0.2])
    )
    together = tuple(int(size) for size in rng.choice([0, 1, 2, 3], rng.integers(1, 3), p=[0.06, 0.24, 0.4, 0.3]))
    parts: list[Any] = []
    left = list(shape)
    whole = rng.random() < 0.5
    while left and (whole or rng.random() < 0.75):
        if rng.random() < 0.12:
            parts.append(None)
        elif rng.random() < 0.05:
            parts.append([True, False, np.True_, np.False_, np.array(True)][rng.integers(5)])
        part, read = drawn_part(rng, left, together)
        parts.append(part)
        left = left[read:]
    if rng.random() < 0.35:
        parts.insert(int(rng.integers(len(parts) + 1)), ...)
    if rng.random() < 0.03:
        parts.insert(int(rng.integers(len(parts) + 1)), 0)
    if len(parts) == 1 and rng.random() < 0.7 and not isinstance(parts[0], tuple):
        return parts[0], shape
    return tuple(parts), shape


def drawn_part(rng: np.random.Generator, left: list[int], together: tuple[int, ...]) -> tuple[Any, int]:
    """An index of the next axis, or a mask of the next few, and the number of axes that it reads."""
    size, slip = left[0], rng.random() < 0.02
    kind = rng.integers(7)
    if kind < 2:
        return drawn_slice(rng, size), 1
    if kind == 2:
        k = int(rng.integers(-size, size)) if size and not slip else size
        return [k, np.int64(k), np.array(k), np.int8(k)][rng.integers(4)], 1
    if kind == 3:
        read = int(rng.integers(1, len(left) + 1))
        mask = rng.random([n + slip for n in left[:read]]) < 0.5
        return mask.tolist() if rng.random() < 0.3 and mask.size else mask, read
    drop = [1 if rng.random() < 0.2 else n for n in together[int(rng.random() < 0.2) :]]
    places = rng.integers(-size, size, drop) if size and not slip else np.full(drop, size)
    if rng.random() < 0.5:
        return as_sequence(rng, places), 1
    return places.astype(rng.choice(["int64", "int32", "int8"])), 1


def as_sequence(rng: np.random.Generator, places: Any) -> Any:
    """The same numbers as a list, or as a tuple where nested."""
    return (
        places.tolist()
        if places.ndim == 0 or rng.random() < 0.8
        else [tuple(row) if places.ndim > 1 else row for row in places.tolist()]
    )


def drawn_slice(rng: np.random.Generator, size: int) -> slice:
    """A slice with bounds within and beyond the axis, and steps of both signs."""
    start, stop = (None if rng.random() < 0.4 else int(rng.integers(-size - 2, size + 3)) for _ in range(2))
    step = [None, 1, 2, 3, -1, -2, np.int64(-1)][rng.integers(7)]
    return slice(start, stop, step)
