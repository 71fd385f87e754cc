"""Freezing: the parameters that are excluded from training. It contains no mathematics, so both backends share it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from numnet.core.checks import modules_of, names_under, validate_call
from numnet.core.ties import tied_names


class Freezing:
    """The part of Operation that freezes parameters, and says which are frozen.

    No optimizer changes a frozen parameter, neither by weight decay nor by the momentum of earlier steps. Its gradient
    is 0, so it does not count in the norm of the gradients. Gradients of inputs, and of other parts, are as before.
    """

    name: Any
    starts_frozen = False  # whether parameters that are created later are frozen

    def freeze(self, *names: str) -> Any:
        """Exclude parameters from training: all of the part, or those with these names in `params`.

        The name of a part stands for all of its parameters: model.freeze("layers.0", "layers.2.b"); a matrix that is
        tied to an Embedding is frozen in both parts. Without names,
        parameters that the first batch creates later are frozen, too. Return the part itself.
        """
        return self.set_trained(False, names)

    def unfreeze(self, *names: str) -> Any:
        """Train parameters again: all of the part, or those with these names in `params`. Return the part itself."""
        return self.set_trained(True, names)

    @validate_call
    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Freeze all parameters with False, unfreeze them with True, as in PyTorch. Return the part itself."""
        return self.set_trained(requires_grad, ())

    @property
    def frozen(self) -> list[str]:
        """The names of the frozen parameters."""
        return []

    def set_trained(self, trained: bool, names: Collection[str]) -> Any:
        """Freeze or unfreeze the parameters of these names, or without names all, those of the future included."""
        known, built = getattr(self, "params", ()), getattr(self, "built", True)
        chosen = {full for name in names for full in names_under(self.name, "parameter or part", name, known, built)}
        chosen |= set(tied_names(self, names))
        for module in modules_of(self) if not names else ():
            vars(module)["starts_frozen"] = not trained
        self.mark(chosen if names else None, trained)
        return self

    def mark(self, names: Collection[str] | None, trained: bool) -> None:
        """Mark the parameters of these names, or all, as trained or frozen, and set their gradients to 0."""
