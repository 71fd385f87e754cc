"""Pooling: time first, packed batches, its config, and what stands in the steps that are not taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numnet
from numnet.core.arrays import to_numpy

LENGTHS = np.array([2, 3])


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


@pytest.mark.parametrize("how", ["last", "first", "max"])
def test_pooling_takes_a_step_whatever_stands_in_the_others(how: str, net: Any) -> None:
    x = np.array([[[-np.inf], [1.0], [-np.inf]], [[-np.inf], [-np.inf], [5.0]]])
    pooling = net.Pooling(how)
    y = to_numpy(pooling(x, [3, 2]))
    assert y[:, 0].tolist() == {"last": [-np.inf, -np.inf], "first": [-np.inf, -np.inf], "max": [1, -np.inf]}[how]
    dx = to_numpy(pooling.backward(np.ones((2, 1))))
    assert (dx.sum(axis=1) == 1).all()
    assert dx[1, 2] == 0
