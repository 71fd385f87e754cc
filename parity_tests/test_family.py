"""Options together: hypothesis draws a node and any options that can be had at once; and torch.nn row by row."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numnet
import torchnet
from parity_tests import oracles
from parity_tests.family import FAMILY, NODES, OPTIONS, PAIRS, family_case
from parity_tests.oracles import everything, torch_nn
from parity_tests.probe import assert_near
from parity_tests.slopes import slope_error
from parity_tests.strategies import TOLERANCE, Case, Sizes, sizes
from parity_tests.torch_witness import torch_has

# Of each pair only one can be had, or both say the same.
EITHER = [
    *({"zoneout", pair} for pair in PAIRS),
    *({"zoneout in evaluation", pair} for pair in PAIRS),
    set(PAIRS),
    {"zoneout", "zoneout in evaluation"},
    {"both ways", "both ways, mul"},
    {"both ways", "reverse"},
    {"both ways, mul", "reverse"},
    {"last alone", "with output"},
    {"last alone", "last alone with output"},
]


@st.composite
def combined(draw: st.DrawFn) -> Case:
    """A row that does not stand in the table: two to five options on any node."""
    chosen: list[str] = []
    for option in draw(st.permutations(sorted(OPTIONS)))[: draw(st.integers(2, 7))]:
        if not any({option, other} in EITHER for other in chosen):
            chosen.append(option)
    nodes = [node for node in NODES if node.startswith("LSTM") or not set(PAIRS) & set(chosen)]
    return family_case(draw(st.sampled_from(nodes)), *chosen)


@settings(max_examples=100)
@given(case=combined(), z=sizes)
def test_options_together_agree_with_autograd_and_with_the_slopes(case: Case, z: Sizes) -> None:
    assert_near(everything(case, numnet, z), everything(case, torchnet, z), TOLERANCE["float64"])
    error, words = slope_error(case, numnet, z)
    assert error <= TOLERANCE["slopes"], f"{case}: {words}"


@pytest.mark.parametrize("case", [case for case in FAMILY if torch_has(case, Sizes(H=9))], ids=repr)
@given(z=sizes)
def test_torch_nn_row_by_row_says_the_same(case: Case, z: Sizes) -> None:
    error = torch_nn(case, z)
    assert error is None or error <= TOLERANCE["float64"]
    assert error is not None or z.H <= 2


def test_the_table_of_witnesses_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(oracles, "FAMILY", [family_case("LSTM", "gaps"), family_case("MGU")])
    monkeypatch.setattr("sys.argv", ["oracles", "--draws", "12"])  # among them batches without a real step
    oracles.main()
    *_, gaps, mgu = capsys.readouterr().out.strip().splitlines()
    assert gaps.startswith("| LSTM, gaps | ")
    assert mgu.endswith("|")
    assert mgu.split(" | ")[3:6] == ["-", "-", "-"]
