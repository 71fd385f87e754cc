"""Find the time steps and the rows of a batch where dx is wrong: errors in the gradient carried between steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from numnet.check.engine.finding import Finding
from numnet.check.engine.probe import Probe
from numnet.check.engine.subject import Subject
from numnet.check.engine.upstream import at
from numnet.check.report import Report
from numnet.core.operation import Array


def of_time(report: Report) -> Iterator[Finding]:
    """Yield the wrong time steps of dx, or, if all are wrong, whether the error is in a step or in the carry."""
    row, axis = next((row for row in report.rows if row.name == "x"), None), report.time.get("x")
    if row is None or row.passed or axis is None or row.ours is None or row.reference is None:
        return
    if np.isnan(row.reference).any():
        return
    off = by_slice(row.ours - row.reference, axis) > report.tolerance * np.linalg.norm(row.reference)
    if off.any() and not off.all() and all_rows_agree(row.ours - row.reference, axis, np.flatnonzero(off)):
        yield Finding(steps_in_words(np.flatnonzero(off), len(off)), "carry", ("x",))
    elif off.all() and report.by_step is not None:
        far = np.nan_to_num(report.by_step) > report.tolerance
        own, carried = np.diag(far).any(), (far & ~np.eye(len(far), dtype=bool)).any()
        if own != carried:
            where = "at step t for a loss on y[t] alone" if own else "at step t for a loss on y[t'] of another step"
            yield Finding(
                f"dx is wrong {where}, and right otherwise: look at {'one step' if own else 'the carry between steps'}",
                "step" if own else "carry",
                ("x",),
            )


def all_rows_agree(off: Array, time: int, wrong: Array) -> bool:
    """Whether every wrong row is wrong at the last wrong step: otherwise the error depends on rows, not on time."""
    last, rows = int(wrong[-1]), np.moveaxis(off, time, 0)
    far = np.abs(rows).reshape(len(rows), rows.shape[1], -1).max(axis=2) > 1e-9
    return bool(far[last].sum() >= far[:last].any(axis=0).sum())


def steps_in_words(wrong: Array, T: int) -> str:
    """Return a sentence about the wrong steps."""
    first, last = int(wrong[0]), int(wrong[-1])
    if first == 0 and last + 1 == len(wrong):
        right = f"step {last + 1}" if last + 2 == T else f"steps {last + 1} to {T - 1}"
        return (
            f"dx is right at {right} and wrong before: look at the gradient carried from step {last + 1} to step {last}"
        )
    if last == T - 1 and len(wrong) == T - first:
        return f"dx is right up to step {first - 1} and wrong from step {first} on"
    return f"dx is wrong at steps {', '.join(map(str, wrong.tolist()))} of {T}"


def of_rows(report: Report, subject: Subject) -> Iterator[Finding]:
    """Yield the wrong rows of a batch and their lengths, if other rows with a gradient are right."""
    lengths = subject.inputs.get("lengths")
    for row in report.rows:
        if (
            row.name not in subject.inputs
            or row.passed
            or row.ours is None
            or row.reference is None
            or row.ours.ndim < 2
        ):
            continue
        axis = 1 if subject.time.get(row.name) == 0 else 0
        if np.isnan(row.reference).any():
            continue
        off, size = by_slice(row.ours - row.reference, axis), by_slice(row.reference, axis)
        wrong = np.flatnonzero(off > report.tolerance * np.linalg.norm(row.reference))
        right = np.setdiff1d(np.flatnonzero(size), wrong)
        if lengths is not None and lengths.ndim == 1 and len(wrong):
            right = right[lengths[right] >= lengths[wrong].min()]  # shorter rows have fewer steps that can be wrong
        if len(wrong) and len(right) and hasattr(subject.thing, "node"):
            steps = lengths[wrong].tolist() if lengths is not None and lengths.ndim == 1 else []
            of_steps = f", of {', '.join(map(str, steps))} steps" if steps else ""
            rows = ", ".join(map(str, wrong.tolist()))
            yield Finding(f"{row.title} is wrong in rows {rows}{of_steps}, and right in others", "rows", (row.name,))
            return


def by_step(probe: Probe) -> Array | None:
    """Return the relative error (T, T) of dx at each step for a loss on one step of y; NaN where dx should be 0."""
    time = probe.subject.time
    if "x" not in probe.measured or "y" not in time or "y" not in probe.upstream:
        return None
    T = probe.upstream["y"].shape[time["y"]]
    found = np.full((T, T), np.nan)
    for t in range(T):
        alone = {key: u * (at(u, time["y"], t) if key == "y" else 0) for key, u in probe.upstream.items()}
        expected = probe.expected("x", alone)
        off = np.nan_to_num(probe.subject.run(probe.subject.inputs)[1](alone)["x"] - expected)
        far, size = by_slice(off, time["x"]), by_slice(np.nan_to_num(expected), time["x"])
        defined = (size > 1e-12) | (far > 1e-9)
        found[t, defined] = far[defined] / max(float(np.linalg.norm(size)), 1e-300)
    return found


def by_slice(x: Array, axis: int) -> Array:
    """Return the norm of each slice."""
    return np.asarray(np.linalg.norm(np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1), axis=1))
