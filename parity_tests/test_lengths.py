"""Rows of different lengths in one call of a layer: rows that have ended, gaps, what a call knows of others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.family import family_case
from parity_tests.strategies import Sizes
from parity_tests.test_parity import compare

KINDS = ("RNNLayer", "GRULayer", "LSTMLayer", "MGULayer", "IndRNNLayer")


def made(kind: str = "GRULayer", **options: Any) -> Any:
    """A layer of 4 features and 5 units in float64."""
    return getattr(numnet, kind)(5, input_size=4, dtype="float64", seed=1, **options)


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


def test_a_vocabulary_of_one_token_may_be_padded() -> None:
    tokens = np.zeros((2, 3), int)
    for layers in ([numnet.GRULayer(5)], [numnet.Embedding(1, 4), numnet.GRULayer(5)]):
        model = numnet.RNNModel(layers, input_size=1)
        assert not model(tokens, None, [3, 1])[1, 1:].any()


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


@pytest.mark.parametrize(
    "name", ["RNN", "RNN relu", "GRU before", "GRU after", "LSTM", "LSTM with all", "MGU", "IndRNN"]
)
@pytest.mark.parametrize("options", [(), ("gaps",), ("reverse",), ("zoneout",), ("learned state",)], ids=str)
def test_rows_end_in_runs_after_the_first(name: str, options: tuple[str, ...]) -> None:
    """With 11 rows, rounded up, later runs of equal rows also have rows that end within them or ended before."""
    compare(family_case(name, *options), Sizes(B=11, T=9, D=3, H=4, seed=1), "float64", "cpu")


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lengths", [[9, 0, 2, 2, 7, 9, 1, 3], [4, 3], [0, 1], range(16)])
@pytest.mark.parametrize("kind", ["RNNLayer", "GRULayer", "LSTMLayer"])
def test_torchnets_kernels_run_on_the_rows_that_are_unfinished(kind: str, lengths: Any, reverse: bool) -> None:
    """As the steps of the plain form, with the gradients of the last state, an LSTM's c too, and NaN at padding."""
    rng, lengths = np.random.default_rng(0), np.array(lengths)
    mask = np.arange(max(lengths) + 1) < lengths[:, None]
    x = np.where(mask[..., None], rng.standard_normal((*mask.shape, 4)), np.nan)
    layer = getattr(torchnet, kind)(5, input_size=4, dtype="float64", reverse=reverse)
    state = [rng.standard_normal((len(x), 5)) for _ in layer.node.states]
    dy, d_last = rng.standard_normal((*mask.shape, 5)), [rng.standard_normal(part.shape) for part in state]
    found = []
    for use_fast in (True, False):
        layer.use_fast = use_fast
        layer.zero_grad()
        y = layer(x, layer.node.joined(state), lengths)
        dx = layer.backward(dy, layer.node.joined(d_last))
        assert (layer.path == "fast") is use_fast
        parts = [*layer.node.each(layer.last_state), *layer.node.each(layer.d_state)]
        found.append([to_numpy(each) for each in (y, dx, *parts, *layer.grads.values())])
    for fast, plain in zip(*found):
        np.testing.assert_allclose(fast, plain, rtol=1e-10, atol=1e-12)  # sums in another order
