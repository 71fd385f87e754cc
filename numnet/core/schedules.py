"""Learning rate schedules; an optimizer accepts a schedule in place of a number.

A schedule is a function of the number of steps already taken, so a resumed run needs only that number.
"""

from __future__ import annotations

import math
import numbers
from typing import Any

from numnet.core.checks import check_count, check_positive, check_size, validate_call
from numnet.core.checks.training import check_amounts, check_schedule
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
        check_count("ConstantSchedule", step=step)
        return self.learning_rate


class StepSchedule(Schedule):
    """rate(step) = learning_rate · factor^⌊step / every⌋."""

    @validate_call
    def __init__(self, learning_rate: float, every: int, factor: float = 0.1) -> None:
        check_positive("StepSchedule", learning_rate=learning_rate, every=every, factor=factor)
        check_size("StepSchedule", every=every)
        self.learning_rate, self.every, self.factor = learning_rate, every, factor

    def __call__(self, step: int) -> float:
        check_count("StepSchedule", step=step)
        return self.learning_rate * power(self.factor, step // self.every)


class ExponentialSchedule(Schedule):
    """rate(step) = learning_rate · factor^step."""

    @validate_call
    def __init__(self, learning_rate: float, factor: float) -> None:
        check_positive("ExponentialSchedule", learning_rate=learning_rate, factor=factor)
        self.learning_rate, self.factor = learning_rate, factor

    def __call__(self, step: int) -> float:
        check_count("ExponentialSchedule", step=step)
        return self.learning_rate * power(self.factor, step)


class CosineSchedule(Schedule):
    """Linear warmup for `warmup` steps, then cosine decay to `final` at step `steps`.

    rate(step) = learning_rate · (step + 1) / warmup                                    step < warmup
               = final + (learning_rate - final) · (1 + cos(π p)) / 2                   after it
    with p = (step - warmup) / (steps - warmup), at most 1 (Loshchilov & Hutter 2017, without restarts).
    """

    @validate_call
    def __init__(self, learning_rate: float, steps: int, warmup: int = 0, final: float = 0.0) -> None:
        check_positive("CosineSchedule", learning_rate=learning_rate, steps=steps)
        check_size("CosineSchedule", steps=steps)
        check_count("CosineSchedule", warmup=warmup)
        check_amounts("CosineSchedule", final=final)
        if warmup >= steps:
            raise ValueError(f"CosineSchedule: warmup is {warmup}, expected 0 or more and less than steps = {steps}.")
        self.learning_rate, self.steps, self.warmup, self.final = learning_rate, steps, warmup, final

    def __call__(self, step: int) -> float:
        check_count("CosineSchedule", step=step)
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        p = min(1.0, (step - self.warmup) / (self.steps - self.warmup))
        return self.final + (self.learning_rate - self.final) * (1 + math.cos(math.pi * p)) / 2


# Those that are functions of the step alone; a model that is saved may have one as teacher_forcing.
SCHEDULES = {kind.__name__: kind for kind in (ConstantSchedule, StepSchedule, ExponentialSchedule, CosineSchedule)}


def power(factor: float, exponent: int) -> float:
    """Return factor^exponent, or infinity if that overflows."""
    try:
        return float(factor) ** int(exponent)
    except OverflowError:
        return math.inf


def as_schedule(who: str, learning_rate: Any) -> Any:
    """Convert a number to a ConstantSchedule; return a schedule, or any function of the step, unchanged.

    TypeError for anything else, such as a model.
    """
    if getattr(learning_rate, "shape", None) == ():
        learning_rate = learning_rate.item()
    is_number = isinstance(learning_rate, numbers.Real) and not isinstance(learning_rate, bool)
    if is_number:
        check_positive(who, learning_rate=learning_rate)
        return ConstantSchedule(learning_rate)
    check_schedule(who, learning_rate)
    return learning_rate
