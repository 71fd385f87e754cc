"""Validation of forecasts: models that run in closed loop, what they read, and forecasts beside actual values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numnet.core.checks.decoding import check_causal
from numnet.core.checks.parts import described_part
from numnet.core.checks.runs import check_finite_values
from numnet.core.checks.series import check_target_columns
from numnet.core.checks.values import check_shape


def check_stepwise(who: str, model: Any) -> None:
    """Check for a model of layers that continues a sequence step by step."""
    runs = all(hasattr(model, name) for name in ("fresh_state", "predict", "layers", "batch_first"))
    if isinstance(model, type) or not runs or hasattr(model, "advance"):
        remedy = f"Make an object of the class: {model.__name__}(...)." if isinstance(model, type) else ""
        raise TypeError(f"{who}: the model is {described_part(model)}, expected an RNNModel. {remedy}".rstrip())
    if not len(model.layers):
        raise ValueError(f"{who}: the model has no layers, expected some. Give layers: RNNModel([...]).")
    for k, layer in enumerate(model.layers):
        check_causal(who, f"layers[{k}]", layer, last=True)


def check_values(who: str, x: Any) -> None:
    """Check for values with three axes, at least one step."""
    if x.ndim != 3 or 0 in x.shape:
        remedy = "One series? Pass x[None]." if x.ndim == 2 else "Pass the x of WindowBatches."
        raise ValueError(f"{who}: x is {x.shape}, expected (batch, time, features), at least one of each. {remedy}")


def check_known(who: str, known: Any, batch: int, steps: int) -> None:
    """Check the covariates of the steps to forecast."""
    if known.ndim != 3:
        raise ValueError(f"{who}: known is {known.shape}, expected ({batch}, {steps}, covariates).")
    check_shape(who, "known", known.shape, (batch, steps, known.shape[2]), "One row for each step to forecast.")


def check_feedback(who: str, feedback: Any, outputs: int) -> list[int]:
    """Return the columns of the output that are fed back."""
    return check_target_columns(who, feedback, outputs, "feedback", f"the output has {outputs} columns")


def check_fed_back(who: str, fed_back: int, known: int, features: int) -> None:
    """Check that the columns that are fed back, beside the covariates, are what the model reads."""
    if fed_back + known == features:
        return
    remedy = "Choose the columns by feedback=, such as 1 for the median of three quantiles."
    if fed_back + known < features:
        remedy = "Pass known=, the covariates of the steps to forecast."
    raise ValueError(
        f"{who}: {fed_back} columns are fed back, beside {known} of known, expected {features} together, the features "
        f"of x. {remedy}"
    )


def check_forecasts(who: str, forecast: Any, actual: Any, levels: Sequence[float]) -> None:
    """Check for finite forecasts of the shape of the actual values, with the quantiles on one axis more."""
    quantiles = f", {len(levels)}" if levels else ""
    expected = (*actual.shape, *((len(levels),) if levels else ()))
    if not actual.size:
        raise ValueError(f"{who}: actual is {actual.shape}, expected at least one value.")
    remedy = f"({', '.join(map(str, actual.shape))}{quantiles}): actual is {actual.shape}."
    remedy = f"One forecast for each value{', and each quantile, last' if levels else ''}. {remedy}"
    check_shape(who, "forecast", forecast.shape, expected, remedy)
    for name, values in (("forecast", forecast), ("actual", actual)):
        check_finite_values(who, name, bool(np.isfinite(values).all()))


def check_naive_error(who: str, error: Any, shape: tuple[int, ...]) -> None:
    """Check that the error of the naive forecast is positive, and of a shape that fits the actual values."""
    fits = error.ndim <= len(shape) and all(a in (1, b) for a, b in zip(error.shape[::-1], shape[::-1]))
    if not fits or not (error > 0).all() or not np.isfinite(error).all():
        got = error.shape if not fits else error.min() if error.size else "empty"
        raise ValueError(
            f"{who}: naive_error is {got}, expected finite numbers above 0 that fit {shape}. Pass "
            "windows.naive_error(period)."
        )
