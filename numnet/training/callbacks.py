"""Functions that a Trainer calls during a run, and callbacks that write a CSV file or a log for TensorBoard."""

from __future__ import annotations

import csv
import importlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from numnet.core.checks import check_size, validate_call
from numnet.core.checks.callbacks import check_callbacks, check_event_functions, check_log
from numnet.core.checks.runs import check_file, check_folder
from numnet.core.show import Shown
from numnet.training.report import last_rate

EVENTS = "on_step", "on_evaluation", "on_epoch", "on_exception"
STEP_COLUMNS = "step", "epoch", "seconds", "loss", "learning_rate", "gradient_norm"


class StopTraining(Exception):
    """Raised by a callback to end the run: a last report follows, and fit returns as at any other end."""


class Callback(Shown):
    """Functions for the events of a run; or a base class for methods of these names, of which any may be missing.

    on_step(trainer)              after each step; trainer.history.losses[-1] is its loss
    on_evaluation(trainer, row)   after each report; row is the new row of the history
    on_epoch(trainer)             after the last step of an epoch, and its report
    on_exception(trainer, error)  when fit ends by an exception; before, the run is saved to last.npz

    A callback ends the run by `raise StopTraining`. Any other exception ends fit, after the run is saved.
    """

    @validate_call
    def __init__(
        self,
        on_step: Callable[..., Any] | None = None,
        on_evaluation: Callable[..., Any] | None = None,
        on_epoch: Callable[..., Any] | None = None,
        on_exception: Callable[..., Any] | None = None,
    ) -> None:
        functions = dict(zip(EVENTS, (on_step, on_evaluation, on_epoch, on_exception)))
        check_event_functions("Callback", functions)
        vars(self).update({name: function for name, function in functions.items() if function is not None})


class Callbacks:
    """The callbacks of a run, in order; `stopped` is True once one of them has raised StopTraining."""

    def __init__(self, who: str, callbacks: Sequence[Any]) -> None:
        check_callbacks(who, callbacks, EVENTS)
        self.of_event = {e: [getattr(c, e) for c in callbacks if callable(getattr(c, e, None))] for e in EVENTS}
        self.stopped = False

    def tell(self, event: str, *arguments: Any) -> None:
        """Call all functions of an event."""
        for function in self.of_event[event]:
            try:
                function(*arguments)
            except StopTraining:
                self.stopped = True


class CSVLogger(Callback):
    """Write a CSV file during the run: a line for each report, as History.to_csv; or for every `every` steps.

    The lines of steps have step, epoch, seconds, loss, learning_rate, gradient_norm. A resumed run continues its file:
    the lines of steps that it takes again are replaced.
    """

    @validate_call
    def __init__(self, path: str | os.PathLike[str], every: int | None = None) -> None:
        check_size("CSVLogger", every=every)
        check_file("CSVLogger", Path(path))
        self.path, self.every, self.begun = Path(path), every, False

    def on_evaluation(self, trainer: Any, row: Any) -> None:
        """Write the history again, with the new row."""
        if self.every is None:
            trainer.history.to_csv(self.path)

    def on_step(self, trainer: Any) -> None:
        """Add the line of a step."""
        if self.every is None or trainer.step % self.every:
            return
        lines = [] if self.begun else self.lines_before(trainer.step)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "a" if self.begun else "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if not self.begun:
                writer.writerows([STEP_COLUMNS, *lines])
            writer.writerow(values_of(trainer).values())
        self.begun = True

    def lines_before(self, step: int) -> list[list[str]]:
        """Return the lines of a file of the same run that are before this step; none if the run begins here."""
        if step <= (self.every or 1) or not self.path.exists():
            return []
        with open(self.path, newline="", encoding="utf-8") as file:
            header, *lines = csv.reader(file)
        check_log("CSVLogger", self.path, header, STEP_COLUMNS)
        return [line for line in lines if int(line[0]) < step]


class TensorBoard(Callback):
    """Write what a run records for TensorBoard to a folder: the loss, rate and norm of each step, and each report.

    It needs torch.utils.tensorboard or tensorboardX; without both, ImportError names the command that installs one.
    """

    @validate_call
    def __init__(self, directory: str | os.PathLike[str], every: int = 1) -> None:
        check_size("TensorBoard", every=every)
        check_folder("TensorBoard", Path(directory))
        self.directory, self.every = Path(directory), every
        self.writer = summary_writer()(str(directory))

    def on_step(self, trainer: Any) -> None:
        """Write the loss, the learning rate and the norm of the gradients."""
        if trainer.step % self.every == 0:
            found = values_of(trainer)
            for name in ("loss", "learning_rate", "gradient_norm"):
                self.writer.add_scalar(f"step/{name}", found[name], trainer.step)

    def on_evaluation(self, trainer: Any, row: dict[str, Any]) -> None:
        """Write the numbers of a report."""
        for name, value in row.items():
            if name not in STEP_COLUMNS and value is not None:
                self.writer.add_scalar(f"report/{name}", value, trainer.step)
        self.writer.flush()


def values_of(trainer: Any) -> dict[str, Any]:
    """Return the columns of the line of a step."""
    rate, loss = last_rate(trainer.optimizer), trainer.history.losses[-1]
    numbers = (trainer.step, trainer.epoch, round(trainer.seconds, 3), loss, rate)
    return dict(zip(STEP_COLUMNS, (*numbers, trainer.gradient_norm)))


def summary_writer() -> Any:
    """Return the class SummaryWriter of the first package that has one."""
    for package in ("torch.utils.tensorboard", "tensorboardX"):
        try:
            return importlib.import_module(package).SummaryWriter
        except ImportError:
            continue
    raise ImportError("TensorBoard needs tensorboardX: pip install 'numnet[tensorboard]'")
