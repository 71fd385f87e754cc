"""The end of a training run: a number of steps, of epochs, or of seconds, whichever is reached first."""

from __future__ import annotations

from typing import Any, NamedTuple

from numnet.core.checks import check_count
from numnet.core.checks.inputs import check_one_epoch
from numnet.core.checks.training import check_amounts
from numnet.training.inputs import length_of


class Totals(NamedTuple):
    """What ends a run, None for no limit. `epochs` is None too where the steps of an epoch are known."""

    steps: int | None
    epochs: int | None
    seconds: float | None

    def reached(self, trainer: Any) -> bool:
        """Return whether a run has reached one of them, counted from the start of the original run."""
        return (
            (self.steps is not None and trainer.step >= self.steps)
            or (self.epochs is not None and trainer.epoch >= self.epochs)
            or (self.seconds is not None and trainer.seconds >= self.seconds)
        )


def totals_of(batches: Any, steps: int | None, epochs: int | None, seconds: float | None) -> Totals:
    """Return the checked totals of a run on these batches."""
    if steps is None and epochs is None and seconds is None:
        raise ValueError("Trainer.fit: no end is given, expected at least one. Pass steps=, epochs= or seconds=.")
    counts = {"steps": steps, "epochs": epochs}
    check_count("Trainer.fit", **{name: total for name, total in counts.items() if total is not None})
    check_amounts("Trainer.fit", **({} if seconds is None else {"seconds": seconds}))
    length = length_of(batches)
    if epochs is None:
        return Totals(steps, None, seconds)
    check_one_epoch("Trainer.fit", epochs, batches)
    if length is None:
        return Totals(steps, epochs, seconds)
    return Totals(min(epochs * length, epochs * length if steps is None else steps), None, seconds)
