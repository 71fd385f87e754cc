"""Losses: which targets count, integers and one-hot vectors, packed batches, what a mask leaves out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import numnet
from numnet.core.arrays import to_numpy
from parity_tests.small import x

LENGTHS = np.array([2, 3])


def test_the_loss_of_a_uniform_guess_is_log_v(net: Any) -> None:
    """62 characters: log 62 = 4.13, not the 5.12 that a binary term for every class would make of it."""
    loss = net.SoftmaxCrossEntropy()(np.zeros((2, 3, 62)), np.ones((2, 3), int))
    assert to_numpy(loss) == pytest.approx(math.log(62))


def test_a_mask_or_lengths_count_the_same_targets() -> None:
    loss, y, t = numnet.MeanSquaredError(), np.arange(24.0).reshape(2, 3, 4), np.zeros((2, 3, 4))
    real = np.arange(3) < LENGTHS[:, None]
    expected = (y[real] ** 2).mean()
    for mask in (LENGTHS, real, np.repeat(real[..., None], 4, axis=-1)):
        assert loss(y, t, mask) == pytest.approx(expected, rel=1e-12)
        assert loss.counted == 20
    assert loss(y[0, 0], t[0, 0], np.array([0, 1, 0, 1])) == (1 + 9) / 2


def test_one_hot_targets_may_be_integers() -> None:
    loss, logits = numnet.SoftmaxCrossEntropy(), np.random.default_rng(0).standard_normal((2, 3, 4))
    classes = np.array([[0, 1, 2], [3, 0, 1]])
    assert loss(logits, np.eye(4, dtype=int)[classes]) == pytest.approx(loss(logits, classes), rel=1e-12)


def test_one_hot_targets_know_no_ignored_class_and_one_class_may_be_masked() -> None:
    logits, one_hot = np.random.default_rng(0).standard_normal((2, 3, 4)), np.eye(4)[[[0, 1, 2], [3, 0, 1]]]
    assert numnet.SoftmaxCrossEntropy(ignore_index=1)(logits, one_hot) == numnet.SoftmaxCrossEntropy()(logits, one_hot)
    assert numnet.SoftmaxCrossEntropy()(logits[..., :1], np.zeros((2, 3), int), np.array([3, 1])) == 0


def test_a_packed_prediction_takes_the_bare_values_of_its_targets() -> None:
    rng = np.random.default_rng(0)
    prediction, target = (numnet.pack(np.split(rng.standard_normal((5, 4)), [2])) for _ in range(2))
    for loss, targets in (
        (numnet.MeanSquaredError(), target),
        (numnet.SoftmaxCrossEntropy(), target.like(np.arange(5) % 4)),
    ):
        assert loss(prediction, targets.values) == loss(prediction, targets)


def test_what_the_mask_leaves_out_may_be_anything(net: Any) -> None:
    """NaN in the prediction, a class that is none: neither reaches the loss or a gradient."""
    for loss, fill in ((net.SoftmaxCrossEntropy(), -1), (net.MeanSquaredError(), np.nan)):
        rng, mask = np.random.default_rng(0), np.array([[True, True, False], [True, False, False]])
        prediction = rng.standard_normal((2, 3, 4))
        target = rng.integers(0, 4, (2, 3)) if fill == -1 else rng.standard_normal((2, 3, 4))
        if fill != -1:
            mask = np.repeat(mask[..., None], 4, axis=-1)
        expected = float(to_numpy(loss(prediction, target, mask)))
        gradient = np.array(to_numpy(loss.backward()))
        prediction[~mask], target[~mask] = np.nan, fill
        assert float(to_numpy(loss(prediction, target, mask))) == expected
        np.testing.assert_array_equal(to_numpy(loss.backward()), gradient)


def test_every_target_ignored_is_a_loss_of_0_with_a_warning(net: Any) -> None:
    loss = net.SoftmaxCrossEntropy(ignore_index=0)
    with pytest.warns(UserWarning, match="no target is counted"):
        assert to_numpy(loss(x, np.zeros((2, 3), int))) == 0
    assert (np.asarray(loss.backward()) == 0).all()
