"""Windows over series as batches (x, y): the last values, and those to forecast from them, in one part of the split."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import as_array
from numnet.core.checks import check_choice, check_count, check_quantiles, check_size, validate_call
from numnet.core.checks.series import (
    check_ahead,
    check_center,
    check_forecast,
    check_future,
    check_naive_known,
    check_period,
    check_targets_known,
    check_windows,
)
from numnet.core.show import Shown
from numnet.data.batches.sequences import cut
from numnet.data.series import PARTS, TimeSeries, carried

Array = npt.NDArray[Any]


class WindowBatches(Shown):
    """Windows over a TimeSeries, whose targets all lie in one part of its split. Initial state: zero.

    x  (B, length, K + C · ahead)   scaled values, each beside the covariates of the `ahead` steps after it
    y  (B, horizon), or (B, horizon, columns) if there are several to forecast: the values after the last one in x
       horizon=None: (B, length), or (B, length, columns), the value after each of x

    The inputs of a window may lie in an earlier part; its targets never do.

    part     "train", "validation" or "test"; "future": the last `length` steps of each series, whose y is not known
    stride   the steps from one window to the next; with stride=horizon no step is forecast twice
    center   subtract the mean of the first `center` values of a window from the columns to forecast, in x and y, so a
             trend does not lead to values that training has not seen; `unscale` adds it. With horizon=None the mean
             tells something of the targets among these values
    ahead    with horizon=24, ahead=24 shows the covariates of all steps that are to be forecast
    shuffle  a new order in each epoch, by (seed, epoch) alone; default: for training only

    `x` and `y` are the arrays of all N windows in the order of time, `actual` is y before scaling, and `known` has the
    covariates of the steps to forecast. The first target of window n is step first[n] of series number[n]. ValueError
    for sizes without a window in the part.
    """

    carries_state = False

    @validate_call
    def __init__(
        self,
        series: TimeSeries,
        part: str,
        length: int,
        horizon: int | None = None,
        stride: int = 1,
        batch_size: int = 32,
        seed: int = 0,
        shuffle: bool | None = None,
        ahead: int = 1,
        center: int | None = None,
    ) -> None:
        who = "WindowBatches"
        check_choice(who, "part", part, (*PARTS, "future"))
        check_size(who, length=length, horizon=horizon, stride=stride, batch_size=batch_size)
        check_size(who, ahead=ahead, center=center)
        check_count(who, seed=seed)
        check_ahead(who, part, ahead, horizon)
        check_center(who, center, length)
        self.series, self.part, self.length, self.horizon, self.stride = series, part, length, horizon, stride
        self.batch_size, self.seed, self.ahead, self.center = batch_size, seed, ahead, center
        self.shuffle = part == "train" if shuffle is None else shuffle
        # From the first step of x to the first of y, and the steps of y.
        self.reach, self.steps = (1, length) if horizon is None else (length, horizon)
        found = [self.places(k) for k in range(len(series))]
        check_windows(who, part, self.reach, self.steps, [len(first) for first in found], series)
        self.number = np.repeat(np.arange(len(found)), [len(first) for first in found])
        self.first = np.concatenate(found)

    def places(self, k: int) -> Array:
        """Return the steps of the first target of all windows of one series."""
        series, length = self.series, self.series.lengths[k]
        if self.part == "future":
            check_future("WindowBatches", k, series.covariates[k].shape, length + self.steps)
            first = np.array([length])
            if length < self.reach:
                return first[:0]
        else:
            j = PARTS.index(self.part)
            begin, end = max(self.reach, series.ends[k, j - 1] if j else 0), series.ends[k, j]
            first = np.arange(begin, end - self.steps + 1, self.stride)
            first = first[full(series.values[k][:, series.columns], first, self.steps)]
        return first[full(series.inputs[k], first - self.reach, self.length)]

    def __len__(self) -> int:
        """The number of batches in an epoch, including the smaller one with the remainder."""
        return -(-len(self.first) // self.batch_size)

    def epoch(self, number: int = 0) -> Iterator[tuple[Array, Array]]:
        """Yield the batches of one epoch."""
        check_targets_known("WindowBatches.epoch", self.part)
        for rows in self.order(number):
            yield self.inputs(rows), self.targets(rows)

    def order(self, number: int) -> list[Array]:
        """Return the windows of each batch of one epoch."""
        check_count("WindowBatches.epoch", number=number)
        rows = np.arange(len(self.first))
        if self.shuffle:
            np.random.default_rng([self.seed, number]).shuffle(rows)
        return cut(rows, self.batch_size)

    def config(self) -> dict[str, Any]:
        """Return what must be equal to resume a run."""
        checksum = 0
        for array in (*self.series.inputs, *self.series.covariates):
            checksum = zlib.crc32(array.tobytes(), checksum)
        names = ("part", "length", "horizon", "stride", "batch_size", "seed", "shuffle", "ahead", "center")
        options = {name: getattr(self, name) for name in names}
        return {"type": type(self).__name__, **options, "windows": f"{len(self.first)} of checksum {checksum:08x}"}

    def gather(self, arrays: list[Array], rows: Array, offset: int, steps: int) -> Array:
        """Return (rows, steps, columns) of the arrays of each series; `offset` counts from a window's first target."""
        places = self.first[rows, None] + offset + np.arange(steps)
        if len(arrays) == 1:
            return arrays[0][places]
        return np.stack([arrays[k][own] for k, own in zip(self.number[rows], places)])

    def inputs(self, rows: Array) -> Array:
        """Return x of some windows."""
        values = self.gather(self.series.inputs, rows, -self.reach, self.length)
        if self.center is not None:
            values[..., self.series.columns] -= self.level(rows)
        offsets = range(1 - self.reach, 1 - self.reach + self.ahead)
        known = [self.gather(self.series.covariates, rows, offset, self.length) for offset in offsets]
        return np.concatenate([values, *known], axis=2)

    def targets(self, rows: Array) -> Array:
        """Return y of some windows."""
        values = self.gather(self.series.inputs, rows, 0, self.steps)
        if self.center is not None:
            values[..., self.series.columns] -= self.level(rows)
        return self.columns(values)

    def level(self, rows: Array) -> Array:
        """Return the mean of the first `center` values of some windows, (rows, 1, columns of the target)."""
        values = self.gather(self.series.inputs, rows, -self.reach, self.center or 0)
        return values[..., self.series.columns].mean(axis=1, keepdims=True)

    def columns(self, values: Array) -> Array:
        """Return the columns to forecast of (N, steps, K); (N, steps) if the target is one."""
        return values[..., self.series.columns[0]] if self.series.one_column else values[..., self.series.columns]

    @property
    def x(self) -> Array:
        """The inputs of all windows."""
        return self.inputs(np.arange(len(self.first)))

    @property
    def y(self) -> Array:
        """The scaled targets of all windows."""
        check_targets_known("WindowBatches.y", self.part)
        return self.targets(np.arange(len(self.first)))

    @property
    def actual(self) -> Array:
        """The targets of all windows as they are, not scaled."""
        check_targets_known("WindowBatches.actual", self.part)
        return self.columns(self.gather(self.series.values, np.arange(len(self.first)), 0, self.steps))

    @property
    def known(self) -> Array:
        """The covariates of the steps to forecast, (N, horizon, C)."""
        return self.gather(self.series.covariates, np.arange(len(self.first)), 0, self.steps)

    @validate_call
    def unscale(self, forecast: Any) -> Array:
        """Return scaled forecasts of all windows as values: the inverse of the scaling, and of `center`.

        Forecasts have the shape of y, or with quantiles one axis more; or they have on the last axis the quantiles of
        all steps, adjacent as in QuantileLoss, as Dense(72) forecasts three quantiles of 24 steps: then the result has
        one axis more. ValueError for another shape.
        """
        series, found = self.series, as_array("WindowBatches.unscale", "forecast", forecast, detach=True)
        shape = (len(self.first), self.steps, *(() if series.one_column else (len(series.columns),)))
        check_forecast("WindowBatches.unscale", found.shape, shape)
        found = found.reshape(*shape[:2], len(series.columns), -1)
        m, s = (each[self.number, None][..., series.columns] for each in (series.shift, series.spread))
        if self.center is not None:
            m = m + s * self.level(np.arange(len(self.first)))
        found = found * s[..., None] + m[..., None]
        return found.reshape(shape if found.shape[3] == 1 else (*shape, -1))

    @validate_call
    def seasonal_naive(self, period: int, quantiles: Any = None) -> Array:
        """Return the seasonal naive forecast, of the shape of `actual`: the last known value of the same season.

            ŷ[t + j] = y[t + j - n · period]                       (1)   n the smallest number with which it is known
            ŷ_q[t + j] = ŷ[t + j] + the quantile q of the errors   (2)   y[s] - y[s - n · period] of (1) in training

        With `quantiles`, (2) has one axis more. It is the baseline for pinball loss and coverage.
        """
        who = "WindowBatches.seasonal_naive"
        check_size(who, period=period)
        check_period(who, period, self.first)
        levels = None if quantiles is None else check_quantiles(who, quantiles)
        j = np.arange(self.steps)
        back = period * (j // period + 1 if self.horizon is not None else np.ones_like(j))  # n · period
        values = [carried(series) for series in self.series.values]  # a gap is the value before it
        places = self.first[:, None] + j - back
        found = self.columns(np.stack([values[k][own] for k, own in zip(self.number, places)]))  # (1)
        check_naive_known(who, found)
        if levels is None:
            return found
        errors = np.stack([self.series.change_quantiles(who, int(n), levels) for n in back], axis=1)  # (2)
        errors = errors[self.number, :, 0] if self.series.one_column else errors[self.number]
        return found[..., None] + errors  # (2)

    @validate_call
    def naive_error(self, period: int) -> Array:
        """Return TimeSeries.naive_error of the series of each window: (N, 1), or (N, 1, columns)."""
        errors = self.series.naive_error(period)[self.number, None]
        return errors[..., 0] if self.series.one_column else errors


def full(values: Array, first: Array, steps: int) -> Array:
    """Return, for each first step, whether the `steps` rows from it on have no nan."""
    gaps = np.concatenate([[0], np.isnan(values).any(axis=1).cumsum()])
    return gaps[first + steps] == gaps[first]
