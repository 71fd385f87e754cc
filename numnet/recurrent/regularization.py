"""What is done to the state between steps, as functions of a value with their backward passes; and their masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Parts = tuple[Any, ...]


def zoneout(new: Parts, state: Parts, k: Parts) -> Parts:
    """h = h_new + k ⊙ (h' - h_new)  (1), for each part of the state that has a k: truth values, or their mean."""
    return tuple(q if k_q is None else zoned_out(q, q_prev, k_q) for q, q_prev, k_q in zip(new, state, k))


def zoned_out(new: Array, state: Array, k: Any) -> Array:
    """(1) of one part; exactly h' or h_new where k is a truth value."""
    return np.where(k, state, new) if k.dtype == bool else new + k * (state - new)


def zoneout_backward(dy: Any, d_state: Parts, k: Parts, reads_out: bool) -> tuple[Any, Parts, Parts]:
    """dy and the gradients of h_new, dh_new = (1 - k) ⊙ dh  (1), and of h', k ⊙ dh  (1).

    The output of a node is h itself, so its gradient passes through (1) too, unless the node reads out another one.
    """
    if not reads_out:
        dy, d_state = 0, (dy + d_state[0], *d_state[1:])
    d_kept = tuple(0 if k_q is None else k_q * dq for k_q, dq in zip(k, d_state))
    return dy, tuple(dq - kept for dq, kept in zip(d_state, d_kept)), d_kept
