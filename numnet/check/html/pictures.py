"""The pictures of a report: the error by time step, by row of the batch, by gate, and number by number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from numnet.check.html.heatmap import MOST, ROOM, Axis, heat_map
from numnet.core.operation import Array

if TYPE_CHECKING:
    from numnet.check.report import Report, Row


def pictures(report: Report) -> Iterator[tuple[str, list[str]]]:
    """Yield each heading with its figures; no figures if all is right or no single numbers were checked."""
    errors = {row.name: errors_of(row) for row in report.rows if row.ours is not None and row.ours.size}
    wrong = [row for row in report.rows if not row.passed and row.name in errors]
    timed = [row.name for row in wrong if report.time.get(row.name, np.inf) < errors[row.name].ndim]
    gated = {name: gates for name in errors if wrong and (gates := gates_of(report, name, errors[name]))}
    over_time = [by_row_and_step(report, row, errors[row.name]) for row in wrong if row.name in timed]
    kinds = [{name: errors[name] for name in gated if gated[name] == gates} for gates in dict.fromkeys(gated.values())]
    yield "Error by time step", [*by_step(report), *over_time]
    yield "Error by gate", [by_gate(report, alike) for alike in kinds]
    yield "Error number by number", [by_number(report, row) for row in wrong if row.name not in timed]


def by_step(report: Report) -> Iterator[str]:
    """Yield the heat map of by_step (T, T)."""
    errors = report.by_step
    if errors is None or np.isnan(errors).all() or report.passed:
        return
    T = len(errors)
    below, above = (not np.isnan(half[np.tri(T, k=-1, dtype=bool)]).all() for half in (errors, errors.T))
    side = "beside it" if below and above else "above it" if above else "below it"
    yield figure(
        "dx, by step of the loss",
        heat_map(errors, report.tolerance, Axis("loss on y[t]"), Axis("dx[t']"), T <= ROOM),
        "dx[t'] for a loss on y[t] alone, relative to all of dx for that loss; the diagonal is the step itself, "
        f"cells {side} are carried from step to step.",
        errors.shape,
    )


def by_row_and_step(report: Report, row: Row, errors: Array) -> str:
    """Return the heat map of a tensor with a time axis: one sequence per row."""
    each = np.moveaxis(errors, report.time[row.name], 0)
    each = norms(each.reshape(*each.shape[:2], -1)).T if each.ndim > 1 else each[None]
    drawn = heat_map(each, report.tolerance, Axis("row"), Axis("step t"), max(each.shape) <= ROOM)
    return figure(
        f"{row.title}, by row and step",
        drawn,
        f"Relative to all of {row.title}; the loss is on all outputs.",
        each.shape,
    )


def by_gate(report: Report, alike: Mapping[str, Array]) -> str:
    """Return the heat map of all parameters with the same gates: one parameter per row."""
    gates = report.gates[next(iter(alike))]
    each = np.array([norms(errors.reshape(len(gates), -1)) for errors in alike.values()])
    named = named_gates(report, gates)
    rows, columns = Axis("", [row.title for row in report.rows if row.name in alike]), Axis("gate", gates, (), named)
    caption = "The rows of each gate, relative to all of the parameter's gradient."
    caption += f" The findings name {', '.join(named)}." if named else ""
    return figure("Parameters, by gate", heat_map(each, report.tolerance, rows, columns, True), caption, each.shape)


def by_number(report: Report, row: Row) -> str:
    """Return the heat map of one tensor as a matrix."""
    assert row.ours is not None
    assert row.reference is not None
    ours, reference, gates = row.ours, row.reference, gates_of(report, row.name, row.ours)
    errors = errors_of(row).reshape((len(ours), -1) if gates else (1, -1) if ours.ndim < 2 else (-1, ours.shape[-1]))
    got, expected, m = ours.ravel(), reference.ravel(), errors.shape[1]

    def about(i: int, j: int) -> str:
        k = i * m + j
        at = [int(at) for at in np.unravel_index(k, ours.shape)]
        return f"{row.title}{at or ''} is {got[k]:.6g}, expected {expected[k]:.6g}"

    ring = None if row.at is None else divmod(int(np.ravel_multi_index(row.at, ours.shape)), m)
    rows = Axis("", (), gates, named_gates(report, gates))
    shown = f" drawn as {errors.shape}" if ours.ndim > 2 else ""
    caption = f"{ours.shape}{shown}; ringed: the largest error."
    return figure(
        row.title, heat_map(errors, report.tolerance, rows, Axis(), False, ring, about), caption, errors.shape
    )


def figure(title: str, drawn: str, caption: str, shape: tuple[int, ...]) -> str:
    """Return a picture with title and caption; if wider than the page, it scrolls."""
    if max(shape) > MOST:
        caption += " Each cell is the largest error of its block."
    caption_html = f"<figcaption>{escape(caption)}</figcaption>"
    return f'<figure><h3>{escape(title)}</h3><div class="scroll">{drawn}</div>{caption_html}</figure>'


def errors_of(row: Row) -> Array:
    """Return |ours - reference| relative to the same norm as the row's error; NaN where not measured."""
    assert row.ours is not None
    assert row.reference is not None
    with np.errstate(all="ignore"):
        off = np.abs(row.ours - row.reference)
        off = np.where(np.isnan(row.reference), np.nan, np.where(np.isnan(off), np.inf, off))
        norm, size = (float(norms(z.reshape(-1))) for z in (off, row.reference))
        if 0 < row.error < np.inf and 0 < norm < np.inf:
            return np.asarray(off * (row.error / norm))
        return np.asarray(off / (size if 0 < size < np.inf else 1.0))


def norms(errors: Array) -> Array:
    """Return norms over the last axis, without NaN; NaN where all numbers are NaN."""
    known = ~np.isnan(errors)
    with np.errstate(all="ignore"):
        return np.where(known.any(axis=-1), np.linalg.norm(np.where(known, errors, 0), axis=-1), np.nan)


def gates_of(report: Report, name: str, of: Array) -> tuple[str, ...]:
    """Return the gates of its blocks of rows, () if it has none."""
    gates = tuple(report.gates.get(name, ()))
    return gates if len(gates) > 1 and of.ndim and len(of) % len(gates) == 0 else ()


def named_gates(report: Report, gates: Sequence[str]) -> list[str]:
    """Return the gates that a finding names."""
    return [gate for gate in gates if any(gate in finding.gates for finding in report.findings)]
