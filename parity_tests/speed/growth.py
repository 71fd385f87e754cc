"""How time grows with T, B and H: the exponent of the power that fits four doublings best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from parity_tests.speed.layers import Size, layer_runs
from parity_tests.speed.timing import Figures, alternate

BASE: Size = (16, 32, 64, 256)
AXES = {"T": 0, "B": 1, "H": 3}
SMALLEST = {"T": 16, "B": 8, "H": 64}


def sizes(axis: str, doublings: int = 4) -> list[Size]:
    """BASE with one axis doubled again and again."""
    place = AXES[axis]
    grown = [SMALLEST[axis] * 2**k for k in range(doublings + 1)]
    return [tuple(n if k == place else size for k, size in enumerate(BASE)) for n in grown]  # type: ignore[misc]


def exponent(times: Sequence[float]) -> float:
    """p of time ~ size^p, by least squares over the logarithms."""
    return float(np.polyfit(range(len(times)), np.log2(times), 1)[0])


def growth(kind: str, axis: str) -> tuple[list[Size], list[Figures]]:
    """Forward and backward at each size."""
    grown = sizes(axis)
    return grown, [alternate(layer_runs(kind, size))[-1] for size in grown]
