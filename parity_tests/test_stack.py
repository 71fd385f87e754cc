"""Layers upon layers as one: against torch.nn with num_layers, autograd, differences; states, dropout, checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from numnet.training.resume import flatten_state, unflatten_state
from parity_tests.more_cases import STACKS
from parity_tests.oracles import everything
from parity_tests.probe import assert_near
from parity_tests.slopes import slope_error
from parity_tests.strategies import TOLERANCE, Case, Sizes, sizes
from parity_tests.torch_witness import raw_weights

SAME = 1e-11  # float64: another order of the same sums, over a few steps


@pytest.mark.parametrize("case", STACKS, ids=repr)
@given(z=sizes)
def test_a_stack_agrees_with_autograd_and_with_differences(case: Case, z: Sizes) -> None:
    assert_near(everything(case, numnet, z), everything(case, torchnet, z), TOLERANCE["float64"])
    error, words = slope_error(case, numnet, z)
    assert error <= TOLERANCE["slopes"], words


def module_of(kind: str, layer: Any, both: bool) -> Any:
    """torch.nn's layer with our weights."""
    size = layer.layers[0].forwards.hidden_size if both else layer.layers[0].hidden_size
    module = getattr(torch.nn, kind)(
        layer.input_size, size, len(layer.layers), batch_first=True, bidirectional=both, dtype=torch.float64
    )
    given = {name: torch.tensor(to_numpy(value)) for name, value in layer.params.items()}
    state = {}
    for k in range(len(layer.layers)):
        for way, suffix in (("forwards.", ""), ("backwards.", "_reverse")) if both else (("", ""),):
            prefix = f"layers.{k}.{way}"
            own = {name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix)}
            for name, value in raw_weights(own).items():
                state[name.replace("_l0", f"_l{k}{suffix}")] = value
    module.load_state_dict(state)
    return module


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
@given(seed=st.integers(0, 10**6), layers=st.integers(2, 3), B=st.integers(1, 3), T=st.integers(1, 4))
def test_a_stack_is_that_of_torch(net: Any, kind: str, both: bool, seed: int, layers: int, B: int, T: int) -> None:
    rng = np.random.default_rng(seed)
    options = {"layers": layers, "bidirectional": both, "dtype": "float64", "seed": seed}
    layer = getattr(net, f"{kind}Layer")(4, input_size=3, **options)
    module, x = module_of(kind, layer, both), rng.standard_normal((B, T, 3))
    dy = rng.standard_normal((B, T, 8 if both else 4))
    leaf = torch.tensor(x, requires_grad=True)
    y, state = module(leaf)
    y.backward(torch.tensor(dy))
    found, parts = {"y": to_numpy(layer(x))}, layer.stacked_state()
    found["x"] = to_numpy(layer.backward(dy))
    expected = {"y": y.detach().numpy(), "x": to_numpy(leaf.grad)}
    for k, (mine, theirs) in enumerate(zip(*((z if isinstance(z, tuple) else (z,)) for z in (parts, state)))):
        found[f"state {k}"], expected[f"state {k}"] = to_numpy(mine), theirs.detach().numpy()
    assert_near(found, expected, SAME)


def test_dropout_is_between_the_layers_and_in_training_alone(net: Any) -> None:
    x = np.random.default_rng(0).standard_normal((4, 5, 3))
    layer = net.GRULayer(6, input_size=3, layers=2, dropout=0.5, dtype="float64", seed=1)
    plain = net.GRULayer(6, input_size=3, layers=2, dtype="float64", seed=1)
    first, second = to_numpy(layer(x)), to_numpy(layer(x))
    assert not np.allclose(first, second)
    expected = to_numpy(plain(x))
    assert not np.allclose(first, expected)
    np.testing.assert_allclose(to_numpy(layer.eval()(x)), expected, atol=1e-12)
    np.testing.assert_array_equal(to_numpy(layer.last_state[0]), to_numpy(plain.last_state[0]))


def test_both_backends_drop_the_same(tmp_path: Path) -> None:
    x, target = np.random.default_rng(0).standard_normal((2, 4, 5, 3))
    losses: list[list[float]] = []
    for net in (numnet, torchnet):
        layers = [net.LSTMLayer(6, layers=2, dropout=0.5, bidirectional=True), net.Dense(3)]
        model, optimizer = net.RNNModel(layers, net.MeanSquaredError(), seed=3, dtype="float64"), net.Adam(0.01)
        losses.append([])
        for _ in range(4):
            model.zero_grad()
            losses[-1].append(float(model.loss_and_grads(x, target, lengths=[5, 0, 2, 3])))
            optimizer.step(model)
        net.save_checkpoint(tmp_path / "model.npz", model)
        again = numnet.RNNModel.from_checkpoint(numnet.load_checkpoint(tmp_path / "model.npz"))
        np.testing.assert_allclose(again.predict(x), to_numpy(model.predict(x)), atol=1e-12)
        assert repr(again.layers[0]).startswith("LSTMLayer(6, ")
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-9)


def test_a_state_is_one_for_each_layer_and_a_sequence_cut_in_two_is_the_whole(net: Any) -> None:
    x = np.random.default_rng(0).standard_normal((2, 6, 3))
    model = net.RNNModel([net.LSTMLayer(4, layers=3), net.Dense(2)], input_size=3, dtype="float64")
    whole, (state, none) = model.predict(x), model.last_state
    assert (len(state), none) == (3, None)
    first = model.predict(x[:, :2])
    second = model.predict(x[:, 2:], model.last_state)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-12)


def test_the_state_of_a_run_is_stored_layer_by_layer(net: Any) -> None:
    model = net.RNNModel([net.LSTMLayer(4, layers=3, bidirectional=True), net.Dense(2)], input_size=3)
    model.predict(np.ones((2, 5, 3)))
    again = unflatten_state(flatten_state(model.last_state), 2)
    assert again is not None
    for k in range(3):
        for way in range(2):
            for part in range(2):
                stored = again[0][k][way][part]
                np.testing.assert_array_equal(stored, to_numpy(model.last_state[0][k][way][part]))


def test_a_stack_is_shown_as_the_call_that_makes_it(net: Any) -> None:
    layer = net.LSTMLayer(64, layers=2, dropout=0.5, input_size=10, seed=3, output_size=5)
    assert repr(layer) == "LSTMLayer(64, output_size=5, input_size=10, seed=3, layers=2, dropout=0.5)"
    assert repr(net.GRULayer(8, layers=2, bidirectional=True)) == "GRULayer(8, bidirectional=True, layers=2)"
    mixed = net.RecurrentStack([net.GRULayer(8), net.LSTMLayer(4)], dropout=0.1)
    assert repr(mixed) == "RecurrentStack([GRULayer(8), LSTMLayer(4)], dropout=0.1)"


def test_a_stateful_run_on_a_tape(net: Any) -> None:
    tape = net.Tape(rnn=net.GRULayer(3, layers=2, input_size=2), dtype="float64")
    x = net.ArrayWithGrad(np.random.default_rng(0).standard_normal((2, 4, 2)))
    y = tape.rnn(x)
    tape.rnn(x, tape.rnn.last_state)
    tape.backward((y * y).sum())
    assert all(np.any(to_numpy(g)) for g in tape.grads.values())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda net: net.GRULayer(3, layers=0), "GRULayer: layers is 0, expected"),
        (lambda net: net.GRULayer(3, dropout=0.5), "GRULayer: dropout is 0.5, expected 0 with one layer"),
        (lambda net: net.RecurrentLayer(net.GRUNode(3), layers=2), "RecurrentLayer: layers is 2, expected 1"),
        (lambda net: net.RecurrentStack([]), "RecurrentStack: there are no layers"),
        (lambda net: net.RecurrentStack([net.Dense(3)]), r"RecurrentStack: layers\[0\] is Dense, expected a recurrent"),
        (
            lambda net: net.RecurrentStack([net.GRULayer(3, return_sequences=False), net.GRULayer(3)]),
            r"layers\[0\], GRULayer, returns one vector for each sequence, expected one for each step",
        ),
        (lambda net: net.GRULayer(3, layers=2)(np.ones((2, 4, 3)), np.ones((2, 3))), "state is ndarray, expected 2"),
        (
            lambda net: net.EncoderDecoder([net.Embedding(5, 4), net.GRULayer(3, layers=2)], [], [net.Dense(5)]),
            r"encoder\[1\] is a stack of 2 layers, expected one",
        ),
    ],
)
def test_what_does_not_fit_is_answered(call: Any, words: str, net: Any) -> None:
    with pytest.raises(ValueError, match=words):
        call(net)
