"""Whether a part still has the values that it was made with, on either backend: no mathematics, so it stands once."""

from __future__ import annotations

from typing import Any

from numnet.core.arrays import checksum
from numnet.core.checks import modules_of


class Initialization:
    """The part of ParamOperation that says which parameters a model may draw anew."""

    seed: int | None
    params: Any
    initial_checksum: int | None = None  # their checksum, until they are chosen, used or a model's

    def record_initial_values(self) -> None:
        """They have just been drawn; with a seed of its own, for good."""
        self.initial_checksum = checksum(self.params) if self.seed is None else None

    def has_initial_values(self) -> bool:
        """Whether a model may draw the parameters anew: nobody has chosen, used or changed them."""
        return self.seed is None and self.initial_checksum == checksum(self.params)

    def keep_parameters(self) -> None:
        """What it has was chosen, or is a model's now: no other model draws it anew."""
        for module in modules_of(self):
            if isinstance(module, Initialization):
                module.initial_checksum = None
