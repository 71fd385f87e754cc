"""The Hessian times a vector: numnet's difference of gradients against torchnet's second derivative; symmetric."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.family import ragged
from parity_tests.probe import Arrays, assert_near
from parity_tests.strategies import Sizes, sizes

# A difference at ε_machine^(1/3): some 4e-11 of rounding and truncation, times the condition of a third derivative.
NEAR = 1e-7


def model_of(net: Any, z: Sizes) -> Any:
    layers = [
        net.GRULayer(z.H, reset="before", state_dropout=0.3),
        net.LSTMLayer(z.H, peepholes=True, bidirectional=True),
        net.Dense(z.V),
    ]
    return net.RNNModel(layers, net.SoftmaxCrossEntropy(), input_size=z.D, seed=z.seed, dtype="float64")


def batch_of(z: Sizes) -> tuple[Any, Any, Any]:
    lengths = ragged(z.rng, z)
    lengths[0] = z.T
    return z.rng.standard_normal((z.B, z.T, z.D)), z.rng.integers(0, z.V, (z.B, z.T)), lengths


def directions(model: Any, seed: int) -> Arrays:
    rng = np.random.default_rng([seed, 5])
    return {name: rng.standard_normal(tuple(p.shape)) for name, p in model.params.items()}


@given(z=sizes)
def test_both_backends_agree(z: Sizes) -> None:
    x, target, lengths = batch_of(z)
    found = []
    for net in (numnet, torchnet):
        model = model_of(net, z)
        product = net.hessian_vector(model, x, target, directions(model, z.seed), lengths=lengths)
        found.append({name: np.array(to_numpy(value)) for name, value in product.items()})
    assert_near(found[0], found[1], NEAR)


@given(z=sizes)
def test_the_hessian_is_symmetric_and_nothing_is_left_changed(net: Any, z: Sizes) -> None:
    x, target, lengths = batch_of(z)
    model = model_of(net, z)
    model.zero_grad()
    model.loss_and_grads(x, target, lengths=lengths)
    before = [np.array(to_numpy(p)) for p in (*model.params.values(), *model.grads.values())]
    v, w = directions(model, z.seed), directions(model, z.seed + 1)
    Hv, Hw = (net.hessian_vector(model, x, target, u, lengths=lengths) for u in (v, w))
    one, other = (
        sum(float((np.asarray(to_numpy(H[name])) * u[name]).sum()) for name in u) for H, u in ((Hv, w), (Hw, v))
    )
    assert abs(one - other) <= NEAR * max(1.0, np.sqrt(sum((u**2).sum() for u in (*v.values(), *w.values()))))
    after = [np.array(to_numpy(p)) for p in (*model.params.values(), *model.grads.values())]
    assert all((a == b).all() for a, b in zip(after, before))


def test_a_direction_of_another_shape_is_refused(net: Any) -> None:
    z = Sizes()
    model = model_of(net, z)
    wrong = {**directions(model, 0), "layers.2.b": np.zeros(z.V + 1)}
    with pytest.raises(ValueError, match=r"hessian_vector: layers\.2\.b is \(5,\), expected \(4,\)"):
        net.hessian_vector(model, *batch_of(z)[:2], wrong)


def test_a_stateful_layer_remembers_what_it_did_before(net: Any) -> None:
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((2, 3, 4)), rng.integers(0, 3, (2, 3))
    remembering, plain = (
        net.RNNModel(
            [net.GRULayer(5, stateful=stateful, learn_state=True), net.Dense(3)],
            net.SoftmaxCrossEntropy(), input_size=4, seed=1, dtype="float64",
        )
        for stateful in (True, False)
    )  # fmt: skip
    v = directions(plain, 0)
    products = [net.hessian_vector(model, x, target, v) for model in (remembering, plain)]
    ours, theirs = ({name: np.array(to_numpy(value)) for name, value in product.items()} for product in products)
    assert_near(ours, theirs, NEAR)
    remembering(x)
    before = np.array(to_numpy(remembering.layers[0].last_state))
    net.hessian_vector(remembering, x, target, v)
    assert (to_numpy(remembering.layers[0].last_state) == before).all()
