"""Dropout masks, drawn by numpy from (seed, call, place), so that both backends drop the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

STATE, WEIGHTS, ZONEOUT = 1, 2, 3  # places of a recurrent layer; zoneout has one for each part of the state


def mask(p: float, shape: tuple[int, ...], *drawn_from: int) -> npt.NDArray[Any]:
    """Draw a mask that is True with probability 1 - p."""
    return np.random.default_rng(drawn_from).random(shape, dtype=np.float32) >= p
