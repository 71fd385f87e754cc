"""From wrong numbers to where the error is: which layer, which equation of its node, which step, what it looks like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from numnet.check.equations import equations_of
from numnet.check.finding import Finding, gradient
from numnet.check.over_time import by_step, of_rows, of_time
from numnet.check.report import Report, Row
from numnet.check.signatures import Known, signature
from numnet.check.subject import Asked
from numnet.check.upstream import Upstream
from numnet.check.without import of_options
from numnet.operation import Array

OF_INPUTS = {"W_x", "b", "g_x", "x"}  # what only a = W_x x + b (0) has to do with


def diagnose(report: Report, asked: Asked, seed: int) -> None:
    """Adds the findings to the report, the surest first, and the error by step."""
    report.by_step = by_step(asked)
    wrong = [row for row in report.rows if not row.passed]
    found = list(of_parts(asked.subject.thing, seed))
    if not found and not any(np.isnan(asked.due(row.name)).any() for row in report.rows):
        names = [row.name for row in wrong]
        found = [*Upstream(asked, names).findings(), *of_options(asked, names, seed)]
        if not found or found[0].cause in ("lengths", "option"):
            found += [*of_time(report), *of_rows(report, asked.subject)]
            found += [look for look in of_tensors(report, asked, wrong) if look.cause != "unknown" or not found]
    report.findings = [*found, *report.findings]


def of_parts(thing: Any, seed: int) -> Iterator[Finding]:
    """What is wrong in one part, checked alone: a model's last wrong layer, a direction, a layer's node."""
    if hasattr(thing, "step") and hasattr(thing, "state_sizes"):
        yield from of_node(thing, seed)
    elif hasattr(thing, "forwards"):
        for way in ("forwards", "backwards"):
            yield from of_layer(getattr(thing, way), way, seed)
    elif hasattr(thing, "node"):
        yield from of_node(thing.node, seed)
    else:
        for k, layer in reversed(list(enumerate(getattr(thing, "layers", ())))):
            found = list(of_layer(layer, f"layers.{k}", seed))
            if found:
                yield from found
                return


def of_layer(layer: Any, name: str, seed: int) -> Iterator[Finding]:
    """The findings about one layer alone, at numbers of its own."""
    from numnet.check.gradients import check_gradients

    for finding in check_gradients(layer, seed=seed).findings:
        tensors = tuple(f"{name}.{tensor}" for tensor in finding.tensors)
        yield replace(finding, text=f"{name}, alone: {finding.text}", tensors=tensors)


def of_node(node: Any, seed: int) -> list[Finding]:
    """The equations of one step; nothing of torchnet's, which have no hand-written way back."""
    return equations_of(node, seed) if hasattr(node, "weights_back") else []


def of_tensors(report: Report, asked: Asked, wrong: list[Row]) -> Iterator[Finding]:
    """What each wrong tensor looks like; tensors that look alike, together."""
    subject, found = asked.subject, dict[tuple[str, str], list[str]]()
    dims, due = tuple(next(iter(subject.inputs.values())).shape), {row.name: asked.due(row.name) for row in report.rows}
    for row in wrong:
        name = row.name
        others = {gradient(other): value for other, value in due.items() if other != name}
        known = Known(subject.time.get(name), subject.gates.get(name, ()), dims, others, own_slopes(asked, name))
        found.setdefault(signature(asked.gradients[name], due[name], known), []).append(name)
    before_the_loop = hasattr(subject.thing, "node") and {row.name for row in wrong} <= OF_INPUTS
    for (text, cause), names in found.items():
        gates, said = wrong_gates(asked, names[0], report.tolerance), ", ".join(map(gradient, names))
        if before_the_loop:
            yield Finding(f"equation (0): {said} {text}", cause, tuple(names), gates, "(0)")
        else:
            yield Finding(f"{said} {text}", cause, tuple(names), gates)


def own_slopes(asked: Asked, name: str) -> Array | None:
    """What each number does to its own place of y, where y has the tensor's shape."""
    y, slopes = asked.upstream.get("y"), asked.slopes[name].get("y")
    if y is None or slopes is None or y.shape != asked.gradients[name].shape:
        return None
    return np.asarray(np.diag(slopes).reshape(y.shape) * y)


def wrong_gates(asked: Asked, name: str, tolerance: float) -> tuple[str, ...]:
    """The gates in whose rows a parameter's gradient is wrong."""
    gates, due = asked.subject.gates.get(name, ()), asked.due(name)
    if not gates or len(due) % len(gates):
        return ()
    off = np.split(asked.gradients[name] - due, len(gates))
    least = tolerance * float(np.linalg.norm(due))
    return tuple(gate for gate, part in zip(gates, off) if np.linalg.norm(part) > least)
