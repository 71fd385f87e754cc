"""Options of losses: reduction, weights of classes and labels, smoothing; and in models, a Trainer and a Tape.

The values and gradients are compared with PyTorch's in test_torch.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from numnet.check import check_gradients
from numnet.core.arrays import to_numpy

LENGTHS = np.array([2, 3])
LABELLED: dict[str, dict[str, Any]] = {
    "SoftmaxCrossEntropy": {"class_weights": np.array([0.5, 2.0, 1.0]), "label_smoothing": 0.1, "reduction": "sum"},
    "BinaryCrossEntropy": {"pos_weight": [3.0, 1.0, 0.1], "weight": np.float32(0.5)},
}


@pytest.mark.parametrize("kind", LABELLED)
@pytest.mark.parametrize(("written_by", "read_by"), [(numnet, torchnet), (torchnet, numnet)])
def test_weights_are_saved_for_either_backend(kind: str, written_by: Any, read_by: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((4, 5, 2)), rng.integers(0, 2, (4, 5, 3)[: 2 + (kind == "BinaryCrossEntropy")])
    model = written_by.RNNModel(
        [written_by.Dense(3)], getattr(written_by, kind)(**LABELLED[kind]), input_size=2, dtype="float64"
    )
    written_by.save_checkpoint(tmp_path / "model.npz", model)
    other = read_by.RNNModel.from_checkpoint(read_by.load_checkpoint(tmp_path / "model.npz"))
    assert other.config()["loss"] == model.config()["loss"]
    assert repr(other.loss) == repr(model.loss)
    assert float(other.evaluate(x, target)) == pytest.approx(float(model.evaluate(x, target)), rel=1e-12)
    assert other.loss.in_nats is False


@pytest.mark.parametrize("kind", ["SoftmaxCrossEntropy", "BinaryCrossEntropy", "MeanSquaredError", "QuantileLoss"])
def test_the_loss_of_each_target_has_the_shape_of_the_targets(net: Any, kind: str) -> None:
    """0 at padding, whose upstream gradient may be NaN; the mean of the others is the mean."""
    rng = np.random.default_rng(0)
    options = {"quantiles": [0.2, 0.7]} if kind == "QuantileLoss" else {}
    y = rng.standard_normal((2, 3, 2 if kind in ("SoftmaxCrossEntropy", "QuantileLoss") else 1))
    targets = rng.integers(0, 2, (2, 3))
    each, mean = (getattr(net, kind)(**options, reduction=reduction) for reduction in ("none", "mean"))
    real = np.arange(3) < LENGTHS[:, None]
    for target in (targets, targets[..., None]):
        for mask in (LENGTHS, real, real.reshape(target.shape)):
            losses = to_numpy(each(y, target, mask))
            assert losses.shape == target.shape
            assert (losses[~real] == 0).all()
            assert losses[real].mean() == pytest.approx(to_numpy(mean(y, target, mask)), rel=1e-12)
            assert each.counted == mean.counted == 5
            upstream = np.where(real, 1 / 5, np.nan).reshape(target.shape)
            np.testing.assert_allclose(each.backward(upstream), mean.backward(), rtol=1e-12)
    with pytest.raises(ValueError, match=rf"{kind}: dy is \(\), expected \(2, 3, 1\)"):
        each.backward()


def test_the_losses_of_packed_targets_are_packed(net: Any) -> None:
    rng, loss = np.random.default_rng(0), net.SoftmaxCrossEntropy(reduction="none")
    prediction, target = net.pack(np.split(rng.standard_normal((5, 4)), [2])), net.pack([[0, 1], [2, 3, 0]])
    losses = loss(prediction, target)
    assert losses.lengths.tolist() == [2, 3]
    assert losses.values.shape == (5,)
    gradient = loss.backward(losses.like(np.ones(5)))
    assert gradient.values.shape == (5, 4)
    np.testing.assert_array_equal(gradient.values, loss.backward(np.ones(5)).values)


def test_a_class_of_weight_0_does_not_count(net: Any) -> None:
    rng, weights = np.random.default_rng(0), [1.0, 0.0, 2.0]
    logits, classes = rng.standard_normal((6, 3)), np.array([0, 1, 2, 1, 0, 0])
    loss = net.SoftmaxCrossEntropy(class_weights=weights)
    value = to_numpy(loss(logits, classes))
    assert loss.counted == 5
    assert value == pytest.approx(to_numpy(loss(logits[[0, 2, 4, 5]], classes[[0, 2, 4, 5]])), rel=1e-12)
    for smoothing in (0.0, 0.1):
        loss = net.SoftmaxCrossEntropy(class_weights=weights, label_smoothing=smoothing)
        with pytest.warns(UserWarning, match="no target is counted"):
            value = loss(logits, np.ones(6, int))
        assert to_numpy(value) == 0
        assert (np.asarray(loss.backward()) == 0).all()


def test_a_target_that_does_not_count_has_no_class_weight(net: Any) -> None:
    logits, options = np.random.default_rng(0).standard_normal((3, 2)), {"class_weights": [1.0, 3.0]}
    expected = to_numpy(net.SoftmaxCrossEntropy(**options)(logits[:2], [0, 1]))
    ignoring = net.SoftmaxCrossEntropy(ignore_index=-100, **options)
    masked = net.SoftmaxCrossEntropy(**options)
    for loss, mask in ((ignoring, None), (masked, [True, True, False])):
        assert to_numpy(loss(logits, [0, 1, -100], mask)) == pytest.approx(expected, rel=1e-12)
        assert loss.counted == 4


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_an_infinite_logit_of_a_class_of_weight_0_adds_nothing(net: Any, smoothing: float) -> None:
    loss, found = net.SoftmaxCrossEntropy(class_weights=[1.0, 0.0, 2.0], label_smoothing=smoothing), []
    for lowest in (-np.inf, -1e3):  # a class whose probability is 0
        logits = np.array([[1.0, lowest, 0.5], [0.2, lowest, 0.1]])
        value = to_numpy(loss(logits, [0, 2]))
        found.append((value, np.array(to_numpy(loss.backward()))))
    for infinite, finite in zip(*found):
        np.testing.assert_allclose(infinite, finite, rtol=1e-12)


WRONG_OPTIONS: dict[str, tuple[str, dict[str, Any], str]] = {
    "reduction": ("MeanSquaredError", {"reduction": "average"}, "one of 'mean', 'sum', 'none'"),
    "smoothing": ("SoftmaxCrossEntropy", {"label_smoothing": 1.5}, "label_smoothing is 1.5, expected 0 to 1"),
    "negative": ("SoftmaxCrossEntropy", {"class_weights": [1, -1]}, "class_weights has -1, expected finite"),
    "zeros": ("SoftmaxCrossEntropy", {"class_weights": [0, 0]}, "expected at least one above 0"),
    "a table": ("SoftmaxCrossEntropy", {"class_weights": [[1, 2]]}, r"has the shape \(1, 2\), expected a list of V"),
    "infinite": ("BinaryCrossEntropy", {"pos_weight": np.inf}, "pos_weight has inf"),
    "delta": ("HuberLoss", {"delta": 0}, "delta is 0, expected a number above 0"),
}


@pytest.mark.parametrize("name", WRONG_OPTIONS)
def test_wrong_options_are_refused(net: Any, name: str) -> None:
    kind, options, message = WRONG_OPTIONS[name]
    with pytest.raises(ValueError, match=message):
        getattr(net, kind)(**options)


def test_weights_have_the_width_of_the_logits(net: Any) -> None:
    with pytest.raises(ValueError, match=r"prediction is \(2, 4\), expected \(..., 3\): class_weights has 3 weights"):
        net.SoftmaxCrossEntropy(class_weights=[1, 2, 3])(np.zeros((2, 4)), [0, 1])
    with pytest.raises(ValueError, match=r"pos_weight has 3 numbers.*reduction=\"none\""):
        net.BinaryCrossEntropy(pos_weight=[1, 2, 3])(np.zeros((3, 4)), np.zeros((3, 4)))
    with pytest.raises(TypeError, match=r"class_weights is a dictionary, .*\[weights.get\(k, 1.0\)"):
        net.SoftmaxCrossEntropy(class_weights={0: 1.0, 1: 2.0})


def test_a_model_trains_on_one_number(net: Any) -> None:
    message = (
        r"the reduction of the loss is 'none', expected 'mean' or 'sum'.*model.backward\(loss.backward\(weights\)\)"
    )
    with pytest.raises(ValueError, match=f"RNNModel: {message}"):
        net.RNNModel([net.Dense(2)], net.MeanSquaredError(reduction="none"))
    model = net.RNNModel([net.Dense(2)], net.MeanSquaredError())
    with pytest.raises(ValueError, match=f"RNNModel: {message}"):
        model.loss = net.MeanSquaredError(reduction="none")
    with pytest.raises(TypeError, match="reduction is set to 'none', expected no change after construction"):
        model.loss.reduction = "none"


def test_the_remedy_trains_with_a_weight_for_each_target(net: Any) -> None:
    """As a model with a loss does, if all weights are 1/N."""
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((4, 5, 3)), rng.integers(0, 2, (4, 5))
    with_loss = net.RNNModel([net.GRULayer(4), net.Dense(2)], net.SoftmaxCrossEntropy(), input_size=3, dtype="float64")
    without = net.RNNModel([net.GRULayer(4), net.Dense(2)], input_size=3, dtype="float64")
    loss = net.SoftmaxCrossEntropy(reduction="none")
    with_loss.zero_grad()
    with_loss.loss_and_grads(x, target)
    without.zero_grad()
    loss(without(x), target)
    without.backward(loss.backward(np.full((4, 5), 1 / 20)))
    for name, gradient in with_loss.grads.items():
        np.testing.assert_allclose(to_numpy(without.grads[name]), to_numpy(gradient), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("kind", ["SoftmaxCrossEntropy", "MeanSquaredError"])
def test_reports_of_a_sum_are_per_target(net: Any, kind: str) -> None:
    """The gradient is that of the sum; the losses in the history, and of evaluate, are those of a mean."""
    rng = np.random.default_rng(0)
    sequences = [rng.standard_normal((length, 3)) for length in (5, 2, 4, 1, 3)]
    targets = [
        rng.integers(0, 2, len(x)) if kind.startswith("S") else rng.standard_normal((len(x), 2)) for x in sequences
    ]
    rows: list[tuple[Any, ...]] = []
    for reduction in ("mean", "sum"):
        batches = net.SequenceBatches(sequences, targets, 2)
        loss = getattr(net, kind)(reduction=reduction)
        model = net.RNNModel([net.RNNLayer(3), net.Dense(2)], loss, input_size=3, dtype="float64")
        before = net.evaluate(model, batches)
        history = net.Trainer(model, net.SGD(1e-30), batches, validation=batches, progress=False).fit(epochs=1)
        rows.append((before, history.losses, history.rows[0]["train_loss"], history.rows[0]["validation_loss"]))
        model.zero_grad()
        value = model.loss_and_grads(sequences[0][None], targets[0][None])
        rows[-1] += (float(value) / (loss.counted if reduction == "sum" else 1),)
    for mean, summed in zip(*rows):
        np.testing.assert_allclose(summed, mean, rtol=1e-12)


def test_a_smoothed_or_weighted_loss_is_no_perplexity(net: Any) -> None:
    assert net.SoftmaxCrossEntropy(reduction="sum").in_nats
    assert not net.SoftmaxCrossEntropy(label_smoothing=0.1).in_nats
    assert not net.SoftmaxCrossEntropy(class_weights=[1, 2]).in_nats


def test_a_smoothed_and_weighted_loss_is_reported_by_the_names_of_its_tokens(net: Any) -> None:
    """The metrics are those of the targets, without weights."""
    rows = []
    for options in ({}, {"class_weights": [1.0, 5.0, 2.0], "label_smoothing": 0.1}):
        batches = net.SequentialBatches(np.arange(60) % 3, 2, 5)
        model = net.RNNModel([net.Embedding(3, 4), net.GRULayer(3), net.Dense(3)], net.SoftmaxCrossEntropy(**options))
        trainer = net.Trainer(
            model, net.SGD(1e-30), batches, progress=False, validation=batches, metrics=["perplexity", "accuracy"]
        )
        rows.append(trainer.fit(steps=2).rows[0])
    plain, weighted = rows
    assert weighted["perplexity"] is None
    assert weighted["bits_per_token"] is None
    for name in ("validation_perplexity", "validation_accuracy"):
        assert weighted[name] == pytest.approx(plain[name], rel=1e-6)


def test_the_loss_of_each_target_on_a_tape(net: Any) -> None:
    """Weighted by the program: the same gradient as that of a weighted mean."""
    rng = np.random.default_rng(0)
    x, target, weights = rng.standard_normal((4, 3)), np.array([0, 1, 1, 0]), np.array([1.0, 0.0, 2.0, 0.5])
    found = []
    for reduction in ("none", "sum"):
        loss = net.SoftmaxCrossEntropy(reduction=reduction)
        tape = net.Tape(dense=net.Dense(2, input_size=3), loss=loss, seed=1, dtype="float64")
        logits = tape.dense(x)
        tape.zero_grad()
        if reduction == "none":
            value = (tape.loss(logits, target) * weights).sum()
        else:
            value = sum(tape.loss(logits[k : k + 1], target[k : k + 1]) * weights[k] for k in range(4))
        tape.backward(value)
        found.append({name: np.array(to_numpy(gradient)) for name, gradient in tape.grads.items()})
    for name, gradient in found[0].items():
        np.testing.assert_allclose(gradient, found[1][name], rtol=1e-10, atol=1e-14)


CHECKED: dict[str, dict[str, Any]] = {
    "SoftmaxCrossEntropy": {"class_weights": [1.0, 0.5, 2.0], "label_smoothing": 0.1},
    "BinaryCrossEntropy": {"pos_weight": [2.0, 0.5, 3.0], "reduction": "none"},
    "QuantileLoss": {"quantiles": [0.1, 0.5, 0.9], "reduction": "sum"},
    "HuberLoss": {"delta": 0.3, "reduction": "none"},
}


@pytest.mark.parametrize("kind", CHECKED)
def test_the_checker_draws_what_the_options_need(net: Any, kind: str) -> None:
    assert check_gradients(getattr(net, kind)(**CHECKED[kind])).passed
