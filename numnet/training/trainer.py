"""The training loop for a model of either backend: batches, steps, reports, samples, checkpoints; no mathematics."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from numnet.core.checks import check_positive, validate_call
from numnet.core.checks.groups import check_observable
from numnet.core.checks.inputs import check_some_data
from numnet.core.checks.runs import check_optimizer, check_trains
from numnet.core.progress import Say, describe, interruptible, progress_bar, to_stderr
from numnet.core.show import Answering
from numnet.data.vocabulary import Vocabulary
from numnet.models.checkpoint import Checkpoint
from numnet.training.callbacks import Callbacks
from numnet.training.diagnosis import first_nonfinite, remedy
from numnet.training.evaluation import mean_loss, ordered, predict
from numnet.training.history import History
from numnet.training.inputs import Cutting, data_of_run, length_of
from numnet.training.monitor import monitor_of
from numnet.training.report import add_row
from numnet.training.resume import check_writable, resume_run, save_run
from numnet.training.stream import batches_from
from numnet.training.totals import Totals, totals_of
from numnet.training.units import per_target, steps_of, target_of, token_of, unit_of
from numnet.training.watching import metrics_of


class TrainingDiverged(FloatingPointError):
    """The loss or a gradient is NaN or infinite. The parameters were not updated in that step."""


class Trainer(Answering):
    """Train `model` on `batches` with `optimizer`, and report every `evaluate_every` steps (default: every epoch).

    batches     arrays (x, y) or (x, y, lengths), one row for each example; lists of sequences (x, y); an iterable of
                batches (x, y) or (x, y, lengths), such as a list or a DataLoader; a function that returns an iterable
                for each epoch; or SequentialBatches, SequenceBatches and the like. `validation` is of the same kinds
    batch_size  rows of arrays in a batch (32). `shuffle`: in a new order in each epoch (True), from (seed, epoch) alone
    metrics     a list of "accuracy", "precision", "recall", "f1", "perplexity", "r2", "mae", Metrics, and functions
                (predictions, targets, mask) → a number; or a dictionary of them by name
    monitor     the column that decides which model is best, such as "validation_accuracy" or "train_loss" (default:
                "validation_loss"); mode: "min" or "max", whichever is better (default: as the metric has it)
    callbacks   objects with on_step, on_evaluation, on_epoch or on_exception: see Callback
    directory   the folder for last.npz, best.npz (by `monitor`) and history.csv
    sample      a function called at each report; its text is printed if `progress` is True
    patience    stop after this many reports without a better value of `monitor`
    progress    print a progress bar (tqdm) and the reports on standard error
    token       the name of a step of x in the reports, such as "word"; default: the unit of the vocabulary, or else
                "token" or "time step"
    """

    @validate_call
    def __init__(
        self,
        model: Any,
        optimizer: Any,
        batches: Any,
        validation: Any = None,
        vocabulary: Vocabulary | None = None,
        directory: str | os.PathLike[str] | None = None,
        sample: Callable[[], str] | None = None,
        evaluate_every: int | None = None,
        patience: int | None = None,
        progress: bool = True,
        token: str | None = None,
        batch_size: int | None = None,
        shuffle: bool | None = None,
        seed: int | None = None,
        metrics: Any = None,
        monitor: str | None = None,
        mode: str | None = None,
        callbacks: Sequence[Any] = (),
    ) -> None:
        check_positive("Trainer", evaluate_every=evaluate_every, patience=patience)
        check_trains("Trainer", model)
        check_optimizer("Trainer", optimizer, model)
        self.model, self.optimizer, self.cutting = model, optimizer, Cutting(batch_size, shuffle, seed)
        self.batches, self.validation = data_of_run("Trainer", model, batches, validation, self.cutting)
        self.watch = metrics_of("Trainer", metrics, model.needs_loss(), self.validation)
        self.monitored = monitor_of("Trainer", monitor, mode, self.watch.rising(self.validation), patience)
        check_observable("Trainer", optimizer.schedule, *self.monitored, self.watch.rising(self.validation))
        self.events = Callbacks("Trainer", callbacks)
        self.metrics, self.monitor, self.mode, self.callbacks = metrics, monitor, mode, callbacks
        self.vocabulary, self.sample, self.progress = vocabulary, sample, progress
        self.directory = None if directory is None else Path(directory)
        self.evaluate_every, self.patience = evaluate_every or length_of(self.batches), patience
        self.history = History(token=token or token_of(vocabulary, self.batches))
        self.step = self.epoch = self.index = self.tokens = self.stale = 0
        self.seconds = self.busy = 0.0
        self.best = self.monitored.worst
        self.gradient_norm: float | None = None
        self.state: Any = None
        self.interrupted = self.in_step = False
        self.say: Say = to_stderr

    @validate_call
    def fit(self, steps: int | None = None, epochs: int | None = None, seconds: float | None = None) -> History:
        """Train until one of these totals is reached. A resumed run counts from the start of the original run.

        `seconds` is wall-clock time, including reports. Ctrl-C completes the current step, saves and returns.
        """
        totals = totals_of(self.batches, steps, epochs, seconds)
        if self.directory is not None:
            check_writable(self)
        self.events.stopped = False
        try:
            with (
                progress_bar(self.progress, totals.steps, seconds) as (advance, self.say),
                interruptible() as interrupt,
            ):
                self.loop(totals, advance, interrupt)
        except Exception as error:
            self.failed(error)
            raise
        return self.history

    def loop(self, totals: Totals, advance: Callable[[Any], None], interrupt: Any) -> None:
        """Take steps and report, until the end or Ctrl-C, which sets `interrupt`."""
        first, earlier, start = self.step, self.seconds, time.perf_counter()
        stream = batches_from(self)
        while not self.finished(totals) and not interrupt.is_set():
            batch, last = next(stream)
            self.train(*batch)
            if last and length_of(self.batches) is None:
                self.epoch, self.index = self.epoch + 1, 0
            self.events.tell("on_step", self)
            due = last if self.evaluate_every is None else self.step % self.evaluate_every == 0
            if due and not interrupt.is_set():
                self.report()
            if last:
                self.events.tell("on_epoch", self)
            self.seconds = earlier + time.perf_counter() - start
            advance(self)
        if interrupt.is_set():
            self.save("last.npz")
        elif self.step == first or not self.reported:
            self.report()
        self.interrupted = interrupt.is_set()

    def failed(self, error: Exception) -> None:
        """Save the run, unless the exception is from within a step, and tell the callbacks."""
        if self.step and not self.in_step:
            with contextlib.suppress(OSError):  # of a full disk, which may be the exception itself
                self.save("last.npz")
        self.in_step = False
        self.events.tell("on_exception", self, error)

    def finished(self, totals: Totals) -> bool:
        """Return whether a total is reached, the patience is exhausted, or a callback has ended the run."""
        impatient = self.patience is not None and self.stale >= self.patience
        return totals.reached(self) or impatient or self.events.stopped

    @property
    def reported(self) -> bool:
        """Whether the history has a row of the present step."""
        return bool(self.history.rows) and self.history.rows[-1]["step"] == self.step

    def train(self, x: Any, y: Any, lengths: Any = None) -> None:
        """Run one step: forward, loss, backward, update. The state is carried to the next step, its gradient is not."""
        start, self.in_step = time.perf_counter(), True
        self.model.zero_grad()
        if self.watch.of_steps.metrics and self.reported:
            self.watch.of_steps.reset()
        with self.watch.of_steps.of(self.model):
            loss = float(self.model.loss_and_grads(x, y, self.state, lengths=lengths))
        try:
            if not math.isfinite(loss):
                raise FloatingPointError(first_nonfinite(self.model))
            self.gradient_norm = self.optimizer.step(self.model)
        except FloatingPointError as error:
            raise TrainingDiverged(
                f"Trainer: step {self.step + 1}: the loss is {loss}. {error} The parameters and checkpoints were not "
                f"changed. {remedy(self.model, self.optimizer.steps, x, y, lengths)}"
            ) from error
        self.state = self.model.last_state
        self.step, self.index = self.step + 1, self.index + 1
        self.tokens += steps_of(x, lengths)
        self.record(x, y, loss)
        self.busy += time.perf_counter() - start
        self.in_step = False

    def record(self, x: Any, y: Any, loss: float) -> None:
        """Add the loss of a step to the history, with the number of its targets."""
        history, function = self.history, self.model.needs_loss()
        if history.target is None:
            history.target = target_of(x, y, function, history.token)
            history.unit = unit_of(function, history.target)
        history.losses.append(per_target(function, loss))
        history.counts.append(float(getattr(function, "counted", 0)))

    def report(self) -> None:
        """Validate, add a row to the history, print it and a sample, save checkpoints, and tell the callbacks."""
        row, better = add_row(self)
        if self.progress:
            self.say(describe(row))
            if self.sample is not None:
                self.say(self.sample())
        self.save("last.npz")
        if better:
            self.save("best.npz")
        self.events.tell("on_evaluation", self, row)

    def save(self, name: str) -> None:
        """Save the run, and its history as CSV, if there is a directory."""
        if self.directory is not None:
            save_run(self, self.directory / name)
            self.history.to_csv(self.directory / "history.csv")

    def resume(self, checkpoint: Checkpoint) -> None:
        """Continue the run that wrote the checkpoint: with the same weights, batches, state and masks.

        For a checkpoint of another architecture, optimizer or batches, raise CheckpointError and leave the model
        unchanged.
        """
        resume_run(self, checkpoint)

    @validate_call
    def evaluate(self, data: Any = None, batch_size: int | None = None) -> dict[str, float | None]:
        """Return the mean loss over all targets, "loss", and each metric by name, for data of any kind as in `batches`.

        The default is the validation data. Arrays are read in order. The model runs in evaluation mode, without
        gradients; the result is the same for every `batch_size` (32, or the Trainer's), up to rounding.
        """
        who = "Trainer.evaluate"
        check_some_data(who, data, self.validation)
        size = batch_size or self.cutting.batch_size if isinstance(data, tuple) else batch_size
        batches = self.validation if data is None else ordered(who, "data", self.model, data, size)
        watch = self.watch.of_evaluation
        return {"loss": mean_loss(who, "data", self.model, batches, watch), **watch.values()}

    @validate_call
    def predict(self, data: Any, lengths: Any = None, batch_size: int | None = None) -> Any:
        """Return the model's output for every row of data, in order: one array (N, ...), in evaluation mode.

        `data` is x (N, ...), with `lengths` (N,) if any, a list of sequences, or data of any kind that `batches` may
        be, whose targets are not read. Where sequences come as a list or in batches with lengths, and each step has an
        output, the result is a list of arrays (T_b, ...), one for each sequence. The order of SequenceBatches is that
        of their sequences; the outputs of SequentialBatches are joined along time.
        """
        return predict("Trainer.predict", self.model, data, lengths, batch_size)
