"""The layers of a network as modules of PyTorch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from numnet.core.assignment import refuse_change


class LayerList(torch.nn.ModuleList):
    """The layers of a network, which are fixed after construction."""

    def __init__(self, who: str, layers: Iterable[Any]) -> None:
        super().__init__()
        self.who = who
        for k, layer in enumerate(layers):
            self.add_module(str(k), layer)

    def __getitem__(self, k: Any) -> Any:
        return list(self)[k] if isinstance(k, slice) else super().__getitem__(k)

    append = extend = insert = pop = refuse_change
    __setitem__ = __delitem__ = __iadd__ = refuse_change
