"""What a run monitors: the column by which the best model is saved, and patience ends the run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from numnet.core.checks.metrics import check_mode, check_monitored, check_patience

DEFAULT = "validation_loss"


class Monitor(NamedTuple):
    """The name of a column of the history, and whether less or more of it is better."""

    column: str
    mode: str

    @property
    def worst(self) -> float:
        """A value that every other one is better than."""
        return math.inf if self.mode == "min" else -math.inf

    def better(self, value: float | None, best: float) -> bool:
        """Return whether a value is better than the best before; None and NaN are not."""
        return value is not None and (value < best if self.mode == "min" else value > best)


def monitor_of(
    who: str, monitor: str | None, mode: str | None, rising: Mapping[str, bool | None], patience: int | None
) -> Monitor:
    """Return the checked monitor, by default the validation loss; `rising` has each column, True if more is better.

    "val_loss" is "validation_loss", as Keras calls it, and a metric without a phase is that of the training steps.
    """
    column = DEFAULT if monitor is None else monitor
    if column.startswith("val_"):
        column = column.replace("val_", "validation_", 1)
    elif f"train_{column}" in rising:
        column = f"train_{column}"
    if monitor is None:
        check_patience(who, patience, column, rising)
    else:
        check_monitored(who, monitor, column, rising)
    found = {True: "max", False: "min"}.get(rising.get(column, False)) if mode is None else mode  # type: ignore[arg-type]
    check_mode(who, column, found)
    return Monitor(column, str(found))


def rising_columns(train: Mapping[str, Any], validation: Mapping[str, Any] | None) -> dict[str, bool | None]:
    """Return the columns of these metrics, and of the loss, each with whether more is better; None if not known.

    A metric by class is left out: it has a column for each class.
    """
    phases = {"train": train} if validation is None else {"train": train, "validation": validation}
    return {
        f"{phase}_{name}": rises
        for phase, metrics in phases.items()
        for name, rises in [("loss", False), *((name, m.higher_is_better) for name, m in metrics.items() if single(m))]
    }


def single(metric: Any) -> bool:
    """Return whether a metric is one number, not one for each class."""
    return getattr(metric, "average", "") is not None
