"""Layers without a state as a user makes one: Dense, Embedding, activations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from parity_tests.small import assert_same, weights


def test_a_dense_layer_is_drawn_by_its_seed_and_as_wide_as_the_last_axis() -> None:
    ours = weights(numnet.Dense(2, input_size=3, seed=0))
    assert_same(ours, weights(numnet.Dense(2, input_size=3, seed=0)))
    assert not np.array_equal(ours["W"], weights(numnet.Dense(2, input_size=3, seed=1))["W"])
    dense = numnet.Dense(2)
    assert (dense(np.ones((5, 3, 4))).shape, dense.W.shape) == ((5, 3, 2), (2, 4))


def test_an_embedding_is_drawn_by_its_seed_and_made_again_of_its_config() -> None:
    ours = weights(numnet.Embedding(5, 3, seed=0))
    assert_same(ours, weights(numnet.Embedding(5, 3, seed=0)))
    assert not np.array_equal(ours["W"], weights(numnet.Embedding(5, 3, seed=1))["W"])
    assert_same(ours, weights(numnet.Embedding(**numnet.Embedding(5, 3).config(), seed=0)))


def test_integers_become_float32_and_no_gradient_is_a_gradient_of_zeros() -> None:
    tanh = numnet.Tanh()
    y = tanh(np.array([[0, 1, -2]]))
    dx = tanh.backward(None)
    assert (y.dtype, dx.dtype, dx.tolist()) == (np.float32, np.float32, [[0.0] * 3])


def test_an_embedding_starts_with_the_deviation_that_it_is_given() -> None:
    one, less = (numnet.Embedding(40, 50, seed=3, std=std).W for std in (1.0, 0.1))
    assert one.std() == pytest.approx(1, rel=0.05)
    np.testing.assert_allclose(less, 0.1 * one, rtol=1e-6)
    again = torchnet.Embedding(**numnet.Embedding(40, 50, std=0.1).config(), seed=3)
    np.testing.assert_array_equal(again.W.detach().numpy(), less)
    small: Any = np.float32(0.1)
    for net in (numnet, torchnet):
        assert type(net.Embedding(4, 5, std=small).config()["std"]) is float  # json takes no other
    with pytest.raises(ValueError, match="Embedding: std is 0, expected a number above 0"):
        numnet.Embedding(4, 5, std=0)
