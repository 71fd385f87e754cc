"""The values that one call of a part stores for its backward pass, separate from those of later calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from numnet.core.attributes import HERE, attributes_of_call
from numnet.core.operation import Operation


class StoredCall:
    """The attributes of a part, and of all parts inside it, as they were after a call."""

    def __init__(self, modules: Sequence[Operation]) -> None:
        self.of = [(module, {**vars(module), **attributes_of_call(module)}) for module in modules]

    @contextmanager
    def restored(self) -> Iterator[None]:
        """A context in which the part has the values of that call instead of those of later calls."""
        now, call = [], HERE.call
        HERE.call = None
        for module, stored in self.of:
            own = vars(module)
            replaced = {name: value for name, value in stored.items() if own.get(name) is not value}
            replaced = {name: value for name, value in replaced.items() if not of_weights(name, own)}
            now.append((own, {name: own[name] for name in replaced if name in own}))
            own.update(replaced)
        try:
            yield
        finally:
            HERE.call = call
            for own, replaced in now:
                own.update(replaced)


def of_weights(name: str, own: dict[str, Any]) -> bool:
    """Return whether an attribute is a parameter W or its gradient dW, which belong to no call."""
    return f"d{name}" in own or (name[0] == "d" and name[1:] in own)
