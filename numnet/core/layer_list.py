"""The layers of a network as a list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numnet.core.assignment import refuse_change


class LayerList(list[Any]):
    """The layers of a network, which are fixed after construction."""

    def __init__(self, who: str, layers: Iterable[Any]) -> None:
        super().__init__(layers)
        self.who = who

    def __reduce__(self) -> Any:
        return LayerList, (self.who, list(self))

    append = extend = insert = remove = pop = clear = sort = reverse = refuse_change
    __setitem__ = __delitem__ = __iadd__ = __imul__ = refuse_change
