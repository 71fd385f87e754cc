"""What mutation testing found untested inside of the layers: masks, first values, rows that have ended."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from numnet.core import random as masks
from numnet.recurrent.options import scaled
from parity_tests.family import family_case
from parity_tests.small import assert_same, weights
from parity_tests.strategies import Sizes
from parity_tests.test_parity import compare


@pytest.mark.parametrize(("scheme", "bound"), [("pytorch", 50**-0.5), ("glorot", (6 / 90) ** 0.5), ("orthogonal", 1.0)])
def test_the_first_values_of_a_projection_fill_their_range(scheme: str, bound: float) -> None:
    W_r = numnet.LSTMLayer(50, input_size=3, proj_size=40, initial=scheme, dtype="float64").params["W_r"]
    assert W_r.shape == (40, 50)
    if scheme == "orthogonal":
        np.testing.assert_allclose(W_r @ W_r.T, np.eye(40), atol=1e-12)
    else:
        assert 0.98 * bound < np.abs(W_r).max() <= bound
        assert abs(W_r.mean()) < bound / 20


def test_the_output_of_a_layer_is_drawn_by_the_layers_scheme() -> None:
    W = numnet.GRULayer(5, output_size=4, input_size=3, initial="orthogonal", dtype="float64").params["output.W"]
    np.testing.assert_allclose(W @ W.T, np.eye(4), atol=1e-12)


def test_a_mask_is_drawn_from_all_its_numbers_and_scaled_by_what_it_leaves() -> None:
    drawn = [scaled(0.25, (30, 40), *numbers) for numbers in ((1, 2, 3), (1, 2, 4), (1, 3, 3), (2, 2, 3))]
    for k, one in enumerate(drawn):
        assert set(np.unique(one)) == {0, 1 / 0.75}
        assert 0.7 < (one > 0).mean() < 0.8
        assert not any((one == other).all() for other in drawn[:k])
    np.testing.assert_array_equal(drawn[0] > 0, masks.mask(0.25, (30, 40), 1, 2, 3))
    numbers = np.random.default_rng((1, 2, 3)).random((30, 40), dtype=np.float32)
    np.testing.assert_array_equal(drawn[0] > 0, numbers >= 0.25)


@pytest.mark.parametrize("kind", ["RNNLayer", "IndRNNLayer"])
def test_a_row_that_has_ended_does_not_grow_on(kind: str) -> None:
    layer = getattr(numnet, kind)(3, input_size=2, activation="relu", dtype="float64")
    grown: dict[str, Any] = {name: np.zeros_like(value) for name, value in layer.params.items()}
    grown["W_x"] += 1
    grown["u" if "u" in grown else "W_h"][...] = 10 * (np.ones(3) if "u" in grown else np.eye(3))
    layer.load_state_dict(grown)
    x = np.zeros((4, 400, 2))  # three rows that go on: rounded up, the ended one would be the fourth
    x[0, 0] = 1
    y = layer(x, None, [1, 400, 400, 400])
    dx = layer.backward(np.ones_like(y), np.ones((4, 3)))
    assert layer.last_state.tolist() == [[2.0] * 3, *[[0.0] * 3] * 3]
    assert np.isfinite(dx).all()


KINDS = ("RNNLayer", "GRULayer", "LSTMLayer", "MGULayer", "IndRNNLayer")
LENGTHS = np.array([3, 1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("option", ["state_dropout", "weight_dropout"])
def test_in_evaluation_a_layer_that_drops_is_the_one_that_does_not(kind: str, option: str) -> None:
    rng, found = np.random.default_rng(0), []
    x, dy = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 5))
    for options in ({option: 0.4}, {}):
        layer = getattr(numnet, kind)(5, input_size=4, dtype="float64", **options).eval()
        for lengths in (None, LENGTHS):
            y = layer(x, None, lengths)
            found.append([y, layer.backward(dy, None), *(g.copy() for g in layer.grads.values())])
    for k in (0, 1):
        for ours, theirs in zip(found[k], found[k + 2], strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-13)


@pytest.mark.parametrize(("merge", "share"), [("sum", 1.0), ("mean", 0.5)])
def test_the_sum_and_the_mean_of_both_ways_are_those_of_the_pair(merge: str, share: float) -> None:
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 5))
    one, pair = (numnet.Bidirectional(numnet.GRULayer(5, input_size=4, dtype="float64"), way) for way in (merge, None))
    np.testing.assert_allclose(one(x), share * np.add(*pair(x)), atol=1e-14)
    np.testing.assert_allclose(one.backward(dy), pair.backward((share * dy, share * dy)), atol=1e-14)


@pytest.mark.parametrize("options", [{}, {"peepholes": True}, {"coupled": True}], ids=["plain", "peepholes", "coupled"])
@pytest.mark.parametrize("of", ["node", "layer"])
def test_the_forget_bias_is_added_to_the_forget_gates_rows_alone(options: dict[str, bool], of: str) -> None:
    names = {"layer": ("LSTMLayer",) * 2, "node": ("LSTMVariantNode" if options else "LSTMNode",) * 2}[of]
    sizes = {"input_size": 2, **options}
    with_bias, without = (getattr(numnet, k)(3, forget_bias=b, **sizes) for k, b in zip(names, (2.0, 0.0)))
    added = with_bias.params["b"] - without.params["b"]
    expected = np.zeros(9 if "coupled" in options else 12)
    expected[:3] -= 2 * ("coupled" in options)
    expected[3:6] += 2 * ("coupled" not in options)
    np.testing.assert_allclose(added, expected, atol=1e-6)
    default = getattr(numnet, names[0])(3, **sizes).params["b"]
    np.testing.assert_array_equal(default, without.params["b"])


def test_gradients_are_clipped_by_the_norm_they_have_or_are_said_to_have() -> None:
    for said, by in ((None, 5.0), (10.0, 10.0)):
        grads = [np.array([3.0]), np.array([4.0])]
        assert numnet.clip_by_norm(grads, 1.0, said) == by
        np.testing.assert_allclose(grads, [[3 / by], [4 / by]])
    within = [np.array([3.0]), np.array([4.0])]
    assert numnet.clip_by_norm(within, 5.0) == 5.0
    np.testing.assert_array_equal(within, [[3.0], [4.0]])


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
        layer = numnet.GRULayer(5, input_size=4, dtype="float64", bidirectional=True, batch_first=batch_first)
        found.append(layer(x if batch_first else x.swapaxes(0, 1), (h, h_back)))
    np.testing.assert_array_equal(found[0], found[1].swapaxes(0, 1))


def test_rows_that_begin_anew_begin_with_zeros() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    stateful, plain = (numnet.LSTMLayer(5, input_size=4, dtype="float64", stateful=on) for on in (True, False))
    first = plain(x)
    h, c = plain.last_state
    stateful(x)
    stateful.reset_state([0])
    y = stateful(x)
    np.testing.assert_array_equal(y[0], first[0])
    np.testing.assert_array_equal(y[1], plain(x, (h, c))[1])


def test_rows_that_begin_anew_one_after_another_begin_as_those_at_once() -> None:
    x, found = np.random.default_rng(0).standard_normal((3, 2, 4)), []
    for resets in ([[0], [2]], [[0, 2]], [[0]]):
        layer = numnet.GRULayer(5, input_size=4, stateful=True, learn_state=True)
        layer.params["h_0"][...] = 0.5
        layer(x)
        for rows in resets:
            layer.reset_state(rows)
        found.append(layer(x))
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0][2], found[2][2])


def test_a_model_has_the_gradient_of_each_layers_start_state() -> None:
    model = numnet.RNNModel([numnet.GRULayer(5), numnet.Dense(2)], input_size=4)
    model.backward(np.ones_like(model(np.ones((2, 3, 4)))))
    assert model.d_state is not None
    assert model.d_state[0] is model.layers[0].d_state is not None
    assert model.d_state[1] is None
    assert (numnet.RNNModel([])(np.ones((2, 3, 4))) == 1).all()


@pytest.mark.parametrize(
    "name", ["RNN", "RNN relu", "GRU before", "GRU after", "LSTM", "LSTM with all", "MGU", "IndRNN"]
)
@pytest.mark.parametrize("options", [(), ("gaps",), ("reverse",), ("zoneout",), ("learned state",)], ids=str)
def test_rows_end_in_stretches_after_the_first(name: str, options: tuple[str, ...]) -> None:
    """So many rows that, rounded up, later stretches too have some that end within them, or had ended before."""
    compare(family_case(name, *options), Sizes(B=11, T=9, D=3, H=4, seed=1), "float64", "cpu")


def test_what_is_called_by_keyword_is_what_is_called_in_order() -> None:
    x, h = np.random.default_rng(0).standard_normal((2, 3, 4)), np.ones((2, 5))
    layer = numnet.GRULayer(5, input_size=4)
    np.testing.assert_array_equal(layer(x, lengths=LENGTHS, state=h), layer(x, h, LENGTHS))


def test_a_model_of_a_config_is_on_the_cpu_unless_told_otherwise() -> None:
    model = numnet.RNNModel([numnet.GRULayer(5), numnet.Dense(2)], input_size=4)
    again = numnet.RNNModel.from_config(model.config())
    assert_same(weights(again), weights(model))
