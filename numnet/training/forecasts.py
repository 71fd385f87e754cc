"""How good forecasts are: the error of the median, MASE, pinball loss, and the coverage of the interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numnet.core.arrays import as_array
from numnet.core.checks import check_quantiles, validate_call
from numnet.core.checks.forecasts import check_forecasts, check_naive_error


@validate_call
def forecast_scores(
    forecast: Any, actual: Any, quantiles: float | Sequence[float] | None = None, naive_error: Any = None
) -> dict[str, float]:
    """Return the scores of forecasts, as means over all values, such as those of all windows of a test part.

        e = actual - forecast
        mae       mean |e|                              (1)   of the median
        mase      mean |e| / naive_error                (2)   below 1: better than the naive forecast was in training
        pinball   mean over τ of (τ - [e_τ < 0]) e_τ    (3)   [...] is 1 or 0; of the median alone, it is mae / 2
        coverage  the fraction of values in the interval from the lowest to the highest quantile   (4)
        width     the mean width of the interval                                                   (5)

    forecast     of the shape of actual, or (..., Q) with `quantiles`
    naive_error  that of WindowBatches: the mean error of the seasonal naive forecast in training. Without it, no mase

    mae and mase are left out if 0.5 is not among the quantiles, the last three without quantiles; of several quantiles,
    coverage and width need two. (2): Hyndman and Koehler, 2006; (3): Koenker and Bassett, 1978.
    """
    who = "forecast_scores"
    levels = [] if quantiles is None else list(check_quantiles(who, quantiles))
    found, actual = (as_array(who, *pair, detach=True) for pair in (("forecast", forecast), ("actual", actual)))
    check_forecasts(who, found, actual, levels)
    found, tau = found.reshape(*actual.shape, -1).astype(np.float64), np.array(levels or [0.5])
    e = actual[..., None] - found
    scores = {}
    if 0.5 in tau:
        size = np.abs(e[..., tau == 0.5].mean(axis=-1))
        scores["mae"] = size.mean()  # (1)
        if naive_error is not None:
            error = as_array(who, "naive_error", naive_error, detach=True)
            check_naive_error(who, error, actual.shape)
            scores["mase"] = (size / error).mean()  # (2)
    if levels:
        scores["pinball"] = ((tau - (e < 0)) * e).mean()  # (3)
    if len(levels) > 1:
        low, high = found[..., tau.argmin()], found[..., tau.argmax()]
        scores["coverage"] = ((low <= actual) & (actual <= high)).mean()  # (4)
        scores["width"] = (high - low).mean()  # (5)
    return {name: float(value) for name, value in scores.items()}
