"""What mutation testing found untested in how layers go through time: ends, gaps, what is kept from call to call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numnet

KINDS = ("RNNLayer", "GRULayer", "LSTMLayer", "MGULayer", "IndRNNLayer")


def made(kind: str = "GRULayer", **options: Any) -> Any:
    """A layer of 4 features and 5 units in float64."""
    return getattr(numnet, kind)(5, input_size=4, dtype="float64", **options)


def there_and_back(layer: Any, x: Any, mask: Any = None) -> list[Any]:
    """y, the last state, dx and the start state's gradient, from gradients of ones to both."""
    y = layer(x, None, mask)
    last = layer.node.each(layer.last_state)
    dx = layer.backward(np.ones_like(y), layer.node.joined([np.ones_like(part) for part in last]))
    return [y, *last, dx, *layer.node.each(layer.d_state)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reverse", [False, True])
def test_each_row_is_the_sequence_of_its_real_steps(kind: str, reverse: bool) -> None:
    """Rows of three lengths, so that those of the shortest stand still while others go on; and gaps in long rows."""
    rng = np.random.default_rng(0)
    layer = made(kind, reverse=reverse)
    for mask in (np.arange(9) < np.repeat([9, 2, 5], [2, 6, 3])[:, None], rng.random((3, 60)) < 0.7):
        x = rng.standard_normal((*mask.shape, 4))
        found = there_and_back(layer, x, mask)
        for b, real in enumerate(mask):
            for ours, alone in zip(found, there_and_back(layer, x[b : b + 1, real]), strict=True):
                np.testing.assert_allclose(ours[b, real] if ours.ndim == 3 else ours[b], alone[0], atol=1e-12)


def test_a_call_without_lengths_knows_nothing_of_those_before() -> None:
    x, layer = np.random.default_rng(0).standard_normal((2, 3, 4)), made()
    layer(x, None, [3, 1])
    np.testing.assert_array_equal(layer(x), made()(x))


def test_a_packed_gradient_is_taken_as_the_padded_one() -> None:
    rng, layer = np.random.default_rng(0), made()
    batch, dy = (numnet.pack(np.split(rng.standard_normal((5, width)), [2])) for width in (4, 5))
    layer(batch)
    dx = layer.backward(dy)
    layer(batch.padded(), None, batch.lengths)
    np.testing.assert_array_equal(dx.padded(), layer.backward(dy.padded()))


def test_a_state_that_is_given_goes_before_the_learned_one() -> None:
    x, h = np.random.default_rng(0).standard_normal((2, 3, 4)), np.full((2, 5), 0.25)
    learned, plain = made(learn_state=True), made()
    learned.h_0[...] = 0.5
    y = learned(x, h)
    np.testing.assert_array_equal(y, plain(x, h))
    learned.backward(np.ones_like(y))
    assert not learned.grads["h_0"].any()


def test_lists_of_one_length_are_an_array() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    np.testing.assert_array_equal(made()(x.tolist()), made()(x))


def test_integers_may_be_features() -> None:
    x = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(made()(x), made()(x.astype(float)))


def test_a_vocabulary_of_one_token_may_be_padded() -> None:
    tokens = np.zeros((2, 3), int)
    for layers in ([numnet.GRULayer(5)], [numnet.Embedding(1, 4), numnet.GRULayer(5)]):
        model = numnet.RNNModel(layers, input_size=1)
        assert not model(tokens, None, [3, 1])[1, 1:].any()


def test_a_config_says_only_what_is_not_as_usual() -> None:
    plain = {"hidden_size": 5, "initial": "pytorch", "activation": "tanh", "output_size": None}
    assert numnet.RNNLayer(5).config() == plain
    assert numnet.RNNLayer(5, zoneout=0.5).config() == {**plain, "zoneout": [0.5]}
