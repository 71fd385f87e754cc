"""Any part of a network as a function of named arrays, with its pullback: so that one law can be asked of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.check.engine.parses import call_parses
from numnet.check.engine.subject import joined, named, state_names
from numnet.core.arrays import to_numpy

Array = npt.NDArray[Any]
Arrays = dict[str, Array]
Pullback = Callable[..., Arrays]


def run(thing: Any, inputs: Mapping[str, Any]) -> tuple[Arrays, Pullback]:
    """Outputs by name; and the function that takes their gradients to those of the inputs and the parameters.

    Inputs are x, lengths (B,) or a mask, resets, then a start state h (and c); outputs y, then the last state h (and
    c). A loss has prediction, target and mask, and one output, value. The pullback clears the gradients first, unless
    clear=False.
    """
    if hasattr(thing, "advance"):
        outputs, back = run_encoder_decoder(thing, inputs)
    elif getattr(thing, "reads_parses", False):
        outputs, back = call_parses(thing, inputs)
    elif "target" in inputs:
        outputs, back = run_loss(thing, inputs)
    elif hasattr(thing, "child_states"):
        outputs, back = run_tree_node(thing, inputs)
    elif hasattr(thing, "states"):
        outputs, back = run_node(thing, inputs)
    else:
        outputs, back = (run_layer if thing.recurrent else run_operation)(thing, inputs)

    def pullback(upstream: Mapping[str, Array | None], clear: bool = True) -> Arrays:
        if clear and hasattr(thing, "zero_grad"):
            thing.zero_grad()
        gradients = back(upstream)
        gradients.update(getattr(thing, "grads", {}))
        return {f"d{name}": np.array(to_numpy(value)) for name, value in gradients.items() if value is not None}

    return {name: np.array(to_numpy(value)) for name, value in outputs.items()}, pullback


def run_operation(thing: Any, inputs: Mapping[str, Any]) -> Any:
    restart(thing)
    y = thing.forward(*(inputs[name] for name in (*thing.takes, "lengths") if name in inputs))

    def back(upstream: Mapping[str, Array | None]) -> dict[str, Any]:
        gradients = thing.backward(upstream["y"])
        return dict(zip(thing.takes, gradients if len(thing.takes) > 1 else (gradients,)))

    return {"y": y}, back


def run_loss(thing: Any, inputs: Mapping[str, Any]) -> Any:
    value = thing.forward(inputs["prediction"], inputs["target"], inputs.get("mask"))
    return {"value": value}, lambda upstream: {"prediction": thing.backward(upstream["value"])}


def run_encoder_decoder(thing: Any, inputs: Mapping[str, Any]) -> Any:
    restart(thing)
    y = thing.forward(inputs["x"], inputs["target"], inputs.get("lengths"))
    return {"y": y}, lambda upstream: {"x": thing.backward(upstream["y"])}


def run_layer(thing: Any, inputs: Mapping[str, Any]) -> Any:
    names = state_names(thing)
    restart(thing)
    resets = {"resets": inputs["resets"]} if "resets" in inputs else {}
    y = thing.forward(inputs["x"], joined(inputs, names), inputs.get("lengths"), **resets)

    def back(upstream: Mapping[str, Array | None]) -> dict[str, Any]:
        dx = thing.backward(upstream["y"], joined(upstream, names))
        return {"x": dx, **named(thing.d_state, names)}

    return {"y": y, **named(thing.last_state, names)}, back


def run_node(thing: Any, inputs: Mapping[str, Any]) -> Any:
    state, saved = thing.forward(inputs["x"], joined(inputs, thing.states))
    y, state = state if thing.reads_out else (None, state)

    def back(upstream: Mapping[str, Array | None]) -> dict[str, Any]:
        d_state = joined(upstream, thing.states)
        dx, d_state = thing.backward((upstream["y"], d_state) if thing.reads_out else d_state, saved)
        return {"x": dx, **named(d_state, thing.states)}

    return {**({"y": y} if thing.reads_out else {}), **named(state, thing.states)}, back


def run_tree_node(thing: Any, inputs: Mapping[str, Any]) -> Any:
    left, right = thing.child_states[: len(thing.states)], thing.child_states[len(thing.states) :]
    state, saved = thing.forward(joined(inputs, left), joined(inputs, right), inputs.get("x"))

    def back(upstream: Mapping[str, Array | None]) -> dict[str, Any]:
        d_left, d_right, dx = thing.backward(joined(upstream, thing.states), saved)
        return {"x": dx, **named(d_left, left), **named(d_right, right)}

    return named(state, thing.states), back


def restart(thing: Any) -> None:
    """What drops something draws the same masks again: so a law may call it more than once."""
    for module in thing.modules():
        if hasattr(module, "calls"):
            module.calls = 0


def upstream_like(outputs: Mapping[str, Array], rng: np.random.Generator) -> Arrays:
    """A random gradient for every output, the last states included."""
    return {name: rng.standard_normal(y.shape).astype(y.dtype) for name, y in outputs.items()}


def errors(ours: Mapping[str, Array], theirs: Mapping[str, Array]) -> dict[str, float]:
    """How far each tensor is from what it should be, relative to its norm.

    A tensor counts as at least a tenth, and at least a tenth of the norm of all: where the terms of a sum cancel, the
    sum is as inexact as its terms are, numbers of about 1, however small it turns out.
    """
    norms = {name: float(np.linalg.norm(value)) for name, value in theirs.items()}
    least = 0.1 * max(1.0, float(np.linalg.norm(list(norms.values()))))
    return {
        name: float(np.linalg.norm(np.asarray(a, np.float64) - theirs[name])) / max(norms[name], least)
        for name, a in ours.items()
    }


def largest_error(ours: Mapping[str, Array], theirs: Mapping[str, Array]) -> float:
    """Of the same names and shapes."""
    assert_near(ours, theirs, float("inf"))
    return max(errors(ours, theirs).values())


def assert_near(ours: Mapping[str, Array], theirs: Mapping[str, Array], tolerance: float) -> None:
    """The same names, shapes and, to the tolerance of their norms, numbers."""
    __tracebackhide__ = True
    assert set(ours) == set(theirs), f"names are {sorted(ours)}, but should be {sorted(theirs)}"
    for name, a in ours.items():
        assert a.shape == theirs[name].shape, f"{name} is {a.shape}, but should be {theirs[name].shape}"
    for name, error in errors(ours, theirs).items():
        assert error <= tolerance, (
            f"{name}: error {error:.2e} of its norm, allowed {tolerance:.0e}\n{ours[name]}\n{theirs[name]}"
        )
