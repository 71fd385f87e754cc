"""Storage of a network's values per call, so that threads which share a model do not mix them.

In an `Evaluation` or a `TrainingCall`, an attribute declared as `OfCall` is stored with the call, which belongs to one
thread; other threads do not see it. At the end the values that a user may read afterwards (`last_state`, an attention's
`weights`, a loss's `counted`) are written to the parts, and the others are dropped. A forward or backward pass that is
not in such a call reads and writes the parts.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from numnet.core.attributes import HERE, REMEDY, OfCall, store
from numnet.core.checks import modules_of

BUILDING = threading.RLock()  # held while the first batch creates the parameters


class Unbuilt:
    """A context of a call of a part without parameters: if the call is refused, it has none afterwards."""

    def __init__(self, part: Any) -> None:
        self.before = [(module, attributes_before(module)) for module in modules_of(part)]

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is not None:
            self.restore()

    def restore(self) -> None:
        """Give every part the attributes that it had."""
        for module, before in self.before:
            own = vars(module)
            own.clear()
            own.update(before)


def attributes_before(module: Any) -> dict[str, Any]:
    """Return the attributes of a part, with copies of the lists and dictionaries that a first call changes."""
    return {name: value.copy() if type(value) in (list, dict) else value for name, value in vars(module).items()}


class Evaluation:
    """A context in which every part is in evaluation mode, and values that parts store are visible to this thread only.

    `staying` and `dropped` hold the values by part and name: those that are written to the parts when the context ends
    without an error, and those that are not.
    """

    evaluates = True
    takes_all = True  # False: only values that are already in `staying` belong to the context
    writes = True  # False: the parts are left as they were
    unbuilt: Unbuilt | None = None  # of a model without parameters, if the call has one

    def __init__(self, model: Any = None) -> None:
        if not getattr(model, "built", True):
            self.unbuilt = Unbuilt(model)

    def __enter__(self) -> None:
        self.staying: dict[tuple[int, str], tuple[Any, Any]] = {}
        self.dropped: dict[tuple[int, str], tuple[Any, Any]] = {}
        self.outer, HERE.call = HERE.call, self

    def __exit__(self, kind: Any, *_: Any) -> None:
        HERE.call = outer = self.outer
        if kind is not None and self.unbuilt:
            self.unbuilt.restore()
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
        super().__init__(model)

    def __enter__(self) -> None:
        self.alone.__enter__()
        super().__enter__()

    def __exit__(self, kind: Any, *_: Any) -> None:
        super().__exit__(kind)
        self.alone.__exit__()
