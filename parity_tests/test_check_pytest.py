"""The checks in a user's tests: the failure message is the report, and hypothesis shrinks to a readable batch."""

from __future__ import annotations

import sys
import textwrap
import types
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import numnet
from numnet.check import Sizes, check_gradients, strategies
from numnet.check.asserting import assert_gradients, assert_same
from parity_tests.small import python

PHASES = [Phase.generate, Phase.shrink]  # without Phase.explain, which would add hundreds of calls
FEW = settings(max_examples=10, deadline=None, database=None, phases=PHASES)
MANY = settings(FEW, max_examples=300)


class RightNode(numnet.RNNNode):
    """An RNNNode with another name."""


class WrongNode(numnet.RNNNode):
    """The gradient of the previous state is 0.8 of the right one."""

    def step_backward(self, dy: Any, dh_next: Any, saved: Any, drop: Any = None) -> Any:
        da, (dh_prev,), pairs = super().step_backward(dy, dh_next, saved, drop)
        return da, (0.8 * dh_prev,), pairs


class KeepsNoSum(numnet.Dense):
    """Its gradients do not accumulate."""

    def backward(self, dy: Any) -> Any:
        self.zero_grad()
        return super().backward(dy)


def test_a_right_node_passes_and_its_report_is_returned() -> None:
    report = assert_gradients(RightNode(6, input_size=4), sizes=(2, 3, 4, 6), seed=3)
    assert (report.passed, report.name) == (True, "RightNode")
    assert str(report) == str(check_gradients(RightNode(6, input_size=4), sizes=(2, 3, 4, 6), seed=3))


def test_the_message_is_the_table_and_the_findings() -> None:
    layer = numnet.RecurrentLayer(WrongNode(6, input_size=4))
    with pytest.raises(AssertionError) as failure:
        assert_gradients(layer)
    message, report = str(failure.value), check_gradients(layer)
    assert message == str(report)
    assert "WRONG: 5 of 5 tensors" in message.splitlines()[0]
    assert [line.split()[1] for line in message.splitlines() if line.startswith("✗")] == [
        row.title for row in report.rows
    ]
    assert "\n1. " in message
    assert [frame.name for frame in failure.traceback if not frame.ishidden(failure)] == [
        "test_the_message_is_the_table_and_the_findings"
    ]


def test_a_broken_law_is_in_the_message_even_if_the_gradients_are_right() -> None:
    with pytest.raises(AssertionError, match="the gradient of W and b does not accumulate") as failure:
        assert_gradients(KeepsNoSum(6, input_size=4))
    assert "WRONG: every gradient is right, but a general law is broken" in str(failure.value)


def test_an_object_that_cannot_be_checked_raises_typeerror() -> None:
    with pytest.raises(TypeError, match="has no forward and backward"):
        assert_gradients(3)


def test_assert_same_passes_for_equal_layers_and_fails_for_others() -> None:
    assert assert_same(numnet.LSTMLayer(6, input_size=4), "torch.nn.LSTM").passed
    with pytest.raises(AssertionError, match="WRONG"):
        assert_same(numnet.LSTMLayer(6, input_size=4, reverse=True), "torch.nn.LSTM")


def test_sizes_shrink_to_one_row_of_two_steps_of_one_number() -> None:
    assert find(strategies.sizes(), lambda z: True) == Sizes(1, 2, 1, 1)
    assert find(strategies.sizes(), lambda z: z.B > 1 and z.T > 4) == Sizes(2, 5, 1, 1)
    assert find(strategies.seeds(), lambda seed: True) == 0


@given(strategies.sizes(Sizes(2, 3, 4, 5)))
@FEW
def test_sizes_stay_within_the_given_maximum(z: Sizes) -> None:
    assert z.B <= 2
    assert 2 <= z.T <= 3
    assert z.D <= 4
    assert z.H <= 5


def test_ragged_lengths_shrink_to_full_rows_and_have_0_and_1() -> None:
    lengths = strategies.ragged_lengths(3, 5)
    assert find(lengths, lambda rows: True) == (5, 5, 5)
    assert find(lengths, lambda rows: 0 in rows and 1 in rows and 5 in rows) in {
        (0, 1, 5),
        (0, 5, 1),
        (1, 0, 5),
        (1, 5, 0),
        (5, 0, 1),
        (5, 1, 0),
    }
    assert find(lengths, lambda rows: min(rows) == 3, settings=MANY).count(5) == 2
    often = [0, 1, 5]
    seen: list[int] = []

    @given(lengths)
    @settings(max_examples=50, deadline=None, database=None, derandomize=True)
    def look(rows: tuple[int, ...]) -> None:
        assert len(rows) == 3
        assert all(0 <= row <= 5 for row in rows)
        seen.extend(rows)

    look()
    assert all(seen.count(length) > len(seen) // 10 for length in often)


@given(strategies.batches())
@FEW
def test_equal_batches_have_equal_arrays(batch: strategies.Batch) -> None:
    z, again = batch.sizes, strategies.Batch(batch.sizes, batch.seed, batch.lengths)
    assert (batch.x.shape, batch.tokens.shape, len(batch.lengths)) == ((z.B, z.T, z.D), (z.B, z.T), z.B)
    np.testing.assert_array_equal(batch.x, again.x)
    np.testing.assert_array_equal(batch.tokens, again.tokens)
    np.testing.assert_array_equal(batch.state(z.H), again.state(z.H))
    h, c = batch.state(z.H, 2)
    assert (h.shape, c.shape) == ((z.B, z.H), (z.B, 2))
    assert batch.tokens.max() < z.D
    assert not np.array_equal(batch.x, strategies.Batch(z, batch.seed + 1, batch.lengths).x)


def fails(batch: strategies.Batch) -> bool:
    layer = numnet.RecurrentLayer(WrongNode(batch.sizes.H, input_size=batch.sizes.D))
    return not check_gradients(layer, batch.x, batch.state(batch.sizes.H), lengths=batch.lengths)


def test_a_planted_fault_is_found_and_shrunk_to_the_smallest_batch() -> None:
    batch = find(strategies.batches(), fails, settings=MANY)
    assert repr(batch) == "Batch(sizes=Sizes(B=1, T=2, D=1, H=1), seed=0, lengths=(2,))"


def test_the_example_of_the_docstring_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """It passes for a right node and fails for a wrong one, with the batch and the report in the message."""
    text = textwrap.dedent(str(strategies.__doc__).partition("\n\n")[2].partition("\n\n")[2])
    mine = types.ModuleType("my_nodes")
    monkeypatch.setitem(sys.modules, "my_nodes", mine)
    for node, outcome in ((RightNode, None), (WrongNode, "WRONG")):
        vars(mine)["MyNode"] = node
        scope: dict[str, Any] = {}
        exec(text, scope)
        for name in ("test_my_node", "test_my_node_through_time"):
            test = FEW(scope[name])
            if outcome is None:
                test()
                continue
            with pytest.raises(AssertionError, match=outcome) as failure:
                test()
            assert "Sizes(B=1, T=2, D=1, H=1)" in "\n".join(failure.value.__notes__)


def test_only_the_strategies_need_hypothesis() -> None:
    script = """if True:
        import sys
        sys.modules["hypothesis"] = None
        import numnet.check, numnet.check.asserting
        from numnet.check import strategies
        for draw in (strategies.sizes, strategies.seeds, strategies.batches, lambda: strategies.ragged_lengths(2, 3)):
            try:
                draw()
            except ImportError as error:
                print(error)
    """
    said = python("-c", script).stdout.splitlines()
    assert said == ["numnet.check.strategies needs hypothesis: pip install 'numnet[test]'"] * 4


@given(st.data())
@FEW
def test_lengths_fit_the_batch_they_are_drawn_for(data: st.DataObject) -> None:
    B, T = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))
    lengths = data.draw(strategies.ragged_lengths(B, T))
    assert len(lengths) == B
    assert max(lengths) <= T
