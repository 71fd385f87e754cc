"""Check a hand-written backward pass against finite differences, and diagnose it if it is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numnet.check.engine.adapt import subject_of
from numnet.check.engine.diagnosis import diagnose
from numnet.check.engine.draw import SIZES, Sizes
from numnet.check.engine.measure import TOLERANCE, check_direction, check_elements, evaluate, measure, tensors_to_check
from numnet.check.report import Report


def check_gradients(
    thing: Any,
    *inputs: Any,
    wrt: Sequence[str] | None = None,
    lengths: Any = None,
    seed: int = 0,
    tolerance: float | None = None,
    full: bool = False,
    sizes: Sizes | Sequence[int] = SIZES,
) -> Report:
    """Check every gradient of `thing` against finite differences; if one is wrong, find the likely error.

        φ(z) = Σ u · outputs(z)                    (1)   u is random for every output, the last states included
        analytic   Σ dz · v                        (2)   dz from backward(u); v is a random direction
        numerical  (φ(z + e v) - φ(z - e v)) / 2e  (3)   in fact with five points: see differences.py

    thing: an Operation, a Node, a Layer, a loss, a Model, a torch.nn.Module or autograd.Function; or two functions
    (forward, backward), where forward(*inputs) → y, or a tuple of several, and backward(dy, *inputs) → the gradients.
    inputs: x, then an initial state; for a loss, prediction and target; for a model, x, then a target, which includes
    its loss in the check. Inputs that are not given are random, of `sizes` (B, T, D, H), with ragged lengths.
    wrt: the names of the tensors to check, as in the report; all of them by default.
    lengths: (B,), or a mask (B, T). seed: of all random numbers.
    tolerance: the largest error allowed, relative to a tensor's norm; 1e-7 by default.
    full: check every number, even if all directions pass. By default, after a failure, 200 numbers of each tensor.

    Everything is computed in float64, on a copy: the parameters, gradients and dtype of `thing` do not change. If all
    numbers of a parameter are equal, as in a fresh bias, noise is added in the copy: equal numbers hide errors. It also
    checks general laws: inputs and upstream gradients are not modified, calls are repeatable, backward accumulates,
    and a zero upstream gradient gives zeros.

    Raises TypeError if `thing` cannot be checked; exceptions raised by `thing` itself propagate.
    """
    sizes = sizes if isinstance(sizes, Sizes) else Sizes(*sizes)
    tolerance = TOLERANCE if tolerance is None else tolerance
    probe, violations = evaluate(subject_of(thing, inputs, lengths, seed, sizes), seed)
    names, rng = tensors_to_check(probe, wrt), np.random.default_rng([seed, 6])
    rows = [check_direction(probe, name, tolerance, rng) for name in names]
    report = Report(probe.subject.name, "finite differences", tolerance, rows, violations)
    report.sizes, report.time, report.gates = probe.subject.sizes, probe.subject.time, probe.subject.gates
    if full or not all(row.passed for row in rows):
        probe.measured = {name: measure(probe, name, full, rng) for name in names}
        report.rows = check_elements(probe, rows, tolerance)
        if not all(row.passed for row in report.rows):
            diagnose(report, probe, seed, check_gradients)
    return report
