"""Anything with a way back as a function of named arrays, with its pullback: so that one check can be asked of all.

A subject has inputs by name: x, or a loss's prediction and target; lengths; a start state h (and c). Its outputs are
y, then the last state h (and c); a loss's or a model's is `value`. The pullback takes their gradients to those of all
inputs and parameters, by the same names.
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
    """What a check cannot be asked of: who, got, expected, remedy."""


@dataclass
class Subject:
    """A thing, how it is called, and the numbers that it is checked at."""

    name: str
    thing: Any
    call: Call
    inputs: Arrays
    params: Arrays = field(default_factory=dict)
    time: Mapping[str, int] = field(default_factory=dict)  # which axis of an input or output is time
    gates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # names of a parameter's blocks of rows
    load: Callable[[Arrays], None] | None = None

    def run(self, inputs: Mapping[str, Any], params: Mapping[str, Array] | None = None) -> tuple[Arrays, Any]:
        """Outputs by name, and the pullback; it clears the gradients of parameters first, unless clear=False."""
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
                raise Unusable(f"{self.name}: {name} is {y.dtype}, expected float64. It is computed in less inside.")
        return found, pullback

    def value(self, name: str) -> Array:
        """An input, or a parameter."""
        return self.inputs[name] if name in self.inputs else self.params[name]

    @property
    def sizes(self) -> str:
        """The shapes of the inputs."""
        return ", ".join(f"{name} {tuple(x.shape)}" for name, x in self.inputs.items())

    @property
    def movable(self) -> list[str]:
        """The inputs that a slope is taken along: numbers, and not a loss's target."""
        return [name for name, value in self.inputs.items() if value.dtype.kind == "f" and name != "target"]


@dataclass
class Measured:
    """The slopes of every output by some numbers of a tensor: (picked, outputs) by output; NaN at a kink."""

    picked: Array
    slopes: Arrays

    def due(self, upstream: Mapping[str, Array]) -> Array:
        """The gradient that these numbers should have."""
        return np.sum([self.slopes[key] @ u.ravel() for key, u in upstream.items()], axis=0)


@dataclass
class Asked:
    """A subject that was called once: outputs, the gradients for an upstream gradient that was drawn, slopes."""

    subject: Subject
    outputs: Arrays
    upstream: Arrays
    gradients: Arrays
    measured: dict[str, Measured] = field(default_factory=dict)

    def fresh_upstream(self) -> Arrays:
        """A copy, to be spoilt by whoever takes it."""
        return {name: u.copy() for name, u in self.upstream.items()}

    def due(self, name: str, upstream: Mapping[str, Array] | None = None) -> Array:
        """The gradient that a tensor should have, by the measured slopes; NaN where a number was not picked."""
        due = np.full(self.gradients[name].shape, np.nan)
        due.flat[self.measured[name].picked] = self.measured[name].due(self.upstream if upstream is None else upstream)
        return due


def parameter_gradients(thing: Any, params: Iterable[str]) -> dict[str, Any]:
    """Those that the thing keeps itself: in `grads`, or of W in dW."""
    grads = getattr(thing, "grads", None)
    if grads is None:
        grads = {name: vars(thing).get(f"d{name}") for name in params if hasattr(thing, "__dict__")}
    return {name: grads[name] for name in params if grads.get(name) is not None}


def clear_gradients(thing: Any, params: Iterable[str]) -> None:
    """Zeros, by the thing's own means if it has them."""
    if hasattr(thing, "zero_grad"):
        thing.zero_grad()
    elif not hasattr(thing, "grads"):
        for gradient in parameter_gradients(thing, params).values():
            if isinstance(gradient, np.ndarray):
                gradient.fill(0)


def call_operation(thing: Any, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Back]:
    """An Operation's, with lengths where it has some: of one input, x, or of those that it names."""
    restart(thing)
    names = getattr(thing, "takes", ("x",))
    y = thing.forward(*(inputs[name] for name in (*names, "lengths") if name in inputs))

    def back(upstream: Mapping[str, Any]) -> dict[str, Any]:
        gradients = thing.backward(upstream["y"])
        return dict(zip(names, gradients if len(names) > 1 else (gradients,)))

    return {"y": y}, back


def call_loss(thing: Any, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Back]:
    """A loss's."""
    value = thing.forward(inputs["prediction"], inputs["target"], inputs.get("mask"))
    return {"value": value}, lambda upstream: {"prediction": thing.backward(upstream["value"])}


def call_layer(thing: Any, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Back]:
    """A recurrent layer's, either direction's state by its own names."""
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
    """With a target the model's loss, else its output."""
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
    """Its logits for a target; and where it has a loss, that."""
    restart(thing)
    y = thing.forward(inputs["x"], inputs["target"], inputs.get("lengths"))
    if thing.loss is None:
        return {"y": y}, lambda upstream: {"x": thing.backward(upstream["y"])}
    value = thing.loss.forward(y, np.maximum(inputs["target"], 0), inputs["target"] >= 0)
    return {"value": value}, lambda upstream: {"x": thing.backward(thing.loss.backward(upstream["value"]))}


def call_pair(thing: Any, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Back]:
    """forward(*inputs) → y, or several; backward(dy, *inputs) → a gradient for each input, None for those without."""
    forward, backward = thing
    results, given = forward(*inputs.values()), list(inputs.values())
    several = isinstance(results, tuple)
    outputs = {f"y{k}": y for k, y in enumerate(results)} if several else {"y": results}

    def back(upstream: Mapping[str, Any]) -> dict[str, Any]:
        dy = tuple(upstream.values()) if several else upstream["y"]
        gradients = backward(dy, *given)
        gradients = tuple(gradients) if isinstance(gradients, (tuple, list)) else (gradients,)
        if len(gradients) != len(inputs):
            raise Unusable(f"backward returns {len(gradients)} gradients, expected {len(inputs)}: one for each input.")
        return dict(zip(inputs, gradients))

    return outputs, back


def parameter_names(function: Any) -> list[str]:
    """What a function calls its inputs."""
    return list(inspect.signature(function).parameters)


def state_names(layer: Any) -> tuple[Any, ...]:
    """The names of the parts of a layer's state; of two directions, a pair of such tuples."""
    if not hasattr(layer, "forwards"):
        return tuple(layer.node.states)
    return tuple(tuple(f"{name}_{way}" for name in layer.forwards.node.states) for way in ("forth", "back"))


def numbered(names: tuple[Any, ...], k: int) -> tuple[Any, ...]:
    """The names of layer k's state in a model."""
    return tuple(numbered(name, k) if isinstance(name, tuple) else f"layers.{k}.{name}" for name in names)


def restart(thing: Any) -> None:
    """What drops draws the same masks again, what remembers begins anew: so a check may call it more than once."""
    for module in thing.modules() if hasattr(thing, "modules") else ():
        if hasattr(module, "calls"):
            module.calls = 0
        if getattr(module, "stateful", False):
            module.reset_state()


def joined(arrays: Mapping[str, Any], names: tuple[Any, ...]) -> Any:
    """The state as a layer takes it: h, or a pair (h, c), or a pair of these; None where it is not given."""
    if isinstance(names[0], tuple):
        both = tuple(joined(arrays, way) for way in names)
        return None if both[0] is None else both
    if names[0] not in arrays:
        return None
    return tuple(arrays[name] for name in names) if len(names) > 1 else arrays[names[0]]


def named(state: Any, names: tuple[Any, ...]) -> dict[str, Any]:
    """The way back."""
    if isinstance(names[0], tuple):
        return {name: part for way, one in zip(names, state) for name, part in named(one, way).items()}
    return dict(zip(names, state if isinstance(state, tuple) else (state,)))
