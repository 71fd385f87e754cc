"""The result of a check: a table of tensors and the findings, as text, in a notebook or as an HTML page."""

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
    """One tensor: its error relative to its norm, and the number with the largest error.

    `got`, `expected` and `largest` are that number, its right value and the difference, `at` its index. `ours` and
    `reference` are the gradient and its right values if the numbers were checked one by one, else None.
    """

    name: str
    error: float
    passed: bool
    largest: float
    got: float
    expected: float
    at: tuple[int, ...] | None = None
    ours: Array | None = None
    reference: Array | None = None
    label: str = ""

    @property
    def title(self) -> str:
        """The name in the table: the label, by default the gradient of the tensor."""
        return self.label or gradient(self.name)


@dataclass
class Report:
    """The result of one check; true if it passed.

    `rows` has one row per tensor, `findings` the probable errors, most certain first. `by_step` (T, T), if the tensors
    have a time axis and the check failed, is the error of dx at step [t'] for a loss on y at step [t] alone.
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
    unit: str = "tensors"  # what the rows count

    @property
    def passed(self) -> bool:
        return not self.findings and all(row.passed for row in self.rows)

    def __bool__(self) -> bool:
        return self.passed

    @property
    def first(self) -> str:
        """The first wrong tensor in the order of the backward pass."""
        return next((row.name for row in self.rows if not row.passed), "")

    def __str__(self) -> str:
        return "\n".join([self.headline, "", *self.table(), *self.finding_lines()])

    @property
    def headline(self) -> str:
        wrong = sum(not row.passed for row in self.rows)
        if self.passed:
            verdict = f"right: {len(self.rows)} {self.unit} agree with {self.against}"
        elif wrong:
            verdict = f"WRONG: {wrong} of {len(self.rows)} {self.unit} differ from {self.against}"
        else:
            verdict = "WRONG: every gradient is right, but a general law is broken"
        return f"{self.name}{f' at {self.sizes}' if self.sizes else ''}: {verdict}"

    def table(self) -> list[str]:
        """Return the header and one line per tensor."""
        width = max([len(row.title) for row in self.rows] + [6])
        lines = [f"  {'tensor':{width}}  {'error':>8}  {'largest':>8}  {'got':>12}  {'expected':>12}  at"]
        for row in self.rows:
            mark, at = " " if row.passed else "✗", "" if row.at is None else str(list(row.at))
            numbers = f"{row.error:8.1e}  {row.largest:8.1e}  {row.got:12.6g}  {row.expected:12.6g}"
            lines.append(f"{mark} {row.title:{width}}  {numbers}  {at}".rstrip())
        return lines

    def finding_lines(self) -> list[str]:
        """Return the findings, each followed by the lines of code that it names."""
        lines = []
        for k, finding in enumerate(self.findings, 1):
            lines += ["", f"{k}. {finding.text}"]
            if finding.forward is not None:
                lines.append(f"     {finding.forward}  {finding.forward.text}")
            lines += [f"     {line}  {line.text}" for line in finding.back]
        return lines

    def html(self, path: str | os.PathLike[str]) -> None:
        """Write a self-contained page: the findings, the table, and heat maps of the error by step and by gate."""
        from numnet.check.html.page import page

        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(page(self), encoding="utf-8")

    def _repr_html_(self) -> str:
        from numnet.check.html.page import body

        return body(self)


def row_of(
    name: str, ours: Array, reference: Array, least: float, tolerance: float, label: str = "", uncertainty: float = 0.0
) -> Row:
    """Compare every number with its reference; NaN in the reference is skipped. The error is relative to its norm."""
    known = ~np.isnan(reference)
    off = np.where(known, np.abs(ours - np.where(known, reference, 0)), 0)
    at = np.unravel_index(int(np.argmax(off)), off.shape) if off.size else ()
    norm, size = float(np.linalg.norm(off)), max(float(np.linalg.norm(reference[known])), least)
    error = norm / max(size, 1e-300) if norm else 0.0
    passed = np.isfinite(norm) and norm <= tolerance * size + uncertainty
    place = tuple(int(k) for k in at)
    got, expected = (float(ours[at]), float(reference[at])) if off.size else (0.0, 0.0)
    return Row(name, error, bool(passed), float(off.max(initial=0.0)), got, expected, place, ours, reference, label)
