"""Storage of a network's values per call, so that threads which share a model do not mix them.

In an `Evaluation` or a `TrainingCall`, an attribute declared as `OfCall` is stored with the call, which belongs to one
thread; other threads do not see it. At the end the values that a user may read afterwards (`last_state`, an attention's
`weights`, a loss's `counted`) are written to the parts, and the others are dropped. A forward or backward pass that is
not in such a call reads and writes the parts.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any, ClassVar

BUILDING = threading.RLock()  # held while the first batch creates the parameters
REMEDY = "Give each thread a copy of the model (copy.deepcopy), or hold a lock around the training step."


class ThisThread(threading.local):
    """The innermost call that this thread is in, and an object that identifies the thread."""

    call: Evaluation | None = None

    def __init__(self) -> None:
        self.token = object()


HERE = ThisThread()


class Evaluation:
    """A context in which every part is in evaluation mode, and values that parts store are visible to this thread only.

    `staying` and `dropped` hold the values by part and name: those that are written to the parts when the context ends
    without an error, and those that are not.
    """

    evaluates = True
    takes_all = True  # False: only values that are already in `staying` belong to the context
    writes = True  # False: the parts are left as they were

    def __enter__(self) -> None:
        self.staying: dict[tuple[int, str], tuple[Any, Any]] = {}
        self.dropped: dict[tuple[int, str], tuple[Any, Any]] = {}
        self.outer, HERE.call = HERE.call, self

    def __exit__(self, kind: Any, *_: Any) -> None:
        HERE.call = outer = self.outer
        if not self.writes or kind is not None:
            return
        for key, (part, value) in self.staying.items():
            if outer is None:
                part.__dict__[key[1]] = value
            elif outer.takes_all or key in outer.staying:
                outer.staying[key] = part, value
            else:
                store(part, key[1], value)


class Unwritten(Evaluation):
    """An evaluation that leaves the parts as they were."""

    writes = False


class PreservedState(Evaluation):
    """A context that leaves the readable attributes of the last call, those declared as `OfCall`, unchanged.

    Everything else works as outside of the context.
    """

    takes_all = writes = False

    def __init__(self, parts: Iterable[Any]) -> None:
        self.parts = list(parts)

    def __enter__(self) -> None:
        known = {
            (id(part), name): (part, getattr(part, name))
            for part in self.parts
            for name in OfCall.staying
            if isinstance(getattr(type(part), name, None), OfCall)
        }
        super().__enter__()
        self.staying = known
        self.evaluates = self.outer is not None and self.outer.evaluates


class Exclusive:
    """A lock for each model, held by one thread at a time; RuntimeError for a second thread."""

    def __init__(self, model: Any, what: str = "loss_and_grads") -> None:
        self.lock = vars(model).get("training_lock") or vars(model).setdefault("training_lock", threading.RLock())
        self.model, self.what = model, what

    def __enter__(self) -> None:
        if not self.lock.acquire(blocking=False):
            raise RuntimeError(
                f"{self.model.name}: {self.what} was called while another thread is in a training call of the same "
                f"model, expected one at a time. {REMEDY}"
            )

    def __exit__(self, *_: Any) -> None:
        self.lock.release()


class TrainingCall(Evaluation):
    """The context of a training call, in the mode that the user has set. A model has one at a time."""

    evaluates = False

    def __init__(self, model: Any) -> None:
        self.alone = Exclusive(model)

    def __enter__(self) -> None:
        self.alone.__enter__()
        super().__enter__()

    def __exit__(self, kind: Any, *_: Any) -> None:
        super().__exit__(kind)
        self.alone.__exit__()


def store(part: Any, name: str, value: Any) -> None:
    """Store an attribute that stays in the innermost call that it belongs to; outside of all calls in the part."""
    call, key = HERE.call, (id(part), name)
    while call is not None and not call.takes_all and key not in call.staying:
        call = call.outer
    if call is None:
        part.__dict__[name] = value
    else:
        call.staying[key] = part, value


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
    """An attribute that a forward pass stores for the backward pass, and that is dropped at the end of a call.

    Outside of a call `vars(part)` has it together with the thread that stored it.
    """

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
        call = HERE.call
        while call is not None and not call.takes_all:
            call = call.outer
        if call is not None:
            call.dropped[id(part), self.name] = part, value
        elif value is None:
            part.__dict__[self.name] = None
        else:
            own, token = part.__dict__, HERE.token
            (own.get("writers") or own.setdefault("writers", {}))[token] = True
            own[self.name] = value, token  # one assignment: no thread sees one without the other

    def __delete__(self, part: Any) -> None:
        part.__dict__.pop(self.name, None)


def saved_by_this_thread(part: Any) -> Any:
    """Return the values that the last forward pass of this thread stored in `saved`, or None.

    Outside of a call, RuntimeError unless this thread made the last forward pass of the part, or one thread made all of
    them: after forward passes of several threads, a third cannot tell whose values are stored.
    """
    call = HERE.call
    while call is not None:
        key = id(part), "saved"
        if key in call.dropped:
            return call.dropped[key][1]
        call = call.outer
    own = part.__dict__
    value, token = own.get("saved") or (None, None)
    if value is not None and token is not HERE.token and len(own.get("writers", ())) > 1:
        raise RuntimeError(
            f"{part.name}: backward was called after a forward pass of another thread, expected forward and backward "
            f"in the same thread. {REMEDY}"
        )
    return value


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
    dropped = {name: (value, token) for (_, name), (other, value) in call.dropped.items() if other is part}
    return {**staying, **dropped}


def attributes_of_copy(part: Any) -> dict[str, Any]:
    """Return the attributes of a copy: all except those of a call and of the threads that called the part."""
    own = {name: value for name, value in vars(part).items() if name not in ("writers", "training_lock")}
    return {**own, "saved": None}
