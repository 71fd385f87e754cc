"""A series of numbers, split by time and scaled by its training part alone: no forecast can see the future."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import as_array
from numnet.core.checks import check_choice, check_size, validate_call
from numnet.core.checks.series import (
    check_covariates,
    check_gaps,
    check_item,
    check_naive,
    check_periods,
    check_scale,
    check_series,
    check_split,
    check_target_columns,
    steps_of_part,
)
from numnet.core.show import Shown

Array = npt.NDArray[Any]
PARTS = ("train", "validation", "test")


class TimeSeries(Shown):
    """One series, or several of different lengths, split by time and scaled by the training part alone.

        z = (y - m) / s    (1)   "standard": m is the mean of the training part, s its standard deviation
                                 "minmax": m is its minimum, s its range, so z is 0 to 1 there; None: m = 0, s = 1

    Each column of each series has its own m and s; those of a column that is constant in training are its value and 1.

    values            (T,) or (T, K), at equal distances in time. Several series: a list, all of which end at one time
    covariates        (T or more, C), known in advance, such as the time of day, and not scaled; a list if values is one
    target            the column to forecast, or a list of columns; default: all. The others are inputs only
    validation, test  the last steps of each series: a number of steps, or a fraction of the longest series
    missing           what to do with nan. "refuse": ValueError; "previous": as an input it is the value before it;
                      "skip": no window contains it. No window has it as a target, and (1) does not count it

    WindowBatches cuts it into windows. TypeError or ValueError for values, gaps, columns or parts that do not fit.
    """

    @validate_call
    def __init__(
        self,
        values: Any,
        covariates: Any = None,
        target: Any = None,
        validation: float = 0.15,
        test: float = 0.15,
        scaling: str | None = "standard",
        missing: str = "refuse",
    ) -> None:
        who = "TimeSeries"
        check_choice(who, "scaling", scaling, ("standard", "minmax", None))
        check_choice(who, "missing", missing, ("refuse", "previous", "skip"))
        named, axes = check_series(who, "values", values)
        self.values = list(named.values())
        self.lengths = np.array([len(series) for series in self.values])
        self.columns = check_target_columns(who, target, self.values[0].shape[1])
        self.one_column = axes == 1 or (target is not None and np.ndim(target) == 0)
        self.covariates = self.covariates_of(covariates)
        for name, found in named.items():
            check_gaps(who, name, found, missing)
        steps = [steps_of_part(who, *part, self.lengths.max()) for part in (("validation", validation), ("test", test))]
        for name, found in named.items():
            check_split(who, name, found, sum(steps))
        self.target, self.validation, self.test = target, validation, test
        self.scaling, self.missing = scaling, missing
        self.ends = self.lengths[:, None] - [sum(steps), steps[1], 0]
        self.shift, self.spread = self.fitted()
        filled = (carried(series) if missing == "previous" else series for series in self.values)
        self.inputs = [self.scale(series, k) for k, series in enumerate(filled)]

    def covariates_of(self, covariates: Any) -> list[Array]:
        """Return the covariates of each series; of none, arrays without columns."""
        if covariates is None:
            return [np.zeros((length, 0)) for length in self.lengths]
        found, _ = check_series("TimeSeries", "covariates", covariates)
        check_covariates("TimeSeries", found, self.lengths.tolist())
        return list(found.values())

    def arguments(self) -> dict[str, Any]:
        one = len(self) == 1
        none = not self.covariates[0].shape[1]
        return {
            "values": self.values[0] if one else self.values,
            "covariates": None if none else self.covariates[0] if one else self.covariates,
        }

    def fitted(self) -> tuple[Array, Array]:
        """Return m and s of (1), each (series, K), from the training parts alone."""
        m, s = np.zeros((2, len(self.values), self.values[0].shape[1]))
        if self.scaling is None:
            return m, s + 1
        for k, training in enumerate(self.part("train")):
            low, high = np.nanmin(training, axis=0), np.nanmax(training, axis=0)
            with np.errstate(over="ignore", invalid="ignore"):  # check_scale refuses what overflows
                m[k] = low if self.scaling == "minmax" else np.where(low == high, low, np.nanmean(training, axis=0))
                s[k] = high - low if self.scaling == "minmax" else np.nanstd(training, axis=0)
            s[k] = np.where(low == high, 1, s[k])
        check_scale(m, s)
        return m, s

    @validate_call
    def part(self, name: str) -> list[Array]:
        """Return the values (T, K) of the part "train", "validation" or "test" of each series."""
        check_choice("TimeSeries.part", "name", name, PARTS)
        j = PARTS.index(name)
        starts = self.ends[:, j - 1] if j else np.zeros_like(self.lengths)
        return [series[a:b] for series, a, b in zip(self.values, starts, self.ends[:, j])]

    @validate_call
    def scale(self, values: Any, series: int = 0) -> Array:
        """Return z of values (..., K) of the series of this number, by (1)."""
        values, m, s = self.of_series("TimeSeries.scale", values, series)
        return (values - m) / s  # (1)

    @validate_call
    def unscale(self, values: Any, series: int = 0) -> Array:
        """Return y of scaled values (..., K): the inverse of `scale`. For forecasts see WindowBatches.unscale."""
        values, m, s = self.of_series("TimeSeries.unscale", values, series)
        return values * s + m  # (1)

    def of_series(self, who: str, values: Any, series: int) -> tuple[Array, Array, Array]:
        """Return checked values with m and s (K,) of their series."""
        check_item(who, "series", series, len(self.values))
        found, K = as_array(who, "values", values, detach=True), self.shift.shape[1]
        if K > 1 and found.shape[-1:] != (K,):
            raise ValueError(f"{who}: values is {found.shape}, expected (..., {K}), as many columns as the series.")
        return found, self.shift[series], self.spread[series]

    @validate_call
    def naive_error(self, period: int) -> Array:
        """Return the mean of |y[t] - y[t - period]| over the training part, (series, columns of the target).

        It is the denominator of MASE (Hyndman & Koehler 2006): the error of the seasonal naive forecast in training.
        """
        check_size("TimeSeries.naive_error", period=period)
        return np.stack(
            [np.nanmean(np.abs(changes), axis=0) for changes in self.changes("TimeSeries.naive_error", period)]
        )

    def change_quantiles(self, who: str, period: int, levels: Sequence[float]) -> Array:
        """Return quantiles of y[t] - y[t - period] over the training part, (series, columns of the target, levels)."""
        found = [np.nanquantile(changes, levels, axis=0).T for changes in self.changes(who, period)]
        return np.stack(found)

    def changes(self, who: str, period: int) -> Iterator[Array]:
        """Yield y[t] - y[t - period] of the training part of each series, (T, columns of the target)."""
        for k, training in enumerate(self.part("train")):
            found = (training[period:] - training[:-period])[:, self.columns]
            check_naive(who, k, found, period)
            yield found

    def __len__(self) -> int:
        """The number of series."""
        return len(self.values)


def carried(series: Array) -> Array:
    """Return a series (T, K) in which each nan is replaced by the last number before it (forward fill)."""
    places = np.where(np.isnan(series), 0, np.arange(len(series))[:, None])
    return np.take_along_axis(series, np.maximum.accumulate(places, axis=0), axis=0)


@validate_call
def seasonal_covariates(steps: int, periods: Sequence[float], harmonics: int = 1) -> Array:
    """Return sin and cos of 2π n t / period for t = 0, ..., steps - 1 and n = 1, ..., harmonics, as columns (steps, C).

    Of hourly values, [24, 168] are the hour of the day and the hour of the week. More harmonics describe a season whose
    shape is not a sine.
    """
    check_size("seasonal_covariates", steps=steps, harmonics=harmonics)
    lengths = [period / n for period in check_periods("seasonal_covariates", periods) for n in range(1, harmonics + 1)]
    angles = 2 * np.pi * np.arange(steps)[:, None] / lengths
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
