"""Anything with a backward pass as a function of named arrays with its pullback, so that one check serves all.

The inputs of a subject have names: x, or prediction and target for a loss; lengths; an initial state h (and c). The
outputs are y, then the last state h (and c); for a loss or a model with one, `value`. The pullback maps their
gradients to those of all inputs and parameters, under the same names.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from numnet.core.arrays import to_numpy
from numnet.core.operation import Array

Arrays = dict[str, Array]
Back = Callable[[Mapping[str, Any]], dict[str, Any]]
Call = Callable[[Any, Mapping[str, Any]], tuple[dict[str, Any], Back]]


class Unusable(TypeError):
    """The object cannot be checked. The message has who, got, expected, remedy."""


@dataclass
class Subject:
    """An object, the function that calls it, and the numbers at which it is checked."""

    name: str
    thing: Any
    call: Call
    inputs: Arrays
    params: Arrays = field(default_factory=dict)
    time: Mapping[str, int] = field(default_factory=dict)  # the time axis of each input or output
    gates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the names of a parameter's blocks of rows
    load: Callable[[Arrays], None] | None = None

    def run(self, inputs: Mapping[str, Any], params: Mapping[str, Array] | None = None) -> tuple[Arrays, Any]:
        """Return outputs by name and the pullback, which zeros the gradients of parameters first unless clear=False."""
        if params is not None and self.params and self.load:
            self.load({**self.params, **params})
        outputs, back = self.call(self.thing, inputs)

        def pullback(upstream: Mapping[str, Any], clear: bool = True) -> Arrays:
            if clear:
                clear_gradients(self.thing, self.params)
            gradients = {**back(upstream), **parameter_gradients(self.thing, self.params)}
            return {name: np.array(to_numpy(value)) for name, value in gradients.items() if value is not None}

        found = {name: np.array(to_numpy(value)) for name, value in outputs.items()}
        for name, y in found.items():
            if y.dtype.kind == "f" and y.dtype.itemsize < 8:
                raise Unusable(f"{self.name}: {name} is {y.dtype}, expected float64. Remove the cast inside.")
        return found, pullback

    def value(self, name: str) -> Array:
        """Return an input or a parameter."""
        return self.inputs[name] if name in self.inputs else self.params[name]

    @property
    def sizes(self) -> str:
        """The shapes of the inputs as text."""
        return ", ".join(f"{name} {tuple(x.shape)}" for name, x in self.inputs.items())

    @property
    def differentiable(self) -> list[str]:
        """The differentiable inputs: real numbers, except the target of a loss."""
        return [name for name, value in self.inputs.items() if value.dtype.kind == "f" and name != "target"]


def parameter_gradients(thing: Any, params: Iterable[str]) -> dict[str, Any]:
    """Return the gradients that the object stores itself: in `grads`, or as dW beside W."""
    grads = getattr(thing, "grads", None)
    if grads is None:
        grads = {name: vars(thing).get(f"d{name}") for name in params if hasattr(thing, "__dict__")}
    return {name: grads[name] for name in params if grads.get(name) is not None}


def clear_gradients(thing: Any, params: Iterable[str]) -> None:
    """Set the gradients of parameters to zero, by zero_grad if there is one."""
    if hasattr(thing, "zero_grad"):
        thing.zero_grad()
    elif not hasattr(thing, "grads"):
        for gradient in parameter_gradients(thing, params).values():
            if isinstance(gradient, np.ndarray):
                gradient.fill(0)


def call_operation(thing: Any, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Back]:
    """Call an Operation of x, or of the inputs that it names, with lengths if given."""
    restart(thing)
    names = getattr(thing, "takes", ("x",))
    y = thing.forward(*(inputs[name] for name in (*names, "lengths") if name in inputs))

    def back(upstream: Mapping[str, Any]) -> dict[str, Any]:
        gradients = thing.backward(upstream["y"])
        return dict(zip(names, gradients if len(names) > 1 else (gradients,)))

    return {"y": y}, back


def call_loss(thing: Any, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Back]:
    """Call a loss."""
    value = thing.forward(inputs["prediction"], inputs["target"], inputs.get("mask"))
    return {"value": value}, lambda upstream: {"prediction": thing.backward(upstream["value"])}


def call_layer(thing: Any, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Back]:
    """Call a recurrent layer; the states of two directions have separate names."""
    names = state_names(thing)
    restart(thing)
    y = thing.forward(inputs["x"], joined(inputs, names), inputs.get("lengths"))
    outputs = {"y": y} if not isinstance(y, tuple) else {"y_forth": y[0], "y_back": y[1]}

    def back(upstream: Mapping[str, Any]) -> dict[str, Any]:
        dy = upstream["y"] if "y" in upstream else (upstream["y_forth"], upstream["y_back"])
        dx = thing.backward(dy, joined(upstream, names))
        return {"x": dx, **named(thing.d_state, names)}

    return {**outputs, **named(thing.last_state, names)}, back


def call_model(thing: Any, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Back]:
    """Call a model: with a target its loss, else its output."""
    restart(thing)
    names = [state_names(layer) if layer.recurrent else None for layer in thing.layers]
    keys = [name and numbered(name, k) for k, name in enumerate(names)]
    state = [joined(inputs, key) if key else None for key in keys]
    y = thing.forward(inputs["x"], state if any(part is not None for part in state) else None, inputs.get("lengths"))
    outputs = {"y": y}
    if "target" in inputs:
        outputs = {"value": thing.loss.forward(y, inputs["target"], thing.loss_mask(inputs.get("mask")))}

    def back(upstream: Mapping[str, Any]) -> dict[str, Any]:
        dy = upstream["y"] if "y" in upstream else thing.loss.backward(upstream["value"])
        found = {"x": thing.backward(dy)}
        for key, d_state in zip(keys, thing.d_state):
            found |= named(d_state, key) if key and d_state is not None else {}
        return found

    return outputs, back


def call_encoder_decoder(thing: Any, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Back]:
    """Call an encoder-decoder: its loss if it has one, else its logits for a target."""
    restart(thing)
    y = thing.forward(inputs["x"], inputs["target"], inputs.get("lengths"))
    if thing.loss is None:
        return {"y": y}, lambda upstream: {"x": thing.backward(upstream["y"])}
    value = thing.loss.forward(y, np.maximum(inputs["target"], 0), inputs["target"] >= 0)
    return {"value": value}, lambda upstream: {"x": thing.backward(thing.loss.backward(upstream["value"]))}


def call_pair(thing: Any, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Back]:
    """Call forward(*inputs) → y or a tuple; backward(dy, *inputs) → one gradient per input, None if it has none."""
    forward, backward = thing
    results, given = forward(*inputs.values()), list(inputs.values())
    several = isinstance(results, tuple)
    outputs = {f"y{k}": y for k, y in enumerate(results)} if several else {"y": results}

    def back(upstream: Mapping[str, Any]) -> dict[str, Any]:
        dy = tuple(upstream.values()) if several else upstream["y"]
        gradients = backward(dy, *given)
        gradients = tuple(gradients) if isinstance(gradients, (tuple, list)) else (gradients,)
        if len(gradients) != len(inputs):
            raise Unusable(
                f"check_gradients: backward returns {len(gradients)} gradients, expected {len(inputs)}. "
                "Return one for each input."
            )
        return dict(zip(inputs, gradients))

    return outputs, back


def name_of(thing: Any) -> str:
    """Return an object's name in messages."""
    return str(getattr(thing, "name", type(thing).__name__))


def parameter_names(function: Any) -> list[str]:
    """Return the names of a function's arguments."""
    return list(inspect.signature(function).parameters)


def state_names(layer: Any) -> tuple[Any, ...]:
    """Return the names of the parts of a layer's state; for two directions or several layers, such tuples."""
    if hasattr(layer, "stacked_state"):
        return tuple(numbered(state_names(each), k) for k, each in enumerate(layer.layers))
    if not hasattr(layer, "forwards"):
        return tuple(layer.node.states)
    ways = ((layer.forwards, "forth"), (layer.backwards, "back"))
    return tuple(tuple(f"{name}_{way}" for name in each.node.states) for each, way in ways)


def numbered(names: tuple[Any, ...], k: int) -> tuple[Any, ...]:
    """Return the names of the state of layer k in a model."""
    return tuple(numbered(name, k) if isinstance(name, tuple) else f"layers.{k}.{name}" for name in names)


def restart(thing: Any) -> None:
    """Reset dropout masks and states between calls, so that every call computes the same."""
    for module in thing.modules() if hasattr(thing, "modules") else ():
        if hasattr(module, "calls"):
            module.calls = 0
        if getattr(module, "stateful", False):
            module.reset_state()


def joined(arrays: Mapping[str, Any], names: tuple[Any, ...]) -> Any:
    """Join named arrays into a layer's state: h, (h, c), or a pair of these; None if it is not given."""
    if isinstance(names[0], tuple):
        both = tuple(joined(arrays, way) for way in names)
        return None if both[0] is None else both
    if names[0] not in arrays:
        return None
    return tuple(arrays[name] for name in names) if len(names) > 1 else arrays[names[0]]


def named(state: Any, names: tuple[Any, ...]) -> dict[str, Any]:
    """Split a state into named arrays: the inverse of `joined`."""
    if isinstance(names[0], tuple):
        return {name: part for way, one in zip(names, state) for name, part in named(one, way).items()}
    return dict(zip(names, state if isinstance(state, tuple) else (state,)))
