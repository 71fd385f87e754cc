"""Validation of functions of ArrayWithGrad: bounds, conditions, parts of an axis, subscripts of einsum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from numnet.core.arrays import to_numpy
from numnet.core.checks.operands import check_axis, check_reduced_axes, kind_of_value, real_array, whole

Shape = tuple[int, ...]


def check_bounds(who: str, low: Any, high: Any) -> tuple[Any, Any]:
    """Return the bounds of clip as arrays, infinite for None."""
    if low is None and high is None:
        raise ValueError(f"{who}: min and max of clip are None, expected at least one of them.")
    for name, value in (("min", low), ("max", high)):
        if hasattr(value, "zero_grad"):
            raise TypeError(
                f"{who}: {name} of clip is {type(value).__name__}, expected plain numbers. With gradients? Use "
                "maximum and minimum."
            )
    return (
        real_array(who, "min of clip", -np.inf if low is None else low),
        real_array(who, "max of clip", np.inf if high is None else high),
    )


def check_condition(who: str, condition: Any) -> Any:
    """Return a condition as an array of True and False."""
    found = None if hasattr(condition, "zero_grad") else to_condition(condition)
    if found is None or found.dtype != bool:
        got = kind_of_value(condition) if found is None or not found.ndim else f"an array of {found.dtype}"
        raise TypeError(f"{who}: the condition is {got}, expected True and False. Compare first: x > 0.")
    return np.array(found)


def to_condition(condition: Any) -> Any:
    """Return an array, or None for rows of different lengths and for values without one."""
    try:
        return to_numpy(condition)
    except (ValueError, RuntimeError, TypeError):
        return None


def check_enough(who: str, name: str, shape: Shape, count: int, ddof: int = 0) -> None:
    """Check that there are elements to reduce: more than ddof."""
    if whole(ddof) is None:
        raise TypeError(f"{who}: ddof is {ddof!r} ({type(ddof).__name__}), expected a whole number.")
    if count <= ddof:
        expected = f"more than {ddof}: ddof is {ddof}" if ddof else "at least one"
        raise ValueError(f"{who}: {name} of {count} elements of {tuple(shape)}, expected {expected}.")


def check_keepdims(who: str, keepdims: Any) -> None:
    """Check for True or False: a number would be an axis that is meant."""
    if not isinstance(keepdims, (bool, np.bool_)):
        got = kind_of_value(keepdims)
        raise TypeError(f"{who}: keepdims is {got}, expected True or False. Several axes? Pass a tuple of them.")


def check_squeezed(who: str, axis: Any, shape: Shape) -> Shape:
    """Return the axes that squeeze removes, after a check that each has the size 1."""
    if axis is None:
        return tuple(k for k, size in enumerate(shape) if size == 1)
    axes = check_reduced_axes(who, axis, len(shape)) or ()
    for k in axes:
        if shape[k] != 1:
            raise ValueError(
                f"{who}: squeeze of axis {k} of {tuple(shape)}, expected the size 1. Another? Use reshape."
            )
    return axes


def check_parts_of_axis(who: str, name: str, parts: Any, shape: Shape, axis: Any) -> tuple[int, tuple[int, ...]]:
    """Return the axis, and the number or the sizes of its parts as a tuple; several sizes must fill the axis."""
    if not shape:
        raise ValueError(f"{who}: {name} of a single number, expected an axis. Use reshape(1).")
    axis = check_axis(who, axis, len(shape))
    many = isinstance(parts, (list, tuple)) and name == "sizes"
    found = [whole(size) for size in (parts if many else [parts])]
    if not found or any(size is None or size < (0 if many else 1) for size in found):
        expected = "whole numbers, 1 or more" if name == "chunks" else "a size, 1 or more, or a list of sizes"
        raise ValueError(f"{who}: {name} is {parts!r}, expected {expected}.")
    sizes = tuple(size for size in found if size is not None)
    if many and sum(sizes) != shape[axis]:
        raise ValueError(f"{who}: sizes are {sizes}, expected the sum {shape[axis]}, the size of axis {axis}.")
    return axis, sizes


def check_einsum(subscripts: str, shapes: Sequence[Shape]) -> tuple[list[str], str]:
    """Return the indices of each operand, and those of the output; ValueError for subscripts that do not fit."""
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    check = lambda ok, got, expected: check_subscripts(subscripts, ok, got, expected)  # noqa: E731
    letters = "".join([*inputs, output])
    check("..." not in letters, "has '...'", "a letter for each axis")
    check(letters == "" or (letters.isalpha() and letters.isascii()), "has other signs", "letters, ',' and '->'")
    check(len(inputs) == len(shapes), f"names {len(inputs)} operands", f"{len(shapes)}, as many as are given")
    sizes: dict[str, int] = {}
    for k, (indices, shape) in enumerate(zip(inputs, shapes)):
        check(len(indices) == len(shape), f"gives operand {k} {len(indices)} indices", f"{len(shape)}: it is {shape}")
        for index in repeated(indices):
            check(False, f"has {index!r} twice in operand {k}", "each once. A diagonal? Use x[range(n), range(n)]")
        for index, size in zip(indices, shape):
            known = sizes.setdefault(index, size)
            check(known == size, f"gives {index!r} the size {size} in operand {k}", f"{known}, as before")
    if not arrow:
        output = "".join(sorted(index for index in sizes if left.count(index) == 1))
    for index in repeated(output):
        check(False, f"has {index!r} twice in the output", "each once")
    for index in output:
        check(index in sizes, f"has {index!r} in the output alone", "an index of an operand")
    return inputs, output


def check_subscripts(subscripts: str, fits: bool, got: str, expected: str) -> None:
    """Raise ValueError unless the subscripts fit."""
    if not fits:
        raise ValueError(f"einsum: subscripts are {subscripts!r}, which {got}, expected {expected}.")


def repeated(indices: str) -> Iterator[str]:
    """Yield the letters that stand more than once."""
    yield from (index for index in dict.fromkeys(indices) if indices.count(index) > 1)
