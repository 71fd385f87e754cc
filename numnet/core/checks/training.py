"""Validation of training: rates, gradients, and the parts of a Trainer."""

from __future__ import annotations

import inspect
import math
import numbers
from collections.abc import Iterable, Mapping
from typing import Any

from numnet.core.show import text

ROOTS = {"float32": 1.8e19, "float64": 1.3e154}  # of the largest number of a dtype


def shown(value: Any) -> str:
    """Return a value for an error message: a class by name, other values as one would type them."""
    return f"the class {value.__name__}" if isinstance(value, type) else text(value)


def backend_of(thing: Any) -> str | None:
    """Return "numnet", "torchnet" or "torch", in which the class of an object or one of its base classes is defined."""
    rooms = [base.__module__.partition(".")[0] for base in type(thing).__mro__]
    return next((name for name in ("torchnet", "numnet", "torch") if name in rooms), None)


def check_amounts(who: str, **amounts: Any) -> None:
    """Check for finite numbers, 0 or more."""
    for name, value in amounts.items():
        is_number = isinstance(value, numbers.Real)
        if not (is_number and 0 <= value < math.inf):
            raise ValueError(f"{who}: {name} is {text(value)}, expected a finite number, 0 or more.")


def check_limit(who: str, limit: Any) -> None:
    """Check the limit of a clipping function: a number, 0 or more; infinity clips nothing."""
    is_number = isinstance(limit, numbers.Real) and not isinstance(limit, bool)
    if not is_number:
        raise TypeError(f"{who}: limit is {shown(limit)}, expected a number, 0 or more.")
    if not limit >= 0:
        raise ValueError(f"{who}: limit is {limit!r}, expected a number, 0 or more.")


def check_finite_norm(who: str, norm: Any) -> None:
    """Check that a norm is a finite number; FloatingPointError for infinity or NaN."""
    if isinstance(norm, bool) or not isinstance(norm, numbers.Real):
        raise TypeError(f"{who}: norm is {shown(norm)}, expected a number, as global_norm returns it.")
    if norm < 0:
        raise ValueError(f"{who}: norm is {norm!r}, expected 0 or more. Leave it out, or pass global_norm(grads).")
    if not norm < math.inf:
        raise FloatingPointError(
            f"{who}: the norm of the gradients is {norm}, expected a finite number. A gradient is not finite, or the "
            "norm is too large for a float: skip this step."
        )


def check_rate(who: str, step: int, rate: Any) -> float:
    """Return the rate of a schedule as a float; ValueError unless it is finite, and 0 or more."""
    if type(rate) is not float and hasattr(rate, "__float__") and not isinstance(rate, bool):
        rate = float(rate) if getattr(rate, "shape", ()) == () else rate
    if type(rate) is not float or not 0 <= rate < math.inf:
        raise ValueError(
            f"{who}: the learning rate of step {step} is {text(rate)}, expected a finite number, 0 or more. "
            "Correct the schedule."
        )
    return rate


def check_schedule(who: str, schedule: Any) -> None:
    """Raise TypeError unless it is a function of one argument, the number of steps taken."""
    if isinstance(schedule, type):
        raise TypeError(
            f"{who}: learning_rate is the class {schedule.__name__}, expected a number or a schedule. "
            f"Make an object of the class: {schedule.__name__}(...)."
        )
    if not callable(schedule) or hasattr(schedule, "forward") or hasattr(schedule, "parameters"):
        given = text(schedule) if isinstance(schedule, (str, bool, type(None))) else type(schedule).__name__
        remedy = (
            "Pass a number, such as 0.001."
            if isinstance(schedule, (str, bool, type(None)))
            else f"Parameters? The model is given to each step: {who}(0.001), then optimizer.step(model)."
        )
        raise TypeError(f"{who}: learning_rate is {given}, expected a number or a schedule. {remedy}")
    try:
        inspect.signature(schedule).bind(0)
    except TypeError:
        name = getattr(schedule, "__name__", type(schedule).__name__)
        raise TypeError(
            f"{who}: learning_rate is {name}{inspect.signature(schedule)}, expected a function of one argument, the "
            "number of steps taken. For a constant rate pass the number itself."
        ) from None
    except ValueError:  # a function of C has no signature
        return


def no_parameters_error(who: str) -> ValueError:
    """Return the error for a model without parameters."""
    return ValueError(f"{who}: the model has no parameters, expected at least one. Add a layer with weights.")


def check_same_dtype(who: str, remembered: Any, dtype: Any) -> Any:
    """Return the dtype of the parameters; ValueError if the buffers were made for another."""
    if remembered is not None and remembered != dtype:
        before, now = (str(each).removeprefix("torch.") for each in (remembered, dtype))
        raise ValueError(
            f"{who}: the model is {now}, expected {before}, as at the first step. Create a new optimizer after convert."
        )
    return dtype


def check_epsilon(who: str, epsilon: float | None, dtype: str) -> None:
    """Check that ε is not rounded to 0 in the dtype of an update: a gradient of 0 would be divided by 0."""
    if epsilon is not None and epsilon < 1e-45 and dtype != "float64":
        raise ValueError(
            f"{who}: epsilon is {epsilon!r}, which is 0 in float32, expected a number that the dtype holds. "
            "Pass 1e-8, or train in float64."
        )


def check_squares(who: str, largest: float, dtype: str) -> None:
    """Check that g² does not overflow for gradients of this size: the mean of squares would stay infinite."""
    if largest > ROOTS[dtype]:
        raise FloatingPointError(
            f"{who}: the norm of the gradients is {largest:.3g}, expected at most {ROOTS[dtype]:.1e}, so that g² does "
            f"not overflow {dtype}. Set clip_norm."
        )


def check_grad_list(who: str, grads: Any, kind: Any) -> list[Any]:
    """Return the gradients as a list; TypeError unless they are arrays, or tensors, of floating-point numbers."""
    if isinstance(grads, Mapping):
        raise TypeError(f"{who}: grads is a dictionary, expected a list of arrays. Pass model.grads.values().")
    if not isinstance(grads, Iterable) or isinstance(grads, str) or hasattr(grads, "shape"):
        remedy = "One array? Pass [grads]." if hasattr(grads, "shape") else "Pass model.grads.values()."
        raise TypeError(f"{who}: grads is {shown(grads)}, expected a list of arrays. {remedy}")
    found: list[Any] = list(grads)
    for k, gradient in enumerate(found):
        if not isinstance(gradient, kind) or "float" not in str(gradient.dtype):
            raise TypeError(
                f"{who}: grads[{k}] is {shown(gradient)}, expected a floating-point array of this backend. "
                "Pass model.grads.values()."
            )
    return found
