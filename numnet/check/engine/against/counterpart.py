"""Construct the second implementation from a class or its name, in the sizes of the first."""

from __future__ import annotations

import importlib
from typing import Any

from numnet.check.engine.adapt import is_torch
from numnet.check.engine.subject import Subject, Unusable


def instance_of(theirs: Any, ours: Any) -> Any:
    """Return theirs if it is an instance; construct a class, or a name such as "torch.nn.LSTM", with ours' sizes."""
    if isinstance(theirs, str):
        theirs = named(theirs)
    if not isinstance(theirs, type) or is_torch(theirs):  # a Function is used as a class
        return theirs
    if theirs.__module__.startswith("torch.nn."):
        return torch_layer_like(theirs, ours)
    if not hasattr(theirs, "config"):
        raise Unusable(
            f"compare: {theirs.__name__} is a class, expected an instance or a class of numnet, torchnet or torch.nn. "
            "Pass an instance."
        )
    if hasattr(ours, "config"):
        return theirs.from_config(ours.config()) if hasattr(theirs, "from_config") else of_config(theirs, ours.config())
    return layer_like(theirs, ours)


def named(name: str) -> Any:
    """Import the class with this dotted name."""
    module, _, last = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), last)
    except (ImportError, ValueError, AttributeError) as error:
        raise Unusable(
            f"compare: there is no {name!r} ({error}), expected a name such as 'torch.nn.LSTM'. Check the spelling."
        ) from None


def of_config(kind: Any, config: dict[str, Any]) -> Any:
    """Construct it from a config; a nested config of a part has the part's class name as its "type"."""
    backend = importlib.import_module(kind.__module__.partition(".")[0])

    def part(value: Any) -> Any:
        if isinstance(value, dict) and "type" in value:
            return of_config(getattr(backend, value["type"]), {k: v for k, v in value.items() if k != "type"})
        return [part(one) for one in value] if isinstance(value, list) else value

    return kind(**{name: part(value) for name, value in config.items()})


def torch_layer_like(kind: Any, ours: Any) -> Any:
    """Return a torch.nn.RNN, GRU or LSTM with the sizes of a layer, or of a model of such layers."""
    layers = list(ours.layers) if hasattr(ours, "layers") else [ours]
    first = getattr(layers[0], "forwards", layers[0])
    node = getattr(first, "node", first)
    width = getattr(ours, "input_size", None) or getattr(first, "input_size", None)
    if not hasattr(node, "hidden_size") or not width or kind.__name__ not in ("RNN", "GRU", "LSTM"):
        raise Unusable(
            f"compare: torch.nn.{kind.__name__} cannot be constructed in the sizes of {full_name(ours)}, expected a "
            "torch.nn.RNN, GRU or LSTM for a recurrent layer. Pass an instance."
        )
    if reason := getattr(first, "other_function", ""):
        raise Unusable(
            f"compare: torch.nn.{kind.__name__} cannot compute {full_name(ours)}: {reason}. Pass an instance."
        )
    options: dict[str, Any] = {"proj_size": getattr(node, "proj_size", None) or 0} if kind.__name__ == "LSTM" else {}
    options |= {"nonlinearity": getattr(node, "activation", "tanh")} if kind.__name__ == "RNN" else {}
    return kind(
        width, node.hidden_size, len(layers), batch_first=getattr(first, "batch_first", None) is not False,
        bidirectional=hasattr(layers[0], "forwards"), **options,
    )  # fmt: skip


def layer_like(kind: Any, module: Any) -> Any:
    """Return a numnet or torchnet layer with the sizes of a torch.nn.RNN, GRU or LSTM."""
    if not hasattr(module, "hidden_size"):
        raise Unusable(
            f"compare: {kind.__name__} cannot be constructed in the sizes of {full_name(module)}, expected a "
            "torch.nn.RNN, GRU or LSTM. Pass an instance."
        )
    options: dict[str, Any] = {"proj_size": module.proj_size} if module.proj_size else {}
    options |= {"activation": module.nonlinearity} if module.mode.startswith("RNN") else {}
    return kind(
        module.hidden_size, input_size=module.input_size, batch_first=module.batch_first,
        bidirectional=module.bidirectional, **options,
    )  # fmt: skip


def full_name(thing: Any) -> str:
    """Return the name with its package: numnet.LSTMLayer, torch.nn.LSTM; for a user's class its own name."""
    if isinstance(thing, Subject):
        inner = (
            getattr(thing.thing, "module", None)
            if type(thing.thing).__module__.startswith("numnet.check")
            else thing.thing
        )
        return thing.name if isinstance(inner, (tuple, type(None))) else full_name(inner)
    kind = thing if isinstance(thing, type) else type(thing)
    package = kind.__module__.partition(".")[0]
    nn = "torch.nn." if kind.__module__.startswith("torch.nn.") else ""
    of = f" of {thing.node.__class__.__name__}" if kind.__name__ == "RecurrentLayer" and hasattr(thing, "node") else ""
    return (f"{package}." if package in ("numnet", "torchnet") else nn) + kind.__name__ + of
