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
LENGTHS = np.array([2, 3])
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


def test_a_mask_counts_in_second_derivatives_and_a_longer_direction_is_as_exact() -> None:
    rng = np.random.default_rng(0)
    model = numnet.RNNModel(
        [numnet.GRULayer(3), numnet.Dense(2)], numnet.MeanSquaredError(), input_size=4, dtype="float64"
    )
    x, t = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 2))
    v = {name: rng.standard_normal(p.shape) for name, p in model.params.items()}
    masked = numnet.hessian_vector(model, x, t, v, mask=np.arange(3) < LENGTHS[:, None])
    assert_near(masked, numnet.hessian_vector(model, x, t, v, lengths=LENGTHS), 1e-7)
    far = numnet.hessian_vector(model, x, t, {name: 1e6 * value for name, value in v.items()})
    assert_near({name: value / 1e6 for name, value in far.items()}, numnet.hessian_vector(model, x, t, v), 1e-7)


@pytest.mark.parametrize(("size", "length"), [(0.1, 2.0), (50.0, 0.5)])
def test_the_step_of_second_derivatives_is_the_documented_one(size: float, length: float) -> None:
    model = numnet.RNNModel([numnet.Dense(1)], numnet.MeanSquaredError(), input_size=1, dtype="float64")
    model.load_state_dict({"layers.0.W": [[0.0]], "layers.0.b": [size]})
    seen: list[float] = []
    model.loss_and_grads = lambda *_, **__: seen.append(float(model.params["layers.0.b"][0]))  # type: ignore[method-assign, assignment]
    numnet.hessian_vector(model, None, None, {"layers.0.W": [[0.0]], "layers.0.b": [length]})
    epsilon = np.finfo("float64").eps ** (1 / 3) * max(1.0, size) / length
    assert seen == pytest.approx([size + epsilon * length, size - epsilon * length], rel=1e-13)
