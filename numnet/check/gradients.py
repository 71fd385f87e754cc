"""Is a hand-written backward the gradient of its forward? And where it is not, what is wrong?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numnet.check.engine.adapt import subject_of
from numnet.check.engine.diagnosis import diagnose
from numnet.check.engine.draw import SIZES, Sizes
from numnet.check.engine.measure import TOLERANCE, ask, directed, looked_at, measured, wanted
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
    """Whether every gradient that `thing` gives is the slope of what it computes; and if not, what is wrong.

        φ(z) = Σ u · outputs(z)                    (1)   u is drawn for every output, the last states included
        promised  Σ dz · v                         (2)   dz is what backward gives for u, v a drawn direction
        measured  (φ(z + e v) - φ(z - e v)) / 2e   (3)   of five points, in fact: see differences.py

    thing: an Operation, a Node, a Layer, a loss, a Model, a torch.nn.Module or autograd.Function; or two functions
    (forward, backward), where forward(*inputs) → y, or a tuple of several, and backward(dy, *inputs) → the gradients.
    inputs: x, and then a start state; of a loss, prediction and target; of a model, x, and then a target, with which
    its loss is checked too. What is not given is drawn with `sizes` (B, T, D, H), ragged lengths included.
    wrt: the names of the tensors to check, as in the report; all of them by default.
    lengths: (B,), or a mask (B, T). seed: of all that is drawn.
    tolerance: the largest error allowed, relative to a tensor's norm; 1e-7 by default.
    full: look at every number, even though all is well; else, where something is wrong, at 200 of each tensor.

    Everything is computed in float64, with a copy: the thing's own parameters, gradients and dtype stay. A parameter of
    equal numbers, such as a fresh bias, is moved in the copy, for equal numbers hide faults. Besides the numbers, it is
    checked that inputs and upstream gradients are left as they are, that a second call gives the same, that a second
    backward adds to the gradients of parameters, and that an upstream gradient of zero gives zeros.

    TypeError, where `thing` cannot be checked; errors of the thing itself come through.
    """
    sizes = sizes if isinstance(sizes, Sizes) else Sizes(*sizes)
    tolerance = TOLERANCE if tolerance is None else tolerance
    asked, unlawful = ask(subject_of(thing, inputs, lengths, seed, sizes), seed)
    names, rng = wanted(asked, wrt), np.random.default_rng([seed, 6])
    rows = [directed(asked, name, tolerance, rng) for name in names]
    report = Report(asked.subject.name, "differences of the function itself", tolerance, rows, unlawful)
    report.sizes, report.time, report.gates = asked.subject.sizes, asked.subject.time, asked.subject.gates
    if full or not all(row.passed for row in rows):
        asked.measured = {name: measured(asked, name, full, rng) for name in names}
        report.rows = looked_at(asked, rows, tolerance)
        if not all(row.passed for row in report.rows):
            diagnose(report, asked, seed, check_gradients)
    return report
