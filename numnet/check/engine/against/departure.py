"""Find where two implementations differ: the first step and gate, the order of the gates, which side is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from numnet.check.engine.against.counterpart import full_name
from numnet.check.engine.against.pair import Pair
from numnet.check.engine.against.rivals import other_order, other_reset
from numnet.check.engine.finding import Finding
from numnet.check.engine.kernels import of_kernel
from numnet.check.engine.measure import TOLERANCE, check_direction, evaluate, tensors_to_check
from numnet.check.engine.subject import Subject
from numnet.check.gradients import check_gradients
from numnet.check.report import Report, Row


def departures(pair: Pair, report: Report, tolerance: float, again: Any) -> list[Finding]:
    """Return the findings; about gradients only if the outputs agree, since otherwise they must differ."""
    wrong = [row for row in report.rows if not row.passed]
    outputs = [row for row in wrong if row.name in names_of_outputs(report)]
    if not outputs:
        return gradients_differ(pair, report, wrong, again)
    first = outputs[0]
    text = f"the forward pass differs: {first.name}{place(first, report)}"
    causes = [*other_order(pair, tolerance), *other_reset(pair, tolerance)]
    causes += [finding for finding in of_kernel(pair.ours) if finding.cause == "forward"]
    return [*causes, Finding(text, "forward", tuple(row.name for row in outputs))]


def names_of_outputs(report: Report) -> list[str]:
    """Return the names of the rows of outputs; names of gradients begin with d."""
    return [row.name for row in report.rows if not row.name.rpartition(".")[2].startswith("d")]


def gradients_differ(pair: Pair, report: Report, wrong: list[Row], again: Any) -> list[Finding]:
    """Return the first tensor that differs, which side is wrong, and for ours the findings of check_gradients."""
    thing, inputs, lengths, seed, sizes = again
    first, sides = wrong[0], {"ours": pair.ours, "theirs": pair.theirs}
    bad = [side for side, subject in sides.items() if wrong_tensors(subject, seed)]
    verdict = " and ".join(f"{side}, {full_name(sides[side])}, is wrong" for side in bad)
    verdict = f"{verdict} by finite differences" if bad else "finite differences find no error in either"
    text = f"the outputs agree, the gradients do not: first {first.name}{place(first, report)}; {verdict}"
    found = [Finding(text, "gradient", tuple(row.name for row in wrong), wrong_gates(first, report))]
    if "ours" in bad:
        found += check_gradients(thing, *inputs, lengths=lengths, seed=seed, sizes=sizes).findings
    return found


def wrong_tensors(subject: Subject, seed: int) -> list[str]:
    """Return the tensors whose gradients differ from finite differences."""
    (probe, _), rng = evaluate(subject, seed), np.random.default_rng([seed, 6])
    names = tensors_to_check(probe, None)
    return [name for name in names if not check_direction(probe, name, TOLERANCE, rng).passed]


def place(row: Row, report: Report) -> str:
    """Return the first wrong step of an output, the wrong steps of dx, or the wrong gates of a parameter."""
    gates, axis = wrong_gates(row, report), report.time.get(row.name)
    if gates:
        return "" if gates == report.gates[row.name] else f", in the rows of {', '.join(gates)}"
    if axis is None:
        return ""
    steps = wrong_along(row, axis, report.tolerance)
    if row.name == "y":
        return f", first at step {steps[0]}, y[{':, ' * axis}{steps[0]}]"
    return f", at step {steps[0]}" if len(steps) == 1 else f", at steps {steps[0]} to {steps[-1]}"


def wrong_gates(row: Row, report: Report) -> tuple[str, ...]:
    """Return the gates whose rows differ."""
    gates = report.gates.get(row.name, ())
    if not gates or row.ours is None or len(row.ours) % len(gates):
        return ()
    return tuple(gates[k] for k in wrong_along(row, 0, report.tolerance, len(gates)))


def wrong_along(row: Row, axis: int, tolerance: float, blocks: int | None = None) -> list[int]:
    """Return the indices along an axis, or its blocks, that differ by more than rounding; at least the worst one."""
    assert row.ours is not None
    assert row.reference is not None
    parts = np.array_split(np.moveaxis(np.abs(row.ours - row.reference), axis, 0), blocks or row.ours.shape[axis])
    off = np.array([part.max(initial=0.0) for part in parts])
    return np.flatnonzero(
        off > min(off.max() / 2, 10 * tolerance * max(1.0, float(np.abs(row.reference).max())))
    ).tolist()
