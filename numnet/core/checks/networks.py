"""Validation of networks: parameters, states, options, and saved values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from numnet.core.answers import no_option
from numnet.core.checks.arguments import check_kind, kinds_of
from numnet.core.checks.batches import check_features, check_sequence
from numnet.core.checks.training import backend_of
from numnet.core.checks.values import check_fits, check_fraction, check_real, check_shape

Shape = tuple[int, ...]


def check_saved(who: str, saved: Any) -> None:
    """Check that forward has saved the values that backward needs."""
    if saved is None:
        raise RuntimeError(f"{who}: backward before forward. Call forward first.")


def check_built(who: str, thing: Any) -> None:
    """Check that the parameters exist, before they are moved or loaded."""
    if not getattr(thing, "built", True):
        part = f"{thing.name}'s {thing.unbuilt}" if hasattr(thing, "unbuilt") else thing.name
        raise ValueError(f"{who}: the {part} has no parameters yet. Give input_size=, or run a batch first.")


def check_options(who: str, unknown: Iterable[str], kind: type) -> None:
    """Raise TypeError for an unknown keyword; the message lists the valid ones."""
    for name in unknown:
        raise no_option(who, name, kind)


def check_rates(who: str, rates: Sequence[float], states: Sequence[str]) -> None:
    """Check that zoneout has one rate for each part of the state."""
    if len(rates) != len(states):
        raise ValueError(f"{who}: zoneout has {len(rates)} rates, expected {len(states)}: {', '.join(states)}.")
    for rate in rates:
        check_fraction(who, zoneout=rate)


def check_forget_bias(who: str, forget_bias: Any, bias: Any) -> None:
    """Check that there is a bias b to which forget_bias can be added."""
    if bias is False and forget_bias:
        raise ValueError(
            f"{who}: forget_bias is {forget_bias}, expected 0: with bias=False there is no b to add it to."
        )


def parts_of_state(who: str, names: Sequence[str], state: Any, what: str) -> tuple[Any, ...]:
    """Return a state as a tuple, (h,) or (h, c), with None for missing parts; ValueError if it should be a pair."""
    if state is None:
        return (None,) * len(names)
    if len(names) == 1:
        if isinstance(state, (tuple, list)) and any(getattr(part, "ndim", 0) for part in state):
            raise ValueError(
                f"{who}: {what} is a {type(state).__name__} of {len(state)}, expected one array {names[0]}. "
                f"Pass {what}[0] if that is {names[0]}."
            )
        return (state,)
    if not isinstance(state, (tuple, list)) or len(state) != len(names):
        got, pair = f"{what} is {type(state).__name__}", f"({', '.join(names)})"
        raise ValueError(f"{who}: {got}, expected a pair {pair}. Pass both, or None.")
    if isinstance(state[1], tuple) and any(getattr(part, "ndim", 0) > 1 for part in state[1]):
        got = f"{what}[1] is a tuple of {len(state[1])}, expected an array {names[1]}"
        raise ValueError(f"{who}: {got}. A node with an output beside its state returns (y, state): pass state alone.")
    return tuple(state)


def check_state(node: Any, what: str, state: Any, shapes: Sequence[Shape], remedy: str) -> list[Any]:
    """Return the parts of a state, cast by the node; ValueError for a wrong shape. `what` is its name in errors."""
    if state is None:
        return [None] * len(shapes)
    parts = list(parts_of_state(node.name, node.states, state, what.split()[0]))
    for k, (name, value) in enumerate(zip(node.states, parts)):
        fits = type(value) is np.ndarray and value.dtype == node.dtype and value.shape == shapes[k]
        if value is not None and not fits:
            parts[k] = value = node.cast(what.format(name), value)
            check_state_shape(node.name, what.format(name), value.shape, shapes[k], remedy)
    return parts


def check_first_state(node: Any, state: Any, B: int) -> None:
    """Check the state of the first call, (batch, hidden), before the call creates the parameters."""
    check_state(node, "state {}", state, [(B, size) for size in node.state_sizes], "It is (batch, hidden).")


def check_state_shape(who: str, what: str, shape: Shape, expected: Shape, remedy: str) -> None:
    """Check the shape of one part of a state; the remedy fits a state that is transposed, PyTorch's, or of one row."""
    shape, name = tuple(shape), what.split()[-1]
    if shape == expected:
        return
    rows, size = expected if len(expected) == 2 else (0, 0)
    if rows and shape == (size, rows):
        remedy += f" Pass {name}.T."
    elif rows and len(shape) == 3 and shape[1:] == expected:
        remedy += f" PyTorch's states have an axis of layers: pass {name}[0]."
    elif shape in ((size,), (1, size)) and rows > 1 and "batch, hidden" in remedy:
        remedy += f" The same state for every row? Pass np.tile({name}, ({rows}, 1))."
    check_shape(who, what, shape, expected, remedy)


def check_one_step(who: str, x: Any, input_size: int | None) -> None:
    """Check the input x of a node: (D, B), or tokens (B,)."""
    if x.ndim not in (1, 2):
        raise ValueError(f"{who}: x is {tuple(x.shape)}, expected one step: (features, batch), or tokens (batch,).")
    if x.ndim == 2:
        check_features(who, x.T, input_size)
    else:
        check_sequence(who, x[:, None], input_size)


def states_of(who: str, state: Any, layers: Sequence[Any], name: str = "state") -> list[Any]:
    """Return a state as a list with one entry per layer, None for a layer without a state; None is all None."""
    if state is None:
        return [None] * len(layers)
    if not isinstance(state, (list, tuple)):
        raise TypeError(
            f"{who}: {name} is {type(state).__name__}, expected a list with one entry per layer, None for a layer "
            "without a state, as last_state."
        )
    if len(state) != len(layers):
        raise ValueError(
            f"{who}: {name} has {len(state)} entries, expected {len(layers)}: one per layer, as in last_state."
        )
    for k, (layer, part) in enumerate(zip(layers, state)):
        if part is not None and not layer.recurrent:
            raise ValueError(f"{who}: {name}[{k}] is given, expected None: layers[{k}], {layer.name}, has no state.")
    return list(state)


def wants_state(who: str, return_state: Any) -> bool:
    """Return the option return_state of a call; TypeError unless it is True or False."""
    if return_state is True or return_state is False:  # no call, as this is asked in each forward
        return bool(return_state)
    return bool(check_kind(who, "return_state", return_state, kinds_of("bool")))


def check_config(who: str, config: Any, names: Sequence[str]) -> None:
    """Check for the dictionary that the method `config` returns."""
    if not isinstance(config, Mapping):
        got = f"the class {config.__name__}" if isinstance(config, type) else type(config).__name__
        raise TypeError(f"{who}: config is {got}, expected the dictionary that config() returns.")
    for name in names:
        if name not in config:
            raise ValueError(f"{who}: {name!r} is missing in config, expected the dictionary that config() returns.")


def check_model(who: str, model: Any, method: str) -> None:
    """What an optimizer steps: a model, or a layer with parameters, whose `method` gives them to it."""
    if not callable(getattr(model, method, None)) or isinstance(model, type):
        kind = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        got = "no model is given" if model is None else f"the model is {kind}"
        backend, ours = backend_of(model), "numnet" if method == "flat" else "torchnet"
        remedy = "Call optimizer.step(model)."
        if isinstance(model, type):
            remedy = f"Make an object of the class: {model.__name__}(...)."
        elif backend in ("numnet", "torchnet") and backend != ours:
            got, remedy = f"the model is of {backend}", f"The optimizer is of {ours}: use {backend}.{who}."
        raise TypeError(f"{who}: {got}, expected a model, or a layer with parameters. {remedy}")


def check_same_model(who: str, remembered: Any, model: Any) -> None:
    """Check that an optimizer, which stores the state of one model, is used with that model."""
    if remembered is not None and remembered is not model:
        raise ValueError(f"{who}: the model differs from that of the first step. Create a new optimizer for it.")


def check_state_dict(who: str, expected: Mapping[str, Shape], given: Mapping[str, Shape]) -> None:
    """Check that names and shapes match, before any weight is written."""
    for name in [*expected, *given]:
        if expected.get(name) != given.get(name):
            got = given.get(name, "missing")
            remedy = "Does the file belong to another architecture?"
            if any("weight_ih" in each or each.endswith(("weight", "bias")) for each in given):
                remedy = (
                    "The names are PyTorch's, the shapes and the order of the gates are the same: pass weight_ih as "
                    "W_x, weight_hh as W_h, bias_ih + bias_hh as b (of a GRU, bias_hh is b_h), and a layer's weight "
                    "as W."
                )
            raise ValueError(f"{who}: {name} is {got}, expected {expected.get(name, 'no such parameter')}. {remedy}")


def check_weights(who: str, params: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Check names, shapes and values of arrays or tensors, before any of them is written into the parameters."""
    shapes = ({name: tuple(value.shape) for name, value in each.items()} for each in (params, given))
    check_state_dict(who, *shapes)
    for name, value in given.items():
        check_real(who, name, value)
        check_fits(who, name, value, params[name].dtype)


def check_input_size(who: str, built: int | None, input_size: int) -> None:
    """Check that a layer with weights accepts the output width of the layer before it."""
    if built != input_size:
        raise ValueError(
            f"{who}: its input size is {built}, expected {input_size}, the width of the layer before it, or the "
            "model's input_size. Leave it out: the layer then infers it."
        )
