"""Windows over series: equal to a naive loop, no target of another part, nothing fitted on the future."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from numnet.data import TimeSeries, WindowBatches, seasonal_covariates

PARTS = ("train", "validation", "test")
HORIZONS = st.one_of(st.none(), st.integers(1, 5))
SIZES = {
    "length": st.integers(1, 7),
    "horizon": HORIZONS,
    "stride": st.integers(1, 6),
    "K": st.integers(1, 3),
    "C": st.integers(0, 2),
    "count": st.integers(1, 3),
    "target": st.sampled_from([None, 0, [0]]),
    "center": st.booleans(),
    "seed": st.integers(0, 2**31),
}


def drawn(K: int, C: int, count: int, seed: int, target: Any = None, **options: Any) -> TimeSeries:
    """Series of 50 to 59 steps, of which the last 12 are for validation and 13 for test."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(50, 60, count)
    values = [10 * rng.standard_normal(K) + np.cumsum(rng.standard_normal((T, K)), axis=0) for T in lengths]
    known = [rng.standard_normal((T + 3, C)) for T in lengths] if C else None
    return TimeSeries(values, known, target, validation=12, test=13, **options)


def naive(series: TimeSeries, part: str, length: int, horizon: int | None, stride: int, ahead: int) -> Any:
    """Every window by a loop over series and steps: x, y, and the steps of the targets."""
    xs, ys, steps = [], [], []
    for k, values in enumerate(series.values):
        z = (values - series.shift[k]) / series.spread[k]
        cuts = {"train": (0, len(z) - 25), "validation": (len(z) - 25, len(z) - 13), "test": (len(z) - 13, len(z))}
        begin, end = cuts[part]
        first = max(begin, length if horizon else 1)
        while first + (horizon or length) <= end:
            of_x = list(range(first - length, first)) if horizon else list(range(first - 1, first - 1 + length))
            of_y = list(range(first, first + (horizon or length)))
            rows = []
            for t in of_x:
                rows.append(np.concatenate([z[t], *(series.covariates[k][t + j] for j in range(1, ahead + 1))]))
            xs.append(rows)
            ys.append([z[t][series.columns] for t in of_y])
            steps.append((k, of_y))
            first += stride
    return np.array(xs), np.array(ys), steps


@given(**SIZES, part=st.sampled_from(PARTS))
def test_windows_are_those_of_a_naive_loop(
    length: int, horizon: int | None, stride: int, part: str, center: bool, target: Any, **sizes: Any
) -> None:
    series = drawn(target=target, **sizes)
    ahead = min(horizon or 1, 2)
    windows = WindowBatches(
        series, part, length, horizon, stride, batch_size=3, ahead=ahead, center=length if center else None
    )
    x, y, steps = naive(series, part, length, horizon, stride, ahead)
    if center:
        level = x[..., series.columns].mean(axis=1, keepdims=True)
        x[..., series.columns] -= level
        y -= level
    y = y[..., 0] if series.one_column else y
    np.testing.assert_allclose(windows.x, x, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(windows.y, y, rtol=1e-12, atol=1e-12)
    assert [(k, s) for k, s in zip(windows.number, windows.first)] == [(k, of_y[0]) for k, of_y in steps]
    actual = np.array([series.values[k][of_y][:, series.columns] for k, of_y in steps])
    np.testing.assert_array_equal(windows.actual, actual[..., 0] if series.one_column else actual)
    np.testing.assert_array_equal(windows.known, [series.covariates[k][of_y] for k, of_y in steps])
    batches = list(windows.epoch(0))
    assert len(batches) == len(windows)
    if part != "train":
        np.testing.assert_array_equal(np.concatenate([b[0] for b in batches]), windows.x)
        np.testing.assert_array_equal(np.concatenate([b[1] for b in batches]), windows.y)


@given(**SIZES)
def test_no_target_is_in_another_part(
    length: int, horizon: int | None, stride: int, center: bool, target: Any, **sizes: Any
) -> None:
    """The values are their own steps, so each target says which one it is."""
    series = drawn(**sizes)
    steps = [np.arange(len(values), dtype=float) for values in series.values]
    series = TimeSeries(steps, validation=12, test=13, scaling=None)
    seen: list[set[tuple[int, float]]] = []
    for part in PARTS:
        windows = WindowBatches(series, part, length, horizon, stride)
        low, high = (0, *(len(steps[0]) - n for n in (25, 13, 0)))[PARTS.index(part) :][:2]
        first = windows.number == 0
        assert windows.y[first].min() >= low
        assert windows.y[first].max() < high
        assert windows.x[first].max() < windows.y[first].max()
        seen.append({(int(k), float(t)) for k, row in zip(windows.number, windows.y) for t in row})
    assert not seen[0] & seen[1]
    assert not (seen[0] | seen[1]) & seen[2]


@given(**SIZES, scaling=st.sampled_from(["standard", "minmax", None]), part=st.sampled_from(PARTS[:2]))
def test_the_future_changes_nothing(
    length: int, horizon: int | None, stride: int, center: bool, part: str, scaling: Any, target: Any, **sizes: Any
) -> None:
    """All values after the part are replaced: its windows, and the scaling, stay as they are, bit for bit."""
    series = drawn(target=target, scaling=scaling, **sizes)
    end = 25 if part == "train" else 13
    values = [values.copy() for values in series.values]
    for each in values:
        each[-end:] = -1e6 * each[-end:] ** 2
    known = series.covariates if sizes["C"] else None
    other = TimeSeries(values, known, target, validation=12, test=13, scaling=scaling)
    np.testing.assert_array_equal(other.shift, series.shift)
    np.testing.assert_array_equal(other.spread, series.spread)
    ours, theirs = (WindowBatches(s, part, length, horizon, stride, center=1) for s in (series, other))
    np.testing.assert_array_equal(theirs.x, ours.x)
    np.testing.assert_array_equal(theirs.y, ours.y)
    np.testing.assert_array_equal(theirs.seasonal_naive(1), ours.seasonal_naive(1))
    np.testing.assert_array_equal(other.naive_error(3), series.naive_error(3))


@given(**SIZES, scaling=st.sampled_from(["standard", "minmax", None]))
def test_scaling_and_its_inverse(
    length: int, horizon: int | None, stride: int, center: bool, scaling: Any, target: Any, **sizes: Any
) -> None:
    """1e-12 of values up to 50: one subtraction, one division, and back."""
    series = drawn(target=target, scaling=scaling, **sizes)
    for k, values in enumerate(series.values):
        z = series.scale(values, k)
        np.testing.assert_allclose(series.unscale(z, k), values, rtol=1e-12, atol=1e-12)
        training = z[: len(values) - 25]
        if scaling == "standard":
            np.testing.assert_allclose(training.mean(axis=0), 0, atol=1e-10)
            np.testing.assert_allclose(training.std(axis=0), 1, rtol=1e-10)
        elif scaling == "minmax":
            np.testing.assert_array_equal([training.min(), training.max()], [0, 1])
    windows = WindowBatches(series, "test", length, horizon, stride, center=length if center else None)
    np.testing.assert_allclose(windows.unscale(windows.y), windows.actual, rtol=1e-12, atol=1e-12)
    quantiles = np.stack([windows.y - 1, windows.y], axis=-1)
    spread = windows.unscale(quantiles)
    np.testing.assert_allclose(spread[..., 1], windows.actual, rtol=1e-12, atol=1e-12)
    adjacent = quantiles.reshape(len(quantiles), -1)
    np.testing.assert_array_equal(windows.unscale(adjacent), spread)
    np.testing.assert_array_equal(windows.unscale(windows.y[..., None]), windows.unscale(windows.y))
    s = series.spread[windows.number][:, series.columns]
    widths = s[:, :1] if series.one_column else s[:, None]
    np.testing.assert_allclose(spread[..., 1] - spread[..., 0], np.broadcast_to(widths, windows.y.shape), rtol=1e-9)


def test_a_column_that_is_constant_in_training_keeps_its_unit() -> None:
    values = np.full(20, 0.1)
    values[-1] = 0.6
    for scaling in ("standard", "minmax"):
        series = TimeSeries(values, validation=2, test=2, scaling=scaling)
        assert (series.shift[0, 0], series.spread[0, 0]) == (0.1, 1)
        assert series.scale(values)[-1] == 0.5


def test_a_gap_is_no_target_and_is_filled_from_the_past_alone() -> None:
    values = np.arange(40.0)
    values[[10, 11, 30]] = np.nan
    filled = TimeSeries(values, validation=8, test=8, scaling=None, missing="previous")
    windows = WindowBatches(filled, "train", 3, 2)
    assert not {10, 11} & {int(t) for t in windows.actual.ravel()}
    assert windows.x[windows.first == 12].tolist() == [[[9], [9], [9]]]
    assert not np.isnan(windows.x).any()
    skipped = WindowBatches(TimeSeries(values, validation=8, test=8, scaling=None, missing="skip"), "train", 3, 2)
    assert skipped.first.tolist() == [3, 4, 5, 6, 7, 8, 15, 16, 17, 18, 19, 20, 21, 22]
    assert windows.first.tolist() == [3, 4, 5, 6, 7, 8, *range(12, 23)]
    train = np.delete(np.arange(24.0), [10, 11])
    scaled = TimeSeries(values, validation=8, test=8, missing="skip")
    assert (scaled.shift[0, 0], scaled.spread[0, 0]) == pytest.approx((train.mean(), train.std()))


def test_the_naive_forecast_fills_a_gap_and_refuses_one_at_the_start() -> None:
    values = np.arange(40.0)
    values[30] = np.nan
    for missing in ("previous", "skip"):
        windows = WindowBatches(TimeSeries(values, validation=8, test=8, missing=missing), "test", 1, 1)
        assert windows.seasonal_naive(2).ravel().tolist() == [29, 31, 32, 33, 34, 35, 36, 37]
    values[:2] = np.nan
    windows = WindowBatches(TimeSeries(values, validation=8, test=8, missing="skip"), "train", 1, 1)
    with pytest.raises(ValueError, match="seasonal_naive: the series begins with nan"):
        windows.seasonal_naive(3)


def test_the_future_has_inputs_and_covariates_but_no_targets() -> None:
    known = seasonal_covariates(34, [7])
    series = TimeSeries(np.arange(30.0), known, scaling=None)
    windows = WindowBatches(series, "future", 5, 4)
    assert windows.x[0, :, 0].tolist() == [25, 26, 27, 28, 29]
    np.testing.assert_array_equal(windows.x[0, :, 1:], known[26:31])
    np.testing.assert_array_equal(windows.known[0], known[30:])
    assert windows.unscale([[30.0, 31, 32, 33]]).tolist() == [[30, 31, 32, 33]]
    assert windows.seasonal_naive(3).tolist() == [[27, 28, 29, 27]]
    for call in (lambda: windows.y, lambda: windows.actual, lambda: next(windows.epoch())):
        with pytest.raises(ValueError, match="targets of the part 'future' are not known"):
            call()


@given(period=st.integers(1, 9), horizon=HORIZONS, seed=st.integers(0, 2**31))
def test_the_seasonal_naive_forecast_is_the_last_known_value_of_the_season(
    period: int, horizon: int | None, seed: int
) -> None:
    series = drawn(2, 0, 2, seed)
    windows = WindowBatches(series, "test", 4, horizon, stride=3)
    for k, first, row in zip(windows.number, windows.first, windows.seasonal_naive(period)):
        for j, forecast in enumerate(row):
            place = int(first) + j
            last = int(first) if horizon else place  # the first step that is not known
            while place >= last:
                place -= period
            np.testing.assert_allclose(forecast, series.values[k][place], rtol=1e-12)
    for number, error in enumerate(series.naive_error(period)):
        train = series.values[number][:-25]
        expected = np.mean([abs(train[t] - train[t - period]) for t in range(period, len(train))], axis=0)
        np.testing.assert_allclose(error, expected, rtol=1e-12)


def test_seasonal_covariates() -> None:
    found = seasonal_covariates(9, [4, 8], harmonics=2)
    t = np.arange(9)
    expected = [f(2 * np.pi * t / period) for f in (np.sin, np.cos) for period in (4, 2, 8, 4)]
    np.testing.assert_allclose(found, np.stack(expected, axis=1), atol=1e-14)


def test_an_epoch_has_each_window_once_in_an_order_of_its_own() -> None:
    windows = WindowBatches(TimeSeries(np.arange(60.0), scaling=None), "train", 3, 1, batch_size=5, seed=4)
    first, again, second = ([y.ravel().tolist() for _, y in windows.epoch(k)] for k in (0, 0, 1))
    assert first == again != second
    assert sorted(chain(*first)) == sorted(chain(*second)) == windows.y.ravel().tolist()
    assert first != [y.ravel().tolist() for _, y in WindowBatches(windows.series, "train", 3, 1, 1, 5, 9).epoch(0)]


def run_of(net: Any, folder: Path | None = None) -> tuple[Any, WindowBatches]:
    """Ten steps of training."""
    series = TimeSeries(np.sin(np.arange(200) / 3), seasonal_covariates(200, [6 * np.pi]))
    train, validation = (WindowBatches(series, part, 8, 2, batch_size=16) for part in PARTS[:2])
    layers = [net.GRULayer(4, return_sequences=False), net.Dense(2)]
    model = net.RNNModel(layers, net.MeanSquaredError(), dtype="float64")
    trainer = net.Trainer(model, net.Adam(0.01), train, validation, progress=False, directory=folder)
    trainer.fit(steps=10)
    return trainer, WindowBatches(series, "test", 8, 2)


def test_both_backends_train_on_the_same_windows(tmp_path: Path) -> None:
    (ours, test), (theirs, _) = (run_of(net, tmp_path / net.__name__) for net in (numnet, torchnet))
    np.testing.assert_allclose(ours.history.losses, theirs.history.losses, rtol=1e-9)
    one, other = (test.unscale(trainer.model.predict(test.x)) for trainer in (ours, theirs))
    np.testing.assert_allclose(one, other, rtol=1e-9)
    np.testing.assert_array_equal(test.unscale(theirs.model(test.x)), other)  # a tensor with a graph
    train = ours.batches  # shuffled; predictions are in the order of time
    np.testing.assert_allclose(ours.predict(train), ours.model.predict(train.x), rtol=1e-9)
    loss = numnet.evaluate(ours.model, test)
    assert loss == pytest.approx(np.mean((to_numpy(ours.model.predict(test.x)) - test.y) ** 2), rel=1e-9)


def test_a_run_is_not_resumed_on_other_windows(tmp_path: Path) -> None:
    trainer, _ = run_of(numnet, tmp_path)
    checkpoint = numnet.load_checkpoint(tmp_path / "last.npz")
    trainer.resume(checkpoint)
    batches = trainer.batches
    for words, other in (
        ("stride of the batches is 2, expected 1", WindowBatches(batches.series, "train", 8, 2, 2, 16)),
        ("The data is another", WindowBatches(TimeSeries(np.arange(200.0)), "train", 8, 2, batch_size=16)),
    ):
        trainer.batches = other
        with pytest.raises(numnet.CheckpointError, match=words):
            trainer.resume(checkpoint)


Y = np.arange(40.0)
S = TimeSeries(Y)
ERRORS: dict[str, Any] = {
    "TimeSeries: values is (0,), expected (time,) or (time, columns), at least one step.": lambda: TimeSeries([]),
    "TimeSeries: values[1] is (2, 2), expected (2,). It must": lambda: TimeSeries([[1, 2], np.ones((2, 2))]),
    "TimeSeries: values is text, expected real numbers.": lambda: TimeSeries(["a", "b"]),
    "TimeSeries: values has 2 nan, the first at step 1 of column 0, expected finite numbers. Pass missing='previous'": (
        lambda: TimeSeries([0, np.nan, np.nan, 1])
    ),
    "TimeSeries: values has 1 inf, the first at step 1": lambda: TimeSeries([0, np.inf, np.nan], missing="skip"),
    "TimeSeries: values begins with nan, expected a number before each gap. Leave out its first 2 steps.": (
        lambda: TimeSeries([np.nan, np.nan, *Y], missing="previous")
    ),
    "TimeSeries: the training part of values has only nan in column 0": (
        lambda: TimeSeries([np.nan, np.nan, 1, 2], missing="skip", validation=1, test=1)
    ),
    "TimeSeries: values has 40 steps, expected more than 40, the steps of validation and test.": (
        lambda: TimeSeries(Y, validation=20, test=20)
    ),
    "TimeSeries: values[1] has 3 steps, expected more than 12": lambda: TimeSeries([Y, Y[:3]]),
    "TimeSeries: test is 1.5, expected a whole number of steps, or a fraction": lambda: TimeSeries(Y, test=1.5),
    "TimeSeries: validation is -1, expected a whole number of steps": lambda: TimeSeries(Y, validation=-1),
    "TimeSeries: target is 1, expected 0 to 0: the series has 1 columns.": lambda: TimeSeries(Y, target=1),
    "TimeSeries: target is [0, 0], expected different columns": lambda: TimeSeries(np.ones((9, 2)), target=[0, 0]),
    "TimeSeries: covariates has 39 steps, expected at least 40": lambda: TimeSeries(Y, Y[1:]),
    "TimeSeries: covariates of 1 series, expected 2": lambda: TimeSeries([Y, Y], Y),
    "TimeSeries: scaling is 'max', expected one of 'standard', 'minmax', None.": lambda: TimeSeries(Y, scaling="max"),
    "TimeSeries: missing is 'drop', expected one of": lambda: TimeSeries(Y, missing="drop"),
    "TimeSeries: the standard deviation or the range of values overflows": lambda: TimeSeries(
        [1e308, -1e308, 0, 1e308, 1, 1]
    ),
    "TimeSeries.scale: series is 1, expected 0 to 0.": lambda: S.scale(Y, 1),
    "TimeSeries.unscale: values is (40,), expected (..., 2)": lambda: TimeSeries(np.ones((9, 2))).unscale(Y),
    "TimeSeries.naive_error: period is 28, expected less than": lambda: S.naive_error(28),
    "TimeSeries.naive_error: the training part of series 0 repeats exactly after 2": (
        lambda: TimeSeries(Y % 2).naive_error(2)
    ),
    "WindowBatches: series is ": lambda: WindowBatches(Y, "train", 3),  # type: ignore[arg-type]
    "WindowBatches: part is 'tests', expected one of": lambda: WindowBatches(S, "tests", 3),
    "WindowBatches: stride is 0, expected a whole number above 0.": lambda: WindowBatches(S, "train", 3, 1, 0),
    "WindowBatches: length is 0, expected a whole number above 0.": lambda: WindowBatches(S, "train", 0),
    "WindowBatches: ahead is 3, expected at most 2, the steps that are forecast.": (
        lambda: WindowBatches(S, "train", 3, 2, ahead=3)
    ),
    "WindowBatches: center is 4, expected at most 3": lambda: WindowBatches(S, "train", 3, 2, center=4),
    "WindowBatches: horizon is None, expected the number of steps": lambda: WindowBatches(S, "future", 3),
    "WindowBatches: covariates[0] has 40 steps, expected at least 43": (
        lambda: WindowBatches(TimeSeries(Y, Y), "future", 5, 3)
    ),
    "WindowBatches: series 0 has no window of the part 'test' (its steps are 28 train, 6 validation, 6 test), expected "
    "7 targets in the part and 3 steps before them. Give a longer series": lambda: WindowBatches(S, "test", 3, 7),
    "WindowBatches.unscale: forecast is (2, 2), expected (5, 2) or (5, 2, quantiles), one": (
        lambda: WindowBatches(S, "test", 3, 2).unscale(np.ones((2, 2)))
    ),
    "WindowBatches.seasonal_naive: period is 36, expected at most 34": (
        lambda: WindowBatches(S, "test", 3, 2).seasonal_naive(36)
    ),
    "seasonal_covariates: periods[1] is 0, expected a number above 0.": lambda: seasonal_covariates(9, [3, 0]),
    "seasonal_covariates: periods is int, expected a list of numbers of steps.": lambda: seasonal_covariates(9, 3),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("words", ERRORS)
def test_bad_options_are_refused(words: str) -> None:
    with pytest.raises((TypeError, ValueError), match="^" + re.escape(words)):
        ERRORS[words]()
