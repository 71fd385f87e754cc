"""Layers without a state as a user makes one: Dense, Embedding, activations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from numnet.core import layout
from numnet.core.arrays import to_numpy
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


@pytest.mark.parametrize(
    "name", ["Dense", "Convolution", "RNNLayer", "GRULayer", "LSTMLayer", "MGULayer", "IndRNNLayer"]
)
def test_without_a_bias_the_other_parameters_start_equal(name: str, net: Any) -> None:
    with_bias = getattr(net, name)(3, input_size=4)
    net.manual_seed(0)
    without = getattr(net, name)(3, input_size=4, bias=False)
    assert [each for each in with_bias.params if each not in ("b", "b_h")] == list(without.params)
    assert_same(weights(without), {each: value for each, value in weights(with_bias).items() if each in without.params})
    assert without.config()["bias"] is False
    assert "bias" not in with_bias.config()
    assert repr(without) == f"{name}(3, input_size=4, bias=False)"
    y = without(np.ones((2, 5, 4), np.float32))
    without.backward(np.ones(y.shape, np.float32))
    assert list(without.grads) == list(without.params)


@pytest.mark.parametrize("options", [{}, {"peepholes": True}])
def test_there_is_no_bias_to_add_to(options: Any, net: Any) -> None:
    expected = r"forget_bias is 1.0, expected 0: with bias=False there is no b to add it to\."
    with pytest.raises(ValueError, match=expected):
        net.LSTMLayer(3, bias=False, forget_bias=1.0, **options)


def test_layer_normalization_without_a_bias_has_gains_alone(net: Any) -> None:
    layer = net.LSTMLayer(3, input_size=2, layer_norm=True, bias=False)
    assert list(layer.params) == ["W_x", "W_h", "g_x", "g_h", "g_c"]


def test_the_row_of_padding_is_zero_and_stays_zero(net: Any) -> None:
    """A gradient of its own never reaches it, and momentum has nothing to move."""
    model = net.RNNModel([net.Embedding(5, 3, padding=2), net.GRULayer(4), net.Dense(5)], net.SoftmaxCrossEntropy())
    optimizer, ids = net.Adam(0.1), np.array([[1, 2, 3], [2, 2, 0]])
    for _ in range(3):
        model.zero_grad()
        model.loss_and_grads(ids, ids)
        optimizer.step(model)
    W = weights(model)["layers.0.W"]
    assert not W[2].any()
    assert W[[0, 1, 3]].all()
    with pytest.raises(ValueError, match="Embedding: padding is 5, expected a token from 0 to 4"):
        net.Embedding(5, 3, padding=5)


def test_a_causal_convolution_reads_no_later_step(net: Any) -> None:
    layer, x = net.Convolution(2, input_size=3, width=4, causal=True), np.ones((1, 6, 3), np.float32)
    before, x[:, 3:] = to_numpy(layer(x)).copy(), 7
    after = to_numpy(layer(x))
    np.testing.assert_array_equal(after[:, :3], before[:, :3])
    assert not np.array_equal(after[:, 3], before[:, 3])
    assert layer.config()["causal"] is True


def test_a_vector_is_repeated(net: Any) -> None:
    layer = net.RNNModel([net.GRULayer(3, return_sequences=False), net.RepeatVector(4), net.GRULayer(2)])
    assert to_numpy(layer(np.ones((2, 5, 3), np.float32))).shape == (2, 4, 2)
    with pytest.raises(ValueError, match=r"RepeatVector: x is \(2, 5, 3\), expected \(batch, features\)"):
        net.RepeatVector(4)(np.ones((2, 5, 3)))


@pytest.mark.parametrize("shape", [(5, 3), (1, 1, 3), (2, 5, 3), (2, 4, 5, 3)])
def test_a_wide_dense_layer_is_one_product_with_the_same_results(shape: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, dy = np.asfortranarray(rng.standard_normal(shape)), rng.standard_normal((*shape[:-1], 7))
    found = []
    for in_cache in (layout.IN_CACHE, 0):
        monkeypatch.setattr(layout, "IN_CACHE", in_cache)
        dense = numnet.Dense(7, input_size=3, seed=0, dtype="float64")
        found.append([dense(x), dense.backward(dy), dense.dW, dense.db])
    for small, wide in zip(*found):
        np.testing.assert_allclose(wide, small, rtol=1e-13, atol=1e-13)  # sums of few terms in another order
    assert found[1][0].strides[-1] == dy.itemsize  # the numbers of a sample are contiguous
