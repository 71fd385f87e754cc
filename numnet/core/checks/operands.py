"""Validation of ArrayWithGrad and NumberWithGrad: operands, shapes that must fit, axes."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from numnet.core.arrays import to_numpy

Shape = tuple[int, ...]


def check_operand(who: str, name: str, value: Any) -> None:
    """Refuse values with a gradient of another class or backend, whose gradient would be lost."""
    if hasattr(value, "zero_grad"):
        kind = type(value).__name__
        got = f"{kind} of the other backend" if kind == who else kind
        raise TypeError(f"{who}: {name} is {got}, expected {who} or plain numbers. A constant? Pass its .value.")
    if getattr(value, "requires_grad", False):
        raise TypeError(
            f"{who}: {name} is a parameter, or a tensor that requires a gradient, expected {who} or plain numbers. "
            "Call the part of the Tape instead. A constant? Pass numpy.array(W) of an array, W.detach() of a tensor."
        )


def check_has_values(who: str, name: str, value: Any) -> None:
    """Refuse a tensor that has a shape alone."""
    if getattr(value, "is_meta", False):
        raise TypeError(f"{who}: {name} is on the device meta, expected values. Create it on a device, such as 'cpu'.")


def real_array(who: str, name: str, value: Any) -> Any:
    """Return real numbers as an array in this machine's byte order, longdouble as float64; else TypeError."""
    check_has_values(who, name, value)
    try:
        array = to_numpy(value)
    except ValueError:
        array = None
    if array is None or array.dtype.kind not in "iufb":
        got = "ragged" if array is None else f"an array of {array.dtype}" if array.ndim else kind_of_value(value)
        remedies = {"None": " Does a function return nothing?", "ragged": " Pad the rows with pad_sequences."}
        remedy = " Convert it with float()." if isinstance(value, str) else remedies.get(got, "")
        raise TypeError(f"{who}: {name} is {got}, expected real numbers.{remedy}")
    return array.astype(
        f"f{min(array.itemsize, 8)}" if array.dtype.kind == "f" else array.dtype.newbyteorder("="), copy=False
    )


def kind_of_value(value: Any) -> str:
    """Describe a value that is no array."""
    if isinstance(value, str):
        return f"{value[:20]!r} (str)"
    return "None" if value is None else type(value).__name__


def check_broadcast(who: str, *shapes: Shape) -> None:
    """Check that operands have shapes that broadcast."""
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        words = " and ".join(str(tuple(shape)) for shape in shapes)
        raise ValueError(
            f"{who}: operands are {words}, expected shapes that broadcast: sizes equal or 1, counted from the last "
            "axis. Use reshape, or an index with None."
        ) from None


def check_matrices(who: str, u: Shape, v: Shape) -> None:
    """Check the shapes of a product u @ v of matrices and vectors."""
    if not u or not v or u[-1] != v[max(-2, -len(v))]:
        raise ValueError(
            f"{who}: {tuple(u)} @ {tuple(v)}, expected (..., n, k) @ (..., k, m), or a vector (k,) for one of them. "
            "A number? Use *."
        )
    if len(u) > 2 < len(v):
        check_broadcast(who, u[:-2], v[:-2])


def check_same_device(who: str, *devices: Any) -> None:
    """Check that all operands are on one device."""
    if len(set(map(str, devices))) > 1:
        words = " and ".join(map(str, devices))
        raise ValueError(f"{who}: operands are on {words}, expected one device. Create both on the same device.")


def whole(value: Any) -> int | None:
    """Return a whole number as Python's int, or None."""
    if isinstance(value, (bool, np.bool_)):
        return None
    try:
        return operator.index(value)
    except (TypeError, ValueError, RuntimeError):
        return None


def check_axis(who: str, axis: Any, ndim: int) -> int:
    """Return one axis, counted from the front; a number has the axis 0, as in numpy and PyTorch."""
    found, ndim = whole(axis), max(ndim, 1)
    if found is None:
        raise TypeError(f"{who}: axis is {axis!r} ({type(axis).__name__}), expected a whole number.")
    if not -ndim <= found < ndim:
        raise ValueError(f"{who}: axis is {found}, expected {-ndim} to {ndim - 1}.")
    return found % ndim


def check_reduced_axes(who: str, axis: Any, ndim: int) -> Shape | None:
    """Return the axes of a sum or a mean, counted from the front; None stands for all."""
    if axis is None:
        return None
    if not isinstance(axis, tuple):
        found = check_axis(who, axis, ndim)
        return (found,) if ndim else ()
    axes = tuple(check_axis(who, each, ndim) for each in axis)
    if len(set(axes)) < len(axes) or len(axes) > ndim:
        raise ValueError(f"{who}: axis is {axis}, expected each axis at most once, of {ndim}.")
    return axes


def numbers_of(given: Sequence[Any]) -> Sequence[Any]:
    """Return numbers that were passed one by one, or as one tuple or list."""
    return given[0] if len(given) == 1 and isinstance(given[0], (tuple, list)) else given


def check_axes(who: str, axes: Sequence[Any], ndim: int) -> Shape:
    """Return a permutation of the axes, given as numbers or a tuple; without any, or None, their reverse order."""
    given = () if len(axes) == 1 and axes[0] is None else tuple(numbers_of(axes))
    found = [whole(axis) for axis in given] or list(reversed(range(ndim)))
    if None in found or sorted(axis + ndim * (axis < 0) for axis in found if axis is not None) != list(range(ndim)):
        raise ValueError(
            f"{who}: axes are {given}, expected each of the {ndim} axes once, such as {tuple(range(ndim))}."
        )
    return tuple(axis % ndim for axis in found if axis is not None)


def check_reshape(who: str, shape: Shape, given: Sequence[Any]) -> Shape:
    """Return the new shape, its -1 inferred."""
    sizes, total = [whole(size) for size in numbers_of(given)], math.prod(shape)
    known = math.prod(size for size in sizes if size is not None and size != -1)
    inferred = sizes.count(-1)
    fits = known == total if not inferred else inferred == 1 and known > 0 and total % known == 0
    if None in sizes or any(size is not None and size < -1 for size in sizes) or not fits:
        raise ValueError(
            f"{who}: reshape of {tuple(shape)} to {tuple(numbers_of(given))}, expected sizes whose product is {total}. "
            "One of them may be -1."
        )
    return tuple(total // known if size == -1 else size for size in sizes if size is not None)


def check_arrays(who: str, parts: Any) -> list[Any]:
    """Return the arrays to concatenate or stack as a list."""
    if isinstance(parts, (str, bytes, dict)) or not hasattr(parts, "__iter__") or not getattr(parts, "ndim", 1):
        raise TypeError(f"{who}: parts is {kind_of_value(parts)}, expected a list of arrays.")
    found = list(parts)
    if not found:
        raise ValueError(f"{who}: parts is empty, expected at least one array.")
    return found


def check_concatenated(who: str, shapes: Sequence[Shape], axis: Any) -> int:
    """Return the axis, after a check that the arrays have equal sizes in all others."""
    ndim = len(shapes[0])
    if not ndim:
        raise ValueError(f"{who}: part 0 is a single number, expected at least one axis. Use stack.")
    axis = check_axis(who, axis, ndim)
    for k, shape in enumerate(shapes):
        if len(shape) != ndim or any(a != b for j, (a, b) in enumerate(zip(shape, shapes[0])) if j != axis):
            raise ValueError(
                f"{who}: part {k} is {tuple(shape)}, expected the sizes of part 0, {tuple(shapes[0])}, "
                f"except at axis {axis}."
            )
    return axis


def check_stacked(who: str, shapes: Sequence[Shape], axis: Any) -> int:
    """Return the position of the new axis, after a check that the arrays have one shape."""
    for k, shape in enumerate(shapes):
        if tuple(shape) != tuple(shapes[0]):
            raise ValueError(f"{who}: part {k} is {tuple(shape)}, expected {tuple(shapes[0])}, as part 0.")
    return check_axis(who, axis, len(shapes[0]) + 1)


def check_one_element(who: str, what: str, shape: Shape) -> None:
    """Check that a conversion to a single number has one element."""
    if math.prod(shape) != 1:
        raise ValueError(
            f"{who}: {what} of {tuple(shape)}, expected one number. Take .sum(), .mean() or an element; "
            "or .any() or .all() of the .value."
        )


def check_has_axes(who: str, what: str, ndim: int) -> None:
    """Check for an array, not a single number, before it is iterated over or its length is taken."""
    if not ndim:
        raise TypeError(f"{who}: {what} of a single number, expected an array with an axis. Use reshape(1).")


def unknown_operator_error(who: str, symbol: str, remedy: str) -> TypeError:
    """Return the error for an operator that has no gradient here."""
    return TypeError(f"{who}: {symbol} is used, expected +, -, *, /, **, @ or a comparison. {remedy}")
