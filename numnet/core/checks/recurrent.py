"""Validation of recurrent layers: their number, the second direction, dropout that has nothing to drop."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from numnet.core.checks.stacks import check_recurrent, check_same_layout
from numnet.core.checks.values import check_fraction, check_size


def check_layer_count(kind: type, layers: int, dropout: float) -> None:
    """Check the options `layers` and `dropout`: a node is one layer, and dropout is between layers."""
    who = kind.__name__
    check_size(who, layers=layers)
    check_fraction(who, dropout=dropout)
    if layers == 1 and dropout:
        raise ValueError(
            f"{who}: dropout is {dropout}, expected 0 with one layer: it is between layers. Use layers=2, or Dropout "
            "after the layer; inside of a layer there are state_dropout, zoneout and weight_dropout."
        )
    if layers > 1 and who == "RecurrentLayer":
        raise ValueError(
            f"{who}: layers is {layers}, expected 1: the node is that of one layer. Use RecurrentStack([...])."
        )


def check_stacked_layers(who: str, layers: Any) -> None:
    """Check the layers of a RecurrentStack: recurrent, with one output for each step, in one layout."""
    if not len(layers):
        raise ValueError(f"{who}: there are no layers, expected at least one.")
    for k, layer in enumerate(layers):
        if not getattr(layer, "recurrent", False) or hasattr(layer, "stacked_state"):
            raise ValueError(f"{who}: layers[{k}] is {type(layer).__name__}, expected a recurrent layer.")
    check_same_layout(who, layers)


def check_state_of_stack(who: str, name: str, state: Any, layers: int) -> tuple[Any, ...]:
    """Return one state for each layer of a stack; None becomes one None for each."""
    if state is None:
        return (None,) * layers
    if not isinstance(state, (tuple, list)) or len(state) != layers:
        got = f"{len(state)} states" if isinstance(state, (tuple, list)) else type(state).__name__
        raise ValueError(f"{who}: {name} is {got}, expected {layers}, one for each layer, as in last_state.")
    return tuple(state)


def check_backward_layer(who: str, layer: Any, other: Any, kind: type) -> None:
    """Check the second layer of a Bidirectional, unless it is None: reversed, and with the layout of the first."""
    if other is None:
        return
    check_recurrent(who, other, kind)
    if other is layer or other.node is layer.node:
        raise ValueError(f"{who}: backward_layer is layer itself, expected a new layer. Create one.")
    if other.reverse == layer.reverse:
        raise ValueError(
            f"{who}: backward_layer has reverse={other.reverse}, expected {not layer.reverse}. "
            f"Create it with reverse={not layer.reverse}."
        )
    for name in ("batch_first", "return_sequences"):
        if getattr(other, name) != getattr(layer, name):
            raise ValueError(
                f"{who}: {name} of backward_layer is {getattr(other, name)}, expected that of layer, "
                f"{getattr(layer, name)}."
            )


def check_merged_widths(who: str, merge: str | None, first: int, second: int) -> None:
    """Check that the outputs of both directions can be added or multiplied."""
    if merge not in ("concat", None) and first != second:
        raise ValueError(
            f"{who}: the layers have {first} and {second} outputs, expected the same for merge={merge!r}. "
            "Use merge='concat'."
        )


def check_droppable(who: str, node: Any, state_dropout: float, weight_dropout: float) -> None:
    """ValueError for a dropout that has nothing to drop in this node."""
    kind = type(node).__name__
    steps = [node.step, getattr(node, "step_backward", node.step)]  # a torchnet node has only step
    if state_dropout and not all("drop" in inspect.signature(step).parameters for step in steps):
        raise ValueError(
            f"{who}: state_dropout is {state_dropout}, expected 0: the step of {kind} takes no `drop`: it "
            "multiplies the previous state by no weights. Use zoneout, or Dropout before the layer."
        )
    if weight_dropout and node.recurrent_weights is None:
        raise ValueError(
            f"{who}: weight_dropout is {weight_dropout}, expected 0: {kind} has no weights for the previous "
            "state (recurrent_weights is None). Use zoneout, or Dropout before the layer."
        )


def check_name_of_trace(who: str, name: Any, arrays: Mapping[str, Any], usual: Sequence[str]) -> None:
    """Check the name of an array of a Trace; KeyError, as of a dictionary, with the names of gates and states."""
    if not isinstance(name, str) or name not in arrays:
        raise KeyError(f"{who}.trace: name is {name!r:.40}, expected {', '.join(usual)}, or another of list(trace).")
