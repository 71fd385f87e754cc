"""Derivatives by finite differences: the values that gradients are compared with.

    φ(s) = Σ upstream · outputs(inputs + s v)

Five points, with an error proportional to the fourth power of their distance. Near a kink, as in ReLU, the points are
so close that a kink rarely lies between them. If a function accepts complex numbers, the imaginary part of φ(i e) / e
(Squire & Trapp 1998): it subtracts nothing and is exact to the last digit.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from numnet.check.engine.probe import Probe
from numnet.check.engine.subject import Arrays, Subject
from numnet.core.arrays import to_numpy
from numnet.core.operation import Array

DISTANCE, FINER, TINY = 1e-5, 1e-7, 1e-30  # distances of the points, relative to the numbers that are varied
SAFE = 30  # times the difference of two estimates: they may be close by chance
KINKED = 1e-7  # relative to a derivative: if less certain than this, a kink may lie between the points
BENT = 1e-2  # relative to the steepest derivative: a larger jump from one side of a point to the other is a kink


def outputs_at(subject: Subject, direction: Mapping[str, Array], s: Any) -> Arrays:
    """Return the outputs at inputs and parameters moved by s along the direction."""
    params = {name: p + s * direction[name] for name, p in subject.params.items() if name in direction}
    inputs = {name: x + s * direction[name] if name in direction else x for name, x in subject.inputs.items()}
    return subject.run(inputs, params)[0]


class Points:
    """The outputs at five points along a direction: 0, which is already evaluated, ±e, ±2e."""

    def __init__(self, probe: Probe, direction: Mapping[str, Array], e: float) -> None:
        self.at = {k: outputs_at(probe.subject, direction, k * e) for k in (1, -1, 2, -2)}
        self.at[0], self.e = probe.outputs, e

    @property
    def derivative(self) -> Arrays:
        """(8 (y(e) - y(-e)) - (y(2e) - y(-2e))) / 12e"""
        y = self.at
        return {n: (8 * (y[1][n] - y[-1][n]) - (y[2][n] - y[-2][n])) / (12 * self.e) for n in y[0]}

    def uncertainty(self, upstream: Mapping[str, Array]) -> float:
        """Return the difference between the derivatives of φ from ±e and from ±2e: an estimate of their error."""
        near, far = ({n: (self.at[k][n] - self.at[-k][n]) / (2 * k * self.e) for n in self.at[0]} for k in (1, 2))
        return abs(dot(upstream, near) - dot(upstream, far))

    @property
    def bends(self) -> Arrays:
        """Where the derivatives on the two sides of a point, 0 or ±e, differ: a kink lies there."""
        derivatives = {}
        for name in self.at[0]:
            row = [self.at[k][name] for k in (-2, -1, 0, 1, 2)]
            derivatives[name] = np.array([(b - a) / self.e for a, b in itertools.pairwise(row)])
        steep = BENT * max(float(np.abs(each).max(initial=0)) for each in derivatives.values())
        return {name: np.abs(np.diff(each, axis=0)).max(axis=0) > steep for name, each in derivatives.items()}

    @property
    def bend(self) -> bool:
        """Whether any output has a kink."""
        return any(bool(bent.any()) for bent in self.bends.values())


def distance(value: Array, e: float) -> float:
    """Return the distance for numbers of this size."""
    return e * (float(np.sqrt(np.mean(value * value))) if np.any(value) else 1.0)


def noise(probe: Probe, h: float) -> float:
    """Return the rounding error of a difference of φ, divided by the distance."""
    pairs = [(u, probe.outputs[name]) for name, u in probe.upstream.items()]
    terms = [np.sum(np.abs(u) * (np.abs(y) + np.sqrt(np.mean(y * y)))) for u, y in pairs if y.size]
    return 20 * float(np.finfo(float).eps) * float(sum(terms)) / h


def complex_step(subject: Subject, direction: Mapping[str, Array]) -> Arrays | None:
    """Return the derivative exact to the last digit if the function accepts complex numbers, else None."""
    if subject.params or not isinstance(subject.thing, tuple):
        return None  # Operations reject complex numbers
    inputs = {name: x + 1j * TINY * direction[name] if name in direction else x for name, x in subject.inputs.items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            outputs = {name: np.asarray(y) for name, y in subject.call(subject.thing, inputs)[0].items()}
    except Exception:  # a function of real numbers may fail in any way
        return None
    if any(y.dtype.kind != "c" for y in outputs.values()):
        return None
    return {name: y.imag / TINY for name, y in outputs.items()}


def along(probe: Probe, name: str, v: Array) -> tuple[float, float, bool]:
    """Return the derivative of φ along a direction in one tensor, its uncertainty, and whether there is a kink."""
    at, exact = probe.subject.value(name), complex_step(probe.subject, {name: v})
    h = distance(at, DISTANCE)
    points = Points(probe, {name: v}, h)
    found = dot(probe.upstream, points.derivative)
    if exact is not None and abs(dot(probe.upstream, exact) - found) < 1e-5 * (1 + abs(found)):
        return dot(probe.upstream, exact), noise(probe, 1e3 * h), False
    uncertainty = noise(probe, h) + SAFE * points.uncertainty(probe.upstream)
    if uncertainty <= KINKED * abs(found):
        return found, uncertainty, False
    h = distance(at, FINER)
    points = Points(probe, {name: v}, h)
    finer = noise(probe, h) + SAFE * points.uncertainty(probe.upstream)
    return (dot(probe.upstream, points.derivative), finer, True) if finer < uncertainty else (found, uncertainty, True)


def jacobian(probe: Probe, name: str, picked: Array) -> Iterator[Arrays]:
    """Yield the derivatives of every output with respect to each picked number of one tensor."""
    at = probe.subject.value(name)
    for k in picked:
        unit = np.zeros(at.size)
        unit[k] = 1
        direction = {name: unit.reshape(at.shape)}
        exact = complex_step(probe.subject, direction)
        yield exact if exact is not None else smooth(probe, direction, at)


def smooth(probe: Probe, direction: Mapping[str, Array], at: Array) -> Arrays:
    """Return the derivatives from five points, from closer ones if a kink lies between them, NaN at a kink itself."""
    points = Points(probe, direction, distance(at, DISTANCE))
    if points.bend:
        points = Points(probe, direction, distance(at, FINER))
    finite = {name: np.where(np.isfinite(y), y, np.inf) for name, y in points.derivative.items()}
    return {name: np.where(bent, np.nan, finite[name]) for name, bent in points.bends.items()}


def dot(upstream: Mapping[str, Array], arrays: Mapping[str, Any]) -> float:
    """Return Σ upstream · arrays over all outputs."""
    return float(sum(np.sum(upstream[name] * np.real(to_numpy(y))) for name, y in arrays.items()))
