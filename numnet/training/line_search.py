"""A line search for L-BFGS: a step t along a direction that satisfies the strong Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from numnet.core.operation import Array

C1, C2 = 1e-4, 0.9  # of the two conditions


class Point(NamedTuple):
    """A point x + t d of the line: t, the loss L(t), the gradient, and L'(t), its product with d."""

    t: float
    loss: float
    gradient: Array
    slope: float


def strong_wolfe(
    at: Callable[[float], Point], start: Point, t: float, width: float, tolerance: float, limit: int
) -> tuple[Point, int]:
    """Return a point that satisfies both conditions, and the number of points that were computed, at most limit + 1.

        L(t) ≤ L(0) + c₁ t L'(0)      (1)   the loss falls enough
        |L'(t)| ≤ c₂ |L'(0)|          (2)   the slope is flat enough

    The first loop brackets such a point, the second narrows the bracket (Nocedal & Wright 2006, algorithms 3.5 and 3.6,
    with the safeguards of PyTorch). If there is none within the limit, it is the best point so far. `width` is max |d|.
    """
    previous, new, n = start, at(t), 0
    while n < limit:
        if falls_too_little(start, new) or (n > 1 and new.loss >= previous.loss):  # (1)
            ends = [previous, new]
            break
        if is_flat(start, new):  # (2)
            return new, n + 1
        if new.slope >= 0:
            ends = [previous, new]
            break
        t = cubic_minimum(previous, new, new.t + 0.01 * (new.t - previous.t), 10 * new.t)
        previous, new, n = new, at(t), n + 1
    else:
        ends = [start, new]
    return narrowed(at, start, ends, width, tolerance, n, limit)


def narrowed(
    at: Callable[[float], Point], start: Point, ends: list[Point], width: float, tolerance: float, n: int, limit: int
) -> tuple[Point, int]:
    """Narrow a bracket until its lower end satisfies both conditions; return that end, and the number of points."""
    low, slow = lower_of(ends), False
    while n < limit and abs(ends[1].t - ends[0].t) * width >= tolerance:
        t, slow = inside(ends, slow)
        new, high, n = at(t), 1 - low, n + 1
        if falls_too_little(start, new) or new.loss >= ends[low].loss:  # (1)
            ends[high] = new
            low = lower_of(ends)
            continue
        if is_flat(start, new):  # (2)
            return new, n + 1
        if new.slope * (ends[high].t - ends[low].t) >= 0:
            ends[high] = ends[low]
        ends[low] = new
    return ends[low], n + 1


def falls_too_little(start: Point, new: Point) -> bool:
    """Whether (1) does not hold."""
    return new.loss > start.loss + C1 * new.t * start.slope


def is_flat(start: Point, new: Point) -> bool:
    """Whether (2) holds."""
    return abs(new.slope) <= -C2 * start.slope


def lower_of(ends: list[Point]) -> int:
    """Return which end of a bracket has the lower loss."""
    return 0 if ends[0].loss <= ends[1].loss else 1


def inside(ends: list[Point], slow: bool) -> tuple[float, bool]:
    """Return a step inside a bracket, and whether it is close to an end; a second such step is moved away from it."""
    lower, upper = sorted((ends[0].t, ends[1].t))
    t, margin = cubic_minimum(ends[0], ends[1], lower, upper), 0.1 * (upper - lower)
    if min(upper - t, t - lower) >= margin:
        return t, False
    if not slow and lower < t < upper:
        return t, True
    return (upper - margin if abs(t - upper) < abs(t - lower) else lower + margin), False


def cubic_minimum(one: Point, other: Point, lower: float, upper: float) -> float:
    """Return the minimum of the cubic through two points with their slopes, within bounds; else their middle.

    δ = L'₁ + L'₂ - 3 (L₁ - L₂) / (t₁ - t₂),  t = t₂ - (t₂ - t₁) (L'₂ + √(δ² - L'₁ L'₂) - δ) / (L'₂ - L'₁ + 2 √...)
    """
    delta = one.slope + other.slope - 3 * (one.loss - other.loss) / (one.t - other.t)
    square = delta**2 - one.slope * other.slope
    if not square >= 0:
        return (lower + upper) / 2
    root, (a, b) = math.sqrt(square), (one, other) if one.t <= other.t else (other, one)
    t = b.t - (b.t - a.t) * ((b.slope + root - delta) / (b.slope - a.slope + 2 * root))
    return min(max(t, lower), upper)
