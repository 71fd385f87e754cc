"""A learning rate, found by training a copy of a model with rates that grow at every step (Smith 2015)."""

from __future__ import annotations

import copy
import os
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from numnet.core.checks import check_size, validate_call
from numnet.core.checks.inputs import check_untouched
from numnet.core.checks.rates import check_copyable, check_rates_of_search
from numnet.core.checks.runs import check_axes_of_plot, check_optimizer, check_trains
from numnet.core.plots import new_figure
from numnet.training.inputs import Cutting, data_of_run
from numnet.training.stream import batches_from
from numnet.training.trainer import Trainer, TrainingDiverged

WORSE = 3.0  # a search ends when the loss is this many times its range, or its size, above the lowest one


@validate_call
def find_learning_rate(
    model: Any,
    optimizer: Any,
    batches: Any,
    smallest: float = 1e-6,
    largest: float = 10.0,
    steps: int = 100,
    window: int = 7,
    batch_size: int | None = None,
    shuffle: bool | None = None,
    seed: int | None = None,
) -> LearningRateCurve:
    """Train a copy of the model, one step at each rate from the smallest to the largest; return the losses by rate.

        η_k = smallest · (largest / smallest)^(k / (steps - 1))     (1)   k = 0, 1, ..., steps - 1
        s_k = the mean of L_j over |j - k| ≤ window / 2             (2)   the smoothed loss

    It ends early when the loss is not finite, or far above its lowest value:
    s_k - min s > 3 max(|min s|, s_0 - min s). `suggestion` is the rate at which s falls fastest, `plot()` a figure.

    optimizer   an optimizer, used with its other options and its state, or a class, such as Adam; a group of parameters
                with a rate of its own keeps it
    batches     data of any kind that a Trainer takes, but an iterator; batch_size, shuffle and seed are the Trainer's

    Model, optimizer, gradients, dropout masks and random generators are as before: the steps are those of copies.
    """
    who = "find_learning_rate"
    check_trains(who, model)
    check_copyable(who, model)
    check_rates_of_search(who, smallest, largest, steps)
    check_size(who, window=window)
    if isinstance(optimizer, type) and hasattr(optimizer, "learning_rate"):
        optimizer = optimizer(smallest)
    check_optimizer(who, optimizer, model)
    check_untouched(who, "batches", batches)
    cutting = Cutting(batch_size, shuffle, seed)
    data_of_run(who, model, batches, None, cutting)  # checks the data
    model, optimizer = copy.deepcopy((model, optimizer))  # together: the optimizer may refer to the model
    rates = (smallest * (largest / smallest) ** (k / (steps - 1)) for k in range(steps))  # (1)
    with same_random_numbers(), np.errstate(all="ignore"):
        return searched(Trainer(model, optimizer, batches, progress=False, **cutting._asdict()), rates, window)


def searched(trainer: Trainer, rates: Iterator[float], window: int) -> LearningRateCurve:
    """Train one step at each rate, until the loss explodes."""
    curve, stream = LearningRateCurve(window=window), batches_from(trainer)
    for rate in rates:
        trainer.optimizer.learning_rate = rate
        try:
            trainer.train(*next(stream)[0])
        except TrainingDiverged:
            if not curve.losses:
                raise
            break
        curve.rates.append(rate)
        curve.losses.append(trainer.history.losses[-1])
        curve.unit = trainer.history.unit
        if curve.exploded:
            break
    return curve


class LearningRateCurve:
    """The loss at each learning rate: `rates`, `losses`, `smoothed`, and `suggestion`, the rate to begin with.

    `suggestion` is None if the loss does not fall at any rate.
    """

    def __init__(self, rates: Sequence[float] = (), losses: Sequence[float] = (), window: int = 7) -> None:
        self.rates, self.losses, self.window = list(rates), list(losses), window
        self.unit = ""  # of the loss, such as "nats a token"

    @property
    def smoothed(self) -> list[float]:
        """The mean of the losses around each step."""
        half, n = self.window // 2, len(self.losses)
        sums, counts = (np.convolve(q, np.ones(2 * half + 1))[half : half + n] for q in (self.losses, np.ones(n)))
        return (sums / counts).tolist() if n else []  # (2)

    @property
    def exploded(self) -> bool:
        """Whether the last smoothed loss is far above the lowest."""
        s = self.smoothed
        return s[-1] - min(s) > WORSE * max(abs(min(s)), s[0] - min(s))

    @property
    def suggestion(self) -> float | None:
        """The rate at which the smoothed loss falls fastest, as a function of log η, before its minimum."""
        first, last = max(1, len(self.rates) // 10), int(np.argmin(self.smoothed)) if self.rates else 0
        if last - first < 2:
            return None
        slopes = np.gradient(self.smoothed, np.log(self.rates))[first : last + 1]
        return self.rates[first + int(np.argmin(slopes))] if slopes.min() < 0 else None

    def __repr__(self) -> str:
        found = "none" if self.suggestion is None else f"{self.suggestion:.2g}"
        between = f" from {self.rates[0]:.2g} to {self.rates[-1]:.2g}" if self.rates else ""
        return f"<LearningRateCurve of {len(self.rates)} steps{between}, suggestion {found}>"

    @validate_call
    def plot(self, path: str | os.PathLike[str] | None = None, title: str = "") -> Any:
        """Return a figure of the losses over the rates, and save it if there is a path."""
        figure = new_figure(6.4, 4.0)
        self.draw(figure.subplots(), title)
        if path is not None:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(path, dpi=110)
        return figure

    @validate_call
    def draw(self, axes: Any, title: str = "") -> None:
        """Draw the losses over the rates on the axes of an existing figure."""
        check_axes_of_plot(axes, "LearningRateCurve.draw")
        axes.semilogx(self.rates, self.losses, color="0.7", linewidth=1, label="loss of each step")
        axes.semilogx(self.rates, self.smoothed, color="tab:blue", linewidth=2, label="smoothed")
        if self.suggestion is not None:
            at = self.smoothed[self.rates.index(self.suggestion)]
            axes.plot([self.suggestion], [at], "o", color="tab:red", label=f"suggestion {self.suggestion:.2g}")
        lowest, highest = min(self.losses), max(self.losses[: len(self.losses) // 2 + 1])
        axes.set_ylim(lowest - 0.1 * (highest - lowest), highest + 0.5 * (highest - lowest))
        axes.set(xlabel="learning rate", ylabel=f"loss ({self.unit})" if self.unit else "loss", title=title)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)


@contextmanager
def same_random_numbers() -> Iterator[None]:
    """Restore the random generators of Python, numpy and PyTorch, from which data or a module may draw."""
    python, of_numpy, torch = random.getstate(), np.random.get_state(), sys.modules.get("torch")
    of_torch = torch.get_rng_state() if torch else None
    of_devices = torch.cuda.get_rng_state_all() if torch and torch.cuda.is_available() else None
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(of_numpy)
        if torch:
            torch.set_rng_state(of_torch)
        if torch and of_devices is not None:
            torch.cuda.set_rng_state_all(of_devices)
