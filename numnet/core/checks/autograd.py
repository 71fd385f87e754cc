"""Validation for automatic differentiation: numbers and arrays with gradients, parts of a Tape."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from numnet.core.checks.networks import check_state_shape
from numnet.core.checks.operands import check_operand, real_array, whole
from numnet.core.checks.parts import described_part, is_foreign
from numnet.core.checks.torch_modules import taken_by_torchnet
from numnet.core.checks.values import kind_of

Shape = tuple[int, ...]
CHANGED = (
    "{who}: the weights have changed since this call, expected backward before the optimizer's step. Call it again."
)


def check_single_number(who: str, shape: Shape) -> None:
    """Check that backward without a given gradient starts at a single number."""
    if math.prod(shape) != 1:
        raise ValueError(
            f"{who}: backward from {tuple(shape)}, expected one number. Take .sum() or .mean(), or pass the gradient."
        )


def check_has_graph(who: str, has_graph: bool) -> None:
    """Check that backward starts at a value whose computation was recorded."""
    if not has_graph:
        raise RuntimeError(
            f"{who}: backward of a value of predict, evaluate or without_graph(), expected one with a graph. "
            "Compute it outside of them."
        )


def check_parts(who: str, parts: Mapping[str, Any], taken: Sequence[str], net: str = "") -> None:
    """Check that each part is an instance of this package with a valid name, and that no two share weights."""
    for k, (name, part) in enumerate(parts.items()):
        if not hasattr(part, "over_time"):
            raise TypeError(
                f"{who}: {name} is {type(part).__name__}, expected an Operation, a Node, a Layer or a loss."
                f"{taken_by_torchnet(part)}"
            )
        if isinstance(part, type):
            raise TypeError(
                f"{who}: {name} is the class {part.__name__}, expected an instance, such as {part.__name__}(...)."
            )
        if is_foreign(part, net):
            got = described_part(part, net)
            raise TypeError(f"{who}: {name} is {got}, expected a part of {net}. Create it from {net}.")
        spinn = getattr(part, "encoder", part)
        if hasattr(spinn, "added_loss") and spinn.predicts:
            raise TypeError(
                f"{who}: {name} is a {part.name} with a transition loss, which is no value on a tape, expected one "
                "without it. Train it in a classifier without a tape, or give the SPINN a Tracker with predicts=False."
            )
        if name.partition(".")[0] in taken or name.startswith("_"):
            raise ValueError(
                f"{who}: a part is called {name}, which is a reserved name, expected another. Rename the part."
            )
        shared = [other for other in list(parts)[:k] if modules_of(part) & modules_of(parts[other])]
        if shared:
            raise ValueError(
                f"{who}: {name} is {shared[0]}, or shares a part with it, expected separate weights. "
                f"Create another part, or call {shared[0]} twice."
            )


def flat_parts(who: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts by name; those of a list `layers` are layers.0, layers.1 and so on."""
    found: dict[str, Any] = {}
    for name, part in parts.items():
        if not isinstance(part, (list, tuple)):
            found[name] = part
            continue
        if not part:
            raise ValueError(f"{who}: {name} is an empty list, expected at least one part. Leave it out.")
        found |= {f"{name}.{k}": each for k, each in enumerate(part)}
    return found


def check_parameter(who: str, name: str, known: Iterable[str]) -> None:
    """Check that a part has a parameter of this name."""
    known = list(known)
    if name not in known:
        expected = f"one of {', '.join(known)}" if known else "a part with parameters: those without input_size get "
        expected += "" if known else "theirs in the first call"
        raise ValueError(f"{who}: {name} is no parameter, expected {expected}.")


def check_initial_value(who: str, value: Any) -> tuple[Shape, Any]:
    """Return the shape of a parameter, and its initial values, None if only a shape is given."""
    sizes = value if isinstance(value, (tuple, list)) else (value,)
    if any(whole(size) is None for size in sizes):
        check_operand(who, "value", value)
        array = real_array(who, "value", value)
        return array.shape, np.array(array, np.float64)
    if any(size < 0 for size in sizes):
        raise ValueError(f"{who}: the shape is {value}, expected sizes of 0 or more.")
    return tuple(map(int, sizes)), None


def modules_of(part: Any) -> set[Any]:
    """Return all modules of a part, including the node of a torchnet layer."""
    return {node for module in part.modules() for node in (module, getattr(module, "node", module))}


def check_objective(who: str, objective: Any, what: str = "objective") -> Any:
    """Check that the loss that a Trainer needs exists."""
    if objective is None:
        raise ValueError(
            f"{who}: there is no {what}, expected one for a Trainer. Pass {who}(loss=...), and set "
            f"{who.lower()}.objective to a function (x, target) → the loss."
        )
    return objective


def check_on_tape(who: str, name: str, value: Any, kind: type) -> None:
    """Check that a value can be backpropagated through: it is of the class `kind`, this backend's ArrayWithGrad."""
    if not isinstance(value, kind):
        got = type(getattr(value, "part", value)).__name__  # of a part on a tape: the part
        got += " of the other backend" if got == kind.__name__ else ""
        raise TypeError(
            f"{who}: {name} is {got}, expected an output of a call on the {who.lower()}. Pass it "
            "without float() or .value."
        )


def check_constants(who: str, **inputs: Any) -> None:
    """Check that inputs which get no gradient are plain arrays."""
    for name, value in inputs.items():
        if hasattr(value, "zero_grad"):
            raise TypeError(
                f"{who}: {name} is {type(value).__name__}, expected an array without a gradient. Pass its .value."
            )


def check_padded(who: str, *inputs: Any) -> None:
    """Check that sequences on a tape are padded, not Packed."""
    for x in inputs:
        if type(x).__name__ == "Packed":
            raise TypeError(f"{who}: x is Packed, expected an array on a tape. Pass x.padded(), and lengths.")


def check_weights_unchanged(who: str, now: int, then: int) -> None:
    """Check that the weights are those of the forward pass; otherwise the gradients would be wrong."""
    if now != then:
        raise RuntimeError(CHANGED.format(who=who))


def check_unchanged_tensors(who: str, error: RuntimeError) -> None:
    """Raise the same for PyTorch's error that a tensor was changed in place after the forward pass."""
    if "modified by an inplace" in str(error) or "modified inplace" in str(error):
        raise RuntimeError(CHANGED.format(who=who)) from None


def check_step(who: str, x: Any) -> None:
    """Check the input of a node on a tape: one step, batch first."""
    if not (x.ndim == 2 or (x.ndim == 1 and kind_of(x) == "token")):
        remedy = " One sample? Pass x[None]." if x.ndim == 1 else " A state (h, c)? Pass h." if len(x) == 2 else ""
        raise ValueError(
            f"{who}: x is {tuple(x.shape)}, expected one step, on a tape (batch, features), or tokens (batch,).{remedy}"
        )


def check_step_state(node: Any, parts: Sequence[Any], batch: int) -> None:
    """Check the shapes of the state of a node on a tape, where rows are samples."""
    for name, size, h in zip(node.states, node.state_sizes, parts):
        if h is not None:
            check_state_shape(node.name, f"state {name}", h.shape, (batch, size), "On a tape it is (batch, hidden).")
