"""What mutation testing found untested in the doors of layers: time first, packed batches, copies, defaults."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from parity_tests.small import assert_same, weights
from parity_tests.test_errors import both, lstm, x

LENGTHS = np.array([2, 3])
KINDS = ("RNNLayer", "GRULayer", "LSTMLayer", "MGULayer", "IndRNNLayer")


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_with_nothing_but_sizes_is_the_same_on_both_backends(kind: str) -> None:
    ours, theirs = (getattr(net, kind)(3, output_size=2, input_size=4) for net in (numnet, torchnet))
    assert ours.config() == theirs.config()
    assert_same(weights(ours), weights(theirs))


@pytest.mark.parametrize("how", ["last", "first", "mean", "max"])
@pytest.mark.parametrize("lengths", [None, LENGTHS, np.array([[True, False, True], [False, True, True]])])
def test_pooling_with_time_first_is_the_pooling_of_the_turned_batch(how: str, lengths: Any) -> None:
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 4))
    pooling, turned = numnet.Pooling(how), numnet.Pooling(how, batch_first=False)
    mask = lengths.T if lengths is not None and lengths.ndim == 2 else lengths
    np.testing.assert_array_equal(turned(x.swapaxes(0, 1), mask), pooling(x, lengths))
    np.testing.assert_array_equal(turned.backward(dy), pooling.backward(dy).swapaxes(0, 1))


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("how", ["last", "mean"])
def test_a_packed_batch_is_pooled_as_the_padded_one_and_its_gradient_is_packed(how: str, batch_first: bool) -> None:
    batch, dy = numnet.pack(np.split(np.random.default_rng(0).standard_normal((5, 4)), [2])), np.ones((2, 4))
    pooling, plain = numnet.Pooling(how, batch_first), numnet.Pooling(how)
    np.testing.assert_array_equal(pooling(batch), plain(batch.padded(), batch.lengths))
    dx = pooling.backward(dy)
    assert isinstance(dx, numnet.Packed)
    np.testing.assert_array_equal(dx.padded(), plain.backward(dy))


def test_a_pooling_is_made_again_of_its_config() -> None:
    assert numnet.Pooling("max", batch_first=False).config() == {"how": "max", "batch_first": False}


@pytest.mark.parametrize("merge", [None, "concat"])
def test_a_packed_batch_goes_both_ways_with_time_first(merge: str | None) -> None:
    batch = numnet.pack(np.split(np.random.default_rng(0).standard_normal((5, 4)), [2]))
    found = []
    for batch_first in (True, False):
        layer = both(numnet, merge, batch_first=batch_first)
        y = layer(batch)
        dx = layer.backward(y)
        found.append([part.values for part in (y if merge is None else (y,))] + [dx.values])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("make", [lstm, both], ids=["one way", "both ways"])
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
def test_a_copy_of_a_layer_has_nothing_of_its_last_call(make: Any, lengths: Any) -> None:
    layer = make(numnet)
    layer(x, None, lengths)
    layer.backward(np.ones(layer(x, None, lengths).shape))
    kept = ("saved", "last_state", "d_state", "pool")
    parts = [copy.deepcopy(layer)]
    parts += [parts[0].forwards, parts[0].backwards] if make is both else []
    for part in parts:
        assert {name: getattr(part, name, None) for name in kept} == dict.fromkeys(kept)


def test_a_node_takes_its_width_from_its_first_input() -> None:
    node = numnet.RNNNode(5)
    h, _ = node(np.ones((4, 2)))
    assert (node.width, h.shape) == (4, (5, 2))


@pytest.mark.parametrize("shape", [(5, 5), (3, 5), (5, 3)])
def test_orthogonal_is_the_factor_whose_other_has_a_positive_diagonal(shape: tuple[int, int]) -> None:
    drawn = np.random.default_rng(1).standard_normal((max(shape), min(shape)))
    Q, R = np.linalg.qr(drawn)
    Q = Q * np.sign(np.diag(R))
    ours = numnet.core.init.orthogonal(np.random.default_rng(1), *shape)
    np.testing.assert_allclose(ours, Q if shape[0] >= shape[1] else Q.T, atol=1e-12)


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
