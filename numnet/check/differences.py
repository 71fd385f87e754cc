"""The slope of a function by calling it at points nearby: what a gradient is measured against.

    φ(s) = Σ upstream · outputs(inputs + s v)

Five points, whose error goes with the fourth power of their distance; near a kink, such as a ReLU's, points so close
that hardly ever one lies between them; and where a function takes complex numbers, the imaginary part of φ(i e) / e
(Squire & Trapp 1998), which subtracts nothing and so is exact to the last digit.
"""

from __future__ import annotations

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


def points(subject: Subject, direction: Mapping[str, Array], e: float) -> tuple[Arrays, Arrays]:
    """The difference of the outputs at e and -e, divided by 2e; and likewise at 2e. Slopes both, if nothing bends."""
    at = {k: outputs_at(subject, direction, k * e) for k in (1, -1, 2, -2)}
    subject.run(subject.inputs, subject.params)
    near = {name: (y - at[-1][name]) / (2 * e) for name, y in at[1].items()}
    return near, {name: (y - at[-2][name]) / (4 * e) for name, y in at[2].items()}


def slope(subject: Subject, direction: Mapping[str, Array], e: float = DISTANCE) -> Arrays:
    """The slope of every output along the direction, from five points."""
    near, far = points(subject, direction, e)
    return {name: (4 * y - far[name]) / 3 for name, y in near.items()}


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
    at = subject.value(name)
    for k in picked:
        unit = np.zeros(at.size)
        unit[k] = 1
        direction = {name: unit.reshape(at.shape)}
        exact = complex_slope(subject, direction)
        yield int(k), exact if exact is not None else smooth(subject, direction)


def smooth(subject: Subject, direction: Mapping[str, Array]) -> Arrays:
    """Five points; where a kink lies between them, closer ones."""
    near, far = points(subject, direction, DISTANCE)
    if any((np.abs(y - far[name]) > 1e-5 * (1 + np.abs(y))).any() for name, y in near.items()):
        return slope(subject, direction, FINER)
    return {name: (4 * y - far[name]) / 3 for name, y in near.items()}


def dot(upstream: Mapping[str, Array], arrays: Mapping[str, Any]) -> float:
    """Σ over all outputs."""
    return float(sum(np.sum(upstream[name] * np.real(to_numpy(y))) for name, y in arrays.items()))
