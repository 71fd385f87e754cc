"""Learning rates step by step: schedules are torch's, and begin and end where they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import numnet


def raw_rates(schedule: Any, steps: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.5)
    scheduler, rates = schedule(optimizer), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_schedules_are_torchs() -> None:
    lr = torch.optim.lr_scheduler
    for ours, theirs in (
        (numnet.ConstantSchedule(0.5), lambda o: lr.ConstantLR(o, factor=1.0)),
        (numnet.StepSchedule(0.5, every=4, factor=0.3), lambda o: lr.StepLR(o, 4, 0.3)),
        (numnet.ExponentialSchedule(0.5, 0.9), lambda o: lr.ExponentialLR(o, 0.9)),
        (numnet.CosineSchedule(0.5, steps=20, final=0.1), lambda o: lr.CosineAnnealingLR(o, 20, 0.1)),
    ):
        np.testing.assert_allclose([ours(step) for step in range(20)], raw_rates(theirs, 20), rtol=1e-12)


def test_warm_up_rises_in_a_line_to_the_rate_and_the_cosine_ends_at_its_floor() -> None:
    schedule = numnet.CosineSchedule(1.0, steps=30, warmup=10, final=0.2)
    assert [schedule(step) for step in range(10)] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert schedule(10) == 1.0
    assert schedule(20) == pytest.approx(0.6)
    assert schedule(30) == schedule(99) == pytest.approx(0.2)


def test_a_schedule_with_nothing_but_its_rate_and_length() -> None:
    assert numnet.StepSchedule(1.0, every=2)(2) == 0.1
    assert numnet.CosineSchedule(1.0, steps=4)(0) == 1.0
    assert numnet.CosineSchedule(1.0, steps=4)(4) == 0.0


constant: Any = numnet.ConstantSchedule(0.1)
cosine: Any = numnet.CosineSchedule(0.1, 9)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: numnet.CosineSchedule(0.1, 9, final=-1), "CosineSchedule: final is -1"),
        (lambda: numnet.CosineSchedule(0.1, 9, final=np.inf), "CosineSchedule: final is inf"),
        (lambda: numnet.CosineSchedule(0.1, 9, warmup=-1), "CosineSchedule: warmup is -1"),
        (lambda: numnet.ExponentialSchedule(0.1, np.inf), "ExponentialSchedule: factor is inf"),
        (lambda: numnet.StepSchedule(np.inf, 2), "StepSchedule: learning_rate is inf"),
        (lambda: numnet.StepSchedule(0.1, 2)(-1), "StepSchedule: step is -1"),
        (lambda: constant("a"), "ConstantSchedule: step is 'a'"),
        (lambda: cosine(0.5), "CosineSchedule: step is 0.5"),
    ],
)
def test_numbers_that_no_schedule_has_are_refused(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"{words}, expected"):
        make()


def test_a_rate_that_grows_beyond_a_float_is_infinite() -> None:
    assert numnet.ExponentialSchedule(1.0, 10.0)(400) == numnet.StepSchedule(1.0, 1, 1e200)(2) == np.inf
