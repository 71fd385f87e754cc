"""Validation of the options of optimizers: parameter groups, schedules, saved states."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping
from typing import Any

from numnet.core.checks.training import check_amounts, shown
from numnet.core.checks.values import check_positive
from numnet.core.show import text


def check_groups(who: str, groups: Any) -> Any:
    """Return groups as pairs; TypeError for anything but a dictionary or a list of pairs."""
    pairs = isinstance(groups, (list, tuple)) and all(isinstance(each, (list, tuple)) for each in groups)
    if not pairs or not all(len(each) == 2 for each in groups):
        remedy = 'Pass {"layers.0": {"learning_rate": 1e-4}}.'
        if isinstance(groups, (list, tuple)) and any(isinstance(each, Mapping) for each in groups):
            remedy = "PyTorch's dictionary with params becomes a pair: (part, {option: value})."
        raise TypeError(
            f"{who}: groups is {shown(groups)}, expected a dictionary from parts or names to options, or a list of "
            f"such pairs. {remedy}"
        )
    return groups


def check_group(who: str, name: str, parts: Any, options: Any, of_all: Iterable[str]) -> None:
    """Check that a group has parts or names, and a dictionary of options that a group can have."""
    for part in parts:
        if not isinstance(part, str) and not hasattr(part, "freeze") and not hasattr(part, "parameters"):
            raise TypeError(f"{who}: groups has the key {shown(part)}, expected a part of the model, or a name.")
    if not isinstance(options, Mapping) or not options:
        raise TypeError(
            f"{who}: the options of group {name!r} are {shown(options)}, expected a dictionary of at least one. "
            'Pass {"learning_rate": 1e-4}.'
        )
    if hasattr(options.get("learning_rate"), "observe"):
        raise ValueError(
            f"{who}: group {name!r} has the learning_rate {text(options['learning_rate'])}, expected a number or a "
            "function of the step. Give it to the optimizer: it scales the rates of all groups."
        )
    for option in of_all:
        if option in options:
            raise ValueError(
                f"{who}: group {name!r} has {option}, expected options of an update. Give {option} to the optimizer: "
                "it is for all parameters."
            )


def check_in_model(who: str, part: Any, count: int, found: int, params: Iterable[str]) -> None:
    """Check that a part of a group has parameters, all of them in the model."""
    if not count or found < count:
        got = "has no parameters" if not count else "is not in the model"
        raise ValueError(
            f"{who}: groups has a part, {text(part)}, that {got}, expected parts of the model, or names: "
            f"{', '.join(params)}."
        )


def check_once(who: str, name: str, before: int, names: list[str], number: int) -> None:
    """Check that a parameter is in one group only."""
    if before:
        raise ValueError(
            f"{who}: {name} is in two groups, {names[before - 1]!r} and {names[number - 1]!r}, expected at most one "
            "for each parameter."
        )


def check_rate_of_group(who: str, name: str, schedule: Any) -> None:
    """Check that the schedule of an optimizer has a rate, to which the rate of a group is in a ratio."""
    if not hasattr(schedule, "learning_rate"):
        raise ValueError(
            f"{who}: group {name!r} has a number as learning_rate, and the optimizer the function {text(schedule)}, "
            "expected a number or a schedule with a learning_rate, to which the group's has a ratio. Give the group a "
            "function, too."
        )


def check_counts(who: str, name: str, counts: Any) -> None:
    """Check that an array of a saved state has whole numbers, 0 or more."""
    if counts.dtype.kind not in "iu" or (counts < 0).any():
        raise ValueError(f"{who}: {name} is {text(counts.tolist())}, expected whole numbers, 0 or more.")


def check_nesterov(who: str, nesterov: bool, momentum: float, dampening: float) -> None:
    """Check that Nesterov's momentum has a momentum, and no dampening."""
    if nesterov and (not momentum or dampening):
        raise ValueError(
            f"{who}: nesterov is True with momentum = {momentum!r} and dampening = {dampening!r}, expected a momentum "
            "above 0 and no dampening."
        )


def check_observed(who: str, value: Any) -> float:
    """Return the value that a schedule observes as a float, NaN included; TypeError for anything but a number."""
    value = value.item() if getattr(value, "shape", None) == () else value
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{who}: value is {shown(value)}, expected a number, such as the validation loss.")
    return float(value)


def check_observable(who: str, schedule: Any, column: str, mode: str, columns: Iterable[str]) -> None:
    """Check that a run has the value that its schedule observes, and that both call the same direction better."""
    if not hasattr(schedule, "observe"):
        return
    if column not in columns:
        raise ValueError(
            f"{who}: the learning rate is {text(schedule)}, which observes {column}, expected validation data. Pass "
            'validation=, or monitor="train_loss".'
        )
    if getattr(schedule, "mode", mode) != mode:
        raise ValueError(
            f"{who}: the learning rate is {text(schedule)}, which observes {column}, expected mode={mode!r}. Create it "
            "with that mode."
        )


def check_state_of_schedule(who: str, schedule: Any, expected: Iterable[str], given: Iterable[str]) -> None:
    """Check that a saved state has that of the schedule, and of no other."""
    ours, theirs = sorted(expected), sorted(given)
    if ours != theirs:
        raise ValueError(
            f"{who}: the state of the schedule has {', '.join(theirs) or 'nothing'}, expected "
            f"{', '.join(ours) or 'nothing'}, for {text(schedule)}. Create the optimizer with the schedule of that run."
        )


def check_lbfgs(
    who: str, rate: float, iterations: int, evaluations: int | None, size: int, **tolerances: float
) -> None:
    """Check the ranges of the options of L-BFGS."""
    check_positive(who, learning_rate=rate, max_iter=iterations, max_eval=evaluations, history_size=size)
    check_amounts(who, **tolerances)


def check_closure(who: str, closure: Any) -> None:
    """Check for a function without arguments."""
    if not callable(closure):
        raise TypeError(
            f"{who}: closure is {shown(closure)}, expected a function without arguments that returns the loss. Call "
            "optimizer.step(model, lambda: model.loss_and_grads(x, target))."
        )


def check_first_loss(who: str, loss: float, finite: bool) -> None:
    """Check that the loss and its gradient are finite, before anything changes."""
    if not math.isfinite(loss) or not finite:
        raise FloatingPointError(
            f"{who}: the loss is {loss} before the step, expected it and its gradient to be finite. Look for nan "
            "and very large values in the data."
        )
