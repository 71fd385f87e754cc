"""Tracks whether a part still has its initial values. It contains no mathematics, so both backends share it."""

from __future__ import annotations

from typing import Any

from numnet.core.arrays import checksum
from numnet.core.checks import modules_of


class Initialization:
    """The part of ParamOperation that decides whether a model may initialize the parameters again."""

    seed: int | None
    params: Any
    initial_checksum: int | None = None  # their checksum, until they are loaded, used or owned by a model

    def record_initial_values(self) -> None:
        """Record a checksum of new values; a part with its own seed is never initialized again."""
        self.initial_checksum = checksum(self.params) if self.seed is None else None

    def has_initial_values(self) -> bool:
        """Return whether a model may initialize the parameters again: nobody has loaded, used or changed them."""
        return self.seed is None and self.initial_checksum == checksum(self.params)

    def protect_parameters(self) -> None:
        """Mark the parameters as loaded or owned by a model: no other model initializes them again."""
        for module in modules_of(self):
            if isinstance(module, Initialization):
                module.initial_checksum = None
