"""Where a line of a step stands, which equation its comment names, and what its variables are called."""

from __future__ import annotations

import inspect
import linecache
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

LABEL = re.compile(r"\((\d+[a-z]?)\)")
GOING_BACK = ("backward", "sums_backward", "state_backward", "slope", "terms")


@dataclass(frozen=True)
class Line:
    """A line of a forward pass. `labels` are the equations that its comment, or the last one above it, names."""

    file: str
    number: int
    text: str
    labels: tuple[str, ...]

    def __str__(self) -> str:
        return f"{Path(self.file).name}:{self.number}"


def line_of(frame: FrameType) -> tuple[Line, dict[str, Any]]:
    """The line of the nearest step that is running, and its local variables."""
    at: Any = frame
    while at is not None and at.f_code.co_name != "step":
        at = at.f_back
    at = at or frame
    file, number, first = at.f_code.co_filename, at.f_lineno, at.f_code.co_firstlineno
    return Line(file, number, code_of(file, number), labels_at(file, number, first)), dict(at.f_locals)


def code_of(file: str, number: int) -> str:
    """The line without its comment."""
    return linecache.getline(file, number).partition("#")[0].strip()


def labels_at(file: str, number: int, first: int) -> tuple[str, ...]:
    """The equations that the comment of this line names, or the last comment above it in the same function."""
    for at in range(number, first, -1):
        labels = LABEL.findall(linecache.getline(file, at).partition("#")[2])
        if labels:
            return tuple(labels)
    return ()


def lines_back(thing: Any, label: str, functions: Sequence[str]) -> list[Line]:
    """The lines of the way back that name this equation in their comments."""
    return [line for name in functions for line in written_out(type(thing), name) if label in line.labels]


def written_out(kind: type, name: str) -> Iterator[Line]:
    """The lines of a method that have a comment with equations; and of the one that it calls by super()."""
    for base in kind.__mro__:
        if name not in vars(base):
            continue
        try:
            text, first = inspect.getsourcelines(vars(base)[name])
            file = inspect.getsourcefile(base) or inspect.getsourcefile(vars(base)[name]) or ""
        except (OSError, TypeError):  # typed in, not in a file
            return
        for number, line in enumerate(text, first):
            code, _, comment = line.partition("#")
            labels = tuple(LABEL.findall(comment))
            if code.strip() and labels:
                yield Line(file, number, code.strip(), labels)
        if not any("super()" in line for line in text):
            return


def equation_of(thing: Any, tensor: str) -> str:
    """The equation that the lines name which write a tensor's gradient; or the only one that there is."""
    lines = [line for name in GOING_BACK for line in written_out(type(thing), name)]
    writing = [line for line in lines if re.search(rf"\bself\.d{re.escape(tensor)}\b", line.text)]
    labels = {line.labels for line in writing or lines}
    return " ".join(f"({label})" for label in labels.pop()) if len(labels) == 1 else ""
