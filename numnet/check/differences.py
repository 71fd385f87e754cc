"""The slope of a function by calling it at points nearby: what a gradient is measured against.

    φ(s) = Σ upstream · outputs(inputs + s v)

Five points, whose error goes with the fourth power of their distance; near a kink, such as a ReLU's, points so close
that hardly ever one lies between them; and where a function takes complex numbers, the imaginary part of φ(i e) / e
(Squire & Trapp 1998), which subtracts nothing and so is exact to the last digit.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from numnet.check.subject import Arrays, Subject
from numnet.checkpoint import to_numpy
from numnet.operation import Array

DISTANCE, FINER, TINY = 1e-5, 1e-7, 1e-30


def outputs_at(subject: Subject, direction: Mapping[str, Array], s: Any) -> Arrays:
    """The outputs at inputs and parameters moved by s along the direction."""
    params = {name: p + s * direction[name] for name, p in subject.params.items() if name in direction}
    inputs = {name: x + s * direction[name] if name in direction else x for name, x in subject.inputs.items()}
    return subject.run(inputs, params)[0]


class Points:
    """The outputs at five points along a direction: 0, where they may be known, ±e, ±2e."""

    def __init__(self, subject: Subject, direction: Mapping[str, Array], e: float, here: Arrays | None = None) -> None:
        self.at = {k: outputs_at(subject, direction, k * e) for k in (1, -1, 2, -2)}
        self.at[0], self.e = outputs_at(subject, direction, 0) if here is None else here, e

    @property
    def slope(self) -> Arrays:
        """(8 (y(e) - y(-e)) - (y(2e) - y(-2e))) / 12e"""
        y = self.at
        return {n: (8 * (y[1][n] - y[-1][n]) - (y[2][n] - y[-2][n])) / (12 * self.e) for n in y[0]}

    @property
    def bends(self) -> Arrays:
        """Where the slopes to either side of a point, 0 or ±e, are not alike: there a kink lies between."""
        bent = {}
        for name in self.at[0]:
            row = [self.at[k][name] for k in (-2, -1, 0, 1, 2)]
            slopes = [(b - a) / self.e for a, b in itertools.pairwise(row)]
            size = 1 + sum(np.abs(slope) for slope in slopes)
            bent[name] = np.max([np.abs(b - a) for a, b in itertools.pairwise(slopes)], axis=0) > 1e-2 * size
        return bent


def slope(subject: Subject, direction: Mapping[str, Array], e: float = DISTANCE) -> Arrays:
    """The slope of every output along the direction, from five points."""
    return Points(subject, direction, e).slope


def complex_slope(subject: Subject, direction: Mapping[str, Array]) -> Arrays | None:
    """The same to the last digit, where the function takes complex numbers; else None."""
    if subject.params or not isinstance(subject.thing, tuple):
        return None  # an Operation refuses complex numbers, as it should
    inputs = {name: x + 1j * TINY * direction[name] if name in direction else x for name, x in subject.inputs.items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            outputs = {name: np.asarray(y) for name, y in subject.call(subject.thing, inputs)[0].items()}
    except Exception:  # whatever a function of real numbers does with others
        return None
    if any(y.dtype.kind != "c" for y in outputs.values()):
        return None
    return {name: y.imag / TINY for name, y in outputs.items()}


def along(
    subject: Subject, upstream: Mapping[str, Array], direction: Mapping[str, Array], promised: float, scale: float
) -> float:
    """The slope of φ along the direction: of several ways to find it, what comes nearest to what is promised.

    A way that is less exact than another errs; none errs towards the promise.
    """
    coarse = dot(upstream, slope(subject, direction))
    analytic = complex_slope(subject, direction)
    if analytic is not None and abs(dot(upstream, analytic) - coarse) < 1e-5 * scale:
        return dot(upstream, analytic)
    if abs(coarse - promised) <= 1e-8 * scale:
        return coarse
    finer = dot(upstream, slope(subject, direction, FINER))
    return min(coarse, finer, key=lambda found: abs(found - promised))


def jacobian(subject: Subject, name: str, picked: Array) -> Iterator[tuple[int, Arrays]]:
    """The slope of every output by each picked number of one tensor."""
    at, here = subject.value(name), subject.run(subject.inputs)[0]
    for k in picked:
        unit = np.zeros(at.size)
        unit[k] = 1
        direction = {name: unit.reshape(at.shape)}
        exact = complex_slope(subject, direction)
        yield int(k), exact if exact is not None else smooth(subject, direction, here)
    subject.run(subject.inputs, subject.params)


def smooth(subject: Subject, direction: Mapping[str, Array], here: Arrays) -> Arrays:
    """Five points; closer ones, where a kink lies between them; NaN, where the function bends at the point itself."""
    points = Points(subject, direction, DISTANCE, here)
    if not any(bent.any() for bent in points.bends.values()):
        return points.slope
    finer = Points(subject, direction, FINER, here)
    return {name: np.where(finer.bends[name], np.nan, y) for name, y in finer.slope.items()}


def dot(upstream: Mapping[str, Array], arrays: Mapping[str, Any]) -> float:
    """Σ over all outputs."""
    return float(sum(np.sum(upstream[name] * np.real(to_numpy(y))) for name, y in arrays.items()))
