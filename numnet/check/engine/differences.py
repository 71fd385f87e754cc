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

from numnet.check.engine.subject import Arrays, Asked, Subject
from numnet.core.arrays import to_numpy
from numnet.core.operation import Array

DISTANCE, FINER, TINY = 1e-5, 1e-7, 1e-30  # of points, relative to the numbers that are moved
SAFE = 30  # times as unsure as two slopes differ: one may come near the other by chance
KINKED = 1e-7  # of a slope: if it is less sure than this, a kink may lie between the points
BENT = 1e-2  # of the steepest slope: more than a smooth function's slopes differ by, to either side of a point


def outputs_at(subject: Subject, direction: Mapping[str, Array], s: Any) -> Arrays:
    """The outputs at inputs and parameters moved by s along the direction."""
    params = {name: p + s * direction[name] for name, p in subject.params.items() if name in direction}
    inputs = {name: x + s * direction[name] if name in direction else x for name, x in subject.inputs.items()}
    return subject.run(inputs, params)[0]


class Points:
    """The outputs at five points along a direction: 0, where they are known, ±e, ±2e."""

    def __init__(self, asked: Asked, direction: Mapping[str, Array], e: float) -> None:
        self.at = {k: outputs_at(asked.subject, direction, k * e) for k in (1, -1, 2, -2)}
        self.at[0], self.e = asked.outputs, e

    @property
    def slope(self) -> Arrays:
        """(8 (y(e) - y(-e)) - (y(2e) - y(-2e))) / 12e"""
        y = self.at
        return {n: (8 * (y[1][n] - y[-1][n]) - (y[2][n] - y[-2][n])) / (12 * self.e) for n in y[0]}

    def unsure(self, upstream: Mapping[str, Array]) -> float:
        """By how much φ's slope from ±e differs from that from ±2e: far less than this, nothing can be said."""
        near, far = ({n: (self.at[k][n] - self.at[-k][n]) / (2 * k * self.e) for n in self.at[0]} for k in (1, 2))
        return abs(dot(upstream, near) - dot(upstream, far))

    @property
    def bends(self) -> Arrays:
        """Where the slopes to either side of a point, 0 or ±e, are not alike: there a kink lies between."""
        slopes = {}
        for name in self.at[0]:
            row = [self.at[k][name] for k in (-2, -1, 0, 1, 2)]
            slopes[name] = np.array([(b - a) / self.e for a, b in itertools.pairwise(row)])
        steep = BENT * max(float(np.abs(each).max(initial=0)) for each in slopes.values())
        return {name: np.abs(np.diff(each, axis=0)).max(axis=0) > steep for name, each in slopes.items()}

    @property
    def bend(self) -> bool:
        """Whether any output bends."""
        return any(bool(bent.any()) for bent in self.bends.values())


def distance(value: Array, e: float) -> float:
    """How far to move numbers of this size."""
    return e * (float(np.sqrt(np.mean(value * value))) if np.any(value) else 1.0)


def noise(asked: Asked, h: float) -> float:
    """How exact a difference of φ can be: what rounding leaves unsure of it, divided by the distance."""
    pairs = [(u, asked.outputs[name]) for name, u in asked.upstream.items()]
    terms = [np.sum(np.abs(u) * (np.abs(y) + np.sqrt(np.mean(y * y)))) for u, y in pairs if y.size]
    return 20 * float(np.finfo(float).eps) * float(sum(terms)) / h


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


def along(asked: Asked, name: str, v: Array) -> tuple[float, float, bool]:
    """The slope of φ along a direction in one tensor; how exact that is; and whether φ bends on the way."""
    at, exact = asked.subject.value(name), complex_slope(asked.subject, {name: v})
    h = distance(at, DISTANCE)
    points = Points(asked, {name: v}, h)
    found = dot(asked.upstream, points.slope)
    if exact is not None and abs(dot(asked.upstream, exact) - found) < 1e-5 * (1 + abs(found)):
        return dot(asked.upstream, exact), noise(asked, 1e3 * h), False
    unsure = noise(asked, h) + SAFE * points.unsure(asked.upstream)
    if unsure <= KINKED * abs(found):
        return found, unsure, False
    h = distance(at, FINER)
    points = Points(asked, {name: v}, h)
    finer = noise(asked, h) + SAFE * points.unsure(asked.upstream)
    return (dot(asked.upstream, points.slope), finer, True) if finer < unsure else (found, unsure, True)


def jacobian(asked: Asked, name: str, picked: Array) -> Iterator[Arrays]:
    """The slope of every output by each picked number of one tensor."""
    at = asked.subject.value(name)
    for k in picked:
        unit = np.zeros(at.size)
        unit[k] = 1
        direction = {name: unit.reshape(at.shape)}
        exact = complex_slope(asked.subject, direction)
        yield exact if exact is not None else smooth(asked, direction, at)


def smooth(asked: Asked, direction: Mapping[str, Array], at: Array) -> Arrays:
    """Five points; closer ones, where a kink lies between them; NaN, where the function bends at the point itself."""
    points = Points(asked, direction, distance(at, DISTANCE))
    if points.bend:
        points = Points(asked, direction, distance(at, FINER))
    finite = {name: np.where(np.isfinite(y), y, np.inf) for name, y in points.slope.items()}
    return {name: np.where(bent, np.nan, finite[name]) for name, bent in points.bends.items()}


def dot(upstream: Mapping[str, Array], arrays: Mapping[str, Any]) -> float:
    """Σ over all outputs."""
    return float(sum(np.sum(upstream[name] * np.real(to_numpy(y))) for name, y in arrays.items()))
