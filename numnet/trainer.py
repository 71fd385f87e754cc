"""The loop around any model of either backend: batches in, steps, reports, samples, checkpoints; no mathematics."""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from numnet.checkpoint import Checkpoint, refusing, save_checkpoint, to_numpy
from numnet.data.vocabulary import Vocabulary
from numnet.history import History


class TrainingDiverged(FloatingPointError):
    """The loss or a gradient is no longer a number. The step that showed it was not taken."""


class Trainer:
    """Trains `model` on `batches` with `optimizer`, and reports each `evaluate_every` steps (an epoch, if not given).

    batches, validation  objects with `epoch(k)`, `len` and `carries_state`, as SequentialBatches and RandomBatches
    directory            where last.npz, best.npz (by validation loss) and history.csv go
    sample               called at each report; the text that it returns is printed
    patience             stop after this many reports without a better validation loss
    progress             a progress bar (tqdm) and the reports, on standard error
    """

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
    ) -> None:
        self.model, self.optimizer, self.batches, self.validation = model, optimizer, batches, validation
        self.vocabulary, self.sample, self.progress = vocabulary, sample, progress
        self.directory = None if directory is None else Path(directory)
        self.evaluate_every, self.patience = evaluate_every or len(batches), patience
        self.history = History()
        self.step = self.epoch = self.index = self.tokens = self.stale = 0
        self.seconds = self.busy = 0.0
        self.best = math.inf
        self.gradient_norm: float | None = None
        self.state: Any = None
        self.interrupted = False
        self.say: Callable[[str], None] = lambda text: print(text, file=sys.stderr)

    def fit(self, steps: int | None = None, epochs: int | None = None, seconds: float | None = None) -> History:
        """Train until one of these totals is reached; those of a resumed run count what it had done before.

        Seconds are of the clock, reports included. Ctrl-C ends after the step in hand and saves.
        """
        if steps is None and epochs is None and seconds is None:
            raise ValueError("Trainer: no end is given. Pass steps=, epochs= or seconds=.")
        if epochs is not None:
            steps = min(epochs * len(self.batches), math.inf if steps is None else steps)  # type: ignore[assignment]
        first, earlier, start, stream = self.step, self.seconds, time.perf_counter(), self.stream()
        with self.bar(steps, seconds) as advance, interruptible() as interrupt:
            while not self.finished(steps, seconds) and not interrupt.is_set():
                self.train(*next(stream))
                if self.step % self.evaluate_every == 0 and not interrupt.is_set():
                    self.report()
                self.seconds = earlier + time.perf_counter() - start
                advance(self)
            if interrupt.is_set():
                self.save("last.npz")
            elif self.step == first or not self.history.rows or self.history.rows[-1]["step"] != self.step:
                self.report()
            self.interrupted = interrupt.is_set()
        return self.history

    def finished(self, steps: float | None, seconds: float | None) -> bool:
        """Whether a total is reached, or patience is at its end."""
        return (
            (steps is not None and self.step >= steps)
            or (seconds is not None and self.seconds >= seconds)
            or (self.patience is not None and self.stale >= self.patience)
        )

    def stream(self) -> Iterator[tuple[Any, Any]]:
        """Batches without end, from the place where the run stands; at the start of an epoch the state is zero."""
        while True:
            for x, y in islice(self.batches.epoch(self.epoch), self.index, None):
                if self.index == 0 or not self.batches.carries_state:
                    self.state = None
                yield x, y
            self.epoch, self.index = self.epoch + 1, 0

    def train(self, x: Any, y: Any) -> None:
        """One step: forward, loss, backward, update; the state is carried on, its gradient is not."""
        start = time.perf_counter()
        self.model.zero_grad()
        loss = float(self.model.loss_and_grads(x, y, self.state))
        try:
            self.gradient_norm = self.optimizer.step(self.model)
        except FloatingPointError as error:
            raise TrainingDiverged(
                f"Trainer: step {self.step + 1}: the loss is {loss}. {error} The step was not taken and no checkpoint "
                "was touched. A lower learning rate or clip_norm helps."
            ) from error
        self.state = self.model.last_state
        self.step, self.index, self.tokens = self.step + 1, self.index + 1, self.tokens + x.size
        self.history.losses.append(loss)
        self.busy += time.perf_counter() - start

    def report(self) -> None:
        """Validate, write a row of the history, print it and a sample, save checkpoints."""
        loss = None if self.validation is None else evaluate(self.model, self.validation)
        anew = not self.history.rows or self.history.rows[-1]["step"] != self.step
        row = self.history.add(
            loss,
            step=self.step,
            epoch=round(self.epoch + self.index / len(self.batches), 3),
            seconds=round(self.seconds, 3),
            learning_rate=self.optimizer.schedule(max(0, self.optimizer.steps - 1)),
            gradient_norm=self.gradient_norm,
            characters_per_second=self.tokens / self.busy if self.busy else None,
        )
        better = loss is not None and loss < self.best
        if loss is not None:
            self.best, self.stale = (loss, 0) if better else (self.best, self.stale + anew)
        if self.progress:
            self.say(describe(row))
            if self.sample is not None:
                self.say(self.sample())
        self.save("last.npz")
        if better:
            self.save("best.npz")

    def save(self, name: str) -> None:
        """All that a resumed run needs, and the history as CSV, into the directory if there is one."""
        if self.directory is None:
            return
        counts = {key: getattr(self, key) for key in ("step", "epoch", "index", "tokens", "stale", "seconds", "busy")}
        best = None if math.isinf(self.best) else self.best
        calls = [layer.calls for layer in self.model.layers if hasattr(layer, "calls")]
        training = {**counts, "best": best, "rows": self.history.rows, "dropout_calls": calls}
        training["batches"] = self.batches_config()
        arrays = {"losses": self.history.losses, **flatten_state(self.state)}
        path = self.directory / name
        save_checkpoint(path, self.model, self.vocabulary, training, self.optimizer, arrays)
        self.history.to_csv(self.directory / "history.csv")

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on as the run that wrote the checkpoint would have: same weights, batches, state and masks."""
        training, ours = checkpoint.training, self.batches_config()
        with refusing(checkpoint.path):
            if not training:
                raise ValueError("it holds a model but no training run. Begin one from its weights.")
            if ours is not None and training["batches"] not in (None, ours):
                raise ValueError(f"its run had the batches {training['batches']}, this one has {ours}")
            found = {key: training[key] for key in ("step", "epoch", "index", "tokens", "stale", "seconds", "busy")}
            history = History(checkpoint.arrays["losses"].tolist(), training["rows"])
            best = math.inf if training["best"] is None else training["best"]
            self.optimizer.load_state_dict(checkpoint.optimizer, self.model)
            self.model.load_state_dict(checkpoint.weights)
        for key, value in found.items():
            setattr(self, key, value)
        self.history, self.best = history, best
        for layer, calls in zip((k for k in self.model.layers if hasattr(k, "calls")), training["dropout_calls"]):
            layer.calls = calls
        self.state = unflatten_state(checkpoint.arrays, len(self.model.layers))

    def batches_config(self) -> dict[str, Any] | None:
        """What the batches are, where they can say so."""
        return self.batches.config() if hasattr(self.batches, "config") else None

    @contextmanager
    def bar(self, steps: float | None, seconds: float | None) -> Iterator[Callable[[Trainer], None]]:
        """A progress bar towards the total; where tqdm is missing, one line says so and training goes on."""
        try:
            from tqdm import tqdm
        except ImportError:
            if self.progress:
                self.say("No progress bar without tqdm: pip install 'numnet[examples]'")
            yield lambda trainer: None
            return
        total, unit = (steps, "step") if steps is not None else (seconds, "s")
        form = "{desc} {percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} {unit} [{elapsed}<{remaining}]"
        with tqdm(total=total, unit=unit, disable=not self.progress, bar_format=form, smoothing=0) as bar:
            say, self.say = self.say, lambda text: tqdm.write(text, file=sys.stderr)

            def advance(trainer: Trainer) -> None:
                bar.set_description_str(f"loss {trainer.history.losses[-1]:.3f}", refresh=False)
                bar.update((trainer.step if steps is not None else min(trainer.seconds, seconds or 0)) - bar.n)

            try:
                yield advance
            finally:
                self.say = say


def evaluate(model: Any, batches: Any) -> float:
    """The mean loss over all targets of one epoch, in evaluation mode, the state carried where the batches say so."""
    state, total, count = None, 0.0, 0
    for x, y in batches.epoch(0):
        total += float(model.evaluate(x, y, state)) * y.size
        count += y.size
        state = model.last_state if batches.carries_state else None
    return total / count


def describe(row: dict[str, Any]) -> str:
    """One line of a report: what there is to say."""
    forms = {
        "train_loss": "train {:.4f}",
        "validation_loss": "validation {:.4f}",
        "perplexity": "perplexity {:.3f}",
        "bits_per_character": "bits {:.3f}",
        "characters_per_second": "{:,.0f} characters/s",
    }
    said = [form.format(row[name]) for name, form in forms.items() if row[name] is not None]
    return "  ".join([f"step {row['step']}", f"epoch {row['epoch']:.2f}", *said])


def flatten_state(state: Any) -> dict[str, Any]:
    """A model's state as arrays named by layer and place: state/1/0 is layer 1's h, state/1/1 its c."""
    named = {}
    for k, layer in enumerate(state or []):
        parts = layer if isinstance(layer, tuple) else (layer,)
        named.update({f"state/{k}/{j}": to_numpy(part) for j, part in enumerate(parts) if part is not None})
    return named


def unflatten_state(arrays: dict[str, Any], layers: int) -> list[Any] | None:
    """The way back."""
    state: list[Any] = []
    for k in range(layers):
        parts = tuple(arrays[name] for name in (f"state/{k}/{j}" for j in (0, 1)) if name in arrays)
        state.append(parts if len(parts) > 1 else parts[0] if parts else None)
    return state if any(part is not None for part in state) else None


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Ctrl-C sets the event instead of breaking into the middle of a step; a second one breaks in as usual."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(signum: int, frame: Any) -> None:
        event.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)
