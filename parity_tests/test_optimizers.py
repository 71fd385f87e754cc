"""Optimizers and clipping: numnet's and torchnet's walk torch.optim's path, step by step, and go on from a file."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.small import assert_same, lstm, weights, x


class Bowl:
    """A layer with given gradients, as an optimizer sees one: so its path is the optimizer's alone."""

    def __init__(self, net: Any, start: np.ndarray) -> None:
        self.layer = net.Dense(3, input_size=2, dtype="float64")
        self.layer.load_state_dict({"W": start[:, :2], "b": start[:, 2]})
        self.net = net

    def step(self, optimizer: Any, gradient: np.ndarray) -> np.ndarray:
        for name, g in (("W", gradient[:, :2]), ("b", gradient[:, 2])):
            if self.net.__name__ == "numnet":
                self.layer.grads[name][...] = g
            else:
                self.layer.params[name].grad = torch.tensor(g)
        optimizer.step(self.layer)
        p = {name: to_numpy(value) for name, value in self.layer.params.items()}
        return np.column_stack((p["W"], p["b"]))


RATES: dict[str, Any] = {"weight_decay": 0.5, "clip_norm": 2.0, "clip_value": 3.0}
OPTIMIZERS = {
    "SGD": (lambda net, **o: net.SGD(0.3, **o), lambda p, **o: torch.optim.SGD(p, 0.3, **o)),
    "SGDMomentum": (lambda net, **o: net.SGDMomentum(0.1, 0.8, **o), lambda p, **o: torch.optim.SGD(p, 0.1, 0.8, **o)),
    "AdaGrad": (lambda net, **o: net.AdaGrad(0.2, **o), lambda p, **o: torch.optim.Adagrad(p, 0.2, eps=1e-10, **o)),
    "RMSProp": (lambda net, **o: net.RMSProp(0.02, **o), lambda p, **o: torch.optim.RMSprop(p, 0.02, **o)),
    "Adam": (lambda net, **o: net.Adam(0.05, **o), lambda p, **o: torch.optim.Adam(p, 0.05, **o)),
    "AdamW": (lambda net, **o: net.AdamW(0.05, **o), lambda p, **o: torch.optim.AdamW(p, 0.05, **o)),
}


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("name", OPTIMIZERS)
@given(seed=st.integers(0, 2**31))
def test_optimizers_walk_torch_optims_path(name: str, weight_decay: float, net: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    start, (make, make_raw) = rng.standard_normal((3, 3)), OPTIMIZERS[name]
    raw = torch.tensor(start, requires_grad=True)
    raw_optimizer = make_raw([raw], weight_decay=weight_decay)
    bowl, optimizer = Bowl(net, start), make(net, weight_decay=weight_decay)
    for _ in range(7):
        gradient = rng.standard_normal((3, 3))
        raw.grad = torch.tensor(gradient)
        raw_optimizer.step()
        np.testing.assert_allclose(bowl.step(optimizer, gradient), raw.detach().numpy(), rtol=1e-11, atol=1e-13)


@given(seed=st.integers(0, 2**31), limit=st.floats(0.1, 5))
def test_clipping_is_torchs(net: Any, seed: int, limit: float) -> None:
    rng = np.random.default_rng(seed)
    start, gradient = rng.standard_normal((3, 3)), rng.standard_normal((3, 3))
    scaled = gradient * min(1.0, limit / float(np.linalg.norm(gradient)))
    for options, expected in (({"clip_norm": limit}, scaled), ({"clip_value": limit}, gradient.clip(-limit, limit))):
        moved = Bowl(net, start).step(net.SGD(1.0, **options), gradient.copy())
        np.testing.assert_allclose(start - moved, expected, rtol=1e-12, atol=1e-14)


def schedule_of(optimizer: Any) -> dict[str, Any]:
    """All numbers that an optimizer was made of."""
    numbers = {name: value for name, value in vars(optimizer).items() if isinstance(value, (int, float))}
    return {**numbers, "rate": optimizer.schedule(0)}


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("given", [{}, RATES, {**RATES, "learning_rate": 0.25}], ids=["none", "some", "all"])
def test_an_optimizer_is_made_of_the_same_numbers_on_both_backends(kind: str, given: dict[str, Any]) -> None:
    given = {"learning_rate": 0.125, **given} if kind.startswith("SGD") else given
    ours, theirs = (schedule_of(getattr(net, kind)(**given)) for net in (numnet, torchnet))
    assert ours == theirs
    assert {name: ours[name] for name in RATES if name in given} == {k: v for k, v in RATES.items() if k in given}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_an_optimizer_of_several_parameters_goes_on_from_what_it_wrote(kind: str) -> None:
    rng, found = np.random.default_rng(0), []
    layer, same = (numnet.RNNLayer(2, input_size=3, dtype="float64") for _ in range(2))
    one, other = (getattr(numnet, kind)(0.1) for _ in range(2))
    for step in range(4):
        for gradient, its in zip(layer.grads.values(), same.grads.values()):
            gradient[...] = its[...] = rng.standard_normal(gradient.shape)
        one.step(layer)
        if step == 1:
            other.load_state_dict(one.state_dict(), same)
            same.load_state_dict(layer.state_dict())
        elif step > 1:
            other.step(same)
            found.append(weights(same))
    assert_same(found[-1], weights(layer))


def test_nothing_is_clipped_to_nothing() -> None:
    grads = [np.zeros(2)]
    assert (numnet.clip_by_norm(grads, 0.0), grads[0].tolist()) == (0.0, [0.0, 0.0])


def test_gradients_are_clipped_by_the_norm_they_have_or_are_said_to_have() -> None:
    for said, by in ((None, 5.0), (10.0, 10.0)):
        grads = [np.array([3.0]), np.array([4.0])]
        assert numnet.clip_by_norm(grads, 1.0, said) == by
        np.testing.assert_allclose(grads, [[3 / by], [4 / by]])
    within = [np.array([3.0]), np.array([4.0])]
    assert numnet.clip_by_norm(within, 5.0) == 5.0
    np.testing.assert_array_equal(within, [[3.0], [4.0]])


def test_gradients_whose_squares_overflow_are_still_clipped(net: Any) -> None:
    dense = net.Dense(2, input_size=2)
    dense.load_state_dict({"W": np.zeros((2, 2)), "b": np.zeros(2)})
    dense(np.ones((1, 2)))
    dense.backward(np.full((1, 2), 1e30))
    assert net.SGD(1.0, clip_norm=6**0.5).step(dense) == pytest.approx(6**0.5 * 1e30)
    np.testing.assert_allclose(to_numpy(dense.params["W"]), -np.ones((2, 2)), rtol=1e-6)


def test_a_gradient_that_is_no_number_names_its_parameter_and_moves_nothing(net: Any) -> None:
    model = net.RNNModel([lstm(net)], net.MeanSquaredError(), input_size=4)
    before = {name: np.array(value.tolist()) for name, value in model.params.items()}
    optimizer = net.Adam(0.1, clip_norm=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.loss_and_grads(x * np.float32("nan"), np.zeros((2, 3, 5)))
    with pytest.raises(FloatingPointError, match=r"the gradient of layers\.0\.W_x is not finite"):
        optimizer.step(model)
    assert optimizer.steps == 0
    assert all((np.array(model.params[name].tolist()) == value).all() for name, value in before.items())
