"""What is dropped: masks and the numbers that they are drawn from, in Dropout and in recurrent layers."""

from __future__ import annotations

import numpy as np
import pytest

import numnet
from numnet.core import random as masks
from numnet.recurrent.options import scaled

KINDS = ("RNNLayer", "GRULayer", "LSTMLayer", "MGULayer", "IndRNNLayer")


@pytest.mark.parametrize("per_sequence", [False, True])
def test_a_dropout_draws_one_mask_a_call_in_its_inputs_dtype(per_sequence: bool) -> None:
    layer, x = numnet.Dropout(0.25, seed=3, per_sequence=per_sequence), np.ones((2, 3, 40), np.float32)
    for call in (1, 2):
        drawn = masks.mask(0.25, (2, 1, 40) if per_sequence else x.shape, 3, call)
        y = layer(x)
        np.testing.assert_array_equal(y, np.broadcast_to(drawn / np.float32(0.75), x.shape))
        assert (layer.calls, y.dtype) == (call, np.float32)


def test_a_dropout_drops_a_half_by_seed_0_and_draws_nothing_where_none_is_dropped() -> None:
    x = np.ones((4, 9))
    assert numnet.Dropout()(x).tolist() == numnet.Dropout(0.5, seed=0, per_sequence=False)(x).tolist()
    assert numnet.Dropout()(x).tolist() != numnet.Dropout(0.5, seed=1, per_sequence=False)(x).tolist()
    layer = numnet.Dropout(0.0)
    assert (layer(np.ones((2, 3))).tolist(), layer.calls) == (np.ones((2, 3)).tolist(), 0)


def test_a_number_as_large_as_p_is_kept() -> None:
    for seed in range(3):
        p = np.random.default_rng((seed, 1)).random(1, dtype=np.float32)[0]
        assert masks.mask(p, (1,), seed, 1).tolist() == [True]


def test_every_call_draws_its_masks_from_the_seed_the_call_and_the_place() -> None:
    layer = numnet.LSTMLayer(5, input_size=4, state_dropout=0.3, weight_dropout=0.2, zoneout=(0.1, 0.4))
    for call in (1, 2):
        drawn, source = layer.draw_masks(2, 3), (layer.mask_seed, call)
        np.testing.assert_array_equal(drawn["state"], masks.mask(0.3, (2, 5), *source, masks.STATE) / 0.7)
        np.testing.assert_array_equal(drawn["weights"], masks.mask(0.2, (20, 5), *source, masks.WEIGHTS) / 0.8)
        for k, (name, p) in enumerate({"h": 0.1, "c": 0.4}.items()):
            np.testing.assert_array_equal(drawn["zoneout"][name], ~masks.mask(p, (2, 3, 5), *source, masks.ZONEOUT + k))
        assert layer.calls == call
    layer.eval()
    assert layer.draw_masks(2, 3) == {"zoneout": {"h": 0.1, "c": 0.4}}
    assert layer.calls == 2


def test_a_layer_of_a_model_drops_other_weights_at_each_call() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    layer = numnet.GRULayer(5, input_size=4, weight_dropout=0.5)
    first, second = layer(x), layer(x)
    assert not np.array_equal(first, second)
    assert not np.array_equal(layer.eval()(x), second)


def test_a_mask_is_drawn_from_all_its_numbers_and_scaled_by_what_it_leaves() -> None:
    drawn = [scaled(0.25, (30, 40), *numbers) for numbers in ((1, 2, 3), (1, 2, 4), (1, 3, 3), (2, 2, 3))]
    for k, one in enumerate(drawn):
        assert set(np.unique(one)) == {0, 1 / 0.75}
        assert 0.7 < (one > 0).mean() < 0.8
        assert not any((one == other).all() for other in drawn[:k])
    np.testing.assert_array_equal(drawn[0] > 0, masks.mask(0.25, (30, 40), 1, 2, 3))
    numbers = np.random.default_rng((1, 2, 3)).random((30, 40), dtype=np.float32)
    np.testing.assert_array_equal(drawn[0] > 0, numbers >= 0.25)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("option", ["state_dropout", "weight_dropout"])
def test_in_evaluation_a_layer_that_drops_is_the_one_that_does_not(kind: str, option: str) -> None:
    rng, found = np.random.default_rng(0), []
    x, dy = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 5))
    for options in ({option: 0.4}, {}):
        layer = getattr(numnet, kind)(5, input_size=4, dtype="float64", seed=1, **options).eval()
        for lengths in (None, [3, 1]):
            y = layer(x, None, lengths)
            found.append([y, layer.backward(dy, None), *(g.copy() for g in layer.grads.values())])
    for k in (0, 1):
        for ours, theirs in zip(found[k], found[k + 2], strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-13)
