"""Validation of single values and single arrays."""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from numnet.core.checks.conversion import check_number_dtype

UNFIT = {  # dtypes of real numbers that parameters cannot have
    "bfloat16": " Only torchnet has bfloat16.",
    "float128": " Use 'float64': no file and no other backend has this one.",
}


def kind_of(x: Any) -> str:
    """Return 'token' for integers, 'real' for floats and booleans, else the dtype's name; for numpy and torch."""
    return kind_of_dtype(x.dtype)


@functools.cache  # numpy takes longer to format a dtype than to add a thousand numbers
def kind_of_dtype(dtype: Any) -> str:
    """Return kind_of for arrays of this dtype."""
    name = str(dtype).replace("torch.", "")
    if name.startswith(("int", "uint")):
        return "token"
    return "real" if name.startswith(("float", "bfloat", "bool")) else name


def described(value: Any) -> str:
    """Describe a value of a wrong type: None, a str, the class X, or the name of its type."""
    if value is None or isinstance(value, str):
        return "None" if value is None else "a str"
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def check_real(who: str, name: str, x: Any) -> str:
    """Return kind_of(x); TypeError unless x contains real numbers. Integers count as real."""
    kind = kind_of_dtype(x.dtype)
    if kind not in ("real", "token"):
        check_number_dtype(who, name, getattr(x.dtype, "name", kind))
    return kind


LARGEST = {"float16": 65504.0, "bfloat16": 3.3895e38, "float32": 3.4028235e38}


def check_fits(who: str, name: str, value: Any, dtype: Any) -> None:
    """Check that no finite number of an array or tensor becomes infinite in the dtype of a parameter."""
    own, largest = (LARGEST.get(str(each).removeprefix("torch."), math.inf) for each in (value.dtype, dtype))
    if own <= largest or kind_of(value) != "real" or str(value.dtype).endswith("bool"):
        return
    beyond = (abs(value) > largest) & (abs(value) < math.inf)
    if beyond.any():
        raise ValueError(
            f"{who}: {name} has {float(value[beyond][0]):.3g}, expected at most {largest:.5g}, the largest number of "
            f"{str(dtype).removeprefix('torch.')}. Create the model with dtype='float64', or scale the values."
        )


def first_place(where: Any) -> list[int]:
    """Return the index of the first True in an array or tensor; an empty list if there is none."""
    found: Any = where.nonzero() if where.ndim else ()
    if hasattr(found, "tolist"):
        found = tuple(found.T)
    return [int(axis[0]) for axis in found if len(axis)]


def check_shape(who: str, name: str, shape: Sequence[int], expected: Sequence[int], remedy: str) -> None:
    """Check the shape of an array, such as a state, an upstream gradient or a mask."""
    if tuple(shape) != tuple(expected):
        raise ValueError(f"{who}: {name} is {tuple(shape)}, expected {tuple(expected)}. {remedy}")


def check_dtype(who: str, dtype: Any, bfloat16: bool = False) -> str:
    """Return the name of a dtype of parameters, from its name, numpy's or PyTorch's; ValueError for any other."""
    name = name_of_dtype(dtype)
    if name in ("float16", "float32", "float64") or (bfloat16 and name == "bfloat16"):
        return name
    raise ValueError(
        f"{who}: dtype is {name}, expected a dtype of real numbers, such as 'float32'.{UNFIT.get(name, '')}"
    )


def name_of_dtype(dtype: Any) -> str:
    """Return the name of a dtype without byte order and module; of anything else its representation."""
    if dtype is None or str(dtype).startswith("torch."):
        return str(dtype).removeprefix("torch.")
    try:
        return np.dtype(dtype).name
    except TypeError:
        return str(dtype)


def check_choice(who: str, name: str, value: Any, choices: Collection[Any]) -> None:
    """Check that a value is one of the choices."""
    if value not in choices:
        raise ValueError(f"{who}: {name} is {value!r}, expected one of {', '.join(map(repr, choices))}.")


def check_positive(who: str, **sizes: Any) -> None:
    """Check for finite numbers above 0, or None."""
    for name, value in sizes.items():
        is_number = isinstance(value, numbers.Real)
        if value is not None and not (is_number and 0 < value < math.inf):
            expected = "a finite number" if value == math.inf else "a number"
            raise ValueError(f"{who}: {name} is {value!r}, expected {expected} above 0.")


def check_size(who: str, **sizes: Any) -> None:
    """Check for whole numbers above 0, or None."""
    for name, value in sizes.items():
        if value is not None and (not isinstance(value, numbers.Integral) or value < 1):
            raise ValueError(f"{who}: {name} is {value!r}, expected a whole number above 0.")


def check_count(who: str, **counts: Any) -> None:
    """Check for whole numbers, 0 or more."""
    for name, value in counts.items():
        if not isinstance(value, numbers.Integral) or value < 0:
            raise ValueError(f"{who}: {name} is {value!r}, expected a whole number, 0 or more.")


def check_fraction(who: str, **fractions: Any) -> None:
    """Check for probabilities or decay rates: 0 or more and less than 1."""
    for name, value in fractions.items():
        is_number = isinstance(value, numbers.Real)
        if not (is_number and 0 <= value < 1):
            raise ValueError(f"{who}: {name} is {value!r}, expected 0 or more and less than 1.")


def check_probability(who: str, name: str, value: Any) -> None:
    """Check for a probability, 0 and 1 included."""
    is_number = isinstance(value, numbers.Real)
    if not (is_number and 0 <= value <= 1):
        raise ValueError(f"{who}: {name} is {value!r}, expected 0 to 1.")


def check_pair(who: str, name: str, value: Any) -> tuple[Any, Any]:
    """Return a pair, one value for each direction; None becomes a pair of None."""
    if value is None:
        return None, None
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(
            f"{who}: {name} is {type(value).__name__}, expected a pair: the forward layer's and the backward one's."
        )
    return value[0], value[1]


def check_fill(who: str, name: str, value: Any, dtype: Any) -> None:
    """Check for one number that an array of this dtype can hold: 0.5, nan or -1 would silently become others."""
    number: Any = value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else value
    if not isinstance(number, numbers.Real):
        got = tuple(value.shape) if isinstance(getattr(value, "shape", None), tuple) else described(value)
        raise TypeError(f"{who}: {name} is {got}, expected one number.")
    low, high = limits(str(dtype).removeprefix("torch."))
    whole = isinstance(low, int)
    if not fits(number, low, high):
        expected = f"a whole number from {low} to {high}" if whole else f"-{high:.2g} to {high:.2g}, nan or inf"
        raise ValueError(
            f"{who}: {name} is {number!r}, expected {expected}, which {dtype} can hold. "
            "Convert the sequences to another dtype first."
        )


def check_total_length(who: str, total_length: Any, longest: int) -> None:
    """Check that padding to `total_length` steps, unless it is None, cuts no sequence of `longest` steps."""
    if total_length is None or (isinstance(total_length, int | np.integer) and total_length >= longest):
        return
    expected = f"a whole number of at least {longest}, the length of the longest sequence"
    raise ValueError(f"{who}: total_length is {total_length!r}, expected {expected}. Cut the sequences first.")


def fits(number: Any, low: float, high: float) -> bool:
    """Return whether a number is one of a dtype with these limits: whole, if they are, else also nan or inf."""
    if isinstance(low, int):
        return low <= number <= high and number == int(number)
    return low <= number <= high or number != number or abs(number) == math.inf


@functools.cache
def limits(dtype: str) -> tuple[float, float]:
    """Return the smallest and the largest finite number of a dtype of numpy or torch; they are int if it is whole."""
    if dtype == "bool":
        return 0, 1
    if dtype.startswith(("int", "uint")):
        return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    largest = 3.3895313892515355e38 if dtype == "bfloat16" else float(np.finfo(dtype).max)
    return -largest, largest


def check_one_number(who: str, name: str, value: Any) -> float:
    """Return the number, also in an array or tensor without axes, as Python's float."""
    alone = isinstance(value, numbers.Real) or (getattr(value, "shape", None) == () and not hasattr(value, "zero_grad"))
    if not alone or (hasattr(value, "dtype") and kind_of(value) not in ("real", "token")):
        got = tuple(value.shape) if getattr(value, "shape", ()) else type(value).__name__
        raise TypeError(f"{who}: {name} is {got}, expected one number. An array? Use ArrayWithGrad.")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{who}: {name} is above 1.8e308, expected a number that float64 can hold.") from None


def check_finite_number(who: str, name: str, value: float) -> None:
    """Check that a number is neither infinite nor nan."""
    if not math.isfinite(value):
        raise ValueError(
            f"{who}: {name} is {value}, expected a finite number. "
            "Look for a division by 0, a log or root of 0 or less, or exp of more than 709."
        )
