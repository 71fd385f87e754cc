"""The norm of ∂L/∂h_t at each step: known rates, differences of the loss, both backends, nothing changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.faults import NORM_FAULTS, Fault, planted
from parity_tests.probe import assert_near
from parity_tests.small import TOKENS, assert_same, small_model, weights
from parity_tests.strategies import Sizes, sizes
from parity_tests.test_curvature import batch_of, model_of
from parity_tests.test_own_nodes import OursReading, TheirsReading

TIGHT = 1e-12  # the same sums in another order


def last_alone(net: Any, layer: Any) -> Any:
    """A model with a target at the last step alone."""
    return net.RNNModel([layer, net.Dense(1)], net.MeanSquaredError(), input_size=3, seed=0, dtype="float64")


@pytest.mark.parametrize("gain", [0.5, 0.9, 1.0, 1.25])
def test_a_linear_network_has_the_rate_of_its_weights(gain: float, net: Any) -> None:
    """h_t = W_h h' + x_t where all is positive, and W_h is a gain times a permutation: each step has that factor."""
    model = last_alone(net, net.RNNLayer(4, activation="relu", return_sequences=False))
    layer = model.layers[0]
    layer.params["W_h"] = gain * np.eye(4)[[2, 0, 3, 1]]
    layer.params["W_x"], layer.params["b"] = np.full((4, 3), 0.1), np.ones(4)
    norms = net.gradient_norms(model, np.ones((2, 30, 3)), np.zeros((2, 1)))["layers.0"]
    assert norms.shape == (30,)
    np.testing.assert_allclose(norms / norms[-1], gain ** np.arange(29.0, -1.0, -1.0), rtol=1e-10)


@pytest.mark.parametrize("forget_bias", [0.0, 2.0, 5.0])
def test_an_lstm_has_the_rate_of_its_forget_gate(forget_bias: float, net: Any) -> None:
    """With small W_h and x = 0 the gradient travels in c alone, dc' = dc ⊙ f, and dh' is in proportion to it."""
    model = last_alone(net, net.LSTMLayer(4, return_sequences=False))
    layer = model.layers[0]
    layer.params["W_h"] = 1e-4 * to_numpy(layer.params["W_h"])
    layer.params["b"] = np.repeat([0.0, forget_bias, 0.0, 0.0], 4)
    norms = net.gradient_norms(model, np.zeros((2, 30, 3)), np.ones((2, 1)))["layers.0"]
    f = 1 / (1 + np.exp(-forget_bias))
    np.testing.assert_allclose(norms[:-2] / norms[1:-1], f, rtol=1e-3)  # W_h, 1e-4, in the other paths


@given(z=sizes, at=st.integers(0, 7), every=st.booleans())
def test_each_norm_is_that_of_differences_of_the_loss(net: Any, z: Sizes, at: int, every: bool) -> None:
    """The loss as a function of h_t alone: of the output at t, and of the steps after it."""
    layers = [net.GRULayer(z.H, seed=z.seed), net.Dense(2, seed=1)]
    model = net.RNNModel(layers, net.MeanSquaredError(), input_size=z.D, dtype="float64")
    x, target = z.rng.standard_normal((z.B, z.T, z.D)), z.rng.standard_normal((z.B, z.T, 2))
    mask, t = np.ones((z.B, z.T), bool), at % z.T
    if not every:
        mask[:, :-1] = False
    found = net.gradient_norms(model, x, target, mask=mask)["layers.0"][t]
    h_t = to_numpy(model.layers[0].trace(x)["h"])[:, t]
    dense, gru = layers[1], layers[0]

    def loss(h: Any) -> float:
        later = np.zeros((z.B, 0, z.H)) if t == z.T - 1 else to_numpy(gru.eval()(x[:, t + 1 :], h))
        y = np.concatenate([h[:, None], later], axis=1) @ to_numpy(dense.W).T + to_numpy(dense.b)
        terms = ((y - target[:, t:]) ** 2).mean(axis=-1)
        return float(terms[mask[:, t:]].sum() / mask.sum())

    e, differences = 1e-5, np.zeros_like(h_t)
    for place in np.ndindex(h_t.shape):
        step = np.zeros_like(h_t)
        step[place] = e
        differences[place] = (loss(h_t + step) - loss(h_t - step)) / (2 * e)
    assert found == pytest.approx(np.linalg.norm(differences), rel=1e-6, abs=1e-9)  # truncation, e²; rounding, 1e-16/e


@given(z=sizes)
def test_both_backends_agree(z: Sizes) -> None:
    """With lengths, both directions, dropout of the state, and the names of parts of parts."""
    x, target, lengths = batch_of(z)
    ours, theirs = (net.gradient_norms(model_of(net, z), x, target, lengths=lengths) for net in (numnet, torchnet))
    assert list(ours) == ["layers.0", "layers.1.forwards", "layers.1.backwards"]
    assert_near(ours, theirs, TIGHT)


@given(z=sizes, zoneout=st.sampled_from([0.0, 0.4]))
def test_both_backends_agree_with_zoneout_resets_and_layers(z: Sizes, zoneout: float) -> None:
    x, target, resets = (
        z.rng.standard_normal((z.B, z.T, z.D)),
        z.rng.integers(0, 3, (z.B, z.T)),
        z.rng.random(z.T) < 0.3,
    )
    found = []
    for net in (numnet, torchnet):
        layers = [net.LSTMLayer(z.H, layers=2, zoneout=zoneout), net.Dense(3)]
        model = net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=z.D, seed=z.seed, dtype="float64")
        found.append(net.gradient_norms(model, x, target, resets=np.tile(resets, (z.B, 1))))
    assert list(found[0]) == ["layers.0.layers.0", "layers.0.layers.1"]
    assert_near(found[0], found[1], TIGHT)


def test_a_node_that_reads_out_something_else_has_the_gradient_of_later_steps() -> None:
    found = []
    for net, kind in ((numnet, OursReading), (torchnet, TheirsReading)):
        layer = net.RecurrentLayer(kind(3, input_size=2, dtype="float64", seed=0))
        model = net.RNNModel([layer], net.MeanSquaredError(), dtype="float64")
        rng = np.random.default_rng(0)
        y = model.predict(x := rng.standard_normal((2, 4, 2)))
        found.append(net.gradient_norms(model, x, np.zeros(y.shape)))
    assert found[0]["layers.0"][-1] == 0
    assert_near(found[0], found[1], TIGHT)


def test_nothing_is_changed(net: Any) -> None:
    models = [small_model(net, dropout=0.5) for _ in range(2)]
    x, target = TOKENS[:20].reshape(2, 10), TOKENS[1:21].reshape(2, 10)
    for k, model in enumerate(models):
        model.loss_and_grads(x, target)
        if k:
            net.gradient_norms(model, target, x)
        model.loss_and_grads(target, x)  # with the masks of the second step, added to the gradients of the first
    assert_same(*map(weights, models))
    assert_same(*({name: np.array(to_numpy(g)) for name, g in model.grads.items()} for model in models))


def test_other_models_are_refused(net: Any) -> None:
    with pytest.raises(ValueError, match="gradient_norms: model has no recurrent layer, expected at least one"):
        net.gradient_norms(net.RNNModel([net.Dense(2)], net.MeanSquaredError()), np.ones((1, 2)), np.ones((1, 2)))
    tape = net.Tape(dense=net.Dense(2), loss=net.MeanSquaredError())
    with pytest.raises(TypeError, match="gradient_norms: model is Tape, expected an RNNModel"):
        net.gradient_norms(tape, np.ones((1, 2)), np.ones((1, 2)))


@pytest.mark.parametrize("fault", NORM_FAULTS, ids=lambda fault: fault.name)
def test_a_fault_in_the_norms_is_caught(fault: Fault, tmp_path: Path) -> None:
    z = Sizes()
    x, target, lengths = batch_of(z)
    expected = torchnet.gradient_norms(model_of(torchnet, z), x, target, lengths=lengths)
    with planted(fault, tmp_path) as faulty:
        found = faulty.gradient_norms(model_of(faulty, z), x, target, lengths=lengths)
    assert max(np.abs(found[name] - expected[name]).max() for name in expected) > 1e-6
