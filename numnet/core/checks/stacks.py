"""What layers that stand together must be to each other: in a row, side by side, handed on to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numnet.core.checks.values import check_size


def check_alike(who: str, layers: Sequence[Any]) -> None:
    """Each layer gives one output, and time stands on one axis all through a model."""
    ways: dict[bool, int] = {}
    for k, layer in enumerate(layers):
        if getattr(layer, "merge", "") is None:
            raise ValueError(f"{who}: layers[{k}] gives a pair (merge=None), expected one output. Choose a merge.")
        way = batch_first_of(layer)
        if way is not None:
            ways.setdefault(way, k)
    if len(ways) == 2:
        raise ValueError(
            f"{who}: layers[{ways[False]}] is time-major, layers[{ways[True]}] batch-first, expected all alike. "
            "Give each the same batch_first=."
        )


def check_layers(who: str, layers: Any) -> None:
    """Several, in a list; torch.nn.ModuleList is one, too."""
    if not (hasattr(layers, "__len__") and hasattr(layers, "__iter__")):
        raise TypeError(f"{who}: layers is {type(layers).__name__}, expected a list of layers. One? Pass [layer].")


def batch_first_of(layer: Any) -> bool | None:
    """Whether the batch is first for it; None where that is all the same."""
    way: bool | None = getattr(layer, "per_sequence", False) or getattr(layer, "batch_first", None)
    return way


def check_once(who: str, layers: Sequence[Any]) -> None:
    """A layer remembers one call, so it can stand in one place; and its node with it."""
    check_layers(who, layers)
    for k, layer in enumerate(layers):
        node = getattr(layer, "node", layer)
        if any(node is getattr(other, "node", other) for other in layers[:k]):
            raise ValueError(
                f"{who}: layers[{k}] is, or shares its node with, a layer that stands before it. Make another."
            )


def check_side_by_side(who: str, layers: Sequence[Any], widths: Sequence[int] | None, batch_first: bool) -> None:
    """Layers that can read one x and stand in one row: no states, alike in time, each with its width."""
    check_layers(who, layers)
    if not len(layers):
        raise ValueError(f"{who}: there are no layers, expected at least one.")
    for k, layer in enumerate(layers):
        if layer.recurrent:
            raise ValueError(
                f"{who}: layers[{k}] is {layer.name}, which has a state, expected layers without one. "
                f"Put it before or behind the {who}."
            )
        if layer.keeps_time != layers[0].keeps_time:
            names = f"layers[{k}] is {layer.name}, layers[0] {layers[0].name}"
            raise ValueError(f"{who}: {names}, and time ends in one of them alone, expected all alike. Pool behind it.")
        if batch_first_of(layer) not in (None, batch_first):
            ours, theirs = ("batch-first", "time-major") if batch_first else ("time-major", "batch-first")
            raise ValueError(f"{who}: layers[{k}] is {theirs}, expected {ours}, as the {who} is. Give both the same.")
        if widths is None and layer.reads != layers[0].reads:
            reads = f"layers[{k}] reads {layer.reads}, layers[0] {layers[0].reads}"
            raise ValueError(f"{who}: {reads}, expected all alike. Give widths=.")
    if widths is not None:
        check_size(who, **{f"widths[{k}]": width for k, width in enumerate(widths)})
        if len(widths) != len(layers):
            raise ValueError(f"{who}: widths has {len(widths)} entries, expected {len(layers)}, one a layer.")


def check_outputs(who: str, shapes: Sequence[Any]) -> None:
    """What is to stand side by side is alike but for its width."""
    for k, shape in enumerate(shapes):
        if shape[:-1] != shapes[0][:-1]:
            raise ValueError(
                f"{who}: layers[{k}] gives {tuple(shape)}, layers[0] {tuple(shapes[0])}, expected the same but for the "
                "last axis. An Embedding reads one column."
            )


def check_part(who: str, name: str, part: Any, kind: type) -> None:
    """One of this kind, or None."""
    if part is not None and not isinstance(part, kind):
        raise TypeError(
            f"{who}: {name} is {part!r}, expected None or one of {kind.__name__}, such as {kind.__name__}({part!r})."
        )


def check_recurrent(who: str, layer: Any) -> None:
    """What goes both ways is a layer that can be made once more, in reverse."""
    if not hasattr(layer, "reversed_copy"):
        raise ValueError(f"{who}: layer is {type(layer).__name__}, expected a recurrent layer, such as LSTMLayer.")


def resets_for(who: str, layers: Sequence[Any], resets: Any) -> dict[str, Any]:
    """The option `resets` of the recurrent layers, if it is given; ValueError if no layer reads it."""
    if resets is not None and not any(layer.recurrent for layer in layers):
        raise ValueError(f"{who}: resets are given, expected None: no layer is recurrent.")
    return {} if resets is None else {"resets": resets}


def check_stack(who: str, name: str, layers: Sequence[Any], ahead: bool) -> None:
    """One output a step, batch first; and where `ahead` is False, no step has read a later one."""
    for k, layer in enumerate(layers):
        if not layer.keeps_time:
            raise ValueError(f"{who}: {name}[{k}] makes one vector of a sequence, expected one a step.")
        if not getattr(layer, "batch_first", True):
            raise ValueError(f"{who}: {name}[{k}] is time-major, expected batch-first. Leave out batch_first=.")
        if any(getattr(part, "stateful", False) for part in layer.modules()):
            raise ValueError(
                f"{who}: {name}[{k}] is stateful, expected one that begins anew with every pair. Leave out stateful=."
            )
        if not ahead and (hasattr(layer, "forwards") or getattr(layer, "reverse", False)):
            raise ValueError(
                f"{who}: {name}[{k}] reads the steps that it is to say, expected a layer that goes ahead alone. "
                "Leave out reverse= and bidirectional=."
            )


def check_handover(who: str, given: Sequence[Mapping[str, int]], taken: Sequence[Mapping[str, int]]) -> None:
    """The states of the encoder's recurrent layers are those that the decoder's begin with."""
    if len(given) != len(taken):
        raise ValueError(
            f"{who}: the encoder has {len(given)} recurrent layers, the decoder {len(taken)}, expected as many. "
            "Each hands its last state on."
        )
    for k, (ours, theirs) in enumerate(zip(given, taken)):
        if ours != theirs:
            words = (", ".join(f"{name} ({size})" for name, size in each.items()) for each in (ours, theirs))
            remedy = (
                "Of a layer in two directions both are handed on, side by side: give each half of the width."
                if list(ours) == list(theirs)
                else "Give both the same cell."
            )
            raise ValueError(
                f"{who}: the encoder's recurrent layer {k} hands on {next(words)}, the decoder's takes {next(words)}. "
                f"{remedy}"
            )
