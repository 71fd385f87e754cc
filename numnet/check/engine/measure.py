"""Compare each gradient with finite differences: first along one random direction, then number by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from numnet.check.engine.adapt import subject_of
from numnet.check.engine.differences import DISTANCE, along, distance, jacobian, noise
from numnet.check.engine.draw import SIZES
from numnet.check.engine.laws import violations
from numnet.check.engine.probe import Measured, Probe
from numnet.check.engine.subject import Subject, Unusable
from numnet.check.report import Row, row_of

TOLERANCE = 1e-7  # five-point differences have a relative error of about 1e-10, times the condition number
SHORTER = (1e-2, 1e-4)  # lengths of further directions, for functions with kinks
MOST = 200  # numbers per tensor that are checked after a failure; of a larger tensor, a random sample


def passes(thing: Any, *inputs: Any, lengths: Any = None, seed: int = 0) -> bool:
    """Whether all gradients are right along one random direction per tensor."""
    probe, _ = evaluate(subject_of(thing, inputs, lengths, seed, SIZES), seed)
    rng = np.random.default_rng([seed, 6])
    return all(check_direction(probe, name, TOLERANCE, rng).passed for name in tensors_to_check(probe, None))


def evaluate(subject: Subject, seed: int) -> tuple[Probe, list[Any]]:
    """Return outputs and gradients for a random upstream gradient, and the findings about broken laws."""
    rng, before = np.random.default_rng([seed, 5]), {name: x.copy() for name, x in subject.inputs.items()}
    outputs, pullback = subject.run(subject.inputs)
    for name, y in outputs.items():
        if not np.isfinite(y).all():
            raise Unusable(
                f"{subject.name}: {name} has NaN or inf at these inputs, expected finite numbers. Pass other inputs."
            )
    upstream = {name: rng.standard_normal(y.shape) for name, y in outputs.items()}
    given = {name: u.copy() for name, u in upstream.items()}
    probe = Probe(subject, outputs, upstream, pullback(given))
    return probe, list(violations(probe, before, given))


def tensors_to_check(probe: Probe, wrt: Sequence[str] | None) -> list[str]:
    """Return the tensors to check in the order of the backward pass: last parameter first, then the inputs."""
    subject, names = probe.subject, [*reversed(probe.subject.params), *probe.subject.differentiable]
    chosen = [wrt] if isinstance(wrt, str) else wrt
    for name in chosen or ():
        if name not in names:
            raise Unusable(f"check_gradients: wrt has {name!r}, expected names from {', '.join(names)}.")
    names = [name for name in names if not chosen or name in chosen]
    if not names:
        raise Unusable(f"{subject.name}: no input or parameter has real numbers, expected at least one. Pass floats.")
    for name in names:
        shape = subject.value(name).shape
        found = probe.gradients.setdefault(name, np.zeros(shape))  # backward may return None for a zero gradient
        if found.shape != shape:
            raise Unusable(f"{subject.name}: d{name} is {found.shape}, expected {shape}. Return the shape of {name}.")
    return names


def check_direction(probe: Probe, name: str, tolerance: float, rng: np.random.Generator) -> Row:
    """Compare the gradient of one tensor with φ along a random direction; if φ has a kink there, try shorter ones.

    The error is relative to ‖dz‖ ‖v‖; the uncertainty of the finite differences is allowed in addition.
    """
    gradient = probe.gradients[name]
    for length in (1.0, *SHORTER):
        v = length * rng.standard_normal(gradient.shape)
        analytic = float(np.sum(gradient * v))
        numerical, uncertainty, bends = along(probe, name, v)
        size, off = float(np.linalg.norm(gradient) * np.linalg.norm(v)), abs(numerical - analytic)
        passed = off <= tolerance * size + uncertainty * strict(tolerance)
        row = Row(name, off / max(size, abs(numerical), 1e-300), bool(passed), off, analytic, numerical)
        if row.passed or not bends:
            break
    hidden = noise(probe, distance(probe.subject.value(name), DISTANCE))
    if tolerance * size < off <= uncertainty and hidden > 1e-2 * max(size, abs(numerical)):
        whole = max(float(np.linalg.norm(g)) for g in probe.gradients.values()) * float(np.linalg.norm(v))
        if hidden > 1e-2 * whole:
            raise Unusable(
                f"{probe.subject.name}: the rounding error of the derivative along {name} is {hidden:.1e}, expected "
                f"less than the derivative, {numerical:.1e}. Subtract a large constant from the outputs, or scale them."
            )
    return row


def strict(tolerance: float) -> float:
    """Return the factor by which a tighter tolerance also reduces the allowed uncertainty."""
    return min(1.0, tolerance / TOLERANCE)


def measure(probe: Probe, name: str, full: bool, rng: np.random.Generator) -> Measured:
    """Return the derivatives of every output with respect to all numbers of a tensor, or a sample."""
    size = probe.subject.value(name).size
    picked = np.arange(size) if full or size <= MOST else np.sort(rng.choice(size, MOST, replace=False))
    found = {key: np.empty((len(picked), y.size)) for key, y in probe.outputs.items()}
    for row, derivatives in enumerate(jacobian(probe, name, picked)):
        for key, y in derivatives.items():
            found[key][row] = y.ravel()
    probe.subject.run(probe.subject.inputs, probe.subject.params)
    return Measured(picked, found)


def check_elements(probe: Probe, rows: Sequence[Row], tolerance: float) -> list[Row]:
    """Compare the numbers of every tensor; the norm of a tensor counts as at least a tenth of the norm of all.

    A tensor that is wrong along its direction stays wrong even if its checked numbers are right, unless some of its
    numbers are at a kink: then the direction is ignored.
    """
    expected, found = {row.name: probe.expected(row.name) for row in rows}, []
    least = 0.1 * float(np.sqrt(sum(np.nansum(d * d) for d in expected.values())))
    for row in rows:
        counted = float(np.sqrt(np.isfinite(expected[row.name]).sum()))
        uncertainty = noise(probe, distance(probe.subject.value(row.name), DISTANCE)) * counted * strict(tolerance)
        numbers = row_of(
            row.name, probe.gradients[row.name], expected[row.name], least, tolerance, uncertainty=uncertainty
        )
        at_kinks = any(np.isnan(derivatives).any() for derivatives in probe.measured[row.name].derivatives.values())
        if numbers.passed and not row.passed and not at_kinks:
            numbers = replace(row, ours=numbers.ours, reference=numbers.reference)
        found.append(numbers)
    return found
