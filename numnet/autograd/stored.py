"""What one call of a part stores for its backward pass, so that the next call of the part cannot take its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from numnet.core.evaluation import HERE, attributes_of_call
from numnet.core.operation import Operation


class StoredCall:
    """The attributes of a part, and of all that it is made of, as a call has left them."""

    def __init__(self, modules: Sequence[Operation]) -> None:
        self.of = [(module, {**vars(module), **attributes_of_call(module)}) for module in modules]

    @contextmanager
    def restored(self) -> Iterator[None]:
        """For as long as the context lasts, the part has what that call stored: all that later calls have replaced."""
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
    """Whether it is a parameter W, beside which there is dW, or dW: they belong to no call."""
    return f"d{name}" in own or (name[0] == "d" and name[1:] in own)
