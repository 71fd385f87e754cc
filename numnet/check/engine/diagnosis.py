"""From wrong numbers to where the error is: which layer, which equation of its node, which step, what it looks like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from numnet.check.engine.equations import equations_of
from numnet.check.engine.finding import Finding, gradient
from numnet.check.engine.kernels import of_kernel
from numnet.check.engine.laws import UNREPEATABLE
from numnet.check.engine.over_time import by_step, of_rows, of_time
from numnet.check.engine.signatures import Known, signature
from numnet.check.engine.source import equation_of
from numnet.check.engine.subject import Asked
from numnet.check.engine.upstream import Upstream
from numnet.check.engine.without import of_options
from numnet.check.report import Report
from numnet.core.operation import Array

Check = Callable[..., Report]  # check_gradients
OF_INPUTS = {"W_x", "b", "g_x", "x"}  # what only a = W_x x + b (0) has to do with


def diagnose(report: Report, asked: Asked, seed: int, check: Check) -> None:
    """Add the findings to the report, the surest first, and the error by step; `check` checks a part alone."""
    report.by_step = by_step(asked)
    wrong = [row.name for row in report.rows if not row.passed]
    found = [*of_kernel(asked.subject), *of_parts(asked.subject.thing, seed, check)]
    if all(finding.cause == "unknown" for finding in found):
        more = [*Upstream(asked, wrong).findings(), *of_options(asked, wrong, seed)]
        more = [by_elimination(asked.subject.thing, finding, wrong) for finding in more]
        if not more or more[0].cause in ("lengths", "option"):
            more += [*of_time(report), *of_rows(report, asked.subject)]
            more += [look for look in of_tensors(report, asked, wrong) if look.cause != "unknown" or not more + found]
        found = [*more, *found]
    unsure = [finding for finding in report.findings if finding.cause == UNREPEATABLE]
    report.findings = [*unsure, *found, *(law for law in report.findings if law.cause != UNREPEATABLE)]


def of_parts(thing: Any, seed: int, check: Check) -> Iterator[Finding]:
    """What is wrong in one part, checked alone: the last wrong one of a model or a layer, a direction, a node."""
    if hasattr(thing, "step") and hasattr(thing, "state_sizes"):
        yield from of_node(thing, seed)
    elif hasattr(thing, "forwards"):
        for way in ("forwards", "backwards"):
            yield from of_layer(getattr(thing, way), way, seed, check)
    elif hasattr(thing, "node"):
        yield from of_node(thing.node, seed, bool(getattr(thing, "state_dropout", 0)))
    else:
        layers = list(getattr(thing, "layers", ()))
        parts = thing.parts() if hasattr(thing, "parts") else {f"layers.{k}": layer for k, layer in enumerate(layers)}
        parts = dict(zip(thing.layer_names, layers)) if hasattr(thing, "layer_names") else parts
        for name, part in reversed(parts.items()):
            found = list(of_layer(part, name, seed, check))
            if found:
                yield from found
                return


def of_layer(layer: Any, name: str, seed: int, check: Check) -> Iterator[Finding]:
    """The findings about one layer alone, at numbers of its own."""
    for finding in check(layer, seed=seed).findings:
        tensors = tuple(f"{name}.{tensor}" for tensor in finding.tensors)
        yield replace(finding, text=f"{name}, alone: {finding.text}", tensors=tensors)


def of_node(node: Any, seed: int, drops: bool = False) -> list[Finding]:
    """The equations of one step, with state dropout too if it is on; nothing of torchnet's, which has autograd."""
    if not hasattr(node, "step_backward"):
        return []
    return equations_of(node, seed) or (equations_of(node, seed, drops=True) if drops else [])


def by_elimination(thing: Any, finding: Finding, wrong: list[str]) -> Finding:
    """Of two directions, each of them right alone: what is done with both. (1) both read x, (2) they are merged."""
    if not hasattr(thing, "forwards"):
        return finding
    equation = "(1)" if wrong == ["x"] else "(2)"
    return replace(finding, text=f"equation {equation}: {finding.text}", equation=equation)


def of_tensors(report: Report, asked: Asked, wrong: list[str]) -> Iterator[Finding]:
    """What each wrong tensor looks like; tensors that look alike, together."""
    found: dict[tuple[str, str], list[str]] = {}
    due = {row.name: asked.due(row.name) for row in report.rows}
    for name in wrong:
        ours, seen = asked.gradients[name], ~np.isnan(due[name])
        if seen.all():
            look = signature(ours, due[name], known_of(asked, name, due))
        elif np.allclose(ours[seen], due[name][seen], rtol=1e-4):
            look = "is wrong, though not in the numbers that were looked at: full=True looks at all", "unseen"
        else:
            look = signature(ours[seen], due[name][seen], Known())
        found.setdefault(look, []).append(name)
    for (text, cause), names in found.items():
        equation = equation_for(asked.subject.thing, names, set(wrong))
        said = text if text.startswith("∂") else f"{', '.join(map(gradient, names))} {text}"
        text = f"equation {equation}: {said}" if equation else said
        yield Finding(text, cause, tuple(names), wrong_gates(asked, names[0], report.tolerance), equation)


def equation_for(thing: Any, names: list[str], wrong: set[str]) -> str:
    """The equation that has to do with these tensors alone, if the code says which."""
    if hasattr(thing, "node") and wrong <= OF_INPUTS:
        return "(0)"
    return equation_of(getattr(thing, "node", thing), names[0].rpartition(".")[2]) if len(names) == 1 else ""


def known_of(asked: Asked, name: str, due: dict[str, Array]) -> Known:
    """What there is to compare a tensor with."""
    subject, y, slopes = asked.subject, asked.upstream.get("y"), asked.measured[name].slopes.get("y")
    others = {f"that of {gradient(other)}": value for other, value in due.items() if other != name}
    others |= {f"what came in as d{key}: not changed in place?": u for key, u in asked.upstream.items() if key == name}
    dims = tuple(next(iter(subject.inputs.values())).shape)
    known = Known(subject.time.get(name), subject.gates.get(name, ()), dims, others)
    if y is not None and slopes is not None and y.shape == due[name].shape:
        known.own = np.diag(slopes).reshape(y.shape) * y
        known.place = subject.value(name), asked.outputs["y"], y
    return known


def wrong_gates(asked: Asked, name: str, tolerance: float) -> tuple[str, ...]:
    """The gates in whose rows a parameter's gradient is wrong."""
    gates, due = asked.subject.gates.get(name, ()), asked.due(name)
    if not gates or len(due) % len(gates):
        return ()
    off = np.split(np.nan_to_num(asked.gradients[name] - due), len(gates))
    least = tolerance * float(np.linalg.norm(np.nan_to_num(due)))
    return tuple(gate for gate, part in zip(gates, off) if np.linalg.norm(part) > least)
