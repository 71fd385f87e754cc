"""Terminal interface of a training run: a progress bar, a line for each report, and Ctrl-C to stop."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Say = Callable[[str], None]


def to_stderr(text: str) -> None:
    """Print a line to stderr, apart from the program's output."""
    print(text, file=sys.stderr)


@contextmanager
def progress_bar(shown: bool, steps: int | None, seconds: float | None) -> Iterator[tuple[Callable[[Any], None], Say]]:
    """Yield advance(trainer), which moves the bar, and say(text), which prints above it.

    If tqdm is missing, a message is printed, and training continues without a bar.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        if shown:
            to_stderr("No progress bar without tqdm: pip install 'numnet[examples]'")
        yield lambda trainer: None, to_stderr
        return
    by_time = steps is None and seconds is not None
    total, unit = (seconds, "s") if by_time else (steps, "step")
    form = "{desc} {percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} {unit} [{elapsed}<{remaining}]"
    form = "{desc} {n:.0f} {unit} [{elapsed}]" if total is None else form
    with tqdm(total=total, unit=unit, disable=not shown, bar_format=form, smoothing=0) as bar:

        def advance(trainer: Any) -> None:
            bar.set_description_str(f"loss {trainer.history.losses[-1]:.3f}", refresh=False)
            bar.update((min(trainer.seconds, seconds or 0) if by_time else trainer.step) - bar.n)

        yield advance, lambda text: tqdm.write(text, file=sys.stderr)


def describe(row: dict[str, Any]) -> str:
    """Format a report as one line."""
    forms = {"train_loss": "train {:.4f}", "validation_loss": "validation {:.4f}", "perplexity": "perplexity {:.3f}"}
    for name in row:
        if name.startswith("bits_per_"):
            forms[name] = "bits {:.3f}"
        elif name.endswith("_per_second"):
            forms[name] = "{:,.0f} " + name.removesuffix("_per_second").replace("_", " ") + "/s"
        elif name.startswith(("train_", "validation_")) and name not in forms:
            forms[name] = name.replace("_", " ") + " {:.4f}"
    said = [form.format(row[name]) for name, form in forms.items() if row[name] is not None]
    return "  ".join([f"step {row['step']}", f"epoch {row['epoch']:.2f}", *said])


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Make Ctrl-C set the event instead of interrupting a step; a second Ctrl-C interrupts as usual."""
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
