"""A rate that falls when the validation loss does not is PyTorch's, and is resumed; schedules are swapped."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import numnet
import torchnet
from parity_tests.small import assert_same, small_model, small_trainer, weights

VALUES = st.lists(st.one_of(st.floats(-2, 2), st.sampled_from([1.0, 0.9999, math.inf, math.nan])), max_size=60)


@given(
    values=VALUES,
    factor=st.sampled_from([0.1, 0.5, 0.9999999]),
    patience=st.integers(0, 3),
    cooldown=st.integers(0, 3),
    threshold=st.sampled_from([0.0, 1e-4, 0.1]),
    least=st.sampled_from([0.0, 0.02]),
    mode=st.sampled_from(["min", "max"]),
    threshold_mode=st.sampled_from(["rel", "abs"]),
)
@settings(max_examples=200)
def test_a_rate_on_a_plateau_is_torchs(
    values: list[float], factor: float, patience: int, cooldown: int, threshold: float, least: float, **modes: str
) -> None:
    own: dict[str, Any] = {"patience": patience, "threshold": threshold, "cooldown": cooldown, **modes}
    raw = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(raw, factor=factor, min_lr=least, **own)
    ours = numnet.ReduceOnPlateau(0.1, factor=factor, min_rate=least, **own)
    for value in values:
        theirs.step(value)
        ours.observe(value)
        assert ours(7) == raw.param_groups[0]["lr"]
        again = numnet.ReduceOnPlateau(0.1, factor=factor, min_rate=least, **own)
        again.load_state_dict(ours.state_dict())
        ours = again


def plateau(net: Any, model: Any, **options: Any) -> Any:
    """A run whose rate is halved at each report that does not improve by much."""
    rate = net.ReduceOnPlateau(0.02, factor=0.5, patience=0, threshold=0.2, cooldown=1)
    optimizer = net.Adam(rate, groups={"layers.0": {"learning_rate": 0.2}})
    return small_trainer(net, model, optimizer=optimizer, evaluate_every=2, **options)


def test_a_trainer_shows_its_validation_loss_to_the_schedule(net: Any) -> None:
    trainer, expected = plateau(net, small_model(net)), net.ReduceOnPlateau(0.02, 0.5, 0, 0.2, 1)
    trainer.fit(steps=15)
    rows = trainer.history.rows
    for row in rows:
        assert row["learning_rate"] == expected(0)
        expected.observe(row["validation_loss"])
    assert 0 < expected(0) < rows[0]["learning_rate"] == 0.02
    assert trainer.optimizer.learning_rates == pytest.approx({"": expected(0), "layers.0": 10 * expected(0)})
    trainer.fit(steps=15)  # reports again, and observes nothing
    assert trainer.optimizer.learning_rate == expected(0)


def test_a_run_with_a_plateau_goes_on(net: Any, tmp_path: Path) -> None:
    whole, first = plateau(net, small_model(net)), plateau(net, small_model(net), directory=tmp_path)
    whole.fit(steps=19)
    first.fit(steps=8)
    for backend in (numnet, torchnet):
        checkpoint = backend.load_checkpoint(tmp_path / "last.npz")
        rest = plateau(backend, backend.RNNModel.from_checkpoint(checkpoint))
        rest.resume(checkpoint)
        rest.fit(steps=19)
        rates = [[row["learning_rate"] for row in run.history.rows if row["step"] > 8] for run in (rest, whole)]
        assert rates[0] == rates[1]
        if backend is net:
            assert_same(weights(rest.model), weights(whole.model))
    other = small_trainer(net, small_model(net), optimizer=net.Adam(0.01, groups={"layers.0": {"beta1": 0.5}}))
    with pytest.raises(
        net.CheckpointError, match=r"state of the schedule has schedule.best, .*, expected nothing, for C"
    ):
        other.resume(net.load_checkpoint(tmp_path / "last.npz"))


def test_a_plateau_needs_the_value_that_the_run_monitors(net: Any) -> None:
    optimizer = net.SGD(net.ReduceOnPlateau(0.1))
    with pytest.raises(
        ValueError, match=r"Trainer: the learning rate is .*observes validation_loss, expected validation"
    ):
        small_trainer(net, small_model(net), optimizer=optimizer, validation=None)
    small_trainer(net, small_model(net), optimizer=optimizer, validation=None, monitor="train_loss")
    with pytest.raises(ValueError, match=r"observes validation_accuracy, expected mode='max'"):
        small_trainer(net, small_model(net), optimizer=optimizer, metrics=["accuracy"], monitor="validation_accuracy")
    wrong: Any
    for wrong in (None, "1", True, [1.0]):
        with pytest.raises(TypeError, match=r"ReduceOnPlateau: value is .*, expected a number, such as"):
            optimizer.schedule.observe(wrong)


@pytest.mark.parametrize("name", ["schedule", "learning_rate"])
def test_a_schedule_that_is_set_later_begins_with_its_step_0(name: str, net: Any, tmp_path: Path) -> None:
    """A warm restart: set again after each period; a resumed run knows where the last one began."""

    def restarted(trainer: Any) -> Any:
        trainer.fit(steps=6)
        setattr(trainer.optimizer, name, net.CosineSchedule(0.02, steps=8))
        return trainer

    def start(rate: float, **options: Any) -> Any:
        return small_trainer(net, small_model(net), optimizer=net.Adam(net.CosineSchedule(rate, steps=8)), **options)

    whole, first = restarted(start(0.03)), restarted(start(0.03, directory=tmp_path))
    schedule = net.CosineSchedule(0.02, steps=8)
    assert whole.optimizer.learning_rate == schedule(0)
    whole.fit(steps=10)
    assert whole.optimizer.learning_rate == schedule(4)
    assert whole.history.rows[-1]["learning_rate"] == schedule(3)
    first.fit(steps=8)
    rest = start(0.02)
    rest.resume(net.load_checkpoint(tmp_path / "last.npz"))
    assert rest.optimizer.learning_rate == schedule(2)
    rest.fit(steps=10)
    assert_same(weights(rest.model), weights(whole.model))


def test_wrong_options() -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"factor": 1.0}, "factor is 1.0, expected 0 or more and less than 1"),
        ({"patience": -1}, "patience is -1"),
        ({"min_rate": -0.1}, "min_rate is -0.1, expected a finite number, 0 or more"),
        ({"mode": "low"}, "mode is 'low'"),
        ({"threshold_mode": "none"}, "threshold_mode is 'none'"),
        ({"learning_rate": np.inf}, "learning_rate is inf"),
    ]
    for options, words in wrong:
        with pytest.raises(ValueError, match=f"ReduceOnPlateau: {words}"):
            numnet.ReduceOnPlateau(**{"learning_rate": 0.1, **options})
