"""L-BFGS: steps along the gradient, corrected by a curvature that is estimated from the last steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numnet.core.assignment import Rechecked
from numnet.core.checks import all_frozen_error, check_built, check_choice, check_model, check_same_model, validate_call
from numnet.core.checks.groups import check_closure, check_first_loss, check_lbfgs
from numnet.core.operation import Array
from numnet.training.line_search import Point, strong_wolfe

BRACKET = 1e-9  # a line search ends when the bracket changes no parameter by more; torch.optim's, as is the next
CURVATURE = 1e-10  # yᵀs of an iteration that enters the memory: with yᵀs ≤ 0, H is not positive definite


class LBFGS(Rechecked):
    """Minimize a loss over all data at once by the limited-memory BFGS method (Liu & Nocedal 1989).

    `step(model, closure)` takes up to `max_iter` iterations. `closure` is a function without arguments that adds the
    gradients of the same data, and returns the loss: closure = lambda: model.loss_and_grads(x, target). It is called
    about `max_eval` times at most (1.25 max_iter if None), with cleared gradients, so the model should have no dropout.

    x is now the vector of all parameters, g its gradient. With s = x - x' and y = g - g' of the last `history_size`
    iterations and ρ = 1 / yᵀs, the direction is d = -H g:

        q ← -g;  for each s, y, from the last to the first: a = ρ sᵀq, q ← q - a y     (1)
        d ← (yᵀs / yᵀy) q with the last s, y                                           (2)
        for each s, y, from the first to the last: d ← d + (a - ρ yᵀd) s               (3)
        x ← x + t d                                                                    (4)

    line_search="strong_wolfe" finds t, starting from `learning_rate`; with None t is `learning_rate`, in the first
    iteration times min(1, 1 / ‖g‖₁). An iteration is the last if max |g| is at most `tolerance_grad`, or if the loss or
    all parameters change by less than `tolerance_change`. The memory is kept between calls of `step`, but not in a
    checkpoint. torchnet calls torch.optim.LBFGS, which this implementation follows step by step.
    """

    @validate_call
    def __init__(
        self,
        learning_rate: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search: str | None = "strong_wolfe",
    ) -> None:
        tolerances = {"tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change}
        check_lbfgs("LBFGS", learning_rate, max_iter, max_eval, history_size, **tolerances)
        check_choice("LBFGS", "line_search", line_search, ("strong_wolfe", None))
        self.learning_rate, self.max_iter, self.max_eval = learning_rate, max_iter, max_eval
        self.tolerance_grad, self.tolerance_change = tolerance_grad, tolerance_change
        self.history_size, self.line_search = history_size, line_search
        self.steps = self.iterations = self.evaluations = 0
        self.model: Any = None
        self.memory: list[tuple[Array, Array, float]] = []  # (s, y, ρ)
        self.last: Any = None  # s and g of the last iteration

    def step(self, model: Any = None, closure: Callable[[], Any] | None = None) -> float:
        """Take up to max_iter iterations. Return the loss before them."""
        check_model("LBFGS", model, "flat")
        check_built("LBFGS", model)
        check_same_model("LBFGS", self.model, model)
        check_closure("LBFGS", closure)
        trained = model.trained()
        if not any(trained):
            raise all_frozen_error("LBFGS", model.frozen)
        pairs = [(p, g) for _, _, p, g in model.runs([True if each else None for each in trained])]

        def evaluated(x: Array | None = None) -> tuple[float, Array]:
            """Return the loss and the gradient at these parameters."""
            if x is not None:
                move(model, pairs, x)
            model.zero_grad()
            loss = float(closure())  # type: ignore[misc]
            self.evaluations += 1
            return loss, np.concatenate([g.ravel() for _, g in pairs])

        loss, g = evaluated()
        check_first_loss("LBFGS", loss, bool(np.isfinite(g).all()))
        self.model, first = model, loss
        x = np.concatenate([p.ravel() for p, _ in pairs])
        if np.abs(g).max() > self.tolerance_grad:
            move(model, pairs, self.iterated(evaluated, x, loss, g))
        self.steps += 1
        return first

    def iterated(self, evaluated: Callable[..., tuple[float, Array]], x: Array, loss: float, g: Array) -> Array:
        """Return the parameters after the iterations that begin at x."""
        limit, used = self.max_eval or self.max_iter * 5 // 4, 1
        for k in range(1, self.max_iter + 1):
            d, t = self.direction(g), self.learning_rate
            t *= min(1.0, 1.0 / float(np.abs(g).sum())) if not self.iterations else 1.0
            self.iterations += 1
            slope, before = float(g @ d), loss
            if slope > -self.tolerance_change:
                self.last = None, g
                return x

            def at(t: float) -> Point:
                """Return a point of the line x + t d."""
                value, gradient = evaluated(x + x.dtype.type(t) * d)  # noqa: B023
                return Point(t, value, gradient, float(gradient @ d))  # noqa: B023

            previous, count = g, 0
            if self.line_search:
                start = Point(0.0, loss, g, slope)
                point, count = strong_wolfe(at, start, t, float(np.abs(d).max()), BRACKET, limit - used)
                loss, g, t = point.loss, point.gradient, point.t
            elif k < self.max_iter:
                point, count = at(t), 1
                loss, g = point.loss, point.gradient
            s = x.dtype.type(t) * d
            x, used, self.last = x + s, used + count, (s, previous)  # (4)
            if k == self.max_iter or used >= limit or np.abs(g).max() <= self.tolerance_grad:
                break
            if np.abs(s).max() <= self.tolerance_change or abs(loss - before) < self.tolerance_change:
                break
        return x

    def direction(self, g: Array) -> Array:
        """Return d = -H g, with the last step in the memory; -g in the first iteration."""
        if self.last is None:
            return -g
        s, previous = self.last
        y = g - previous
        if s is not None and float(y @ s) > CURVATURE:
            self.memory = [*self.memory, (s, y, 1.0 / float(y @ s))][-self.history_size :]
        q, factors = -g, []
        for s, y, rho in reversed(self.memory):
            factors.append(rho * float(s @ q))
            q = q - factors[-1] * y  # (1)
        if self.memory:
            s, y, rho = self.memory[-1]
            q = q / (rho * float(y @ y))  # (2)
        for (s, y, rho), a in zip(self.memory, reversed(factors)):
            q = q + (a - rho * float(y @ q)) * s  # (3)
        return q


def move(model: Any, pairs: list[tuple[Array, Array]], x: Array) -> None:
    """Set the parameters to the values of one vector."""
    stop = 0
    for p, _ in pairs:
        start, stop = stop, stop + p.size
        p[...] = x[start:stop].reshape(p.shape)
    model.count_change()
