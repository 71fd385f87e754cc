"""Losses: which targets count, integers and one-hot vectors, packed batches, what a mask leaves out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from numnet.core import layout
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


@pytest.mark.parametrize(
    ("prediction", "target"),
    [
        ((2, 5, 3), (2, 5)),
        ((2, 5, 3), (2, 5, 1)),
        ((2, 3), (2,)),
        ((2, 3), (2, 1)),
        ((2, 12), (2, 4)),
        ((2, 4, 3), (2, 4)),
    ],
)
def test_the_quantiles_of_a_target_are_adjacent(net: Any, prediction: tuple[int, ...], target: tuple[int, ...]) -> None:
    """The same loss as that of three quantiles one by one."""
    rng, tau = np.random.default_rng(0), [0.1, 0.5, 0.9]
    y, t, mask = rng.standard_normal(prediction), rng.standard_normal(target), rng.random(target) < 0.7
    mask.flat[0] = True
    together = net.QuantileLoss(tau)
    value = together(y, t, mask)
    each = [net.QuantileLoss(q) for q in tau]
    parts = [y.reshape(*target, 3)[..., k] for k in range(3)]
    alone = [to_numpy(loss(part[..., None], t, mask)) for loss, part in zip(each, parts)]
    assert to_numpy(value) == pytest.approx(np.mean(alone), rel=1e-12)
    gradients = [np.asarray(loss.backward()).reshape(target) / 3 for loss in each]
    np.testing.assert_allclose(together.backward(), np.stack(gradients, axis=-1).reshape(prediction), rtol=1e-12)


def test_the_smallest_loss_of_a_constant_is_at_the_quantile(net: Any) -> None:
    t = np.random.default_rng(0).standard_normal(1001)
    grid = np.sort(t)
    for tau in (0.1, 0.5, 0.9):
        losses = [to_numpy(net.QuantileLoss(tau)(np.full((1001, 1), y), t)) for y in grid[::25]]
        assert abs(np.mean(t < grid[::25][np.argmin(losses)]) - tau) < 0.025


def test_half_of_the_absolute_error_is_the_loss_of_the_median(net: Any) -> None:
    rng = np.random.default_rng(0)
    y, t = rng.standard_normal((2, 3, 4, 1))
    assert to_numpy(net.QuantileLoss(0.5)(y, t)) == pytest.approx(
        to_numpy(net.MeanAbsoluteError()(y, t)) / 2, rel=1e-12
    )
    assert to_numpy(net.HuberLoss(1e-6)(y, t)) == pytest.approx(
        1e-6 * to_numpy(net.MeanAbsoluteError()(y, t)), rel=1e-5
    )


ONE_ANSWER = [
    ((1, 1), (1,)),
    ((1,), (1, 1)),
    ((4, 1), (4,)),
    ((4, 1), (4, 1)),
    ((4,), (4, 1)),
    ((4, 2), (4, 2)),
    ((4, 5, 1), (4, 5)),
]


@pytest.mark.parametrize(("prediction", "target"), ONE_ANSWER)
@pytest.mark.parametrize("kind", ["MeanSquaredError", "MeanAbsoluteError", "HuberLoss", "BinaryCrossEntropy"])
def test_targets_of_one_number_may_have_an_axis_for_it(net: Any, kind: str, prediction: Any, target: Any) -> None:
    rng = np.random.default_rng(0)
    y, t, loss = rng.standard_normal(prediction), rng.random(target), getattr(net, kind)()
    value = loss(y, t)
    gradient = to_numpy(loss.backward())
    assert gradient.shape == prediction
    assert to_numpy(value) == to_numpy(loss(y.reshape(-1), t.reshape(-1)))
    np.testing.assert_array_equal(gradient.reshape(-1), loss.backward())


REFUSED = {
    "MeanSquaredError": ({}, (4, 3), (4,), r"expected \(4, 3\). One number for each sequence\? Use Dense\(1\)"),
    "MeanSquaredError ": ({}, (4, 5, 1), (4,), r"expected \(4, 5, 1\). One target per sequence\?"),
    "SoftmaxCrossEntropy": ({}, (4, 5, 3), (4, 1), r"expected \(4, 5\). One target per sequence\?"),
    "BinaryCrossEntropy": ({}, (4, 3), (4, 1), r"Use Dense\(1\) as the last layer, in place of 3"),
    "HuberLoss": ({}, (4, 5, 3), (4, 3), r"One target per sequence\? Set return_sequences=False"),
    "MeanAbsoluteError": ({}, (4, 1), (1, 4), r"target is \(1, 4\), expected \(4, 1\)"),
    "QuantileLoss": ({"quantiles": [0.1, 0.9]}, (4, 3), (4,), r"prediction is \(4, 3\), expected \(..., 2\)"),
    "QuantileLoss ": ({"quantiles": [0.1, 0.9]}, (4, 5, 2), (4,), r"target is \(4,\), expected \(4, 5, 1\)"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_targets_are_never_broadcast(net: Any, kind: str) -> None:
    options, prediction, target, message = REFUSED[kind]
    with pytest.raises(ValueError, match=message):
        getattr(net, kind.strip())(**options)(np.zeros(prediction), np.zeros(target, int))


def test_classes_may_have_an_axis_of_one_and_integers_in_the_logits_shape_are_one_hot(net: Any) -> None:
    rng, loss = np.random.default_rng(0), net.SoftmaxCrossEntropy()
    logits, classes = rng.standard_normal((3, 4)), np.array([0, 3, 1])
    expected = to_numpy(loss(logits, classes))
    assert to_numpy(loss(logits, classes[:, None])) == expected
    assert to_numpy(loss(logits, np.eye(4, dtype=int)[classes])) == pytest.approx(expected, rel=1e-12)
    for ambiguous in (np.tile(classes[:, None], (1, 4)), np.ones((3, 4), int)):
        with pytest.raises(ValueError, match=r"integers in the shape of the logits.*return_sequences=False"):
            loss(logits, ambiguous)
    ragged = np.eye(4, dtype=int)[classes]
    ragged[2] = 7
    loss(logits, ragged, np.array([True, True, False]))


@pytest.mark.parametrize("wrong", [0, 1, 90, [0.5, 0.5], [], [[0.5]], [0.1, np.nan]])
def test_quantiles_lie_between_0_and_1(net: Any, wrong: Any) -> None:
    with pytest.raises(ValueError, match="QuantileLoss: quantiles"):
        net.QuantileLoss(wrong)
    with pytest.raises(TypeError, match="expected a number between 0 and 1, or a list of them"):
        net.QuantileLoss("median")


def test_a_model_with_quantiles_is_read_by_the_other_backend(tmp_path: Path) -> None:
    model = numnet.RNNModel([numnet.GRULayer(3), numnet.Dense(2)], numnet.QuantileLoss([0.1, 0.9]), input_size=2)
    numnet.save_checkpoint(tmp_path / "model.npz", model)
    other = torchnet.RNNModel.from_checkpoint(torchnet.load_checkpoint(tmp_path / "model.npz"))
    series, target = np.random.default_rng(0).standard_normal((4, 5, 2)), np.zeros((4, 5))
    assert other.evaluate(series, target) == pytest.approx(model.evaluate(series, target), rel=1e-5)
    assert repr(other.loss) == "QuantileLoss([0.1, 0.9])"


@pytest.mark.parametrize("shape", [(5, 4), (2, 5, 4), (3, 2, 5, 4)])
@pytest.mark.parametrize("order", ["C", "F", "time first"])
@pytest.mark.parametrize("options", [{}, {"class_weights": [1.0, 2.0, 0.5, 1.0]}, {"label_smoothing": 0.1}])
def test_a_cross_entropy_of_many_logits_is_computed_a_few_samples_at_a_time(
    shape: Any, order: str, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    logits, classes = rng.standard_normal(shape), rng.integers(0, 4, shape[:-1])
    logits = np.asfortranarray(logits) if order == "F" else logits
    logits = logits.swapaxes(0, -2).copy().swapaxes(0, -2) if order == "time first" else logits
    found = []
    for in_cache in (layout.IN_CACHE, 9, 1):
        monkeypatch.setattr(layout, "IN_CACHE", in_cache)
        for target in (classes, np.eye(4)[classes]):
            loss = numnet.SoftmaxCrossEntropy(**options)
            found.append([loss(logits, target), loss.backward()])
            assert found[-1][1].strides == logits.strides  # the layer below reads it as it wrote the logits
    for k, few in enumerate(found):
        for one, whole in zip(few, found[k % 2]):
            np.testing.assert_allclose(one, whole, rtol=1e-13, atol=1e-15)  # sums of few terms in another order
