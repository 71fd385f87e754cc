"""A search for a learning rate: where it is known which rates diverge, on both backends, and nothing changed by it."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from parity_tests.faults import RATE_FAULTS, Fault, planted
from parity_tests.small import TRAIN, assert_same, small_model, weights


def searched(net: Any, scale: float = 1.0, **options: Any) -> Any:
    model = net.RNNModel([net.Dense(1, bias=False)], net.MeanSquaredError(), input_size=1, dtype="float64")
    model.load_state_dict({"layers.0.W": np.zeros((1, 1))})
    x = scale * np.array([[1.0], [-1.0]])
    options = {"smallest": 1e-4 / scale**2, "largest": 1e3 / scale**2, **options}
    return net.find_learning_rate(model, net.SGD, (x, 3 * x), **options)


@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
def test_the_rates_that_diverge_are_those_above_two_by_the_curvature(scale: float, net: Any) -> None:
    """The loss is (w - 3)² times a = the mean of x²; a step multiplies w - 3 by 1 - 2 η a, divergent above 1 / a."""
    curve, a = searched(net, scale), scale**2
    losses = 9 * a * np.cumprod([1.0, *((1 - 2 * rate * a) ** 2 for rate in curve.rates[:-1])])
    np.testing.assert_allclose(curve.losses, losses, rtol=1e-6)  # (1 - 2 η a)² cancels where η is about 1 / 2a
    ratios = np.array(curve.rates[1:]) / curve.rates[:-1]
    np.testing.assert_allclose(ratios, 1e7 ** (1 / 99))  # 100 rates from 1e-4 to 1e3
    assert curve.suggestion is not None
    assert curve.suggestion < 1 / a < curve.rates[-1]
    assert len(curve.rates) < 100  # it stopped
    assert curve.suggestion * a == pytest.approx(searched(net).suggestion)


def test_the_suggestion_is_where_the_loss_falls_fastest(net: Any) -> None:
    """Of one step for each rate, at a loss that is a sigmoid of log η around 1e-2."""
    curve, rates = searched(net, steps=2), np.geomspace(1e-6, 10, 141)
    found = type(curve)(rates, 1 - 1 / (1 + (0.01 / rates)), window=5)
    assert found.suggestion == pytest.approx(0.01, rel=0.15)  # the distance of two rates
    assert type(curve)(rates, np.linspace(1, 2, 141)).suggestion is None  # it never falls
    np.testing.assert_allclose(type(curve)([1, 2, 3, 4], [1.0, 2.0, 6.0, 3.0], 3).smoothed, [1.5, 3, 11 / 3, 4.5])
    np.testing.assert_allclose(type(curve)([1, 2], [1.0, 2.0], 7).smoothed, [1.5, 1.5])


def run_of(net: Any, kind: str = "Adam") -> Any:
    """A model with dropout, an optimizer with a schedule after three steps, and batches that carry a state."""
    model = small_model(net, "float64", dropout=0.3)
    optimizer = getattr(net, kind)(net.CosineSchedule(0.01, 50), clip_norm=1.0)
    batches = net.SequentialBatches(TRAIN, 3, 7, seed=4)
    trainer = net.Trainer(model, optimizer, batches, progress=False)
    trainer.fit(steps=3)
    return trainer


def test_both_backends_find_the_same(net: Any) -> None:
    found = []
    for backend in (numnet, torchnet):
        trainer = run_of(backend)
        found.append(backend.find_learning_rate(trainer.model, trainer.optimizer, trainer.batches, steps=30))
    np.testing.assert_allclose(found[0].losses, found[1].losses, rtol=1e-8)
    assert found[0].rates == found[1].rates
    assert found[0].suggestion == found[1].suggestion


@pytest.mark.parametrize("kind", ["Adam", "SGDMomentum"])
def test_training_continues_as_if_nothing_had_happened(kind: str, net: Any) -> None:
    runs = [run_of(net, kind) for _ in range(2)]
    schedule, steps = runs[1].optimizer.schedule, runs[1].optimizer.steps
    grads = [np.array(to_numpy(g)) for g in runs[1].model.grads.values()]
    last, calls = runs[1].model.last_state, runs[1].model.layers[1].calls
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    before = random.random(), np.random.random(), torch.rand(1)
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    net.find_learning_rate(runs[1].model, runs[1].optimizer, runs[1].batches, steps=20)
    assert before == (random.random(), np.random.random(), torch.rand(1))
    assert runs[1].optimizer.schedule is schedule
    assert runs[1].optimizer.steps == steps
    assert runs[1].model.last_state is last
    assert runs[1].model.layers[1].calls == calls
    for ours, g in zip(grads, runs[1].model.grads.values()):
        np.testing.assert_array_equal(ours, to_numpy(g))
    for trainer in runs:
        trainer.fit(steps=6)
    assert runs[0].history.losses == runs[1].history.losses
    assert_same(*map(weights, [trainer.model for trainer in runs]))


def test_a_model_that_has_no_parameters_yet_still_has_none(net: Any) -> None:
    model = net.RNNModel([net.GRULayer(4), net.Dense(2)], net.SoftmaxCrossEntropy())
    x = np.random.default_rng(0).standard_normal((9, 4, 3))
    curve = net.find_learning_rate(model, net.Adam, (x, (x[..., 0] > 0).astype(int)), batch_size=4, steps=12)
    assert not model.built
    assert len(curve.losses) == 12


def test_data_of_every_kind_that_can_be_read_again() -> None:
    x, y = np.random.default_rng(0).standard_normal((12, 5, 3)), np.zeros((12, 5), np.int64)
    model = torchnet.RNNModel([torchnet.GRULayer(4), torchnet.Dense(2)], torchnet.SoftmaxCrossEntropy())
    loader = DataLoader(TensorDataset(torch.tensor(x), torch.tensor(y)), batch_size=4, shuffle=True)
    state = torch.get_rng_state()
    for data in (loader, [(x, y)], lambda: [(x, y)], torchnet.SequenceBatches(list(x), list(y), 4)):
        assert len(torchnet.find_learning_rate(model, torchnet.Adam, data, steps=7, largest=1.0).losses) == 7
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(
        TypeError, match=r"find_learning_rate: batches is generator, expected data that can be read again"
    ):
        torchnet.find_learning_rate(model, torchnet.Adam, (batch for batch in [(x, y)]))


@pytest.mark.filterwarnings("error")
def test_an_exploding_loss_ends_the_search(net: Any) -> None:
    x = np.random.default_rng(0).standard_normal((8, 20, 3)).astype("float32")
    layers = [net.RNNLayer(5, activation="relu"), net.Dense(1)]
    model = net.RNNModel(layers, net.MeanSquaredError(), input_size=3, seed=0)
    curve = net.find_learning_rate(model, net.SGD, (x, x[..., :1]), largest=1e8)
    assert 20 < len(curve.losses) < 100
    assert np.isfinite(curve.losses).all()
    with pytest.raises(net.TrainingDiverged, match="the loss is nan"):
        net.find_learning_rate(model, net.SGD, (np.full_like(x, np.nan), x[..., :1]))


WRONG = [
    ({"smallest": 0.0}, "smallest is 0.0, expected a number above 0"),
    ({"largest": float("inf")}, "largest is inf, expected a number above 0, at most"),
    ({"smallest": 1.0, "largest": 0.1}, "smallest is 1.0 and largest 0.1, expected smallest < largest"),
    ({"steps": 1}, "steps is 1, expected at least 2"),
    ({"window": 0}, "window is 0, expected a whole number above 0"),
    ({"optimizer": "adam"}, "optimizer is 'adam', expected an optimizer of"),
    ({"model": 3}, "model is 3, expected a model with a loss"),
]


@pytest.mark.parametrize(("wrong", "words"), WRONG, ids=lambda value: str(value)[:30])
def test_wrong_arguments_are_answered(wrong: dict[str, Any], words: str, net: Any) -> None:
    trainer = run_of(net)
    given = {"model": trainer.model, "optimizer": net.SGD, "batches": trainer.batches, **wrong}
    with pytest.raises((ValueError, TypeError), match=f"^find_learning_rate: {words}"):
        net.find_learning_rate(**given)


def test_a_tape_is_refused(net: Any) -> None:
    tape = net.Tape(dense=net.Dense(2), loss=net.MeanSquaredError())
    with pytest.raises(TypeError, match="find_learning_rate: model is Tape, expected RNNModel or EncoderDecoder"):
        net.find_learning_rate(tape, net.SGD, [(np.ones((1, 2)), np.ones((1, 2)))])


def test_the_curve_is_drawn(net: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    curve = searched(net)
    assert repr(curve).startswith("<LearningRateCurve of ")
    figure = curve.plot(tmp_path / "new" / "rates.png", "title")
    assert (tmp_path / "new" / "rates.png").read_bytes().startswith(b"\x89PNG")
    axes = figure.axes[0]
    assert (axes.get_title(), axes.get_xlabel(), axes.get_xscale()) == ("title", "learning rate", "log")
    assert axes.get_ylabel() == "loss (MeanSquaredError)"
    assert axes.lines[2].get_xdata() == [curve.suggestion]
    with pytest.raises(TypeError, match=r"LearningRateCurve\.draw: axes is 'rates.png', expected axes of matplotlib"):
        curve.draw("rates.png")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"^A plot needs matplotlib: pip install 'numnet\[examples\]'$"):
        curve.plot()


@pytest.mark.parametrize("fault", RATE_FAULTS, ids=lambda fault: fault.name)
def test_a_fault_in_the_search_is_caught(fault: Fault, tmp_path: Path) -> None:
    def numbers(net: Any) -> Any:
        curve = searched(net)
        return curve.rates, curve.losses, curve.smoothed, curve.suggestion

    expected = numbers(numnet)
    with planted(fault, tmp_path) as faulty, np.errstate(all="ignore"):
        assert numbers(faulty) != expected
