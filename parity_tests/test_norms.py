"""LayerNorm, RMSNorm and BatchNorm against torch.nn; the running statistics in training, evaluation and checkpoints."""

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
from parity_tests.family import BATCH_NORMS
from parity_tests.oracles import everything
from parity_tests.probe import assert_near
from parity_tests.slopes import slope_error
from parity_tests.strategies import TOLERANCE, Case, Sizes, sizes

SAME = 1e-11  # float64: another order of the same sums, times at most 1 / √ε


def with_random_values(layer: Any, theirs: Any, rng: Any) -> None:
    """Give both layers the same random gain and bias."""
    for ours, name in (("g", "weight"), ("b", "bias")):
        value = rng.standard_normal(layer.input_size)
        if ours in layer.params:
            layer.load_state_dict({**layer.state_dict(), ours: value})
            getattr(theirs, name).data = torch.tensor(value)


def both(layer: Any, x: Any, dy: Any, *lengths: Any) -> dict[str, Any]:
    """The output and all gradients."""
    layer.zero_grad()
    y = layer(x, *lengths)
    dx = layer.backward(dy)
    found = {"y": y, "x": dx, **layer.grads}
    return {name: to_numpy(value) for name, value in found.items()}


def of_torch(theirs: Any, x: Any, dy: Any) -> dict[str, Any]:
    """The same of a module of PyTorch."""
    theirs.zero_grad()
    leaf = torch.tensor(x, requires_grad=True)
    y = theirs(leaf)
    y.backward(torch.tensor(dy))
    names = {"weight": "g", "bias": "b"}
    found = {"y": y, "x": leaf.grad, **{names[name]: p.grad for name, p in theirs.named_parameters()}}
    return {name: to_numpy(value) for name, value in found.items()}


@pytest.mark.parametrize(
    ("name", "options", "theirs"),
    [
        ("LayerNorm", {}, {}),
        ("LayerNorm", {"epsilon": 0.1, "bias": False}, {"eps": 0.1, "bias": False}),
        ("RMSNorm", {}, {}),
        ("RMSNorm", {"epsilon": 0.1}, {"eps": 0.1}),
    ],
)
@given(seed=st.integers(0, 10**6), shape=st.lists(st.integers(1, 4), min_size=1, max_size=3), D=st.integers(1, 6))
def test_a_norm_of_features_is_that_of_torch(
    name: str, options: Any, theirs: Any, net: Any, seed: int, shape: list[int], D: int
) -> None:
    rng = np.random.default_rng(seed)
    layer = getattr(net, name)(input_size=D, dtype="float64", **options)
    module = getattr(torch.nn, name)(D, dtype=torch.float64, **theirs)
    with_random_values(layer, module, rng)
    x, dy = rng.standard_normal((2, *shape, D))
    assert_near(both(layer, x, dy), of_torch(module, x, dy), SAME)


@given(seed=st.integers(0, 10**6), N=st.integers(2, 6), D=st.integers(1, 4), momentum=st.sampled_from((0.0, 0.1, 0.7)))
def test_batch_norm_is_that_of_torch(net: Any, seed: int, N: int, D: int, momentum: float) -> None:
    """Three training steps, then the running statistics and an evaluation."""
    rng = np.random.default_rng(seed)
    layer = net.BatchNorm(input_size=D, momentum=momentum, epsilon=0.01, dtype="float64")
    module = torch.nn.BatchNorm1d(D, momentum=momentum, eps=0.01, dtype=torch.float64)
    with_random_values(layer, module, rng)
    for _ in range(3):
        x, dy = rng.standard_normal((2, N, D))
        assert_near(both(layer, x, dy), of_torch(module, x, dy), SAME)
    for name in ("running_mean", "running_var"):
        np.testing.assert_allclose(to_numpy(layer.state_dict()[name]), getattr(module, name).numpy(), rtol=1e-12)
    layer.eval()
    module.eval()
    assert_near(both(layer, x, dy), of_torch(module, x, dy), SAME)


@given(seed=st.integers(0, 10**6))
def test_padding_counts_for_nothing(net: Any, seed: int) -> None:
    """A ragged batch has the statistics and gradients of its real steps, side by side in one matrix."""
    rng = np.random.default_rng(seed)
    x, dy, lengths = rng.standard_normal((4, 5, 3)), rng.standard_normal((4, 5, 3)), np.array([5, 0, 2, 1])
    real = np.arange(5) < lengths[:, None]
    x[~real], dy[~real] = np.nan, 7.0
    ragged, flat = (net.BatchNorm(input_size=3, dtype="float64") for _ in range(2))
    found, expected = both(ragged, x, dy, lengths), both(flat, x[real], dy[real])
    for name in ("y", "x"):
        assert (found[name][~real] == 0).all()
        found[name] = found[name][real]
    assert_near(found, expected, SAME)
    np.testing.assert_allclose(to_numpy(ragged.running_var), to_numpy(flat.running_var), rtol=1e-12)
    packed = ragged(net.Packed(x[real], lengths))
    np.testing.assert_allclose(to_numpy(packed.values), expected["y"], atol=SAME)


@pytest.mark.parametrize("case", BATCH_NORMS, ids=repr)
@given(z=sizes)
def test_gradients_of_the_batch_agree_with_autograd_and_with_differences(case: Case, z: Sizes) -> None:
    assert_near(everything(case, numnet, z), everything(case, torchnet, z), TOLERANCE["float64"])
    error, words = slope_error(case, numnet, z)
    assert error <= TOLERANCE["slopes"], words


def test_one_step_has_no_variance_and_no_step_changes_nothing(net: Any) -> None:
    layer = net.BatchNorm(input_size=2)
    before = {name: to_numpy(value).copy() for name, value in layer.state_dict().items()}
    with pytest.raises(ValueError, match="x has 1 real step in training, expected 2 or more for the variance"):
        layer(np.ones((2, 3, 2)), [0, 1])
    y = layer(np.ones((2, 3, 2), np.float32), [0, 0])
    assert not to_numpy(y).any()
    assert not to_numpy(layer.backward(np.ones((2, 3, 2)))).any()
    for name, value in layer.state_dict().items():
        assert np.array_equal(to_numpy(value), before[name])
    assert to_numpy(layer.eval()(np.ones((1, 2)))).shape == (1, 2)


def trained(net: Any) -> tuple[Any, Any]:
    """A model after some steps, and a batch."""
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((6, 4, 3)), rng.standard_normal((6, 4, 2))
    layers = [net.GRULayer(5), net.BatchNorm(), net.Dense(2)]
    model, optimizer = net.RNNModel(layers, net.MeanSquaredError(), seed=1, dtype="float64"), net.Adam(0.1)
    for _ in range(5):
        model.zero_grad()
        model.loss_and_grads(x, target, lengths=[4, 4, 3, 1, 0, 2])
        optimizer.step(model)
    return model, x


def test_a_model_with_running_statistics_is_saved_and_is_equal_on_both_backends(tmp_path: Path) -> None:
    models = [trained(net) for net in (numnet, torchnet)]
    x = models[0][1]
    expected = models[0][0].predict(x)
    for (model, _), net in zip(models, (numnet, torchnet)):
        np.testing.assert_allclose(model.predict(x), expected, atol=1e-8)
        assert not np.allclose(to_numpy(model.state_dict()["layers.1.running_mean"]), 0)
        assert "layers.1.running_mean" not in model.params
        net.save_checkpoint(tmp_path / "model.npz", model)
        for other in (numnet, torchnet):
            again = other.RNNModel.from_checkpoint(other.load_checkpoint(tmp_path / "model.npz"))
            np.testing.assert_allclose(again.predict(x), expected, atol=1e-8)


def test_a_missing_statistic_is_named(net: Any) -> None:
    layer = net.BatchNorm(input_size=2)
    state = {name: value for name, value in layer.state_dict().items() if name != "running_var"}
    with pytest.raises(ValueError, match=r"BatchNorm: running_var is missing, expected \(2,\)"):
        layer.load_state_dict(state)


def test_a_norm_takes_the_dtype_of_its_model(net: Any) -> None:
    norm = net.BatchNorm(input_size=3)
    model = net.RNNModel([norm, net.LayerNorm(), net.Dense(2)], net.MeanSquaredError(), input_size=3, dtype="float64")
    assert {str(value.dtype).removeprefix("torch.") for value in model.state_dict().values()} == {"float64"}
    assert repr(model.layers[0]) == "BatchNorm(input_size=3)"
    model.loss_and_grads(np.random.default_rng(0).standard_normal((5, 3)), np.ones((5, 2)))
    assert str(norm.running_mean.dtype).removeprefix("torch.") == "float64"
