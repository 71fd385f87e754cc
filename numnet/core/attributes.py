"""The attributes that a call stores in a part, and who sees them: the call's own thread, or everybody afterwards."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from numnet.core.checks import check_weights_unchanged

REMEDY = "Give each thread a copy of the model (copy.deepcopy), or hold a lock around the training step."


class ThisThread(threading.local):
    """The innermost call that this thread is in, and an object that identifies the thread."""

    call: Any = None

    def __init__(self) -> None:
        self.token = Token()


class Token:
    """Identifies a thread as long as the thread lives."""


HERE = ThisThread()
SERIALS = itertools.count(1)  # of the forward passes that have saved values


def store(part: Any, name: str, value: Any) -> None:
    """Store an attribute that stays in the innermost call that it belongs to; outside of all calls in the part."""
    call, key = HERE.call, (id(part), name)
    while call is not None and not call.takes_all and key not in call.staying:
        call = call.outer
    if call is None:
        part.__dict__[name] = value
    else:
        call.staying[key] = part, value


def save_for_backward(part: Any, values: Any, name: str = "saved") -> None:
    """Do what `part.saved = values` does, without asking first, as every assignment does, whether the name is guarded.

    The values are dropped with the innermost call. Outside of all calls the part has them, with the thread, the number
    of changes of its weights, and a serial number.
    """
    call = HERE.call
    while call is not None and not call.takes_all:
        call = call.outer
    if call is not None:
        call.dropped[id(part), name] = part, values
    elif values is None:
        part.__dict__[name] = None
    else:
        own, token = part.__dict__, HERE.token
        (own.get("writers") or own.setdefault("writers", {}))[weakref.ref(token)] = True
        own[name] = values, token, part.changes_of_weights(), next(SERIALS)  # one assignment, for other threads


class OfCall:
    """An attribute whose value belongs to one call, and can be read after the call has ended.

    Outside of a call the value is in `vars(part)` under the attribute's own name.
    """

    staying: ClassVar[set[str]] = set()

    def __init__(self, default: Any = None) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self.staying.add(name)

    def __get__(self, part: Any, owner: type | None = None) -> Any:
        if part is None:
            return self
        call = HERE.call
        while call is not None:
            key = id(part), self.name
            if key in call.staying:
                return call.staying[key][1]
            call = call.outer
        return part.__dict__.get(self.name, self.default)

    def __set__(self, part: Any, value: Any) -> None:
        if HERE.call is None:
            part.__dict__[self.name] = value
        else:
            store(part, self.name, value)

    def __delete__(self, part: Any) -> None:
        part.__dict__.pop(self.name, None)


class Saved:
    """An attribute that a forward pass stores for the backward pass, as save_for_backward describes."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, part: Any, owner: type | None = None) -> Any:
        if part is None:
            return self
        call = HERE.call
        while call is not None:
            key = id(part), self.name
            if key in call.dropped:
                return call.dropped[key][1]
            call = call.outer
        stored = part.__dict__.get(self.name)
        return None if stored is None else stored[0]

    def __set__(self, part: Any, value: Any) -> None:
        save_for_backward(part, value, self.name)

    def __delete__(self, part: Any) -> None:
        part.__dict__.pop(self.name, None)


def saved_by_this_thread(part: Any) -> Any:
    """Return the values that the last forward pass of this thread stored in `saved`, or None.

    Outside of a call, RuntimeError if the weights have changed since, or if the values may be those of another thread:
    this one made a forward pass before that of the other, or a third did, whose backward pass has not followed. A
    thread that made none may run the backward pass of the only one that did.
    """
    call = HERE.call
    while call is not None:
        key = id(part), "saved"
        if key in call.dropped:
            return call.dropped[key][1]
        call = call.outer
    own = part.__dict__
    if own.get("saved") is None:
        return None
    value, token, changes, _ = own["saved"]
    writers = own.get("writers", {})  # the threads that made a forward pass: True until its backward pass
    if token is not HERE.token and any(
        other() is HERE.token or (pending and other() not in (None, token)) for other, pending in list(writers.items())
    ):
        raise RuntimeError(
            f"{part.name}: backward was called after a forward pass of another thread, expected forward and backward "
            f"in the same thread. {REMEDY}"
        )
    check_weights_unchanged(part.name, part.changes_of_weights(), changes)
    writers[weakref.ref(token)] = False
    return value


def discard_saved(part: Any) -> None:
    """Free the values that the last forward pass saved; its backward pass is then refused, as after other changes."""
    own = part.__dict__
    if own.get("saved"):
        own["saved"] = None, *own["saved"][1:]


def serials(parts: Iterable[Any]) -> list[int] | None:
    """Return which forward pass of each part has saved its values, 0 for none; None in a call, which has its own."""
    call = HERE.call
    while call is not None and not call.takes_all:
        call = call.outer
    return None if call is not None else [(part.__dict__.get("saved") or (0,))[-1] for part in parts]


def check_same_call(who: str, parts: Mapping[str, Any], then: Sequence[int] | None) -> None:
    """Check that the parts of a network have saved the values of its own last call, for its backward pass."""
    for name, now, before in zip(parts, serials(parts.values()) or (), then or ()):
        if now != before:
            raise RuntimeError(
                f"{who}: {name} was called again since the last call of the {who}, or in a call that was refused, "
                f"expected backward before that. Call the {who} again."
            )


class Mode:
    """The attribute `training`: the mode that train() and eval() have set, but False inside an evaluation."""

    def __get__(self, part: Any, owner: type | None = None) -> Any:
        if part is None:
            return self
        call = HERE.call
        return (call is None or not call.evaluates) and part.__dict__.get("training", True)

    def __set__(self, part: Any, value: bool) -> None:
        part.__dict__["training"] = value

    def __delete__(self, part: Any) -> None:
        part.__dict__.pop("training", None)


def attributes_of_call(part: Any) -> dict[str, Any]:
    """Return the values that the part has stored in the innermost call, in the format of `vars(part)`."""
    call, token = HERE.call, HERE.token
    if call is None:
        return {}
    staying = {name: value for (_, name), (other, value) in call.staying.items() if other is part}
    changes = part.changes_of_weights()
    dropped = {n: (value, token, changes, 0) for (_, n), (other, value) in call.dropped.items() if other is part}
    return {**staying, **dropped}


def attributes_of_copy(part: Any) -> dict[str, Any]:
    """Return the attributes of a copy: all except those of a call and of the threads that called the part."""
    own = {name: value for name, value in vars(part).items() if name not in ("writers", "training_lock")}
    return {**own, "saved": None}
