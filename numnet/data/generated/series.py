"""Generate a series with a trend, two seasonalities and noise of two strengths, whose best forecast is known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from numnet.core.checks import check_count, check_size, validate_call

DAY, WEEK = 24, 168  # steps are hours
STAY = 0.985  # the probability that the noise keeps its strength for one more step
STRENGTHS = (0.5, 1.5)  # the standard deviation of the noise, calm and rough


class GeneratedSeries(NamedTuple):
    """values (T,) = expected (T,) + normal noise of standard deviation std (T,).

    `expected` is the best forecast of a single value: the mean of |values - expected| is a lower bound, up to chance,
    for the mean absolute error of any forecast.
    """

    values: npt.NDArray[np.float64]
    expected: npt.NDArray[np.float64]
    std: npt.NDArray[np.float64]


@validate_call
def generate_series(steps: int = 6048, seed: int = 0) -> GeneratedSeries:
    """Return a series of hours; the default is 36 weeks. A longer one of the same seed begins with the same values.

    m[t] = 20 + t / 1000 + w[t] d[t] + e[t]                   (1)   trend, day and week
    d[t] = 4 sin(2π (t - 9) / 24) + 2 sin(4π (t - 5) / 24)    (2)   hour of the day, with two peaks
    w[t] = 1 from Monday to Friday, 0.5 at the weekend        (3)   e[t] = -1.5 at the weekend, else 0
    y[t] = m[t] + s[t] ε[t],  ε[t] normal                     (4)   s[t] is 0.5 or 1.5, and changes
                                                                        with probability 0.015
    """
    check_size("generate_series", steps=steps)
    check_count("generate_series", seed=seed)
    t = np.arange(steps)
    weekend = t % WEEK >= 5 * DAY
    d = 4 * np.sin(2 * np.pi * (t - 9) / DAY) + 2 * np.sin(4 * np.pi * (t - 5) / DAY)  # (2)
    m = 20 + t / 1000 + np.where(weekend, 0.5, 1.0) * d - 1.5 * weekend  # (1) (3)
    change, noise = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
    s = np.array(STRENGTHS)[(change.random(steps) > STAY).cumsum() % 2]  # (4)
    return GeneratedSeries(m + s * noise.standard_normal(steps), m, s)  # (4)
