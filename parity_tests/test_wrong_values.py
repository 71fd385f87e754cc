"""The table of wrong values: its good calls are good, and what it calls raw or changed is so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity_tests.wrong_cases import CASES
from parity_tests.wrong_more import RECORDS
from parity_tests.wrong_parts import Call, use
from parity_tests.wrong_values import attempt, silence, table


@pytest.mark.parametrize("case", CASES)
def test_the_good_call_is_good(case: str, net: Any) -> None:
    with silence():
        call = CASES[case](net)
        use(call.function(**call.arguments))


def test_every_public_name_has_a_case(net: Any) -> None:
    covered = {word for case in CASES for word in case.replace(".", " ").split()}
    names = {*net.__all__, *net.data.__all__} - set(RECORDS)
    assert {name for name in names if name not in covered} == set()


def bad(net: Any, share: int) -> list[str]:
    """The cells of the table with a raw error or a changed state."""
    with silence():
        rows = list(table(net, share=share))
    assert len(rows) > 20_000 // share
    wrong = [row for row in rows if row.outcome.kind in ("raw", "changed")]
    return [f"{row.case}({row.parameter}={row.value}): {row.outcome}" for row in wrong]


def test_a_share_of_the_table_has_no_raw_error_and_changes_nothing(net: Any) -> None:
    assert bad(net, share=12) == []


@pytest.mark.long
def test_the_table_has_no_raw_error_and_changes_nothing(net: Any) -> None:
    assert bad(net, share=1) == []


def test_a_raw_error_is_seen() -> None:
    call = Call(lambda x: np.zeros(3) + x, {"x": 1.0})
    assert attempt(call, "x", "a").kind == "raw"
    assert attempt(call, "x", 2).kind == "value"


def test_a_changed_state_is_seen(net: Any) -> None:
    layer = net.Dense(2, input_size=3)
    layer.zero_grad()

    def forward(x: Any) -> Any:
        layer.grads["b"][...] = 1
        return layer(x)

    assert attempt(Call(forward, {"x": np.zeros((2, 3))}, layer), "x", np.zeros((2, 4))).kind == "changed"
    assert attempt(Call(layer.forward, {"x": np.zeros((2, 3))}, layer), "x", np.zeros((2, 4))).kind == "ours"
