"""What a part saves: its parameters, and buffers, arrays without a gradient. A module of PyTorch does so itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from numnet.core.arrays import as_array
from numnet.core.checks import check_built, check_weights, validate_call

Array = npt.NDArray[Any]


class Buffers:
    """The part of ParamOperation that has buffers, and saves and loads them with the parameters."""

    dtype: Any
    params: Any
    holders: Any
    buffer_names: tuple[str, ...] = ()

    def add_buffer(self, name: str, value: Array) -> None:
        """Set the buffer as attribute `name`: an array that is saved, and that no optimizer changes."""
        vars(self)[name] = np.array(value, self.dtype)
        if name not in self.buffer_names:
            self.buffer_names = (*self.buffer_names, name)

    def entries(self) -> dict[str, Array]:
        """Return every parameter and buffer by name: the arrays of which state_dict has copies."""
        buffers = {full: getattr(holder, name) for full, holder, name in self.holders(kind="buffer_names")}
        return {**self.params, **buffers}

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of every parameter and buffer by name."""
        return {name: value.copy() for name, value in self.entries().items()}

    @validate_call
    def load_state_dict(self: Any, state: Mapping[str, Any]) -> None:
        """Load these values; if any does not match, raise ValueError and change nothing.

        Buffers may be left out, all of them, as in `params`: they are then unchanged.
        """
        entries, given = self.entries(), {name: as_array(self.name, name, value) for name, value in state.items()}
        buffers = entries.keys() - self.params.keys()
        given = given if buffers & given.keys() else {**given, **{name: entries[name] for name in buffers}}
        check_built(self.name, self)
        check_weights(self.name, entries, given)
        for name, value in given.items():
            entries[name][...] = value
        self.protect_parameters()
        self.count_change()
