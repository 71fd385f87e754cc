"""A learning rate that falls when a value, such as the validation loss, no longer does."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from numnet.core.checks import check_choice, check_count, check_fraction, check_positive, validate_call
from numnet.core.checks.groups import check_observed
from numnet.core.checks.training import check_amounts
from numnet.core.schedules import Schedule


class ReduceOnPlateau(Schedule):
    """Multiply the rate by `factor` when a value, such as the validation loss, has not improved for a while.

    A Trainer calls `observe` at each report with the value that it monitors, by default the validation loss; a training
    loop of one's own calls it with any number, for example once an epoch. The rule is that of PyTorch's
    ReduceLROnPlateau:

        patience        number of values without an improvement that are tolerated; the next one reduces the rate
        threshold       an improvement is less than best · (1 - threshold), or with threshold_mode="abs" than best -
                        threshold; with mode="max" more than best · (1 + threshold), or than best + threshold
        cooldown        number of values after a reduction in which none counts as one without an improvement
        min_rate        the rate is not reduced below it
        epsilon         reductions of at most this much are left out

    NaN is no improvement. The state (`rate`, `best`, `waited`, `cooling`) is saved with that of the optimizer.
    """

    @validate_call
    def __init__(
        self,
        learning_rate: float,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        cooldown: int = 0,
        min_rate: float = 0.0,
        *,
        mode: str = "min",
        threshold_mode: str = "rel",
        epsilon: float = 1e-8,
    ) -> None:
        who = "ReduceOnPlateau"
        check_positive(who, learning_rate=learning_rate, factor=factor)
        check_fraction(who, factor=factor)
        check_count(who, patience=patience, cooldown=cooldown)
        check_amounts(who, threshold=threshold, min_rate=min_rate, epsilon=epsilon)
        check_choice(who, "mode", mode, ("min", "max"))
        check_choice(who, "threshold_mode", threshold_mode, ("rel", "abs"))
        self.learning_rate, self.factor, self.patience = learning_rate, factor, patience
        self.threshold, self.cooldown, self.min_rate = threshold, cooldown, min_rate
        self.mode, self.threshold_mode, self.epsilon = mode, threshold_mode, epsilon
        self.rate, self.best = learning_rate, math.inf if mode == "min" else -math.inf
        self.waited = self.cooling = 0

    def __call__(self, step: int) -> float:
        check_count("ReduceOnPlateau", step=step)
        return self.rate

    def observe(self, value: float) -> None:
        """Take the next value into account. TypeError for anything but a number."""
        value = check_observed("ReduceOnPlateau", value)
        if self.improves(value):
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        if self.cooling:
            self.cooling, self.waited = self.cooling - 1, 0
        if self.waited > self.patience:
            reduced = max(self.rate * self.factor, self.min_rate)
            self.rate = reduced if self.rate - reduced > self.epsilon else self.rate
            self.cooling, self.waited = self.cooldown, 0

    def improves(self, value: float) -> bool:
        """Return whether a value is better than the best by more than the threshold."""
        margin = self.threshold if self.mode == "max" else -self.threshold
        bound = self.best * (1 + margin) if self.threshold_mode == "rel" else self.best + margin
        return value > bound if self.mode == "max" else value < bound

    def state_dict(self) -> dict[str, float]:
        """Return the state by name."""
        return {name: getattr(self, name) for name in ("rate", "best", "waited", "cooling")}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the state that state_dict returns."""
        self.rate, self.best = float(state["rate"]), float(state["best"])
        self.waited, self.cooling = int(state["waited"]), int(state["cooling"])
