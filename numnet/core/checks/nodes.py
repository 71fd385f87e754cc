"""Validation of the methods of a node that a user writes: what they return, and that they exist."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any


def no_method(part: Any, method: str, signature: str) -> NotImplementedError:
    """Return the error for a method that a subclass must define."""
    kind = type(part).__name__
    return NotImplementedError(f"{kind}: there is no {method}, expected {signature}. Define it in the class {kind}.")


def check_width_of_y(part: Any, width: Any) -> Any:
    """Check that `make` returns the width of y, and return it."""
    who = type(part).__name__
    if not isinstance(width, numbers.Integral):
        raise TypeError(
            f"{who}: make returns {width!r:.40}, expected the width of y, a whole number. "
            "End it with return, such as return super().make(rng)."
        )
    return width


def other_function(node: Any) -> str:
    """Return why the function that a node's options name has no kernel, or ""."""
    for option, known in (("activation", node.kernel_activations), ("recurrent_activation", ("sigmoid",))):
        if node.kernel_activations and getattr(node, option) not in known:
            return f"no kernel supports {option}={getattr(node, option)!r}"
    return ""


def check_a_x(node: Any, a_x: Any, T: int) -> None:
    """Check that a node's `inputs` returns an array with T steps, or a tuple of such arrays."""
    who = type(node).__name__
    for part in a_x if type(a_x) is tuple else (a_x,):
        if not getattr(part, "ndim", 0):
            raise TypeError(
                f"{who}: inputs returns {name_of(a_x)}, expected an array (T, rows, batch), or a tuple of arrays."
            )
        if len(part) != T:
            raise ValueError(f"{who}: inputs returns {tuple(part.shape)}, expected {T} steps, as x has.")


def check_results(node: Any, method: str, results: Any, names: str) -> Any:
    """Check that a method returns a tuple of this many results, and return it."""
    who = type(node).__name__
    count = names.count(",") + 1
    if type(results) is not tuple or len(results) != count:
        raise TypeError(f"{who}: {method} returns {name_of(results)}, expected {names}.")
    return results


def check_parts_of_state(node: Any, function: str, what: str, parts: Any) -> None:
    """Check that a node's step returns a tuple with one part for each of its states."""
    if type(parts) not in (tuple, list) or len(parts) != len(node.states):
        got = f"a {type(parts).__name__}" + (f" of {len(parts)}" if type(parts) in (tuple, list) else "")
        expected = f"({', '.join(node.states)}{',' * (len(node.states) == 1)})"
        raise TypeError(f"{node.name}: {function} returns {got} as the {what}, expected a tuple {expected}.")


def check_first_step(node: Any, y: Any, new: Sequence[Any], state: Sequence[Any]) -> None:
    """Check the shapes of y and of the new state, for one step of each call."""
    who = type(node).__name__
    for name, part, previous in zip(node.states, new, state):
        if getattr(part, "shape", None) != previous.shape:
            raise ValueError(
                f"{who}: step returns a new {name} of {shape_of(part)}, expected {tuple(previous.shape)}, "
                "as the previous one. Columns are samples."
            )
    B = state[0].shape[-1]
    if getattr(y, "ndim", 0) != 2 or y.shape[-1] != B:
        raise ValueError(f"{who}: step returns a y of {shape_of(y)}, expected (rows, {B}). Columns are samples.")


def check_pairs(node: Any, pairs: Any) -> None:
    """Check that step_backward returns pairs (da, h) or (d, None) by the name of the parameter."""
    who = type(node).__name__
    if not isinstance(pairs, Mapping):
        raise TypeError(f"{who}: step_backward returns pairs of {name_of(pairs)}, expected a dict by parameter.")
    for name, value in pairs.items():
        if name not in node.param_names:
            raise ValueError(
                f"{who}: step_backward returns a pair for {name!r}, expected names of parameters: "
                f"{', '.join(node.param_names)}."
            )
        for pair in value if isinstance(value, list) else [value]:
            if not isinstance(pair, tuple) or len(pair) != 2 or getattr(pair[0], "ndim", 0) != 2:
                raise TypeError(
                    f"{who}: step_backward returns {name_of(pair)} for {name}, expected a pair (da, h), "
                    "or (d, None) for a vector."
                )
            da, h = pair
            if h is not None and (getattr(h, "ndim", 0) != 2 or h.shape[-1] != da.shape[-1]):
                raise ValueError(
                    f"{who}: step_backward returns a pair of {shape_of(da)} and {shape_of(h)} for {name}, "
                    "expected equal numbers of columns: a column is a sample."
                )


def check_gradients(part: Any, grads: Mapping[str, Any]) -> None:
    """Check the names and shapes of gradients before any of them is added."""
    who = type(part).__name__
    for name, gradient in grads.items():
        if name not in part.param_names:
            known = ", ".join(part.param_names)
            raise ValueError(f"{who}: there is a gradient for {name!r}, expected names of parameters: {known}.")
        expected = getattr(part, name).shape
        if type(gradient) is not tuple and gradient.shape != expected:
            raise ValueError(f"{who}: the gradient of {name} is {shape_of(gradient)}, expected {expected}.")


def name_of(value: Any) -> str:
    """Return the kind of a value, a tuple's with its length."""
    kind = type(value).__name__
    return f"a {kind} of {len(value)}" if isinstance(value, (tuple, list)) else "None" if value is None else f"a {kind}"


def shape_of(value: Any) -> str:
    """Return the shape of an array, the kind of anything else."""
    return str(tuple(value.shape)) if hasattr(value, "shape") else type(value).__name__
