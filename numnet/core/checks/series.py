"""Validation of series of numbers over time: values, gaps, the parts of a split, covariates, columns, forecasts."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from numnet.core.arrays import as_array
from numnet.core.checks.texts import check_list
from numnet.core.checks.values import check_positive, check_shape, described

FILL = "Pass missing='previous' or missing='skip', or fill the gaps yourself."


def check_series(who: str, name: str, value: Any) -> tuple[dict[str, Any], int]:
    """Return series as float64 arrays (T, K) by name, and the number of axes of each; a list of arrays is several."""
    several = isinstance(value, (list, tuple)) and bool(value) and is_series(value[0])
    named = {f"{name}[{k}]": v for k, v in enumerate(value)} if several else {name: value}
    found = {each: as_array(who, each, v, detach=True).astype(np.float64) for each, v in named.items()}
    first = next(iter(found.values()))
    for each, array in found.items():
        if array.ndim not in (1, 2) or not array.size:
            expected = "(time,) or (time, columns), at least one step"
            raise ValueError(f"{who}: {each} is {array.shape}, expected {expected}. Several series? Pass a list.")
        check_shape(who, each, array.shape, (len(array), *first.shape[1:]), f"It must be as wide as {name}[0].")
    return {each: array.reshape(len(array), -1) for each, array in found.items()}, first.ndim


def is_series(value: Any) -> bool:
    """Return whether an element of a list is a series, and not a number."""
    return isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) > 0


def check_gaps(who: str, name: str, series: Any, missing: str) -> None:
    """Check that a series (T, K) has no infinity, and only those nan that the option `missing` allows."""
    for what, wrong, remedy in (("inf", np.isinf(series), "Correct the data."), ("nan", np.isnan(series), FILL)):
        if wrong.any() and (what == "inf" or missing == "refuse"):
            t, column = np.argwhere(wrong)[0]
            raise ValueError(
                f"{who}: {name} has {wrong.sum()} {what}, the first at step {t} of column {column}, expected finite "
                f"numbers. {remedy}"
            )
    if missing == "previous" and np.isnan(series[0]).any():
        first = np.flatnonzero(~np.isnan(series).any(axis=1))
        remedy = f"Leave out its first {first[0]} steps." if len(first) else "Leave out the columns without values."
        raise ValueError(f"{who}: {name} begins with nan, expected a number before each gap. {remedy}")


def steps_of_part(who: str, name: str, share: float, longest: int) -> int:
    """Return the steps of a part of the split, from a whole number of steps, or from a fraction of the longest."""
    if share < 0 or (share >= 1 and not isinstance(share, int)):
        raise ValueError(f"{who}: {name} is {share!r}, expected a whole number of steps, or a fraction below 1.")
    return share if isinstance(share, int) else round(share * longest)


def check_split(who: str, name: str, series: Any, held_out: int) -> None:
    """Check that a series (T, K) has a training part, and that it has a value in each column."""
    if len(series) <= held_out:
        raise ValueError(
            f"{who}: {name} has {len(series)} steps, expected more than {held_out}, the steps of validation and test. "
            "Give a longer series, or smaller parts."
        )
    empty = np.isnan(series[: len(series) - held_out]).all(axis=0)
    if empty.any():
        raise ValueError(
            f"{who}: the training part of {name} has only nan in column {empty.argmax()}, expected numbers. "
            "Leave the column out, or make validation and test smaller."
        )


def check_covariates(who: str, covariates: Mapping[str, Any], lengths: Sequence[int]) -> None:
    """Check for finite covariates of each series, for as many steps as it has or more."""
    if len(covariates) != len(lengths):
        raise ValueError(
            f"{who}: covariates of {len(covariates)} series, expected {len(lengths)}, one for each series."
        )
    for (name, array), steps in zip(covariates.items(), lengths):
        if len(array) < steps:
            raise ValueError(
                f"{who}: {name} has {len(array)} steps, expected at least {steps}, as many as the series: they are "
                "known in advance."
            )
        if not np.isfinite(array).all():
            step = np.argwhere(~np.isfinite(array))[0][0]
            raise ValueError(f"{who}: {name} has {array[step]} at step {step}, expected finite numbers. Fill the gaps.")


def check_target_columns(who: str, target: Any, columns: int, name: str = "target", why: str = "") -> list[int]:
    """Return the columns that are meant by a number or a list of numbers; None is all."""
    given = list(range(columns)) if target is None else target
    found: list[Any] = list(given) if is_series(given) else [given]
    for each in found:
        if isinstance(each, (bool, np.bool_)) or not isinstance(each, numbers.Integral):
            got = each if isinstance(each, (float, np.floating)) else described(each)
            raise TypeError(f"{who}: {name} is {got}, expected the number of a column, or a list of them.")
        if not 0 <= int(each) < columns:
            why = why or f"the series has {columns} columns"
            raise ValueError(f"{who}: {name} is {each}, expected 0 to {columns - 1}: {why}.")
    if not found or len(set(found)) < len(found):
        raise ValueError(f"{who}: {name} is {found}, expected different columns, at least one.")
    return [int(each) for each in found]


def check_ahead(who: str, part: str, ahead: int, horizon: int | None) -> None:
    """Check that x shows covariates of steps that are forecast from it alone, and that the future has such steps."""
    if part == "future" and horizon is None:
        raise ValueError(f"{who}: horizon is None, expected the number of steps to forecast, as the part is 'future'.")
    if ahead > (horizon or 1):
        raise ValueError(f"{who}: ahead is {ahead}, expected at most {horizon or 1}, the steps that are forecast.")


def check_center(who: str, center: int | None, length: int) -> None:
    """Check that `center`, the number of values whose mean is subtracted, is at most the length of a window."""
    if center is not None and center > length:
        raise ValueError(f"{who}: center is {center}, expected at most {length}, the length of a window.")


def check_windows(who: str, part: str, reach: int, steps: int, counts: Sequence[int], series: Any) -> None:
    """Check that each series has a window in the part."""
    for k, count in enumerate(counts):
        if not count:
            sizes = np.diff(series.ends[k], prepend=0).tolist()
            sizes = ", ".join(f"{size} {name}" for size, name in zip(sizes, ("train", "validation", "test")))
            gaps = " without nan" if series.missing != "refuse" else ""
            raise ValueError(
                f"{who}: series {k} has no window of the part {part!r} (its steps are {sizes}), expected {steps} "
                f"targets in the part and {reach} steps before them{gaps}. Give a longer series, a larger part, or "
                "shorter windows."
            )


def check_future(who: str, k: int, known: tuple[int, ...], last: int) -> None:
    """Check that the covariates (T, C) of a series are known up to a step, if there are any."""
    if known[1] and known[0] < last:
        raise ValueError(
            f"{who}: covariates[{k}] has {known[0]} steps, expected at least {last} for the part 'future'. Give "
            "TimeSeries the covariates of the steps to forecast."
        )


def check_targets_known(who: str, part: str) -> None:
    """Check that a part has targets."""
    if part == "future":
        raise ValueError(f"{who}: the targets of the part 'future' are not known, expected another part. Use x alone.")


def check_forecast(who: str, got: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """Check that forecasts have the shape of y, or of several quantiles of it, adjacent on the last axis."""
    for j in range(1, len(shape) + 1):
        if got[:-1] == shape[:j] and got[-1] and got[-1] % math.prod(shape[j:]) == 0:
            return
    if got != shape:
        quantiles = f"({', '.join(map(str, shape))}, quantiles)"
        raise ValueError(f"{who}: forecast is {got}, expected {shape} or {quantiles}, one row for each window.")


def check_period(who: str, period: int, first: Any) -> None:
    """Check that there is a period before the first target of every window."""
    if period > first.min():
        raise ValueError(
            f"{who}: period is {period}, expected at most {first.min()}, the steps before the first target. "
            "Give a shorter period, a larger length, or a longer series."
        )


def check_item(who: str, name: str, index: int, count: int) -> None:
    """Check that a number is one of a list's items."""
    if not 0 <= index < count:
        raise ValueError(f"{who}: {name} is {index}, expected 0 to {count - 1}.")


def check_naive(who: str, k: int, changes: Any, period: int) -> None:
    """Check that there are changes (T, K) over a period in training, not all of them 0."""
    if not len(changes) or np.isnan(changes).all(axis=0).any():
        raise ValueError(
            f"{who}: period is {period}, expected less than the steps of the training part of series {k}. "
            "Give a shorter period, or a longer series."
        )
    if not np.nanmax(np.abs(changes), axis=0).all():
        raise ValueError(
            f"{who}: the training part of series {k} repeats exactly after {period} steps, expected a naive forecast "
            "with an error. Use another period."
        )


def check_periods(who: str, periods: Any) -> list[float]:
    """Return the periods of seasons: numbers of steps above 0."""
    found = check_list(who, "periods", periods, "numbers of steps", "One period? Pass [period].")
    if not found:
        raise ValueError(f"{who}: periods is empty, expected at least one.")
    for k, period in enumerate(found):
        if isinstance(period, bool) or not isinstance(period, numbers.Real):
            raise TypeError(f"{who}: periods[{k}] is {described(period)}, expected a number of steps.")
        check_positive(who, **{f"periods[{k}]": period})
    return found


def check_scale(m: Any, s: Any) -> None:
    """Check that the constants of the scaling did not overflow."""
    if not (np.isfinite(m).all() and np.isfinite(s).all()):
        raise ValueError(
            "TimeSeries: the standard deviation or the range of values overflows, expected numbers whose squares "
            "float64 can hold. Divide them by a constant."
        )


def check_naive_known(who: str, forecast: Any) -> None:
    """Check that each value that a naive forecast repeats is known."""
    if np.isnan(forecast).any():
        raise ValueError(
            f"{who}: the series begins with nan, and a forecast repeats it, expected a value. Leave the nan out."
        )
