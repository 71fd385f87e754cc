"""Find the source lines of a step, the equations that their comments name, and the names of their variables."""

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
BACKWARD_METHODS = (
    "compute_backward",
    "backward",
    "inputs_backward",
    "step_backward",
    "normalize_backward",
    "slope",
    "terms",
)


@dataclass(frozen=True)
class Line:
    """A line of source. `labels` are the equations that its comment names, or else the last comment above it."""

    file: str
    number: int
    text: str
    labels: tuple[str, ...]

    def __str__(self) -> str:
        return f"{Path(self.file).name}:{self.number}"

    @property
    def own_labels(self) -> list[str]:
        """The equations that its own comment names."""
        return LABEL.findall(linecache.getline(self.file, self.number).partition("#")[2])


def line_of(frame: FrameType) -> tuple[Line, dict[str, Any]]:
    """Return the running line of the innermost `step`, and its local variables."""
    at: Any = frame
    while at is not None and at.f_code.co_name != "step":
        at = at.f_back
    at = at or frame
    file, number, first = at.f_code.co_filename, at.f_lineno, at.f_code.co_firstlineno
    return Line(file, number, code_of(file, number), labels_at(file, number, first)), dict(at.f_locals)


def code_of(file: str, number: int) -> str:
    """Return a line without its comment."""
    return linecache.getline(file, number).partition("#")[0].strip()


def labels_at(file: str, number: int, first: int) -> tuple[str, ...]:
    """Return the equations in the comment of this line, else in the last above it in its function, else in the next."""
    for at in range(number, first, -1):
        labels = LABEL.findall(linecache.getline(file, at).partition("#")[2])
        if labels:
            return tuple(labels)
    return next(filter(None, labels_below(file, number)), ())


def labels_below(file: str, number: int) -> Iterator[tuple[str, ...]]:
    """Yield the equations that each line below names, to the end of the function."""
    indent = indent_of(linecache.getline(file, number))
    while (line := linecache.getline(file, number := number + 1)) and (not line.strip() or indent_of(line) >= indent):
        yield tuple(LABEL.findall(line.partition("#")[2]))


def indent_of(line: str) -> int:
    """Return the number of spaces before the code."""
    return len(line) - len(line.lstrip())


def writing_lines(kind: type, functions: Sequence[str], name: str) -> list[Line]:
    """Return the lines of these methods that name an equation and write this variable, or contain this key or W_x."""
    own = re.escape(name)
    writes = re.compile(own if name.endswith(":") or name == "W_x" else rf"\b{own}(\[.*\])? *[-+*/]?=|, {own}\)")
    return [line for each in functions for line in written_out(kind, each) if writes.search(line.text)]


def equations(lines: Sequence[Line]) -> str:
    """Return the equations that the lines name: (4) (2)."""
    return " ".join(f"({label})" for label in dict.fromkeys(label for line in lines for label in line.labels))


def all_lines(thing: Any, function: str) -> list[Line]:
    """Return all lines of a method, with or without a comment."""
    method = getattr(type(thing), function)
    try:
        text, first = inspect.getsourcelines(method)
    except (OSError, TypeError):  # no source file, as in a REPL
        return []
    file = inspect.getsourcefile(method) or ""
    return [Line(file, k, line.partition("#")[0].strip(), ()) for k, line in enumerate(text[1:], first + 1)]


def lines_back(thing: Any, label: str, functions: Sequence[str]) -> list[Line]:
    """Return the lines of the backward pass whose comments name this equation."""
    return [line for name in functions for line in written_out(type(thing), name) if label in line.labels]


def written_out(kind: type, name: str) -> Iterator[Line]:
    """Yield the lines of a method whose comments name equations; also those of the method it calls by super()."""
    for base in kind.__mro__:
        if name not in vars(base):
            continue
        try:
            text, first = inspect.getsourcelines(vars(base)[name])
            file = inspect.getsourcefile(base) or inspect.getsourcefile(vars(base)[name]) or ""
        except (OSError, TypeError):  # no source file, as in a REPL
            return
        for number, line in enumerate(text, first):
            code, _, comment = line.partition("#")
            labels = tuple(LABEL.findall(comment))
            if code.strip() and labels:
                yield Line(file, number, code.strip(), labels)
        if not any("super()" in line for line in text):
            return


def equation_of(thing: Any, tensor: str) -> str:
    """Return the equation named by the lines that write a tensor's gradient, else the only one named, else "".

    In the `terms` of a loss, where a tensor is the prediction, these lines assign a variable dx or dy.
    """
    lines = [line for name in BACKWARD_METHODS for line in written_out(type(thing), name)]
    own = r"^d[xy] =" if tensor == "prediction" else rf"\bself\.d{re.escape(tensor)}\b"
    writing = [line for line in lines if re.search(own, line.text)]
    labels = {line.labels for line in writing or lines}
    return " ".join(f"({label})" for label in labels.pop()) if len(labels) == 1 else ""
