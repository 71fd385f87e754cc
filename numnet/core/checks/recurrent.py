"""Validation of recurrent layers: their number, the second direction, dropout that has nothing to drop."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from numnet.core.checks.runs import check_trains, kind
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


def check_has_steps(who: str, model: Any) -> None:
    """Check for an RNNModel with a loss and a recurrent layer."""
    check_trains(who, model)
    if not any(base.__name__ == "RNNModel" for base in type(model).__mro__):
        raise TypeError(f"{who}: model is {kind(model)}, expected an RNNModel.")
    if not model.recurrent_layers:
        raise ValueError(f"{who}: model has no recurrent layer, expected at least one, such as LSTMLayer(64).")


def check_trace(who: str, trace: Any, kind_of_trace: type) -> None:
    """Check for a Trace."""
    if not isinstance(trace, kind_of_trace):
        raise TypeError(f"{who}: trace is {kind(trace)}, expected a Trace. Pass layer.trace(x).")


def check_names_of_trace(who: str, names: Sequence[Any], trace: Any) -> None:
    """Check that there are names, and that the trace has an array for each."""
    if not names:
        raise ValueError(f"{who}: there are no names, expected at least one, such as 'h'.")
    for name in names:
        if not isinstance(name, str) or name not in list(trace):
            raise ValueError(f"{who}: names has {name!r:.40}, expected names of the trace: {', '.join(trace)}.")
        if trace[name].ndim != 3:
            raise ValueError(f"{who}: {name} is {trace[name].shape}, expected an array with a time axis.")


def check_row_of_trace(who: str, row: int, B: int) -> None:
    """Check the index of a sequence in the batch."""
    if not 0 <= row < B:
        raise ValueError(f"{who}: row is {row}, expected 0 to {B - 1}: the batch has {B} sequences.")


def check_tokens_of_trace(who: str, tokens: Any, real: int, T: int) -> list[str] | None:
    """Return the text of each real step; there may be texts for the padding, too."""
    if real == 0:
        raise ValueError(f"{who}: the sequence has 0 steps, expected at least one. Choose another row.")
    if tokens is None:
        return None
    found = list(tokens)
    wrong = next((k for k, token in enumerate(found) if not isinstance(token, str)), None)
    if wrong is not None:
        got = f"{found[wrong]!r:.40} ({type(found[wrong]).__name__})"
        raise TypeError(f"{who}: tokens[{wrong}] is {got}, expected text. Pass [vocabulary.tokens[k] for k in ids].")
    if not real <= len(found) <= T:
        expected = f"{real}" if real == T else f"{real} to {T}"
        raise ValueError(f"{who}: tokens has {len(found)} texts, expected {expected}: one for each step.")
    return found[:real]
