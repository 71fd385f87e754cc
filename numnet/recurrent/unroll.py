"""Backpropagation through time: a node's step for every time step, then step_backward in reverse order.

    y_t, state_t, saved_t = step(a_x_t, *state_{t-1})                            t = 1, ..., T
    da_x_t, d_state_{t-1}, pairs_t = step_backward(dy_t, *d_state_t, saved_t)    t = T, ..., 1
    dW_h = Σ_t of the products of the pairs; dx, dW_x, db from the da_x of all steps

Step t + 1 has returned d_state_t; step t calls it dh_next (and dc_next). That of the last step is an argument.

It runs every node with every option. Each change between two steps is one line, forward and backward:

    padding    state = state'     at a step that is not real: the state is unchanged, and the output is 0
    resets     state' = h_0       where a sequence begins: earlier steps are not read, and the gradient stops
    zoneout    h = h_new + k ⊙ (h' - h_new)     where k is 1 a unit keeps its state (Krueger et al. 2016)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.checks import check_a_x, check_first_step, check_pairs, check_parts_of_state, check_results
from numnet.core.pairs import summed

Array = npt.NDArray[Any]
Parts = tuple[Any, ...]  # of a state: (h,), or an LSTM's (h, c)


@dataclass
class Steps:
    """The order of the steps, and the changes of the state between two steps."""

    mask: Array | None = None  # (T, B), True where a step is real; None: everywhere
    reverse: bool = False
    continues: Array | None = None  # (T, B), False where the state is h_0 before the step; None: nowhere
    h_0: Parts = ()  # the parts of that state, (H, 1) or 0
    zoneout: Parts = ()  # k for each part of the state: (T, H, B), a number, or None
    options: dict[str, Array] = field(default_factory=dict)  # of a step: "drop", (H, B), the mask of state dropout
    record: Any = None  # of a call of which each step is stored: record.py

    def order(self, T: int) -> range:
        """Return the steps in processing order."""
        return range(T)[:: -1 if self.reverse else 1]


ALL = Steps()


def forward(node: Any, x: Array, state: Parts, steps: Steps = ALL) -> tuple[Array, Parts, Any]:
    """x (T, D, B) or tokens (T, B), and the start state → y (T, O, B), the last state, the saved values."""
    a_x, T, options = node.inputs(x), len(x), steps.options
    check_a_x(node, a_x, T)
    node = node if steps.record is None else steps.record.begin(node, steps)
    y: list[Any] = [None] * T
    saved: list[Any] = [None] * T
    first = steps.order(T)[0]
    some: Any = None if steps.mask is None else steps.mask.any(axis=0)
    start, state = state, where(some, state, 0)  # a row without a real step does not read its state, even if NaN
    for t in steps.order(T):
        real = at(steps.mask, t)
        state = where(at(steps.continues, t), state, steps.h_0)
        found = node.step(at(a_x, t), *state, **options)
        y_t, new, saved[t] = check_results(node, "step", found, "y, state, saved")
        check_parts_of_state(node, "step", "new state", new)
        if t == first:
            check_first_step(node, y_t, new, state)
        if steps.zoneout:
            new = zoneout(new, state, at(steps.zoneout, t))
            y_t = y_t if node.reads_out else new[0]
        if steps.record is not None:
            y_t, new = steps.record.after(t, y_t, new)
        (y[t],) = where(real, (y_t,), (0,))
        state = where(real, new, state)
    state = where(some, state, start)
    return np.stack(y), state, (x, steps, saved)


def backward(node: Any, dy: Array, d_state: Parts, saved: Any) -> tuple[Any, Parts, dict[str, Any], Parts]:
    """Return dx, and the gradients of the start state, of the parameters, and of h_0."""
    x, steps, saved = saved
    T, options, terms = len(x), steps.options, dict[str, list[Any]]()
    da_x: list[Any] = [None] * T
    d_0: Parts = (0,) * len(d_state)
    for t in reversed(steps.order(T)):
        real, continues = at(steps.mask, t), at(steps.continues, t)
        (dy_t,), d_new = where(real, (dy[t],), 0), where(real, d_state, 0)
        if steps.record is not None:
            steps.record.before_backward(t, dy_t, d_new)
        if steps.zoneout:
            dy_t, d_new, d_kept = zoneout_backward(dy_t, d_new, at(steps.zoneout, t), node.reads_out)
        found = node.step_backward(dy_t, *d_new, saved[t], **options)
        da_x[t], d_prev, pairs = check_results(node, "step_backward", found, "da_x, d_state, pairs")
        check_parts_of_state(node, "step_backward", "gradient of the previous state", d_prev)
        if steps.zoneout:
            d_prev = tuple(dq + kept for dq, kept in zip(d_prev, d_kept))
        if continues is not None:
            d_0 = tuple(total + np.where(continues, 0, dq) for total, dq in zip(d_0, d_prev))
            d_prev = where(continues, d_prev, 0)
        d_state = where(real, d_prev, d_state)
        if not terms:
            check_pairs(node, pairs)
        for name, pair in pairs.items():
            terms.setdefault(name, []).append(pair)
    dx, grads = node.inputs_backward(stacked(da_x), x)
    return dx, d_state, {**grads, **{name: summed(pairs) for name, pairs in terms.items()}}, d_0


def zoneout(new: Parts, state: Parts, k: Parts) -> Parts:
    """h = h_new + k ⊙ (h' - h_new)  (1), for each part of the state that has a k: truth values, or their mean."""
    return tuple(q if k_q is None else zoned_out(q, q_prev, k_q) for q, q_prev, k_q in zip(new, state, k))


def zoned_out(new: Array, state: Array, k: Any) -> Array:
    """(1) of one part; exactly h' or h_new where k is a truth value."""
    return new + k * (state - new) if isinstance(k, float) else np.where(k, state, new)


def zoneout_backward(dy: Any, d_state: Parts, k: Parts, reads_out: bool) -> tuple[Any, Parts, Parts]:
    """dy and the gradients of h_new, dh_new = (1 - k) ⊙ dh  (1), and of h', k ⊙ dh  (1).

    The output of a node is h itself, so its gradient passes through (1) too, unless the node reads out another one.
    """
    if not reads_out:
        dy, d_state = 0, (dy + d_state[0], *d_state[1:])
    d_kept = tuple(0 if k_q is None else k_q * dq for k_q, dq in zip(k, d_state))
    return dy, tuple(dq - kept for dq, kept in zip(d_state, d_kept)), d_kept


def at(q: Any, t: int) -> Any:
    """q[t]; a tuple part by part; None and a single number unchanged."""
    if isinstance(q, tuple):
        return tuple(at(part, t) for part in q)
    return q[t] if getattr(q, "ndim", 0) else q


def stacked(steps: Sequence[Any]) -> Any:
    """Stack all steps: the inverse of `at`."""
    return tuple(map(np.stack, zip(*steps))) if isinstance(steps[0], tuple) else np.stack(steps)


def where(condition: Array | None, new: Parts, old: Any) -> Parts:
    """new where the condition (B,) is true, else old, part by part; without a condition new."""
    if condition is None:
        return new
    old = old if isinstance(old, tuple) else (old,) * len(new)
    return tuple(np.where(condition, q, q_prev) for q, q_prev in zip(new, old))


def columns(q: Any) -> Any:
    """(B, ...) as (..., B): a column is a sample; each part of a tuple; None and a number unchanged.

    A copy in row-major order, as the node's arrays are: numpy is fastest if all operands have the same order.
    """
    if isinstance(q, tuple):
        return tuple(map(columns, q))
    return np.array(q.transpose(*range(1, q.ndim), 0), order="C") if isinstance(q, np.ndarray) else q
