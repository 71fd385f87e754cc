"""Forecast several steps with a model of one step: it reads its own forecasts, and the state is carried."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import as_array
from numnet.core.checks import check_size, validate_call
from numnet.core.checks.forecasts import check_fed_back, check_feedback, check_known, check_stepwise, check_values

Array = npt.NDArray[Any]


@validate_call
def closed_loop(model: Any, x: Any, steps: int, known: Any = None, feedback: Any = None) -> Array:
    """Return forecasts (B, steps, O) of a model whose output is the forecast of the next step.

        y[0] = f(x)                              (1)   the output after the last step of x, with the state h[0]
        y[t] = f(y'[t - 1], known[t]; h[t - 1])  (2)   y' the part of y that is fed back; h[t] the state after it

    x         (B, T, K + C), or (T, B, K + C) for layers with batch_first=False: values, each beside the covariates of
              the step after it, as in WindowBatches
    known     (B, steps, C), the covariates of the steps to forecast, as in WindowBatches, if there are any
    feedback  the columns of y that are fed back, a number or a list of K numbers; default: all. Of QuantileLoss([0.1,
              0.5, 0.9]), 1 is the median

    Quantiles of y[t] are those of one step after y'[t - 1], as if y' were certain: too near the median for later steps.
    The state, parameters and mode of the model are not changed. TypeError or ValueError for a model that reads later
    steps, or several at once, and for shapes that do not fit.
    """
    check_stepwise("closed_loop", model)
    check_size("closed_loop", steps=steps)
    values = as_array("closed_loop", "x", x, detach=True)
    check_values("closed_loop", values)
    batch = values.shape[0 if model.batch_first else 1]
    covariates = np.zeros((batch, steps, 0)) if known is None else as_array("closed_loop", "known", known, detach=True)
    check_known("closed_loop", covariates, batch, steps)
    forecasts = []
    with model.fresh_state():  # inside, last_state belongs to this thread
        forecasts.append(output(model, values, None))  # (1)
        columns = check_feedback("closed_loop", feedback, forecasts[0].shape[1])
        check_fed_back("closed_loop", len(columns), covariates.shape[2], values.shape[2])
        for t in range(1, steps):
            step = np.concatenate([forecasts[-1][:, columns], covariates[:, t]], axis=1)
            forecasts.append(output(model, step[:, None] if model.batch_first else step[None], model.last_state))  # (2)
    return np.stack(forecasts, axis=1)


def output(model: Any, x: Array, state: Any) -> Array:
    """Return the output (B, O) after the last step, also of a model that returns that one alone."""
    y: Array = model.predict(x, state)
    if y.ndim == 3:
        y = y[:, -1] if model.batch_first else y[-1]
    return y
