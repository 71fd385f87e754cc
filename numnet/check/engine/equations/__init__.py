"""Which equation of a node's step is wrong in the backward pass: every slope of the step is tried otherwise.

array, trace, recorder, rules   the step, number by number, while it runs
source                          its lines, and the equations that their comments name
step, leaves                    one step alone: what its own backward pass says, what the trace says
slopes, forms, guesses          what each equation's slope is, and what it may have been taken for
pairs                           what may be wrong with the pairs that step_backward returns
findings                        the guess that reproduces the wrong gradients
"""

from __future__ import annotations

from typing import Any

from numnet.check.engine.equations.findings import Equations
from numnet.check.engine.equations.rules import NotFollowed
from numnet.check.engine.equations.step import Step, gate_names
from numnet.check.engine.finding import Finding

__all__ = ["Equations", "NotFollowed", "Step", "equations_of", "gate_names"]


def equations_of(node: Any, seed: int, drops: bool = False) -> list[Finding]:
    """What is wrong in one step of a node; nothing, where the trace could not follow it, whatever the step does.

    With `drops` the step has a mask of state dropout.
    """
    try:
        step = Step(node, seed, drops)
        return Equations(step).findings() if step.confirmed else []
    except Exception:  # the diagnosis never stands in the way of the report
        return []
