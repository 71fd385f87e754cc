"""Compare a kernel with the plain step: the first quantity that differs, its time step, and the line that writes it.

A kernel computes the same numbers as the node's plain step. Both run on the same packed inputs, states and upstream
gradients, and the result of every line of the kernel is compared with the values of the plain step.

beside          runs both, step by step, forward and backward
sums            compares the sums over all steps
first_wrong     finds the first wrong quantity of one step and the line that writes it
line_by_line    records what a function writes, line by line
"""

from __future__ import annotations

import numpy as np

from numnet.check.engine.finding import Finding
from numnet.check.engine.kernels.beside import KernelComparison
from numnet.check.engine.subject import Subject

__all__ = ["of_kernel"]


def of_kernel(subject: Subject) -> list[Finding]:
    """Return how a layer's kernel differs from the plain step; [] if they agree or the call used no kernel."""
    layer = subject.thing
    if not hasattr(layer, "use_fast") or not hasattr(layer, "node"):
        return []
    try:
        subject.run(subject.inputs)
        if getattr(getattr(layer, "saved", None), "kernel", None) is None:
            return []
        with np.errstate(all="ignore"):
            return list(KernelComparison(layer).findings())
    except Exception:  # an error in the diagnosis must not prevent the report
        return []
