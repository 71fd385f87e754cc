"""Learning rate schedules; an optimizer accepts a schedule in place of a number.

A schedule is a function of the number of steps already taken, so a resumed run needs only that number.
"""

from __future__ import annotations

import math
import numbers
from typing import Any

from numnet.core.checks import check_positive, validate_call
from numnet.core.show import Answering


class Schedule(Answering):
    """rate(step): the learning rate of step 0, 1, 2, ..."""

    def __init__(self) -> None:
        super().__init__()

    def __call__(self, step: int) -> float:
        raise NotImplementedError


class ConstantSchedule(Schedule):
    """rate(step) = learning_rate."""

    @validate_call
    def __init__(self, learning_rate: float) -> None:
        check_positive("ConstantSchedule", learning_rate=learning_rate)
        self.learning_rate = learning_rate

    def __call__(self, step: int) -> float:
        return self.learning_rate


class StepSchedule(Schedule):
    """rate(step) = learning_rate · factor^⌊step / every⌋."""

    @validate_call
    def __init__(self, learning_rate: float, every: int, factor: float = 0.1) -> None:
        check_positive("StepSchedule", learning_rate=learning_rate, every=every, factor=factor)
        self.learning_rate, self.every, self.factor = learning_rate, every, factor

    def __call__(self, step: int) -> float:
        return self.learning_rate * self.factor ** (step // self.every)


class ExponentialSchedule(Schedule):
    """rate(step) = learning_rate · factor^step."""

    @validate_call
    def __init__(self, learning_rate: float, factor: float) -> None:
        check_positive("ExponentialSchedule", learning_rate=learning_rate, factor=factor)
        self.learning_rate, self.factor = learning_rate, factor

    def __call__(self, step: int) -> float:
        return self.learning_rate * self.factor**step


class CosineSchedule(Schedule):
    """Linear warmup for `warmup` steps, then cosine decay to `final` at step `steps`.

    rate(step) = learning_rate · (step + 1) / warmup                                    step < warmup
               = final + (learning_rate - final) · (1 + cos(π p)) / 2                   after it
    with p = (step - warmup) / (steps - warmup), at most 1 (Loshchilov & Hutter 2017, without restarts).
    """

    @validate_call
    def __init__(self, learning_rate: float, steps: int, warmup: int = 0, final: float = 0.0) -> None:
        check_positive("CosineSchedule", learning_rate=learning_rate, steps=steps)
        if not 0 <= warmup < steps:
            raise ValueError(f"CosineSchedule: warmup is {warmup}, expected 0 or more and less than steps = {steps}.")
        self.learning_rate, self.steps, self.warmup, self.final = learning_rate, steps, warmup, final

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        p = min(1.0, (step - self.warmup) / (self.steps - self.warmup))
        return self.final + (self.learning_rate - self.final) * (1 + math.cos(math.pi * p)) / 2


SCHEDULES = {kind.__name__: kind for kind in (ConstantSchedule, StepSchedule, ExponentialSchedule, CosineSchedule)}


def as_schedule(who: str, learning_rate: Any) -> Any:
    """Convert a number to a ConstantSchedule; return a schedule, or any function of the step, unchanged.

    TypeError for anything else, such as a model.
    """
    if isinstance(learning_rate, numbers.Real) or getattr(learning_rate, "shape", None) == ():
        return ConstantSchedule(learning_rate)
    if callable(learning_rate) and not hasattr(learning_rate, "params"):
        return learning_rate
    raise TypeError(
        f"{who}: learning_rate is {type(learning_rate).__name__}, expected a number or a schedule. "
        f"Parameters? The model is given to each step: {who}(0.001), then optimizer.step(model)."
    )
