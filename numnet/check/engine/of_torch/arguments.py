"""What a torch.nn.Module or Function takes and returns, tuples too, as tensors by name; and its own name."""

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
    """Where the input of this name goes."""

    name: str


def flat(who: str, results: Any) -> Iterator[tuple[str, Any]]:
    """y; or y, h, c of (y, (h, c)), which an LSTM returns; or y0, y1, ... of any other tuple."""
    parts = [*parts_of(who, results)]
    lstm = isinstance(results, tuple) and len(results) == 2 and not isinstance(results[0], tuple) and len(parts) == 3
    names = ["y"] if len(parts) == 1 else ["y", "h", "c"] if lstm else [f"y{k}" for k in range(len(parts))]
    return zip(names, parts)


def parts_of(who: str, results: Any) -> Iterator[Any]:
    """The tensors of a tuple, and of those in it."""
    if type(results).__name__ == "PackedSequence":
        raise Unusable(
            f"{who}: a PackedSequence, expected tensors. Pad it with torch.nn.utils.rnn.pad_packed_sequence."
        )
    if isinstance(results, (tuple, list)):
        for part in results:
            yield from parts_of(who, part)
    elif hasattr(results, "requires_grad"):
        yield results
    elif results is not None:
        raise Unusable(f"{who}: returns {type(results).__name__}, expected a tensor, or a tuple of them. Return that.")


def placed(value: Any, name: str, found: Arrays) -> Any:
    """Put arrays and tensors under a name, those of a pair as an LSTM's h and c; all else is passed as it is."""
    if type(value).__name__ == "PackedSequence":
        raise Unusable(f"{name} is a PackedSequence, expected a tensor. Of a torch.nn.LSTM, pass x, and lengths=.")
    if isinstance(value, tuple):
        names = ("h", "c") if len(value) == 2 else tuple(f"{name}{k}" for k in range(len(value)))
        return tuple(placed(part, own, found) for own, part in zip(names, value))
    if not (hasattr(value, "shape") or isinstance(value, list)):
        return value
    found[name] = real(value)
    return At(name)


def filled(place: Any, leaves: Mapping[str, Any]) -> Any:
    """The way back: the arguments."""
    if isinstance(place, tuple):
        return tuple(filled(part, leaves) for part in place)
    return leaves[place.name] if isinstance(place, At) else place


def names_in(place: Any) -> list[str]:
    """The inputs that an argument is made of."""
    if isinstance(place, tuple):
        return [name for part in place for name in names_in(part)]
    return [place.name] if isinstance(place, At) else []


def real(value: Any) -> Any:
    """A copy, float64 where it is of real numbers."""
    x = np.array(to_numpy(value), order="C")
    return x.astype(np.float64) if x.dtype.kind == "f" else x


def argument_names(thing: Any, count: int) -> list[str]:
    """forward's own names of its arguments, x for `input`; none that a parameter has."""
    names = ["x" if name == "input" else name for name in forwards_own(thing)[:count]]
    names += [f"x{k}" for k in range(len(names), count)]
    taken = {name for name, _ in named(thing)}
    return [f"input {name}" if name in taken else name for name in names]


def forwards_own(thing: Any) -> list[str]:
    """The names of forward's arguments; a Function's may begin with ctx, which is none."""
    found = inspect.signature(thing.forward).parameters.values()
    names = [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    function = sys.modules["torch"].autograd.Function
    return names[1:] if getattr(thing, "setup_context", None) is function.setup_context else names


def named(module: Any) -> list[tuple[str, Any]]:
    """A module's parameters; a Function has none."""
    return [] if isinstance(module, type) else list(module.named_parameters())


def torch_name(thing: Any) -> str:
    """torch.nn.LSTM, or a class's own name."""
    kind = thing if isinstance(thing, type) else type(thing)
    return f"torch.nn.{kind.__name__}" if kind.__module__.startswith("torch.nn.") else kind.__name__
