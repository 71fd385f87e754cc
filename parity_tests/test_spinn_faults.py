"""Planted faults in SPINN and its thin stack: the comparison with the program must notice every one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numnet
from parity_tests.faults import SPINN_FAULTS, Fault, planted
from parity_tests.probe import largest_error
from parity_tests.spinn_cases import Draw, called
from parity_tests.stack_program import program

DRAWS = {
    "by height": Draw(N=5, lengths=(3, 5, 0, 4), tracker="none"),
    "given moves": Draw(N=5, lengths=(3, 5, 0, 4)),
    "a loss at every node": Draw(N=5, lengths=(3, 5, 0, 4), nodes=True),
    "own moves": Draw(N=6, lengths=(3, 6, 1, 5), forcing=0.0, nodes=True),
    "mixed": Draw(N=7, lengths=(7, 7, 6, 7), forcing=0.5, nodes=True),
}

# Of each file the first one; the others are long.
FIRST = {fault.file: fault.name for fault in reversed(SPINN_FAULTS)}.values()
ROWS = [pytest.param(f, marks=[] if f.name in FIRST else pytest.mark.long, id=f.name) for f in SPINN_FAULTS]


def is_right(net: Any, z: Draw) -> bool:
    """Whether moves, outputs and gradients are those of the program."""
    try:
        spinn = z.build(net)
        found = called(spinn, z)
        moves, transitions = np.array(spinn.moves), z.batch()[2]
        if z.forcing != 0.5 and (moves != (transitions if z.forcing is None else found["predicted"])).any():
            return False
        return largest_error(found, program(z.build(numnet), z, moves)) < 1e-9
    except (ValueError, IndexError):
        return False


@pytest.mark.parametrize("name", DRAWS)
def test_the_right_code_is_the_program(name: str) -> None:
    assert is_right(numnet, DRAWS[name])
    assert name in {fault.case for fault in SPINN_FAULTS}


@pytest.mark.parametrize("fault", ROWS)
def test_a_planted_fault_is_noticed(fault: Fault, tmp_path: Path) -> None:
    with planted(fault, tmp_path) as faulty:
        assert not is_right(faulty, DRAWS[fault.case])
