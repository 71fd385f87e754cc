"""Validation of the methods of a node that a user writes, and of the children and the context of a tree's node."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any

from numnet.core.checks.autograd import check_step
from numnet.core.checks.networks import check_one_step, check_state_shape, parts_of_state


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


def check_children(node: Any, parts: Sequence[Any], x: Any, rows: bool) -> int:
    """Check the shapes of both children and of the context, and return the batch size. `rows`: rows are samples."""
    who, given = node.name, [part for part in parts if part is not None]
    check_context(node, x, rows)
    if x is None and not given:
        raise ValueError(
            f"{who}: left and right are None, expected a state or x. A missing child is None, but not both."
        )
    first = given[0] if x is None else x
    batch = first.shape[0 if rows or first.ndim == 1 else -1] if x is not None or first.ndim == 2 else 1
    for name, size, part in zip(node.child_states, node.state_sizes * 2, parts):
        if part is not None:
            expected = (batch, size) if rows else (size, batch)
            layout = "On a tape it is (batch, hidden)." if rows else "Columns are samples: (hidden, batch)."
            check_state_shape(who, name, part.shape, expected, layout)
    return batch


def parts_of_children(node: Any, left: Any, right: Any) -> tuple[Any, ...]:
    """Return the parts of both children, such as h_l, c_l, h_r, c_r; None for each part of a missing child."""
    sides = (("left", left), ("right", right))
    for side, child in sides:
        if len(node.states) > 1 and hasattr(child, "ndim"):
            raise ValueError(
                f"{node.name}: {side} is an array {tuple(child.shape)}, expected ({', '.join(node.states)}). A leaf? "
                f"Pass tape.leaf(x).chunk({len(node.states)}, axis=1), where leaf is a Dense."
            )
    return tuple(part for side, child in sides for part in parts_of_state(node.name, node.states, child, side))


def check_context(node: Any, x: Any, rows: bool) -> None:
    """Check that a context x is given exactly if the node has weights for it, and its shape."""
    who, size = node.name, node.input_size
    if x is None:
        if size:
            shape = f"(batch, {size})" if rows else f"({size}, batch)"
            raise ValueError(
                f"{who}: x is None, expected {shape}: its input_size is {size}. No context? Create the node with "
                "input_size=0."
            )
        return
    if size == 0:
        raise ValueError(
            f"{who}: x is {tuple(x.shape)}, expected None: its input_size is 0. A context in every call? Create the "
            f"node with input_size={x.shape[-1 if rows else 0]}."
        )
    if rows:
        check_step(who, x)
    check_one_step(who, x.T if rows and x.ndim == 2 else x, size)


def name_of(value: Any) -> str:
    """Return the kind of a value, a tuple's with its length."""
    kind = type(value).__name__
    return f"a {kind} of {len(value)}" if isinstance(value, (tuple, list)) else "None" if value is None else f"a {kind}"


def shape_of(value: Any) -> str:
    """Return the shape of an array, the kind of anything else."""
    return str(tuple(value.shape)) if hasattr(value, "shape") else type(value).__name__
