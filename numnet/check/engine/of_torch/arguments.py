"""Convert the arguments and results of a torch.nn.Module or Function, tuples included, to tensors by name."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from numnet.check.engine.subject import Arrays, Unusable
from numnet.core.arrays import to_numpy


@dataclass(frozen=True)
class At:
    """A placeholder for the input of this name."""

    name: str


def flat(who: str, results: Any) -> Iterator[tuple[str, Any]]:
    """Name the outputs: y; y, h, c for the (y, (h, c)) of an LSTM; y0, y1, ... for any other tuple."""
    parts = [*parts_of(who, results)]
    lstm = isinstance(results, tuple) and len(results) == 2 and not isinstance(results[0], tuple) and len(parts) == 3
    names = ["y"] if len(parts) == 1 else ["y", "h", "c"] if lstm else [f"y{k}" for k in range(len(parts))]
    return zip(names, parts)


def parts_of(who: str, results: Any) -> Iterator[Any]:
    """Yield the tensors of a tuple, nested ones too."""
    if type(results).__name__ == "PackedSequence":
        raise Unusable(
            f"{who}: forward returns a PackedSequence, expected tensors. "
            "Pad it: torch.nn.utils.rnn.pad_packed_sequence."
        )
    if isinstance(results, (tuple, list)):
        for part in results:
            yield from parts_of(who, part)
    elif hasattr(results, "requires_grad"):
        yield results
    elif results is not None:
        raise Unusable(
            f"{who}: forward returns {type(results).__name__}, expected a tensor or a tuple of tensors. "
            "Wrap the module."
        )


def placed(value: Any, name: str, found: Arrays) -> Any:
    """Store arrays and tensors under a name, a pair as h and c; return placeholders. Other values stay."""
    if type(value).__name__ == "PackedSequence":
        raise Unusable(
            f"{name} is a PackedSequence, expected a tensor. Pass a padded x; for torch.nn.LSTM also lengths=."
        )
    if isinstance(value, tuple):
        names = ("h", "c") if len(value) == 2 else tuple(f"{name}{k}" for k in range(len(value)))
        return tuple(placed(part, own, found) for own, part in zip(names, value))
    if not (hasattr(value, "shape") or isinstance(value, list)):
        return value
    found[name] = real(value)
    return At(name)


def filled(place: Any, leaves: Mapping[str, Any]) -> Any:
    """Replace placeholders by tensors: the inverse of `placed`."""
    if isinstance(place, tuple):
        return tuple(filled(part, leaves) for part in place)
    return leaves[place.name] if isinstance(place, At) else place


def names_in(place: Any) -> list[str]:
    """Return the names of the inputs in an argument."""
    if isinstance(place, tuple):
        return [name for part in place for name in names_in(part)]
    return [place.name] if isinstance(place, At) else []


def real(value: Any) -> Any:
    """Return a copy, float64 if it has real numbers."""
    x = np.array(to_numpy(value), order="C")
    return x.astype(np.float64) if x.dtype.kind == "f" else x


def argument_names(thing: Any, count: int) -> list[str]:
    """Return forward's argument names, x for `input`; prefixed if a parameter has the same name."""
    names = ["x" if name == "input" else name for name in forward_arguments(thing)[:count]]
    names += [f"x{k}" for k in range(len(names), count)]
    taken = {name for name, _ in named(thing)}
    return [f"input {name}" if name in taken else name for name in names]


def forward_arguments(thing: Any) -> list[str]:
    """Return the names of forward's arguments, without the ctx of a Function."""
    found = inspect.signature(thing.forward).parameters.values()
    names = [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    function = sys.modules["torch"].autograd.Function
    return names[1:] if getattr(thing, "setup_context", None) is function.setup_context else names


def named(module: Any) -> list[tuple[str, Any]]:
    """Return a module's parameters by name; a Function has none."""
    return [] if isinstance(module, type) else list(module.named_parameters())


def torch_name(thing: Any) -> str:
    """Return the full name in torch.nn, or the class's own name."""
    kind = thing if isinstance(thing, type) else type(thing)
    return f"torch.nn.{kind.__name__}" if kind.__module__.startswith("torch.nn.") else kind.__name__
