"""Whether a part still has the values that it was made with, on either backend: no mathematics, so it stands once."""

from __future__ import annotations

from typing import Any

from numnet.core.arrays import checksum
from numnet.core.checks import modules_of


class FirstValues:
    """The part of ParamOperation that says which parameters a model may draw anew."""

    seed: int | None
    params: Any
    first_values: int | None = None  # their checksum, until they are chosen, used or a model's

    def note_values(self) -> None:
        """They have just been drawn; with a seed of its own, for good."""
        self.first_values = checksum(self.params) if self.seed is None else None

    def as_made(self) -> bool:
        """Whether a model may draw the parameters anew: nobody has chosen, used or changed them."""
        return self.seed is None and self.first_values == checksum(self.params)

    def keep_values(self) -> None:
        """What it has was chosen, or is a model's now: no other model draws it anew."""
        for module in modules_of(self):
            if isinstance(module, FirstValues):
                module.first_values = None
