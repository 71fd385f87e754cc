"""Validation of layers that are used together: in a stack, side by side, as encoder and decoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numnet.core.checks.autograd import modules_of
from numnet.core.checks.decoding import check_causal
from numnet.core.checks.parts import check_part, described_part, is_ours, reads_steps
from numnet.core.checks.values import check_size


def check_same_layout(who: str, layers: Sequence[Any]) -> None:
    """Check that each layer has one output, and that all layers use the same time axis."""
    ways: dict[bool, int] = {}
    for k, layer in enumerate(layers):
        if getattr(layer, "merge", "") is None:
            raise ValueError(
                f"{who}: layers[{k}] returns a pair (merge=None), expected one output. Set merge='concat'."
            )
        way = batch_first_of(layer)
        if way is not None:
            ways.setdefault(way, k)
    if len(ways) == 2:
        raise ValueError(
            f"{who}: layers[{ways[False]}] is time-major, layers[{ways[True]}] batch-first, expected the same for "
            "all. Give each the same batch_first=."
        )


def batch_first_of(layer: Any) -> bool | None:
    """Return whether the layer takes batch-first arrays; None if it takes either."""
    way: bool | None = layer.batch_first
    return way


def check_distinct(who: str, layers: Sequence[Any], name: str = "layers") -> None:
    """Check that no layer or node occurs twice: a layer saves the values of one call only."""
    known: set[Any] = set()
    for k, layer in enumerate(layers):
        modules = modules_of(layer) if hasattr(layer, "modules") else {id(layer)}
        known, shared = known | modules, known & modules
        if shared:
            raise ValueError(
                f"{who}: {name}[{k}] is an earlier layer, or shares a node with one, expected a new layer. Create one."
            )


def check_side_by_side(who: str, layers: Sequence[Any], widths: Sequence[int] | None, batch_first: bool) -> None:
    """Check that layers can run side by side: no states, the same axes, one width for each."""
    if not (widths is None or isinstance(widths, (list, tuple)) or getattr(widths, "ndim", 0) == 1):
        got = described_part(widths)
        raise TypeError(f"{who}: widths is {got}, expected a list of whole numbers, one for each layer.")
    if not len(layers):
        raise ValueError(f"{who}: there are no layers, expected at least one.")
    for k, layer in enumerate(layers):
        if layer.recurrent:
            raise ValueError(
                f"{who}: layers[{k}] is {layer.name}, which has a state, expected layers without one. "
                f"Put it before or after the {who}."
            )
        if layer.keeps_time != layers[0].keeps_time:
            names = f"layers[{k}] is {layer.name}, layers[0] {layers[0].name}"
            raise ValueError(f"{who}: {names}: only one keeps time, expected all or none. Pool after the {who}.")
        if batch_first_of(layer) not in (None, batch_first):
            expected, got = ("batch-first", "time-major") if batch_first else ("time-major", "batch-first")
            raise ValueError(
                f"{who}: layers[{k}] is {got}, expected {expected}, as the {who}. Give both the same batch_first=."
            )
        if widths is None and layer.reads != layers[0].reads:
            reads = f"layers[{k}] reads {layer.reads}, layers[0] {layers[0].reads}"
            raise ValueError(f"{who}: {reads}, expected the same for all. Pass widths=.")
    if widths is not None:
        check_size(who, **{f"widths[{k}]": width for k, width in enumerate(widths)})
        if len(widths) != len(layers):
            raise ValueError(f"{who}: widths has {len(widths)} entries, expected {len(layers)}, one per layer.")


def check_same_shapes(who: str, shapes: Sequence[Any]) -> None:
    """Check that outputs to be concatenated differ at most in the last axis."""
    for k, shape in enumerate(shapes):
        if shape[:-1] != shapes[0][:-1]:
            raise ValueError(
                f"{who}: layers[{k}] returns {tuple(shape)}, layers[0] {tuple(shapes[0])}, expected the same except "
                "for the last axis. An Embedding reads one column."
            )


def check_recurrent(who: str, layer: Any, kind: type) -> None:
    """Check that the layer of a Bidirectional is recurrent, and of this package."""
    if isinstance(layer, type) or not hasattr(layer, "reversed_copy"):
        remedy = f" Make an object of the class: {layer.__name__}(...)." if isinstance(layer, type) else ""
        raise ValueError(
            f"{who}: layer is {described_part(layer)}, expected a recurrent layer, such as LSTMLayer.{remedy}"
        )
    check_part(who, "layer", layer, kind, "{net}.LSTMLayer(64)")


def check_node(who: str, node: Any, kind: type) -> None:
    """Check that the node of a layer is one of its own backend."""
    if not isinstance(node, kind):
        ours = kind.__module__.partition(".")[0]
        raise TypeError(
            f"{who}: node is {type(node).__name__} of another backend, expected a node of {ours}. "
            f"Create it from {ours}: {ours}.{type(node).__name__}(...)."
        )
    if hasattr(node, "child_states"):
        raise TypeError(
            f"{who}: node is {type(node).__name__}, expected a node with one previous state. A tree has no time axis: "
            "call it on a Tape, tape.node(left, right)."
        )


def resets_for(who: str, layers: Sequence[Any], resets: Any) -> dict[str, Any]:
    """Return the keyword `resets` for the recurrent layers, if it is given; ValueError if no layer is recurrent."""
    if resets is not None and not any(layer.recurrent for layer in layers):
        raise ValueError(f"{who}: resets are given, expected None: no layer is recurrent.")
    return {} if resets is None else {"resets": resets}


def check_stack(who: str, name: str, layers: Sequence[Any], ahead: bool) -> None:
    """Check for one output per step, batch first; unless `ahead`, also that no step reads a later one."""
    for k, layer in enumerate(layers):
        if hasattr(layer, "stacked_state"):
            raise ValueError(
                f"{who}: {name}[{k}] is a stack of {len(layer.layers)} layers, expected one. Give each in the list: "
                f"{name}=[LSTMLayer(64), Dropout(0.5), LSTMLayer(64)]."
            )
        if getattr(layer, "own_backward", False):
            raise ValueError(
                f"{who}: {name}[{k}] has a backward_layer of its own, expected two layers of a kind: their states are "
                "concatenated. Leave it out."
            )
        if not layer.keeps_time:
            remedy = "Leave out return_sequences=False." if layer.recurrent else "Remove pooling."
            raise ValueError(f"{who}: {name}[{k}] returns one vector per sequence, expected one per step. {remedy}")
        if layer.batch_first is False:
            raise ValueError(f"{who}: {name}[{k}] is time-major, expected batch-first. Leave out batch_first=.")
        if any(getattr(part, "stateful", False) for part in layer.modules()):
            raise ValueError(
                f"{who}: {name}[{k}] is stateful, expected a layer that starts every pair with a new state. "
                "Leave out stateful=."
            )
        if not ahead:
            check_causal(who, f"{name}[{k}]", layer)


def check_output(who: str, layers: Sequence[Any]) -> None:
    """Check that the output layers read one step at a time: their input is the real steps of all rows."""
    for k, layer in enumerate(layers):
        if is_ours(layer) and reads_steps(layer):
            raise ValueError(
                f"{who}: output[{k}] is {layer.name}, which reads a sequence, expected a layer that reads one step, "
                "such as Dense. Put it in the decoder."
            )


def check_output_width(who: str, size: int, target_size: int) -> None:
    """Check that the decoder can read each token that the output layers predict."""
    if size > target_size:
        raise ValueError(
            f"{who}: the output layers return {size} logits, expected at most {target_size}, the target_size. "
            f"End output with Dense({target_size})."
        )


def check_memory_size(who: str, memory_size: int | None, width: int) -> None:
    """Check that the attention reads what the encoder returns."""
    if memory_size not in (None, width):
        raise ValueError(
            f"{who}: attention has memory_size={memory_size}, expected {width}, the width of the encoder's outputs. "
            "Leave it out: the model sets it."
        )


def check_passed_states(
    who: str, given: Sequence[Mapping[str, int]], taken: Sequence[Mapping[str, int]], attention: bool
) -> None:
    """Check that the encoder's last states fit as start states of the decoder."""
    if not (given or attention):
        raise ValueError(
            f"{who}: the encoder has no recurrent layer and there is no attention, expected either: the decoder would "
            "not read the source. Give attention=, or a recurrent layer to both."
        )
    if len(given) != len(taken):
        raise ValueError(
            f"{who}: the encoder has {len(given)} recurrent layers, the decoder {len(taken)}, expected the same "
            "number: each encoder layer passes its last state to one decoder layer."
        )
    for k, (last, start) in enumerate(zip(given, taken)):
        if last != start:
            words = (", ".join(f"{name} ({size})" for name, size in each.items()) for each in (last, start))
            remedy = (
                "Give both the same width; the states of a bidirectional layer are concatenated: twice its width."
                if list(last) == list(start)
                else "Use the same kind of cell in both."
            )
            raise ValueError(
                f"{who}: the encoder's recurrent layer {k} has the state {next(words)}, the decoder's {next(words)}. "
                f"{remedy}"
            )
