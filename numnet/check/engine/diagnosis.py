"""Diagnose wrong gradients: the layer, the equation of its node, the time step, and the kind of error."""

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
from numnet.check.engine.paths import of_paths
from numnet.check.engine.probe import Probe
from numnet.check.engine.signatures import Known, signature
from numnet.check.engine.source import equation_of
from numnet.check.engine.upstream import Upstream
from numnet.check.engine.without import of_options
from numnet.check.report import Report
from numnet.core.operation import Array

Check = Callable[..., Report]  # check_gradients
OF_INPUTS = {"W_x", "b", "g_x", "x"}  # the tensors that only a = W_x x + b (0) uses


def diagnose(report: Report, probe: Probe, seed: int, check: Check) -> None:
    """Add the findings, most certain first, and the error by step to the report; `check` checks one part alone."""
    report.by_step = by_step(probe)
    wrong = [row.name for row in report.rows if not row.passed]
    found = [*of_kernel(probe.subject), *of_parts(probe.subject.thing, seed, check)]
    if all(finding.cause == "unknown" for finding in found):
        more = [*of_paths(probe, wrong, seed), *Upstream(probe, wrong).findings(), *of_options(probe, wrong, seed)]
        more = [by_elimination(probe.subject.thing, finding, wrong) for finding in more]
        if not more or more[0].cause in ("lengths", "option"):
            more += [*of_time(report), *of_rows(report, probe.subject)]
            more += [look for look in of_tensors(report, probe, wrong) if look.cause != "unknown" or not more + found]
        found = [*more, *found]
    unrepeatable = [finding for finding in report.findings if finding.cause == UNREPEATABLE]
    report.findings = [*unrepeatable, *found, *(law for law in report.findings if law.cause != UNREPEATABLE)]


def of_parts(thing: Any, seed: int, check: Check) -> Iterator[Finding]:
    """Yield the findings about one part alone: the last wrong layer of a model, a direction, a node."""
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
        if hasattr(thing, "features_backward"):
            yield from of_features(thing, seed, check)


def of_layer(layer: Any, name: str, seed: int, check: Check) -> Iterator[Finding]:
    """Yield the findings about one layer alone, at its own random numbers."""
    for finding in check(layer, seed=seed).findings:
        tensors = tuple(f"{name}.{tensor}" for tensor in finding.tensors)
        yield replace(finding, text=f"{name}, alone: {finding.text}", tensors=tensors)


def of_features(thing: Any, seed: int, check: Check) -> Iterator[Finding]:
    """Yield the findings about (2) of a classifier alone, which is between its encoder and its output layers."""
    nodes = getattr(thing.encoder, "return_nodes", False)
    real = np.array([[True, True, True], [True, False, False]]) if nodes else None
    h = np.random.default_rng([seed, 7]).standard_normal((2, 3, 3) if nodes else (2 * thing.sides, 3))

    def features(h: Array) -> Any:
        return thing.features(h, real)[0]

    def backward(dv: Array, h: Array) -> Any:
        return thing.features_backward(dv, h.shape, real, thing.features(h, real)[1])

    for finding in check((features, backward), h, seed=seed).findings:
        text = f"equation (2), from the vectors h of the encoder to the output layers: {finding.text}"
        yield replace(finding, text=text, tensors=("h",), equation="(2)")


def of_node(node: Any, seed: int, drops: bool = False) -> list[Finding]:
    """Return the findings about one step, also with state dropout if `drops`; [] for torchnet (autograd)."""
    if not hasattr(node, "step_backward"):
        return []
    return equations_of(node, seed) or (equations_of(node, seed, drops=True) if drops else [])


def by_elimination(thing: Any, finding: Finding, wrong: list[str]) -> Finding:
    """Add the equation if both directions are right alone: (1) both read x, (2) their outputs are merged."""
    if not hasattr(thing, "forwards"):
        return finding
    equation = "(1)" if wrong == ["x"] else "(2)"
    return replace(finding, text=f"equation {equation}: {finding.text}", equation=equation)


def of_tensors(report: Report, probe: Probe, wrong: list[str]) -> Iterator[Finding]:
    """Yield how the wrong tensors differ from the right ones; equal descriptions are one finding."""
    found: dict[tuple[str, str], list[str]] = {}
    expected = {row.name: probe.expected(row.name) for row in report.rows}
    for name in wrong:
        ours, seen = probe.gradients[name], ~np.isnan(expected[name])
        if seen.all():
            look = signature(ours, expected[name], known_of(probe, name, expected))
        elif np.allclose(ours[seen], expected[name][seen], rtol=1e-4):
            look = "is wrong, but the numbers that were checked are right: full=True checks all numbers", "unseen"
        else:
            look = signature(ours[seen], expected[name][seen], Known())
        found.setdefault(look, []).append(name)
    for (text, cause), names in found.items():
        equation = equation_for(probe.subject.thing, names, set(wrong))
        named = text if text.startswith("∂") else f"{', '.join(map(gradient, names))} {text}"
        text = f"equation {equation}: {named}" if equation else named
        yield Finding(text, cause, tuple(names), wrong_gates(probe, names[0], report.tolerance), equation)


def equation_for(thing: Any, names: list[str], wrong: set[str]) -> str:
    """Return the only equation that uses these tensors, if the comments in the code name it."""
    if hasattr(thing, "node") and wrong <= OF_INPUTS:
        return "(0)"
    return equation_of(getattr(thing, "node", thing), names[0].rpartition(".")[2]) if len(names) == 1 else ""


def known_of(probe: Probe, name: str, expected: dict[str, Array]) -> Known:
    """Return what is known about a tensor: shapes, gates, other gradients, its elementwise derivative."""
    subject, y, derivatives = probe.subject, probe.upstream.get("y"), probe.measured[name].derivatives.get("y")
    others = {f"equal to the expected {gradient(other)}": value for other, value in expected.items() if other != name}
    others |= {
        f"equal to the upstream d{key}: returned unchanged?": u for key, u in probe.upstream.items() if key == name
    }
    dims = tuple(next(iter(subject.inputs.values())).shape)
    known = Known(subject.time.get(name), subject.gates.get(name, ()), dims, others)
    if y is not None and derivatives is not None and y.shape == expected[name].shape:
        known.own = np.diag(derivatives).reshape(y.shape) * y
        known.place = subject.value(name), probe.outputs["y"], y
    return known


def wrong_gates(probe: Probe, name: str, tolerance: float) -> tuple[str, ...]:
    """Return the gates in whose rows a parameter's gradient is wrong."""
    gates, expected = probe.subject.gates.get(name, ()), probe.expected(name)
    if not gates or len(expected) % len(gates):
        return ()
    off = np.split(np.nan_to_num(probe.gradients[name] - expected), len(gates))
    least = tolerance * float(np.linalg.norm(np.nan_to_num(expected)))
    return tuple(gate for gate, part in zip(gates, off) if np.linalg.norm(part) > least)
