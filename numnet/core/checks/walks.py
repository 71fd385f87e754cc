"""What can be walked back through: numbers and arrays that remember, parts on a tape."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from numnet.core.checks.values import kind_of

Shape = tuple[int, ...]


def check_last(who: str, shape: Shape) -> None:
    """The way back begins at one number, unless it is said how."""
    if math.prod(shape) != 1:
        raise ValueError(
            f"{who}: backward from {tuple(shape)}, expected one number. Take .sum() or .mean(), or pass its gradient."
        )


def check_axes(who: str, axes: Any, ndim: int) -> Shape:
    """Every axis once, in any order, numbers or a tuple of them; of none, all turned round."""
    given = tuple(axes[0]) if len(axes) == 1 and isinstance(axes[0], (tuple, list)) else tuple(axes)
    given = given or tuple(reversed(range(ndim)))
    if sorted(axis + ndim * (axis < 0) for axis in given) != list(range(ndim)):
        raise ValueError(f"{who}: axes are {given}, expected each of {ndim} once, such as {tuple(range(ndim))}.")
    return tuple(axis % ndim for axis in given)


def refuse_plain(who: str) -> TypeError:
    """For what would lose the way back without a word."""
    return TypeError(
        f"{who}: given to what keeps no gradient, expected its methods or a part of a Tape. Plain numbers? Pass .value."
    )


def check_parts(who: str, parts: Mapping[str, Any], taken: Sequence[str]) -> None:
    """Each a part of a network, under a name of its own, and there once."""
    for k, (name, part) in enumerate(parts.items()):
        if not hasattr(part, "over_time"):
            raise TypeError(
                f"{who}: {name} is {type(part).__name__}, expected an Operation, a Node, a Layer or a loss."
            )
        if isinstance(part, type):
            raise TypeError(
                f"{who}: {name} is the class {part.__name__}, expected one of it, such as {part.__name__}(...)."
            )
        if name in taken or name.startswith("_"):
            raise ValueError(
                f"{who}: a part is called {name}, expected a name that a {who} has no use for. Give another."
            )
        shared = [other for other in list(parts)[:k] if modules_of(part) & modules_of(parts[other])]
        if shared:
            raise ValueError(
                f"{who}: {name} is, or shares a part with, {shared[0]}, expected weights of its own. "
                f"Make another, or call {shared[0]} twice."
            )


def modules_of(part: Any) -> set[Any]:
    """All that it is made of, a torchnet layer's node among it."""
    return {node for module in part.modules() for node in (module, getattr(module, "node", module))}


def check_objective(who: str, objective: Any, what: str = "objective") -> Any:
    """What a Trainer cannot do without."""
    if objective is None:
        raise ValueError(
            f"{who}: there is no {what}. A Trainer needs {who}(loss=...), and {who.lower()}.objective = a function "
            "(x, target) → the loss."
        )
    return objective


def check_on_tape(who: str, name: str, value: Any) -> None:
    """What can be walked back through."""
    if not hasattr(value, "backward"):
        raise TypeError(
            f"{who}: {name} is {type(value).__name__}, expected what a call on the {who.lower()} gave, as it is: "
            "no float(), no .value."
        )


def check_one_way(who: str, **inputs: Any) -> None:
    """Inputs through which no gradient goes are plain."""
    for name, value in inputs.items():
        if hasattr(value, "zero_grad"):
            raise TypeError(
                f"{who}: {name} is {type(value).__name__}, expected what needs no gradient. Pass its .value."
            )


def check_padded(who: str, *inputs: Any) -> None:
    """On a tape sequences are padded."""
    for x in inputs:
        if type(x).__name__ == "Packed":
            raise TypeError(f"{who}: x is Packed, expected an array on a tape. Pass x.padded(), and lengths.")


def check_unchanged(who: str, now: int, then: int) -> None:
    """A way back through weights that are no longer those of the way forward would be wrong."""
    if now != then:
        raise RuntimeError(
            f"{who}: the weights have changed since this call, expected the way back before the step. Call it again."
        )


def check_step(who: str, x: Any) -> None:
    """One step, batch first, as a node on a tape takes it."""
    if not (x.ndim == 2 or (x.ndim == 1 and kind_of(x) == "token")):
        remedy = " One sample? Pass x[None]." if x.ndim == 1 else ""
        raise ValueError(
            f"{who}: x is {tuple(x.shape)}, expected one step, on a tape (batch, features), or tokens (batch,).{remedy}"
        )
