"""Recurrent layers and nodes as a user makes one: defaults, what stands in a config, dtypes, what a call accepts."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from numnet.recurrent.layer_norm import normalize, normalize_backward
from parity_tests.small import assert_same, both, gru, lstm, weights, x

KINDS = ("RNNLayer", "GRULayer", "LSTMLayer", "MGULayer", "IndRNNLayer")


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_with_nothing_but_sizes_is_the_same_on_both_backends(kind: str) -> None:
    ours, theirs = (getattr(net, kind)(3, output_size=2, input_size=4) for net in (numnet, torchnet))
    assert ours.config() == theirs.config()
    assert_same(weights(ours), weights(theirs))


@pytest.mark.parametrize("kind", [*(kind.replace("Layer", "Node") for kind in KINDS), "LSTMVariantNode"])
def test_a_node_with_nothing_but_sizes_is_the_same_on_both_backends(kind: str) -> None:
    ours, theirs = (getattr(net, kind)(3, input_size=4) for net in (numnet, torchnet))
    assert (ours.config(), ours.dtype, ours.width) == (theirs.config(), np.float32, 4)
    assert_same(weights(ours), weights(theirs))


@pytest.mark.parametrize(
    ("kind", "options", "names"),
    [("GRU", {}, "rzn"), ("MGU", {}, "fn"), ("LSTM", {}, "ifgo"), ("LSTMVariant", {}, "ifgo"),
     ("LSTMVariant", {"coupled": True}, "igo")],
)  # fmt: skip
def test_a_node_calls_its_gates_by_the_letters_of_its_equations(kind: str, options: Any, names: str) -> None:
    assert getattr(numnet, f"{kind}Node")(3, **options).gates == tuple(names)


def test_a_node_takes_its_width_from_its_first_input() -> None:
    node = numnet.RNNNode(5)
    h, _ = node(np.ones((4, 2)))
    assert (node.width, h.shape) == (4, (5, 2))


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_computes_with_what_it_is_given_as_numbers_of_its_own_dtype(kind: str) -> None:
    given = np.random.default_rng(0).standard_normal((2, 3, 4))
    layer = getattr(numnet, kind)(5, input_size=4)
    for lengths in (None, np.array([3, 1])):
        y = layer(given, None, lengths)
        layer.backward(np.ones_like(y))
        np.testing.assert_array_equal(y, layer(given.astype(np.float32), None, lengths))
        for part in (*layer.node.each(layer.last_state), *layer.node.each(layer.d_state)):
            assert part.dtype == np.float32


@pytest.mark.parametrize("make", [lstm, both], ids=["one way", "both ways"])
@pytest.mark.parametrize("lengths", [None, np.array([2, 3])], ids=["whole", "lengths"])
def test_a_copy_of_a_layer_has_nothing_of_its_last_call(make: Any, lengths: Any) -> None:
    layer = make(numnet)
    layer(x, None, lengths)
    layer.backward(np.ones(layer(x, None, lengths).shape))
    kept = ("saved", "last_state", "d_state", "pool")
    parts = [copy.deepcopy(layer)]
    parts += [parts[0].forwards, parts[0].backwards] if make is both else []
    for part in parts:
        assert {name: getattr(part, name, None) for name in kept} == dict.fromkeys(kept)


def test_what_is_called_by_keyword_is_what_is_called_in_order() -> None:
    x, h = np.random.default_rng(0).standard_normal((2, 3, 4)), np.ones((2, 5))
    layer = numnet.GRULayer(5, input_size=4)
    np.testing.assert_array_equal(layer(x, lengths=[3, 1], state=h), layer(x, h, [3, 1]))


def test_lists_of_one_length_are_an_array() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    np.testing.assert_array_equal(gru(numnet, seed=1)(x.tolist()), gru(numnet, seed=1)(x))


def test_integers_may_be_features() -> None:
    x = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(gru(numnet, seed=1)(x), gru(numnet, seed=1)(x.astype(float)))


def test_a_config_says_only_what_is_not_as_usual() -> None:
    plain = {"hidden_size": 5, "initial": "pytorch", "activation": "tanh", "output_size": None}
    assert numnet.RNNLayer(5).config() == plain
    assert numnet.RNNLayer(5, zoneout=0.5).config() == {**plain, "zoneout": [0.5]}


def test_many_steps_are_normalized_as_each_by_itself() -> None:
    rng = np.random.default_rng(0)
    x, dy, gain = rng.standard_normal((2, 3, 5)), rng.standard_normal((2, 3, 5)), rng.standard_normal(3)
    y, saved = normalize(x, gain)
    dx, _ = normalize_backward(dy, gain, saved)
    for t in range(2):
        one, its_own = normalize(x[t], gain)
        np.testing.assert_allclose(one, y[t], atol=1e-14)
        np.testing.assert_allclose(normalize_backward(dy[t], gain, its_own)[0], dx[t], atol=1e-14)
