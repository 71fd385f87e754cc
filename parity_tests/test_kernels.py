"""Kernels: the same numbers as the plain form; which calls run in one; how many files a call goes through."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from numnet.recurrent.fast import blas
from parity_tests.family import FAMILY, NODES
from parity_tests.paths import OPTIONS, path_of, rows
from parity_tests.probe import errors, run, upstream_like
from parity_tests.strategies import LAYERS, Case, Sizes

SAME = 1e-12  # float64: another order of the same sums
RAGGED = Sizes(B=7, T=7, H=3, seed=23)
CASES = [*LAYERS, *FAMILY]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_a_kernel_has_the_numbers_of_the_plain_form(case: Case, net: Any) -> None:
    """Outputs, last states and every gradient."""
    for z in (RAGGED, Sizes(B=1, T=1, seed=5)):
        fast, plain = case.build(net, z), case.build(net, z)
        plain.use_fast = False
        found = []
        for layer in (fast, plain):
            outputs, pullback = run(layer, case.inputs(z))
            found.append({**outputs, **pullback(upstream_like(outputs, np.random.default_rng(7)))})
        assert plain.path == "plain: use_fast is False"
        assert max(errors(*found).values()) <= SAME


def test_the_comparison_is_of_two_paths() -> None:
    """How many of the cases above run in a kernel, on numnet and on torchnet."""
    counts = []
    for net in (numnet, torchnet):
        layers = [case.build(net, RAGGED) for case in CASES]
        for case, layer in zip(CASES, layers):
            run(layer, case.inputs(RAGGED))
        counts.append(sum(layer.path == "fast" for layer in layers))
    assert counts == [47, 30]


@pytest.mark.parametrize("option", OPTIONS)
def test_rnn_gru_and_lstm_run_in_a_kernel_but_for_these_options(option: str) -> None:
    for node in ("RNN", "RNN relu", "GRU before", "GRU after", "LSTM"):
        for net in (numnet, torchnet):
            reasons = {
                "resets": "no kernel supports resets",
                "state_dropout": "no kernel supports state_dropout",
                "zoneout": "no kernel supports zoneout",
                "use_fast=False": "use_fast is False",
            }
            if net is torchnet and option == "gaps":
                reasons["gaps"] = "the mask has gaps, which packed sequences cannot have"
            if (
                net is torchnet
                and node == "GRU before"
                and option not in ("state_dropout", "zoneout", "use_fast=False")
            ):
                reasons[option] = "no kernel supports reset='before'"
            expected = f"plain: {reasons[option]}" if option in reasons else "fast"
            assert path_of(net, node, option) == expected, (net.__name__, node, option)


@pytest.mark.parametrize(
    "node", [node for node in NODES if node not in ("RNN", "RNN relu", "GRU before", "GRU after", "LSTM")]
)
def test_other_nodes_run_plain(node: str) -> None:
    for net in (numnet, torchnet):
        path = path_of(net, node, "no option")
        assert (
            path.endswith("has no kernel")
            or "no kernel supports activation=" in path
            or (net is torchnet and node == "LSTM projection" and path == "fast")
        )


@pytest.mark.parametrize("net", [numnet, torchnet], ids=["numnet", "torchnet"])
def test_a_subclass_that_changes_a_step_runs_plain(net: Any) -> None:
    class Own(net.LSTMNode):
        pass

    layer = net.RecurrentLayer(Own(3, input_size=2))
    layer(np.zeros((1, 2, 2)))
    assert layer.path == "plain: Own has no kernel"


@pytest.mark.parametrize(("use_fast", "most"), [(False, 4), (True, 7)])
def test_a_training_step_goes_through_few_files_of_the_recurrent_core(use_fast: bool, most: int) -> None:
    model = numnet.RNNModel([numnet.LSTMLayer(5), numnet.Dense(3)], numnet.SoftmaxCrossEntropy(), input_size=4)
    x, target, lengths = np.zeros((3, 6, 4)), np.zeros((3, 6), int), [6, 0, 2]
    model.layers[0].use_fast = use_fast
    model.loss_and_grads(x, target, lengths=lengths)
    entered: set[str] = set()
    core = str(Path(str(numnet.__file__)).parent / "recurrent")
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, _: entered.add(frame.f_code.co_filename) if event == "call" else None)
    try:
        model.loss_and_grads(x, target, lengths=lengths)
    finally:
        sys.setprofile(before)
    files = sorted(name.removeprefix(core) for name in entered if name.startswith(core))
    assert 1 < len(files) <= most, files


def test_the_page_shows_the_table_of_paths() -> None:
    head, *lines = rows()
    page = (Path(__file__).parents[1] / "docs" / "in_place.md").read_text(encoding="utf-8")
    for line in (head, *lines):
        assert f"| {' | '.join(line)} |" in page


def test_use_fast_is_a_truth_value(net: Any) -> None:
    layer = net.LSTMLayer(3, input_size=2, bidirectional=True)
    for value in ("no", 2, None):
        with pytest.raises(ValueError, match=r"Bidirectional: use_fast is .*, expected one of True, False"):
            layer.use_fast = value
    assert layer.use_fast
    tape = net.Tape(both=layer, dense=net.Dense(2, input_size=6))
    tape.use_fast = False
    assert tape.path == "plain: use_fast is False"


def test_what_a_call_has_saved_is_its_own() -> None:
    """A start state or a last state that is changed after the forward pass changes no gradient."""
    rng = np.random.default_rng(0)
    x, state = rng.standard_normal((3, 4, 2)), rng.standard_normal((3, 3))
    for use_fast in (True, False):
        layer = numnet.RNNLayer(3, input_size=2, dtype="float64")
        layer.use_fast, given = use_fast, state.copy()
        layer(x, given)
        right = layer.backward(np.ones((3, 4, 3)))
        layer(x, given)
        given[...] = layer.last_state[...] = 0
        assert np.array_equal(layer.backward(np.ones((3, 4, 3))), right)


@pytest.mark.parametrize("use_lengths", [False, True])
def test_a_step_returns_its_state_as_a_tuple(net: Any, use_lengths: bool) -> None:
    """A bare array would be read row by row."""

    class Bare(net.Node):
        def step(self, a_x: Any, h_prev: Any) -> Any:
            h = a_x + self.W_h @ h_prev
            return (h, h, h_prev) if net is numnet else (h, h)

    layer = net.RecurrentLayer(Bare(3, input_size=2))
    with pytest.raises(
        TypeError, match=r"RecurrentLayer: step returns a \w+ as the new state, expected a tuple \(h,\)"
    ):
        layer(np.zeros((2, 4, 2), "float32"), None, [4, 2] if use_lengths else None)


def test_step_backward_returns_the_gradients_of_the_state_as_a_tuple() -> None:
    class Bare(numnet.RNNNode):
        def step_backward(self, *given: Any) -> Any:
            da_x, (dh_prev,), pairs = super().step_backward(*given)
            return da_x, dh_prev, pairs

    layer = numnet.RecurrentLayer(Bare(3, input_size=2))
    y = layer(np.zeros((2, 4, 2)), None, [4, 2])
    with pytest.raises(TypeError, match="step_backward returns a ndarray as the gradient of the previous state"):
        layer.backward(y)


def test_a_product_in_blocks_of_rows_is_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "UNPACKED", 30)
    blas.number_of_blocks.cache_clear()
    rng, out = np.random.default_rng(0), np.full((8, 2), np.nan)
    W, x = rng.standard_normal((8, 3)), rng.standard_normal((3, 2))
    assert blas.number_of_blocks(8, 3, 2) == 2
    assert blas.dot_in_blocks(W, x, out) is out
    blas.number_of_blocks.cache_clear()
    np.testing.assert_allclose(out, W @ x, atol=1e-14)
