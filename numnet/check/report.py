"""What a check has found: tensor by tensor, and in words where the error is; for a terminal, a notebook, a page."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from numnet.check.engine.finding import Finding, gradient
from numnet.core.operation import Array


@dataclass(frozen=True)
class Row:
    """One tensor: its error relative to its norm, and the number that is furthest off, where, and what it should be.

    `ours` and `due` are the gradient and what it should be, where every number was looked at; else None.
    """

    name: str
    error: float
    passed: bool
    largest: float
    says: float
    should: float
    at: tuple[int, ...] | None = None
    ours: Array | None = None
    due: Array | None = None
    label: str = ""

    @property
    def shown(self) -> str:
        """What the row is about: the gradient of the tensor, if nothing else is said."""
        return self.label or gradient(self.name)


@dataclass
class Report:
    """The outcome of one check; true where it passed.

    `rows` has a row for each tensor, `findings` what the error probably is, the surest first. `by_step` (T, T), of a
    failure over time, is the error of dx at step [t'] where the loss is on y at step [t] alone.
    """

    name: str
    against: str
    tolerance: float
    rows: list[Row]
    findings: list[Finding] = field(default_factory=list)
    sizes: str = ""
    by_step: Array | None = None
    time: Mapping[str, int] = field(default_factory=dict)
    gates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unit: str = "tensors"  # what a row is

    @property
    def passed(self) -> bool:
        return not self.findings and all(row.passed for row in self.rows)

    def __bool__(self) -> bool:
        return self.passed

    @property
    def first(self) -> str:
        """The first tensor that is wrong, on the way back."""
        return next((row.name for row in self.rows if not row.passed), "")

    def __str__(self) -> str:
        return "\n".join([self.headline, "", *self.table(), *self.finding_lines()])

    @property
    def headline(self) -> str:
        wrong = sum(not row.passed for row in self.rows)
        if self.passed:
            said = f"right: {len(self.rows)} {self.unit} agree with {self.against}"
        elif wrong:
            said = f"WRONG: {wrong} of {len(self.rows)} {self.unit} differ from {self.against}"
        else:
            said = "WRONG, though every gradient is right"
        return f"{self.name}{f' at {self.sizes}' if self.sizes else ''}: {said}"

    def table(self) -> list[str]:
        """A line a tensor."""
        width = max([len(row.shown) for row in self.rows] + [6])
        lines = [f"  {'tensor':{width}}  {'error':>8}  {'largest':>8}  {'says':>12}  {'should':>12}  at"]
        for row in self.rows:
            mark, at = " " if row.passed else "✗", "" if row.at is None else str(list(row.at))
            numbers = f"{row.error:8.1e}  {row.largest:8.1e}  {row.says:12.6g}  {row.should:12.6g}"
            lines.append(f"{mark} {row.shown:{width}}  {numbers}  {at}".rstrip())
        return lines

    def finding_lines(self) -> list[str]:
        """The findings, each with the lines it names."""
        lines = []
        for k, finding in enumerate(self.findings, 1):
            lines += ["", f"{k}. {finding.text}"]
            if finding.forward is not None:
                lines.append(f"     {finding.forward}  {finding.forward.text}")
            lines += [f"     {line}  {line.text}" for line in finding.back]
        return lines

    def html(self, path: str | os.PathLike[str]) -> None:
        """A page that needs nothing else: the table, the findings, the error by step and by gate as pictures."""
        from numnet.check.html.page import page

        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(page(self), encoding="utf-8")

    def _repr_html_(self) -> str:
        from numnet.check.html.page import body

        return body(self)


def row_of(
    name: str, ours: Array, due: Array, least: float, tolerance: float, label: str = "", unsure: float = 0.0
) -> Row:
    """Every number against what it should be; NaN where that was not measured. The error is relative to its norm."""
    known = ~np.isnan(due)
    off = np.where(known, np.abs(ours - np.where(known, due, 0)), 0)
    at = np.unravel_index(int(np.argmax(off)), off.shape) if off.size else ()
    norm, size = float(np.linalg.norm(off)), max(float(np.linalg.norm(due[known])), least)
    error = norm / max(size, 1e-300) if norm else 0.0
    passed = np.isfinite(norm) and norm <= tolerance * size + unsure
    place = tuple(int(k) for k in at)
    says, should = (float(ours[at]), float(due[at])) if off.size else (0.0, 0.0)
    return Row(name, error, bool(passed), float(off.max(initial=0.0)), says, should, place, ours, due, label)
