"""A kernel held against the plain step: the first quantity that differs, at which step, and the line that writes it.

A kernel computes the numbers of a node's plain step, so no guess is needed: both run on the same packed inputs, states
and upstream gradients, and every line of the kernel is held against the values of the plain step.

beside          both, step by step, forward and backward
sums            the sums over all steps
first_wrong     of one step, the first wrong quantity and the line that writes it
line_by_line    what a function writes, line by line
"""

from __future__ import annotations

import numpy as np

from numnet.check.engine.finding import Finding
from numnet.check.engine.kernels.beside import Beside
from numnet.check.engine.subject import Subject

__all__ = ["of_kernel"]


def of_kernel(subject: Subject) -> list[Finding]:
    """How a layer's kernel differs from its node's plain step; nothing where a call is plain, or where they agree."""
    layer = subject.thing
    if not hasattr(layer, "use_fast") or not hasattr(layer, "node"):
        return []
    try:
        subject.run(subject.inputs)
        if getattr(getattr(layer, "saved", None), "kernel", None) is None:
            return []
        with np.errstate(all="ignore"):
            return list(Beside(layer).findings())
    except Exception:  # the diagnosis never stands in the way of the report
        return []
