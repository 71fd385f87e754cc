"""Each gradient against the measured slope: along a drawn direction first, then number by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from numnet.check.engine.adapt import subject_of
from numnet.check.engine.differences import DISTANCE, along, distance, jacobian, noise
from numnet.check.engine.draw import SIZES
from numnet.check.engine.laws import broken
from numnet.check.engine.subject import Asked, Measured, Subject, Unusable
from numnet.check.report import Row, row_of

TOLERANCE = 1e-7  # differences of five points err by some 1e-10 of a number, times the condition of what is checked
SHORTER = (1e-2, 1e-4)  # directions, for functions with kinks
MOST = 200  # numbers of one tensor that are looked at, one by one, after a failure; more are drawn from the seed


def passes(thing: Any, *inputs: Any, lengths: Any = None, seed: int = 0) -> bool:
    """Whether nothing is wrong, along one direction for each tensor."""
    asked, _ = ask(subject_of(thing, inputs, lengths, seed, SIZES), seed)
    rng = np.random.default_rng([seed, 6])
    return all(directed(asked, name, TOLERANCE, rng).passed for name in wanted(asked, None))


def ask(subject: Subject, seed: int) -> tuple[Asked, list[Any]]:
    """The outputs, and the gradients for an upstream gradient that is drawn; and the laws that the calls break."""
    rng, before = np.random.default_rng([seed, 5]), {name: x.copy() for name, x in subject.inputs.items()}
    outputs, pullback = subject.run(subject.inputs)
    for name, y in outputs.items():
        if not np.isfinite(y).all():
            raise Unusable(f"{subject.name}: {name} is not finite at these inputs, expected numbers. Give others.")
    upstream = {name: rng.standard_normal(y.shape) for name, y in outputs.items()}
    given = {name: u.copy() for name, u in upstream.items()}
    asked = Asked(subject, outputs, upstream, pullback(given))
    return asked, list(broken(asked, before, given))


def wanted(asked: Asked, wrt: Sequence[str] | None) -> list[str]:
    """The tensors to check: parameters from the last to the first, then inputs, as the way back meets them."""
    subject, names = asked.subject, [*reversed(asked.subject.params), *asked.subject.movable]
    asked_for = [wrt] if isinstance(wrt, str) else wrt
    for name in asked_for or ():
        if name not in names:
            raise Unusable(f"check_gradients: wrt has {name!r}, expected some of {', '.join(names)}.")
    names = [name for name in names if not asked_for or name in asked_for]
    if not names:
        raise Unusable(f"{subject.name}: no input or parameter is of real numbers, expected one at least. Pass floats.")
    for name in names:
        shape = subject.value(name).shape
        found = asked.gradients.setdefault(name, np.zeros(shape))  # None is no gradient
        if found.shape != shape:
            raise Unusable(f"{subject.name}: d{name} is {found.shape}, expected {shape}. It has the shape of {name}.")
    return names


def directed(asked: Asked, name: str, tolerance: float, rng: np.random.Generator) -> Row:
    """One tensor along one drawn direction; where φ bends on the way, shorter ones may show that all is well.

    The error is relative to ‖dz‖ ‖v‖; what rounding leaves unsure is allowed besides.
    """
    gradient = asked.gradients[name]
    for length in (1.0, *SHORTER):
        v = length * rng.standard_normal(gradient.shape)
        promised = float(np.sum(gradient * v))
        found, unsure, bends = along(asked, name, v)
        size, off = float(np.linalg.norm(gradient) * np.linalg.norm(v)), abs(found - promised)
        passed = off <= tolerance * size + unsure * strict(tolerance)
        row = Row(name, off / max(size, abs(found), 1e-300), bool(passed), off, promised, found)
        if row.passed or not bends:
            break
    hidden = noise(asked, distance(asked.subject.value(name), DISTANCE))
    if tolerance * size < off <= unsure and hidden > 1e-2 * max(size, abs(found)):
        whole = max(float(np.linalg.norm(g)) for g in asked.gradients.values()) * float(np.linalg.norm(v))
        if hidden > 1e-2 * whole:
            raise Unusable(
                f"{asked.subject.name}: rounding leaves the slope along {name} unsure by {hidden:.1e}, expected less "
                f"than the slope, {found:.1e}. The outputs are too large beside it: take a constant out of them."
            )
    return row


def strict(tolerance: float) -> float:
    """Less is allowed to rounding, too, where less than usual is allowed."""
    return min(1.0, tolerance / TOLERANCE)


def measured(asked: Asked, name: str, full: bool, rng: np.random.Generator) -> Measured:
    """The slopes of every output by every number of a tensor, or by some."""
    size = asked.subject.value(name).size
    picked = np.arange(size) if full or size <= MOST else np.sort(rng.choice(size, MOST, replace=False))
    found = {key: np.empty((len(picked), y.size)) for key, y in asked.outputs.items()}
    for row, slopes in enumerate(jacobian(asked, name, picked)):
        for key, y in slopes.items():
            found[key][row] = y.ravel()
    asked.subject.run(asked.subject.inputs, asked.subject.params)
    return Measured(picked, found)


def looked_at(asked: Asked, directed: Sequence[Row], tolerance: float) -> list[Row]:
    """The numbers of every tensor against the measured slopes. A tensor counts as at least a tenth of the norm of all.

    What the direction found wrong stays wrong, though the numbers looked at are right; but where some stand at a kink,
    a direction says nothing.
    """
    due, found = {row.name: asked.due(row.name) for row in directed}, []
    least = 0.1 * float(np.sqrt(sum(np.nansum(d * d) for d in due.values())))
    for row in directed:
        counted = float(np.sqrt(np.isfinite(due[row.name]).sum()))
        unsure = noise(asked, distance(asked.subject.value(row.name), DISTANCE)) * counted * strict(tolerance)
        numbers = row_of(row.name, asked.gradients[row.name], due[row.name], least, tolerance, unsure=unsure)
        at_kinks = any(np.isnan(slopes).any() for slopes in asked.measured[row.name].slopes.values())
        if numbers.passed and not row.passed and not at_kinks:
            numbers = replace(row, ours=numbers.ours, due=numbers.due)
        found.append(numbers)
    return found
