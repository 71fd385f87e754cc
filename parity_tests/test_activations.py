"""Activations against torch.nn, and the error function against Python's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numnet.core.arrays import to_numpy
from numnet.layers.erf import erf

ROWS: list[tuple[str, dict[str, Any], Any]] = [
    ("SiLU", {}, torch.nn.SiLU()),
    ("GELU", {}, torch.nn.GELU()),
    ("GELU", {"approximate": "tanh"}, torch.nn.GELU(approximate="tanh")),
    ("ELU", {}, torch.nn.ELU()),
    ("ELU", {"alpha": 0.3}, torch.nn.ELU(0.3)),
    ("Softplus", {}, torch.nn.Softplus(threshold=700)),  # exact up to there
    ("LeakyReLU", {}, torch.nn.LeakyReLU()),
    ("LeakyReLU", {"negative_slope": -0.2}, torch.nn.LeakyReLU(-0.2)),
]


@pytest.mark.parametrize(("name", "options", "theirs"), ROWS)
@given(seed=st.integers(0, 10**6), scale=st.sampled_from((1.0, 30.0)))
def test_an_activation_is_that_of_torch(
    name: str, options: Any, theirs: Any, net: Any, seed: int, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    x, dy = scale * rng.standard_normal((3, 5)), rng.standard_normal((3, 5))
    x[0, 0] = 0.0
    layer, leaf = getattr(net, name)(**options), torch.tensor(x, requires_grad=True)
    y = theirs(leaf)
    y.backward(torch.tensor(dy))
    np.testing.assert_allclose(to_numpy(layer(x)), y.detach().numpy(), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(to_numpy(layer.backward(dy)), to_numpy(leaf.grad), rtol=1e-12, atol=1e-13)
    assert layer(x.astype(np.float32)).dtype == (np.float32 if net.__name__ == "numnet" else torch.float32)
    again = getattr(net, name)(**layer.config())
    assert np.array_equal(to_numpy(again(x)), to_numpy(layer(x)))


@pytest.mark.parametrize("name", ["SiLU", "GELU", "ELU", "Softplus", "LeakyReLU"])
def test_nothing_overflows(name: str, net: Any) -> None:
    layer, x = getattr(net, name)(), np.array([[-1e4, -800.0, 800.0, 1e4]])
    y = to_numpy(layer(x))
    assert np.isfinite(y).all()
    assert np.isfinite(to_numpy(layer.backward(np.ones_like(x)))).all()
    np.testing.assert_allclose(y[0, 2:], x[0, 2:])


def test_the_error_function_is_that_of_python() -> None:
    x = np.concatenate([np.linspace(-8, 8, 20_001), [0.0, -0.0, 0.46875, -0.46875, 1e-300, np.inf, -np.inf]])
    expected = np.array([math.erf(value) for value in x])
    assert np.abs(erf(x) - expected).max() <= 3e-16  # a unit in the last place is 1.1e-16 below 1
    near = np.abs(x) < 0.5
    np.testing.assert_allclose(erf(x[near]), expected[near], rtol=5e-16)
    assert np.isnan(erf(np.array([np.nan]))).all()
