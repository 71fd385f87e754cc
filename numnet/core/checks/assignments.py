"""Validation of assignments to the attributes of parts: what is fixed, reserved, or tied."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from numnet.core.show import Shown, text

REMEDIES = {
    "dtype": "Call convert(dtype)",
    "params": "Call load_state_dict(values), or assign one of them, params['W'] = values",
    "grads": "Call zero_grad(), or assign one of them, grads['W'] = values",
}
KEEP = "To exclude its parameters from training call freeze(), to train them again unfreeze()"


def shown(value: Any) -> str:
    """Return a value in an error message: the class of a part, other values as one would type them."""
    return type(value).__name__ if isinstance(value, Shown) else text(value)


def fixed_error(who: str, name: str, value: Any) -> TypeError:
    """Return the error for an assignment to an option or a part after construction."""
    remedy = REMEDIES.get(name, f"Create a new {who}")
    return TypeError(f"{who}: {name} is set to {shown(value)}, expected no change after construction. {remedy}.")


def frozen_error(who: str, name: str, value: Any) -> TypeError:
    """Return the error for an attribute with which other libraries keep parameters from being trained."""
    return TypeError(f"{who}: {name} is set to {shown(value)}, expected no assignment. {KEEP}.")


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


def names_under(who: str, what: str, name: Any, known: Iterable[str], built: bool = True) -> list[str]:
    """Return the names of parameters that a name stands for: its own, or as that of a part all that begin with it."""
    names = list(known)
    found = [full for full in names if full == name or full.startswith(f"{name}.")]
    if not found:
        parts = {full[:k] for full in names for k, letter in enumerate(full) if letter == "."}
        near = difflib.get_close_matches(str(name), sorted({*names, *parts}), 1, 0.5)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        expected = f"one of {', '.join(names)}, or the name of a part" if names else "none: there are no parameters yet"
        later = "" if built else " The first batch creates more: until then call freeze() of the part itself."
        raise ValueError(f"{who}: no {what} is called {name!r}, expected {expected}.{meant}{later}")
    return found


def all_frozen_error(who: str, names: Iterable[str]) -> ValueError:
    """Return the error for a model with nothing to train, before an optimizer changes anything."""
    return ValueError(
        f"{who}: all parameters of the model are frozen: {', '.join(names)}, expected at least one to train. Call "
        "unfreeze() of the model, or of a part."
    )
