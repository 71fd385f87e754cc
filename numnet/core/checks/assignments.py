"""Validation of assignments to the attributes of parts: what is fixed, reserved, or tied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from numnet.core.show import Shown, text

REMEDIES = {
    "dtype": "Call convert(dtype)",
    "params": "Call load_state_dict(values), or assign one of them, params['W'] = values",
    "grads": "Call zero_grad(), or assign one of them, grads['W'] = values",
}
KEEP = (
    "Every parameter is trained. To keep the values of some, store them, before = layer.state_dict(), and call "
    "layer.load_state_dict(before) after each step"
)


def shown(value: Any) -> str:
    """Return a value in an error message: the class of a part, other values as one would type them."""
    return type(value).__name__ if isinstance(value, Shown) else text(value)


def fixed_error(who: str, name: str, value: Any) -> TypeError:
    """Return the error for an assignment to an option or a part after construction."""
    remedy = REMEDIES.get(name, f"Create a new {who}")
    return TypeError(f"{who}: {name} is set to {shown(value)}, expected no change after construction. {remedy}.")


def frozen_error(who: str, name: str, value: Any) -> TypeError:
    """Return the error for an attribute with which other libraries keep parameters from being trained."""
    return TypeError(f"{who}: {name} is set to {shown(value)}, expected no such attribute. {KEEP}.")


def unbuilt_error(who: str, name: str) -> ValueError:
    """Return the error for a parameter that is assigned before it exists."""
    return ValueError(
        f"{who}: {name} is assigned before the parameters exist, expected it afterwards. Give input_size=, or run a "
        "batch first."
    )


def tied_error(who: str, name: str, other: str, theirs: str) -> ValueError:
    """Return the error for the parameter of one part as that of another: copies and files would separate the two."""
    remedy = "to tie a Dense to an Embedding use Dense(V, tied_to=embedding)."
    return ValueError(
        f"{who}: {name} is set to {theirs} of {other}, expected values of its own: an assignment does "
        f"not tie parameters. To start from equal values pass a copy; {remedy}"
    )


def list_error(who: str, name: str) -> TypeError:
    """Return the error for a change of a list of layers after construction."""
    return TypeError(f"{who}: {name} is changed, expected no change after construction. Create a new {who}.")


def late_part_error(who: str, name: str, part: Any) -> TypeError:
    """Return the error for a part that is assigned to a model or a Tape after construction."""
    return TypeError(
        f"{who}: {name} is set to {shown(part)} after construction, expected all parts in the constructor. "
        f"Create a new {who} with it."
    )


def check_named(who: str, what: str, name: Any, names: Iterable[str]) -> None:
    """Check that a parameter or gradient that is assigned by name exists."""
    known = list(names)
    if name not in known:
        expected = f"one of {', '.join(known)}" if known else "none: there are no parameters yet"
        raise ValueError(f"{who}: {what} has no {name!r}, expected {expected}.")


def check_trainable(who: str, frozen: Sequence[str]) -> None:
    """Check that no parameter is excluded from training, which an optimizer of ours would not know."""
    if frozen:
        raise ValueError(f"{who}: {frozen[0]} has requires_grad=False, expected True. {KEEP}.")
