"""Validation of the callbacks of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numnet.core.checks.runs import kind


def check_callbacks(who: str, callbacks: Any, events: Sequence[str]) -> None:
    """Check for a list of objects, each with a method for one event or more."""
    if not isinstance(callbacks, (list, tuple)):
        raise TypeError(f"{who}: callbacks is {kind(callbacks)}, expected a list. Pass [callback].")
    for callback in callbacks:
        known = any(callable(getattr(callback, event, None)) for event in events)
        if isinstance(callback, type) or not known:
            remedy = "Pass Callback(on_step=function), or an object with such a method."
            if isinstance(callback, type):
                remedy = f"Make an object of the class: {callback.__name__}(...)."
            expected = f"an object with {', '.join(events[:-1])} or {events[-1]}"
            raise TypeError(f"{who}: callbacks has {kind(callback)}, expected {expected}. {remedy}")


def check_event_functions(who: str, functions: Mapping[str, Any]) -> None:
    """Check that each function of an event can be called, and that there is at least one; a subclass has methods."""
    for name, function in functions.items():
        if function is not None and (not callable(function) or isinstance(function, type)):
            raise TypeError(f"{who}: {name} is {kind(function)}, expected a function, or None.")


def check_log(who: str, path: Path, header: Sequence[str], expected: Sequence[str]) -> None:
    """Check that a file which a run continues has its columns."""
    if list(header) != list(expected):
        raise ValueError(f"{who}: {path} has other columns, expected {', '.join(expected)}. Choose another file.")
