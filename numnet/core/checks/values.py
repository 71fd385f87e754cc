"""What one value, or one array by itself, must be."""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Sequence
from typing import Any


def kind_of(x: Any) -> str:
    """'token' for integers, 'real' for floats and booleans; numpy and torch dtypes alike."""
    return kind_of_dtype(x.dtype)


@functools.cache  # numpy takes longer to spell a dtype than to add a thousand numbers
def kind_of_dtype(dtype: Any) -> str:
    """What kind_of says of every array of this dtype."""
    name = str(dtype).replace("torch.", "")
    if name.startswith(("int", "uint")):
        return "token"
    return "real" if name.startswith(("float", "bfloat", "bool")) else name


def check_real(who: str, name: str, x: Any) -> None:
    """A TypeError unless x holds real numbers (integers are taken as such)."""
    if kind_of(x) not in ("real", "token"):
        raise TypeError(f"{who}: {name} is {kind_of(x)}, expected real numbers. Convert it with .astype('float32').")


def first_place(where: Any) -> list[int]:
    """The place of the first truth value, of an array or a tensor; of none, nothing."""
    found = where.nonzero()
    if hasattr(found, "tolist"):
        found = tuple(found.T)
    return [int(axis[0]) for axis in found if len(axis)]


def check_shape(who: str, name: str, shape: Sequence[int], expected: Sequence[int], remedy: str) -> None:
    """One array of one known shape: a state, an upstream gradient, a mask."""
    if tuple(shape) != tuple(expected):
        raise ValueError(f"{who}: {name} is {tuple(shape)}, expected {tuple(expected)}. {remedy}")


def check_dtype(who: str, dtype: Any) -> None:
    """Parameters are real numbers."""
    name = str(dtype).removeprefix("torch.")
    if not name.startswith(("float", "bfloat")):
        raise ValueError(f"{who}: dtype is {name}, expected one of real numbers, such as 'float32'.")


def check_choice(who: str, name: str, value: Any, choices: Sequence[Any]) -> None:
    """One of a few names."""
    if value not in choices:
        raise ValueError(f"{who}: {name} is {value!r}, expected one of {', '.join(map(repr, choices))}.")


def check_positive(who: str, **sizes: float | None) -> None:
    """Sizes and rates that must be above zero, where they are given."""
    for name, value in sizes.items():
        if value is not None and not value > 0:
            raise ValueError(f"{who}: {name} is {value!r}, expected a number above 0.")


def check_size(who: str, **sizes: Any) -> None:
    """Whole numbers above zero, where they are given."""
    for name, value in sizes.items():
        if value is not None and (not isinstance(value, numbers.Integral) or value < 1):
            raise ValueError(f"{who}: {name} is {value!r}, expected a whole number above 0.")


def check_count(who: str, **counts: Any) -> None:
    """Whole numbers, 0 or more."""
    for name, value in counts.items():
        if not isinstance(value, numbers.Integral) or value < 0:
            raise ValueError(f"{who}: {name} is {value!r}, expected a whole number, 0 or more.")


def check_fraction(who: str, **fractions: Any) -> None:
    """Probabilities and decays: 0 allowed, 1 not."""
    for name, value in fractions.items():
        is_number = isinstance(value, numbers.Real)
        if not (is_number and 0 <= value < 1):
            raise ValueError(f"{who}: {name} is {value!r}, expected 0 or more and less than 1.")


def check_probability(who: str, name: str, value: Any) -> None:
    """0 and 1 are allowed."""
    is_number = isinstance(value, numbers.Real)
    if not (is_number and 0 <= value <= 1):
        raise ValueError(f"{who}: {name} is {value!r}, expected 0 to 1.")


def check_pair(who: str, name: str, value: Any) -> tuple[Any, Any]:
    """Something of either direction, or None for both."""
    if value is None:
        return None, None
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(
            f"{who}: {name} is {type(value).__name__}, expected a pair: the forward layer's and the backward one's."
        )
    return value[0], value[1]


def check_one_number(who: str, name: str, value: Any) -> None:
    """A plain number, or one in an array or tensor without axes."""
    if not isinstance(value, numbers.Real) and getattr(value, "shape", None) != ():
        got = tuple(value.shape) if hasattr(value, "shape") else type(value).__name__
        raise TypeError(f"{who}: {name} is {got}, expected one number. Arrays are for ArrayWithGrad.")


def check_logits(who: str, z: Any) -> None:
    """Of each row (N, V), a largest number; -inf may stand beside it."""
    largest = z.max(axis=-1)
    if ((largest != largest) | (abs(largest) == math.inf)).any():
        raise ValueError(f"{who}: the logits hold nan or inf, expected finite numbers. Has training gone astray?")


def check_tokens_left(who: str, log_p: Any) -> None:
    """Of each row (N, V), some token with a probability above 0."""
    if (log_p.max(axis=-1) == -math.inf).any():
        raise ValueError(f"{who}: suppress_tokens leaves no token, expected at least one. Shorten suppress_tokens.")


def check_finite_number(who: str, name: str, value: float) -> None:
    """Neither infinite nor none at all."""
    if not math.isfinite(value):
        raise ValueError(
            f"{who}: {name} is {value}, expected a finite number. "
            "Look for a division by 0, log or a root of 0 or less, exp of more than 709."
        )
