"""Layers that go both ways: what is merged, packed batches, states, first weights, dtypes, nodes of one's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.more_cases import MIXED
from parity_tests.oracles import everything
from parity_tests.probe import assert_near
from parity_tests.slopes import slope_error
from parity_tests.small import assert_same, both, gru, weights
from parity_tests.strategies import TOLERANCE, Case, Sizes, sizes


@pytest.mark.parametrize("merge", [None, "concat"])
def test_a_packed_batch_goes_both_ways_with_time_first(merge: str | None) -> None:
    batch = numnet.pack(np.split(np.random.default_rng(0).standard_normal((5, 4)), [2]))
    found = []
    for batch_first in (True, False):
        layer = both(numnet, merge, batch_first=batch_first, seed=1)
        y = layer(batch)
        dx = layer.backward(y)
        found.append([part.values for part in (y if merge is None else (y,))] + [dx.values])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_layer_may_be_told_that_it_goes_one_way() -> None:
    assert numnet.LSTMLayer(5, bidirectional=False).config() == numnet.LSTMLayer(5).config()


@pytest.mark.parametrize(("merge", "share"), [("sum", 1.0), ("mean", 0.5)])
def test_the_sum_and_the_mean_of_both_ways_are_those_of_the_pair(merge: str, share: float) -> None:
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 5))
    one, pair = (both(numnet, way, dtype="float64", seed=1) for way in (merge, None))
    np.testing.assert_allclose(one(x), share * np.add(*pair(x)), atol=1e-14)
    np.testing.assert_allclose(one.backward(dy), pair.backward((share * dy, share * dy)), atol=1e-14)


def test_both_ways_are_drawn_alike_on_both_backends_at_the_first_batch() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)
    ours, theirs = (net.Bidirectional(net.GRULayer(5, seed=3)) for net in (numnet, torchnet))
    ours(x), theirs(x)
    assert_same(weights(ours), weights(theirs))
    assert (ours.input_size, ours.backwards.seed) == (4, 4)
    with pytest.raises(ValueError, match="x contains tokens"):
        numnet.Bidirectional(numnet.GRULayer(5))(np.array([[0, 1]]))


def test_both_ways_take_a_state_with_time_first() -> None:
    rng = np.random.default_rng(0)
    x, h, h_back = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5)), rng.standard_normal((2, 5))
    found = []
    for batch_first in (True, False):
        layer = gru(numnet, dtype="float64", bidirectional=True, batch_first=batch_first, seed=1)
        found.append(layer(x if batch_first else x.swapaxes(0, 1), (h, h_back)))
    np.testing.assert_array_equal(found[0], found[1].swapaxes(0, 1))


def test_a_built_bidirectional_layer_takes_a_models_dtype(net: Any) -> None:
    model = net.RNNModel([net.LSTMLayer(3, input_size=2, bidirectional=True)], dtype="float64")
    assert str(model(np.ones((1, 2, 2))).dtype).endswith("float64")


def test_a_class_of_ones_own_may_go_both_ways(net: Any) -> None:
    class Mine(net.LSTMLayer):
        def __init__(self, size: int, **options: Any) -> None:
            super().__init__(size, **options)

    layer = Mine(3, input_size=2, bidirectional=True)
    assert type(layer.backwards) is Mine
    assert layer.backwards.reverse
    first, second = (to_numpy(layer.params[f"{way}.W_x"]) for way in ("forwards", "backwards"))
    assert (first != second).all()


@pytest.mark.parametrize("case", MIXED, ids=repr)
@given(z=sizes)
def test_two_kinds_of_layer_agree_with_autograd_and_with_differences(case: Case, z: Sizes) -> None:
    assert_near(everything(case, numnet, z), everything(case, torchnet, z), TOLERANCE["float64"])
    error, words = slope_error(case, numnet, z)
    assert error <= TOLERANCE["slopes"], words


def test_a_backward_layer_of_another_kind_is_saved_and_shown(net: Any) -> None:
    layer = net.Bidirectional(net.LSTMLayer(3), backward_layer=net.GRULayer(2, reverse=True))
    model = net.RNNModel([layer, net.Dense(2)], input_size=4)
    assert repr(layer) == "Bidirectional(LSTMLayer(3), backward_layer=GRULayer(2, reverse=True))"
    assert layer.output_width == 5
    again = net.RNNModel.from_config(model.config())
    again.load_state_dict(model.state_dict())
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "backward_layer has reverse=False, expected True. Create it with reverse=True"),
        (
            {"reverse": True, "batch_first": False},
            "batch_first of backward_layer is False, expected that of layer, True",
        ),
        ({"reverse": True, "return_sequences": False}, "return_sequences of backward_layer is False, expected that of"),
    ],
)
def test_a_backward_layer_that_does_not_fit(options: Any, words: str, net: Any) -> None:
    with pytest.raises(ValueError, match=words):
        net.Bidirectional(net.LSTMLayer(3), backward_layer=net.GRULayer(2, **options))


def test_outputs_of_two_widths_cannot_be_added(net: Any) -> None:
    layer = net.Bidirectional(net.LSTMLayer(3), "sum", backward_layer=net.GRULayer(2, reverse=True))
    with pytest.raises(ValueError, match="the layers have 3 and 2 outputs, expected the same for merge='sum'"):
        layer(np.ones((2, 3, 4)))
