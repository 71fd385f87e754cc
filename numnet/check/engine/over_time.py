"""Where along a sequence, and in which rows of a batch, dx goes wrong: what is lost on the way from step to step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from numnet.check.engine.finding import Finding
from numnet.check.engine.subject import Asked, Subject
from numnet.check.engine.upstream import at
from numnet.check.report import Report
from numnet.core.operation import Array


def of_time(report: Report) -> Iterator[Finding]:
    """The last step at which dx is still right; or whether it is wrong in a step itself or only where it is carried."""
    row, axis = next((row for row in report.rows if row.name == "x"), None), report.time.get("x")
    if row is None or row.passed or axis is None or row.ours is None or row.due is None:
        return
    if np.isnan(row.due).any():
        return
    off = by_slice(row.ours - row.due, axis) > report.tolerance * np.linalg.norm(row.due)
    if off.any() and not off.all() and all_rows_lose(row.ours - row.due, axis, np.flatnonzero(off)):
        yield Finding(steps_in_words(np.flatnonzero(off), len(off)), "carry", ("x",))
    elif off.all() and report.by_step is not None:
        far = np.nan_to_num(report.by_step) > report.tolerance
        own, carried = np.diag(far).any(), (far & ~np.eye(len(far), dtype=bool)).any()
        if own != carried:
            where = (
                "at a step for the loss on that step alone" if own else "where it is carried from one step to another"
            )
            yield Finding(f"dx is wrong {where}, and right otherwise", "step" if own else "carry", ("x",))


def all_rows_lose(off: Array, time: int, wrong: Array) -> bool:
    """Whether no row that is longer is right at the last wrong step: else it is a matter of rows, not of time."""
    last, rows = int(wrong[-1]), np.moveaxis(off, time, 0)
    far = np.abs(rows).reshape(len(rows), rows.shape[1], -1).max(axis=2) > 1e-9
    return bool(far[last].sum() >= far[:last].any(axis=0).sum())


def steps_in_words(wrong: Array, T: int) -> str:
    """The steps that are wrong."""
    first, last = int(wrong[0]), int(wrong[-1])
    if first == 0 and last + 1 == len(wrong):
        right = f"step {last + 1}" if last + 2 == T else f"steps {last + 1} to {T - 1}"
        return f"dx is right at {right} and wrong before: it is what is carried back from step {last + 1} to {last}"
    if last == T - 1 and len(wrong) == T - first:
        return f"dx is right up to step {first - 1} and wrong from step {first} on"
    return f"dx is wrong at steps {', '.join(map(str, wrong.tolist()))} of {T}"


def of_rows(report: Report, subject: Subject) -> Iterator[Finding]:
    """The rows of a batch that are wrong, where others that have a gradient are right; and their lengths."""
    lengths = subject.inputs.get("lengths")
    for row in report.rows:
        if row.name not in subject.inputs or row.passed or row.ours is None or row.due is None or row.ours.ndim < 2:
            continue
        axis = 1 if subject.time.get(row.name) == 0 else 0
        if np.isnan(row.due).any():
            continue
        off, size = by_slice(row.ours - row.due, axis), by_slice(row.due, axis)
        wrong = np.flatnonzero(off > report.tolerance * np.linalg.norm(row.due))
        right = np.setdiff1d(np.flatnonzero(size), wrong)
        if lengths is not None and lengths.ndim == 1 and len(wrong):
            right = right[lengths[right] >= lengths[wrong].min()]  # in a shorter one less can go wrong
        if len(wrong) and len(right) and hasattr(subject.thing, "node"):
            steps = lengths[wrong].tolist() if lengths is not None and lengths.ndim == 1 else []
            of_steps = f", of {', '.join(map(str, steps))} steps" if steps else ""
            rows = ", ".join(map(str, wrong.tolist()))
            yield Finding(f"{row.shown} is wrong in rows {rows}{of_steps}, and right in others", "rows", (row.name,))
            return


def by_step(asked: Asked) -> Array | None:
    """The relative error of dx at each step for a loss on one step of y alone, (T, T); NaN where nothing is due."""
    time = asked.subject.time
    if "x" not in asked.measured or "y" not in time or "y" not in asked.upstream:
        return None
    T = asked.upstream["y"].shape[time["y"]]
    found = np.full((T, T), np.nan)
    for t in range(T):
        alone = {key: u * (at(u, time["y"], t) if key == "y" else 0) for key, u in asked.upstream.items()}
        due = asked.due("x", alone)
        off = np.nan_to_num(asked.subject.run(asked.subject.inputs)[1](alone)["x"] - due)
        far, size = by_slice(off, time["x"]), by_slice(np.nan_to_num(due), time["x"])
        told = (size > 1e-12) | (far > 1e-9)
        found[t, told] = far[told] / max(float(np.linalg.norm(size)), 1e-300)
    return found


def by_slice(x: Array, axis: int) -> Array:
    """The norm of each slice."""
    return np.asarray(np.linalg.norm(np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1), axis=1))
