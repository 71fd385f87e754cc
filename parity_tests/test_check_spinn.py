"""check_gradients of a SPINN: what it takes, and what it says of an error between the steps of the thin stack."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from numnet.check import Unusable, check_gradients, compare
from numnet.data import SKIP, ParseBatch, Transitions
from parity_tests.faults import SPINN_FAULTS, Fault, planted
from parity_tests.spinn_cases import Draw

LENGTHS = (4, 0, 3)
AT_ONCE = ("phrases by height: children swapped",)
NAMED = [
    pytest.param(fault, marks=[] if fault.name in AT_ONCE else pytest.mark.long, id=fault.name)
    for fault in SPINN_FAULTS
    if fault.tensor
]


def small(net: Any, tracker: bool = True, **options: Any) -> Any:
    """A SPINN with few weights: after an error the checker varies each of them."""
    chosen = {"input_size": 2, "dtype": "float64", "seed": 1, "transition_weight": 0.5, **options}
    return net.SPINN([net.Dense(4)], net.TreeLSTMNode(2), net.Tracker(2) if tracker else None, **chosen)


def batch() -> ParseBatch:
    """Vectors and random trees; a sentence is empty."""
    moves = np.full((3, 7), SKIP)
    for b, n in enumerate(LENGTHS):
        if n:
            moves[b, : 2 * n - 1] = Transitions.of_shape(["a"] * n, "random", b).moves
    return ParseBatch(np.random.default_rng(0).standard_normal((3, 4, 2)), np.array(LENGTHS), moves)


@pytest.mark.parametrize("drive", ["given", "own"])
def test_what_a_user_types(drive: str, net: Any) -> None:
    """The SPINN alone; with a ParseBatch; with another implementation."""
    model = small(net, drive=drive, teacher_forcing=0.5, return_nodes=True)
    for inputs in ((), (batch(),)):
        report = check_gradients(model, *inputs, sizes=(2, 3, 2, 2))
        assert report.passed, str(report)
        assert {row.name for row in report.rows} == {*model.params, "x"}
    other = torchnet if net is numnet else numnet
    assert compare(model, small(other, drive=drive, teacher_forcing=0.5, return_nodes=True), batch()).passed
    with pytest.raises(Unusable, match="SPINN got ndarray, expected a ParseBatch"):
        check_gradients(model, batch().words)


@pytest.mark.parametrize("fault", NAMED)
def test_an_error_of_the_thin_stack_is_named(fault: Fault, tmp_path: Path) -> None:
    with planted(fault, tmp_path) as faulty:
        nodes = fault.case == "a loss at every node"
        model = small(faulty, fault.case != "by height", return_nodes=nodes)
        report = importlib.import_module(f"{faulty.__name__}.check").check_gradients(model, batch())
    finding = report.findings[0]
    if not fault.where:  # parts of an output have no gradient
        assert f"{fault.tensor} has weight 0" in finding.text or f"{fault.tensor} of row 0 at step" in finding.text
        return
    assert (set(finding.tensors), finding.equation) == (set(fault.tensor.split()), fault.where), finding.text
    assert {Path(line.file).name for line in finding.back} == {"thin_stack.py"}


def test_an_error_of_a_part_is_named_before_the_stack_is_searched() -> None:
    class Forgetful(numnet.TreeLSTMNode):
        def step_backward(self, dy: Any, dh_next: Any, dc_next: Any, saved: Any) -> Any:
            da_x, (dh_l, dc_l, dh_r, dc_r), pairs = super().step_backward(dy, dh_next, dc_next, saved)
            return da_x, (dh_l, dc_l, dh_r, 0 * dc_r), pairs

    model = numnet.SPINN([numnet.Dense(4)], Forgetful(2), input_size=2, seed=1)
    finding = check_gradients(model, batch()).findings[0]
    assert finding.text.startswith("reduce, alone: ")
    assert finding.tensors[0].startswith("reduce.")


def test_rows_of_other_tests_are_right_too() -> None:
    z = Draw(N=3, lengths=(3, 2), nodes=True)
    assert check_gradients(z.build(numnet), ParseBatch(*z.batch())).passed
