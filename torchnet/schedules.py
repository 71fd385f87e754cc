"""Learning rates that change from step to step: they stand once, in numnet."""

from numnet.schedules import ConstantSchedule, CosineSchedule, ExponentialSchedule, Schedule, StepSchedule, as_schedule

__all__ = ["ConstantSchedule", "CosineSchedule", "ExponentialSchedule", "Schedule", "StepSchedule", "as_schedule"]
