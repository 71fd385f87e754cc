"""Forecasts in closed loop are those of stepping by hand, and scores are those of a loop over values."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numnet
import torchnet
from numnet import closed_loop, forecast_scores
from numnet.core.arrays import to_numpy

KINDS = ("RNNLayer", "GRULayer", "LSTMLayer")


def model_of(net: Any, kind: str, K: int, outputs: int, **options: Any) -> Any:
    layers = [getattr(net, kind)(5, **options), net.Dense(outputs)]
    return net.RNNModel(layers, input_size=K, dtype="float64", seed=3)


@given(
    kind=st.sampled_from(KINDS),
    B=st.integers(1, 3),
    T=st.integers(1, 5),
    steps=st.integers(1, 5),
    K=st.integers(1, 2),
    C=st.integers(0, 2),
    seed=st.integers(0, 2**31),
)
def test_closed_loop_is_stepping_by_hand_and_one_long_sequence(
    net: Any, kind: str, B: int, T: int, steps: int, K: int, C: int, seed: int
) -> None:
    """By hand with the state, and as one run over x and what was fed back: 1e-12, sums of another order."""
    rng = np.random.default_rng(seed)
    model = model_of(net, kind, K + C, K + 1)
    x, known = rng.standard_normal((B, T, K + C)), rng.standard_normal((B, steps, C))
    feedback = list(range(1, K + 1))
    found = closed_loop(model, x, steps, known, feedback)
    assert found.shape == (B, steps, K + 1)
    y, state, by_hand = model.predict(x)[:, -1], model.last_state, []
    read = [x]
    for t in range(steps):
        by_hand.append(y)
        if t + 1 < steps:
            read.append(np.concatenate([y[:, 1:], known[:, t + 1]], axis=1)[:, None])
            y = model.predict(read[-1], state)[:, -1]
            state = model.last_state
    np.testing.assert_allclose(found, np.stack(by_hand, axis=1), rtol=1e-12, atol=1e-12)
    whole = model.predict(np.concatenate(read, axis=1))[:, T - 1 :]
    np.testing.assert_allclose(found, whole, rtol=1e-12, atol=1e-12)
    if K == 1 and not C:
        np.testing.assert_array_equal(closed_loop(model, x, steps, feedback=1), found)


@pytest.mark.parametrize("kind", KINDS)
def test_both_backends_forecast_the_same(kind: str) -> None:
    """1e-9 in float64, after twelve steps of feedback."""
    rng = np.random.default_rng(0)
    x, known = rng.standard_normal((3, 6, 4)), rng.standard_normal((3, 12, 3))
    ours, theirs = (closed_loop(model_of(net, kind, 4, 3), x, 12, known, 1) for net in (numnet, torchnet))
    assert isinstance(theirs, np.ndarray)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_layouts_and_models_of_the_last_step_alone(net: Any) -> None:
    x = np.random.default_rng(0).standard_normal((2, 4, 2))
    expected = closed_loop(model_of(net, "GRULayer", 2, 2), x, 3)
    np.testing.assert_allclose(
        closed_loop(model_of(net, "GRULayer", 2, 2, return_sequences=False), x, 3), expected, rtol=1e-12
    )
    time_first = model_of(net, "GRULayer", 2, 2, batch_first=False)
    np.testing.assert_allclose(closed_loop(time_first, x.swapaxes(0, 1), 3), expected, rtol=1e-12)


def test_the_state_of_the_model_stays(net: Any) -> None:
    model = model_of(net, "GRULayer", 2, 2, stateful=True)
    x = np.random.default_rng(0).standard_normal((2, 4, 2))
    model.predict(x)
    before = to_numpy(model.layers[0].last_state).copy()
    first = closed_loop(model, x, 3)
    np.testing.assert_array_equal(to_numpy(model.layers[0].last_state), before)
    np.testing.assert_array_equal(closed_loop(model, x, 3), first)


@given(
    shape=st.sampled_from([(7,), (3, 4), (2, 3, 2)]),
    levels=st.sampled_from([[0.1, 0.5, 0.9], [0.9, 0.2], [0.5], [0.05, 0.25, 0.5, 0.75]]),
    seed=st.integers(0, 2**31),
)
def test_scores_are_those_of_a_loop(shape: tuple[int, ...], levels: list[float], seed: int) -> None:
    """1e-12: sums of another order."""
    rng = np.random.default_rng(seed)
    actual, forecast = rng.standard_normal(shape), np.sort(rng.standard_normal((*shape, len(levels))), axis=-1)
    error = rng.uniform(1, 2, shape[:1] + (1,) * (len(shape) - 1))
    found = forecast_scores(forecast, actual, levels, error)
    expected: dict[str, list[float]] = {name: [] for name in ("mae", "mase", "pinball", "coverage", "width")}
    for place, y in np.ndenumerate(actual):
        f = dict(zip(levels, forecast[place]))
        if 0.5 in f:
            expected["mae"].append(abs(y - f[0.5]))
            expected["mase"].append(abs(y - f[0.5]) / error[(place[0], *[0] * (len(shape) - 1))])
        losses = [q * (y - f[q]) if y >= f[q] else (1 - q) * (f[q] - y) for q in levels]
        expected["pinball"].append(sum(losses) / len(losses))
        if len(levels) > 1:
            low, high = f[min(levels)], f[max(levels)]
            expected["coverage"].append(float(low <= y <= high))
            expected["width"].append(high - low)
    assert found == pytest.approx({name: np.mean(values) for name, values in expected.items() if values}, rel=1e-12)
    if levels == [0.5]:
        assert found["pinball"] == pytest.approx(found["mae"] / 2)
        assert forecast_scores(forecast[..., 0], actual) == pytest.approx({"mae": found["mae"]})


def test_pinball_is_the_quantile_loss(net: Any) -> None:
    """Of the layer, in float64: 1e-12."""
    rng = np.random.default_rng(0)
    forecast, actual, levels = rng.standard_normal((4, 5, 3)), rng.standard_normal((4, 5)), [0.1, 0.5, 0.9]
    loss = float(to_numpy(net.QuantileLoss(levels)(forecast, actual)))
    assert forecast_scores(forecast, actual, levels)["pinball"] == pytest.approx(loss, rel=1e-12)


X = np.ones((2, 3, 4))
ERRORS: dict[str, Any] = {
    "closed_loop: the model is ": lambda net: closed_loop(net.Tape(), X, 2),
    "closed_loop: the model has no layers": lambda net: closed_loop(net.RNNModel([]), X, 2),
    "closed_loop: layers[0] reads the steps that it must predict": (
        lambda net: closed_loop(model_of(net, "GRULayer", 4, 4, bidirectional=True), X, 2)
    ),
    "closed_loop: steps is 0": lambda net: closed_loop(model_of(net, "GRULayer", 4, 4), X, 0),
    "closed_loop: x is (3, 4), expected (batch, time, features), at least one of each. One series?": (
        lambda net: closed_loop(model_of(net, "GRULayer", 4, 4), X[0], 2)
    ),
    "closed_loop: known is (2, 1, 3), expected (2, 2, 3). One row for each step": (
        lambda net: closed_loop(model_of(net, "GRULayer", 4, 1), X, 2, X[:, :1, :3])
    ),
    "closed_loop: 3 columns are fed back, beside 3 of known, expected 4 together, the features of x. Choose": (
        lambda net: closed_loop(model_of(net, "GRULayer", 4, 3), X, 2, X[:, :2, :3])
    ),
    "closed_loop: 1 columns are fed back, beside 0 of known, expected 4 together, the features of x. Pass": (
        lambda net: closed_loop(model_of(net, "GRULayer", 4, 1), X, 2)
    ),
    "closed_loop: feedback is 3, expected 0 to 2: the output has 3 columns.": (
        lambda net: closed_loop(model_of(net, "GRULayer", 4, 3), X, 2, X[:, :2, :3], 3)
    ),
    "forecast_scores: forecast is (2, 3), expected (2, 3, 2). One forecast": (
        lambda net: forecast_scores(X[..., 0], X[..., 0], [0.1, 0.9])
    ),
    "forecast_scores: forecast has a NaN or an infinity": lambda net: forecast_scores([np.nan], [1.0]),
    "forecast_scores: actual has a NaN or an infinity": lambda net: forecast_scores([1.0], [np.inf]),
    "forecast_scores: actual is (0,), expected at least one value.": lambda net: forecast_scores([], []),
    "forecast_scores: naive_error is 0.0, expected finite numbers above 0": (
        lambda net: forecast_scores([1.0], [1.0], naive_error=0.0)
    ),
    "forecast_scores: naive_error is (2,), expected finite numbers above 0 that fit (3,).": (
        lambda net: forecast_scores(np.ones(3), np.ones(3), naive_error=np.ones(2))
    ),
    "forecast_scores: quantiles has 10, expected": lambda net: forecast_scores([[1.0]], [1.0], [10]),
}


@pytest.mark.parametrize("words", ERRORS)
def test_bad_options_are_refused(words: str, net: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="^" + re.escape(words)):
        ERRORS[words](net)
