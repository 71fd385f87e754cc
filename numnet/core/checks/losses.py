"""Validation of the options of losses that are numbers or lists of numbers, and of the targets of their own shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks.batches import Shape, data_array
from numnet.core.checks.targets import check_target_shape
from numnet.core.checks.values import kind_of
from numnet.core.show import text


def numbers_of(who: str, name: str, value: Any, expected: str) -> npt.NDArray[Any]:
    """Return a number or a list of numbers as an array of float64, without an axis or with one."""
    found = data_array(who, name, value, expected)
    if kind_of(found) not in ("real", "token") or found.dtype == bool:
        raise TypeError(f"{who}: {name} is {text(value)}, expected {expected}.")
    if found.ndim > 1 or not found.size:
        raise ValueError(f"{who}: {name} has the shape {found.shape}, expected {expected}.")
    return found.astype(np.float64)


def check_quantiles(who: str, quantiles: Any) -> list[float]:
    """Return quantiles, one or several, as a list; they are different numbers between 0 and 1."""
    expected = "a number between 0 and 1, or a list of them"
    found = numbers_of(who, "quantiles", quantiles, expected)
    values: list[float] = found.reshape(-1).tolist()
    for value in values:
        if not 0 < value < 1:
            remedy = " Percent? Divide by 100." if 1 < value <= 100 else ""
            raise ValueError(f"{who}: quantiles has {value:g}, expected {expected}.{remedy}")
        if values.count(value) > 1:
            raise ValueError(f"{who}: quantiles has {value:g} twice, expected different numbers.")
    return values


def check_quantile_target(who: str, target: Any, shape: Shape, K: int) -> None:
    """Check that predictions are (..., K), K quantiles, for targets (...), or (..., D K) for targets (..., D)."""
    given = tuple(target.shape)
    if (*given, K) == tuple(shape) or (given and (*given[:-1], given[-1] * K) == tuple(shape)):
        return
    if not shape or shape[-1] % K:
        raise ValueError(
            f"{who}: prediction is {tuple(shape)}, expected (..., {K}), a number for each of {K} quantiles. "
            f"Use Dense({K}) as the last layer, or Dense({K} D) for D targets."
        )
    D = shape[-1] // K
    remedy = f"Predictions (..., {shape[-1]}) are {K} quantiles of {D} {'targets' if D > 1 else 'target'}."
    check_target_shape(who, target, (*shape[:-1], D), remedy)
