"""Record what a function writes: after each line, the blocks of its local arrays that have changed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from numnet.check.engine.source import Line, code_of, labels_at
from numnet.core.operation import Array


@dataclass(frozen=True, eq=False)
class Write:
    """A changed block of rows of a local array: its name, address, a copy, and the line that wrote it."""

    name: str
    address: int
    value: Array
    line: Line


class Watched:
    """One traced call of a method: its `result` and its `writes` in order. Blocks have `rows` rows.

    `in_place`: arrays by name that exist before the call; then a local array is not a write when it first appears.
    """

    def __init__(self, method: Any, *arguments: Any, rows: int, in_place: Mapping[str, Array] | None = None) -> None:
        self.code, self.rows, self.in_place = method.__func__.__code__, rows, in_place
        self.writes: list[Write] = []
        self.before: dict[tuple[str, int], Array] = {}
        self.number = 0
        outer = sys.gettrace()
        sys.settrace(self.called)
        try:
            self.result = method(*arguments)
        finally:
            sys.settrace(outer)

    def called(self, frame: FrameType, event: str, _: Any) -> Any:
        """Python's trace function; it traces only the frame of the method itself."""
        if frame.f_code is not self.code:
            return None
        self.before = {(name, address): part.copy() for address, (name, part) in self.blocks(frame).items()}
        return self.ran

    def ran(self, frame: FrameType, event: str, _: Any) -> Any:
        """Record what the line that has just run changed."""
        if event not in ("line", "return"):
            return self.ran
        for address, (name, part) in self.blocks(frame).items():
            last = self.before.get((name, address))
            if last is None or not np.array_equal(last, part, equal_nan=True):
                self.before[name, address] = part.copy()
                if last is None and self.in_place is not None:
                    continue
                self.writes.append(Write(name, address, part.copy(), self.line(frame)))
        self.number = frame.f_lineno
        return self.ran

    def line(self, frame: FrameType) -> Line:
        """Return the line that ran last."""
        file, first = frame.f_code.co_filename, frame.f_code.co_firstlineno
        return Line(file, self.number, code_of(file, self.number), labels_at(file, self.number, first))

    def blocks(self, frame: FrameType) -> dict[int, tuple[str, Array]]:
        """Return the blocks by address; an array that is exactly one block gives its name."""
        names = {**(self.in_place or {}), **frame.f_locals}
        arrays = {name: x for name, x in names.items() if is_columns(x) and len(x) and len(x) % self.rows == 0}
        found: dict[int, tuple[str, Array]] = {}
        for name, x in sorted(arrays.items(), key=lambda item: len(item[1])):
            for part in blocks_of(x, self.rows):
                found.setdefault(address_of(part), (name, part))
        return found

    def values(self, name: str = "") -> Iterator[Array]:
        """Return all written values, or those of one name."""
        return (write.value for write in self.writes if name in ("", write.name))


def is_columns(x: Any) -> bool:
    """Whether x is a float array (rows, B)."""
    return isinstance(x, np.ndarray) and x.ndim == 2 and x.dtype.kind == "f"


def blocks_of(x: Array, rows: int) -> list[Array]:
    """Split x (n·rows, B) into n blocks."""
    return [x[k : k + rows] for k in range(0, len(x), rows)]


def address_of(x: Array) -> int:
    """Return the memory address of its first number."""
    return int(x.__array_interface__["data"][0])
