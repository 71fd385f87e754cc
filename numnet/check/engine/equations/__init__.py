"""Find the equation of a node's step that is wrong in the backward pass, by a search over common mistakes.

array, trace, recorder, rules   trace the step, number by number, while it runs
source                          its source lines, and the equations that their comments name
step, leaves                    one step alone: gradients from step_backward and from the trace
derivatives, forms, guesses     the derivatives of each equation, and common mistakes in them
pairs                           mistakes in the pairs that step_backward returns
findings                        the mistake that reproduces the wrong gradients
"""

from __future__ import annotations

from typing import Any

from numnet.check.engine.equations.findings import Equations
from numnet.check.engine.equations.rules import Untraceable
from numnet.check.engine.equations.step import Step, gate_names
from numnet.check.engine.finding import Finding

__all__ = ["Equations", "Step", "Untraceable", "equations_of", "gate_names"]


def equations_of(node: Any, seed: int, drops: bool = False) -> list[Finding]:
    """Return the errors in one step of a node; [] if the step cannot be traced.

    With `drops`, the step gets a mask of state dropout.
    """
    try:
        step = Step(node, seed, drops)
        return Equations(step).findings() if step.confirmed else []
    except Exception:  # an error in the diagnosis must not prevent the report
        return []
