"""The catalogue of faults, its scores, and no false alarms on correct cases."""

from __future__ import annotations

import re
from typing import Any

import pytest

from numnet.check import Finding
from parity_tests.catalogue import CASES, Score, names_place, names_tensor, row, scored, summary
from parity_tests.false_alarms import alarms, drawn
from parity_tests.faults import FAULTS, STEP_FAULTS, VAGUE, Fault
from parity_tests.small import python
from parity_tests.test_optimizers import OPTIMIZERS

ALL = [*FAULTS, *STEP_FAULTS]
GATE = r"[a-z](_[a-z])?"  # f, or f_l of a tree


def test_there_are_300_faults_and_at_least_240_are_diagnosed() -> None:
    names = [fault.name for fault in ALL]
    assert len(set(names)) == len(names) >= 300
    assert set(names) >= VAGUE
    assert len(set(names) - VAGUE) >= 240  # each of which test_faults.py holds to


def test_every_fault_lists_its_tensor_and_place() -> None:
    for fault in ALL:
        assert fault.tensor, fault.name
        pattern = r"step \d" if fault in STEP_FAULTS else rf"(\(\d\) ?)*({GATE}( {GATE})*)?"
        assert re.fullmatch(pattern, fault.where), fault.name
        known = fault.case.partition(" ")[0] in OPTIMIZERS if fault in STEP_FAULTS else fault.case in CASES
        assert known, fault.name


def fault_of(tensor: str, where: str = "") -> Fault:
    return Fault("a fault", "recurrent/lstm.py", "", "", "LSTMLayer", tensor, where)


@pytest.mark.parametrize(
    ("text", "tensors", "named"),
    [
        ("equation (5): ∂h/∂c = o is taken as 0", ("a_f", "W_h", "h'"), True),
        ("equation (5): ∂c/∂f = c' is taken as 0", ("c",), False),
        (
            "dW_h, dx: parts of the upstream gradient with a weight other than 1: the last c has weight 2",
            ("W_h", "x"),
            True,
        ),
        (
            "dx, dc: parts of the upstream gradient with a weight other than 1: y of row 2 at step 1 has weight 2",
            ("x", "c"),
            False,
        ),
        ("dW_h, dx: as if the upstream gradient of the last c had its rows reversed", ("W_h", "x"), True),
        ("equation (5): the upstream gradient dc is lost: add it", ("a_f", "h'"), True),
        ("dc is 0 everywhere", ("c",), True),
        ("dc, dx is wrong, in no way that the checker recognizes", ("c", "x"), False),
        ("dc, dh, dx is wrong, in no way that the checker recognizes", ("c", "h", "x"), False),
    ],
)
def test_a_tensor_counts_as_named_only_if_the_sentence_is_about_it(
    text: str, tensors: tuple[str, ...], named: bool
) -> None:
    assert names_tensor(fault_of("c"), Finding(text, "", tensors)) is named


def test_of_outputs_that_differ_the_first_is_named() -> None:
    finding = Finding("the forward pass differs: y", "forward", ("y", "last h"))
    assert names_tensor(fault_of("y"), finding)
    assert not names_tensor(fault_of("h"), finding)


@pytest.mark.parametrize(
    ("where", "equation", "gates", "named"),
    [
        ("", "(1)", ("i",), None),
        ("(4) (2)", "(4)", (), True),
        ("(4)", "", (), False),
        ("(4)", "(3)", (), False),
        ("(4)", "(3) or (4)", (), False),
        ("(4)", "(3) (4)", (), True),
        ("(4)", "(4)", ("i", "f"), True),
        ("(4) f", "(4)", ("f",), True),
        ("(4) f", "(4)", ("i", "f"), False),
        ("i f", "", ("f", "i"), True),
        ("i f", "", (), False),
    ],
)
def test_a_place_counts_as_named_only_with_the_right_equation_and_gate(
    where: str, equation: str, gates: tuple[str, ...], named: bool | None
) -> None:
    assert names_place(fault_of("c", where), Finding("", "", (), gates, equation)) is named


def test_one_sentence_must_name_both() -> None:
    fault, tensor = fault_of("c", "(4)"), Finding("dc is 0", "", ("c",))
    equation = Finding("equation (4): ∂c/∂f = c' is taken as 0", "", (), (), "(4)")
    assert not scored(fault, "gradients", [tensor, equation]).right
    both = scored(fault, "gradients", [tensor, equation, Finding("", "", ("c",), (), "(4)")])
    assert (both.tensor, both.place, both.right) == (True, True, True)


def test_the_summary_counts_only_what_can_be_named() -> None:
    scores = [
        Score(fault_of("c", "(4)"), "gradients", "", True, True, True),
        Score(fault_of("c"), "laws", "", True, None, True),
        Score(fault_of("c"), "", "", False, False, False),
    ]
    assert summary(scores) == (
        "3 faults, 2 caught; tensor right in 2 of 3, equation or gate right in 1 of 2, both in 2 of 3"
    )
    assert [row(score).split(" | ")[1:5] for score in scores] == [
        ["gradients", "yes", "yes", "yes"],
        ["laws", "yes", "-", "yes"],
        ["NOTHING", "no", "no", "no"],
    ]


def test_the_command_prints_one_line_per_fault_and_the_summary() -> None:
    result = python("-m", "parity_tests.catalogue", "--only", "RNN: carry lost", "momentum: old")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[2].startswith("| RNN: carry lost | gradients | yes | yes | yes | equation (1): ")
    assert lines[3].startswith("| momentum: old velocity forgotten | training | yes | yes | yes | ")
    assert lines[-1].startswith("2 faults, 2 caught; tensor right in 2 of 2")


def test_40_correct_cases_raise_no_alarm() -> None:
    assert [f"{case.name}, {case.sizes}\n{report}" for _, case, report in alarms(0, range(40))] == []


def test_a_case_is_drawn_again_from_its_number() -> None:
    def description(k: int) -> list[Any]:
        case = drawn(0, k)
        return [case.name, case.sizes, [str(x) for x in case.inputs], str(case.lengths)]

    assert description(3) == description(3) != description(4)
