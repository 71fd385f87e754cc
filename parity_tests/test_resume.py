"""A run stopped and resumed is the run never stopped, on either backend and across them; Ctrl-C loses nothing."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from parity_tests.small import assert_same_run, small_model, small_trainer

OTHER = {numnet: torchnet, torchnet: numnet}


class Struck:
    """Batches that press Ctrl-C `times` times as batch number k is asked for."""

    def __init__(self, batches: Any, k: int, times: int = 1) -> None:
        self.batches, self.k, self.times, self.carries_state = batches, k, times, batches.carries_state

    def __len__(self) -> int:
        return len(self.batches)

    def epoch(self, number: int) -> Iterator[Any]:
        for k, batch in enumerate(self.batches.epoch(number), number * len(self) + 1):
            for _ in range(self.times if k == self.k else 0):
                signal.raise_signal(signal.SIGINT)
            yield batch


def resumed(net: Any, path: Path, **options: Any) -> Any:
    """New objects, as a new process would make them, and the checkpoint's run in them."""
    checkpoint = net.load_checkpoint(path)
    trainer = small_trainer(net, net.RNNModel.from_checkpoint(checkpoint), **options)
    trainer.resume(checkpoint)
    return trainer


@pytest.mark.parametrize("sampling", ["sequential", "random"])
@pytest.mark.parametrize(("dropout", "dtype"), [(0.0, "float32"), (0.3, "float64")])
def test_resume_is_bit_exact(net: Any, sampling: str, dropout: float, dtype: str, tmp_path: Path) -> None:
    def start(**options: Any) -> Any:
        return small_trainer(net, small_model(net, dtype, dropout), sampling, **options)

    whole = start()
    whole.fit(steps=30)
    start(directory=tmp_path).fit(steps=17)
    rest = resumed(net, tmp_path / "last.npz", sampling=sampling)
    assert rest.step == 17
    rest.fit(steps=30)
    assert len(rest.history.losses) == 30
    assert_same_run(rest, whole)


@pytest.mark.parametrize("name", numnet.OPTIMIZERS)
def test_the_other_backend_goes_on_with_a_run(net: Any, name: str, tmp_path: Path) -> None:
    def optimizer(net: Any) -> Any:
        rate = net.CosineSchedule(0.02, steps=40, warmup=20)
        return net.OPTIMIZERS[name](rate, weight_decay=0.01, clip_norm=0.5)

    whole = small_trainer(net, small_model(net, "float64", 0.2), optimizer=optimizer(net))
    whole.fit(steps=30)
    first = small_trainer(net, small_model(net, "float64", 0.2), optimizer=optimizer(net), directory=tmp_path)
    first.fit(steps=17)
    rest = resumed(OTHER[net], tmp_path / "last.npz", optimizer=optimizer(OTHER[net]))
    rest.fit(steps=30)
    np.testing.assert_allclose(rest.history.losses, whole.history.losses, rtol=1e-9)
    assert rest.history.rows[-1]["validation_loss"] == pytest.approx(
        whole.history.rows[-1]["validation_loss"], rel=1e-9
    )


@pytest.mark.parametrize("steps", [0, 9, 11])
def test_a_finished_run_is_evaluated_and_nothing_else(net: Any, steps: int, tmp_path: Path) -> None:
    done = small_trainer(net, small_model(net), directory=tmp_path)
    done.fit(steps=steps)
    again = resumed(net, tmp_path / "last.npz", directory=tmp_path)
    again.fit(steps=steps)
    assert_same_run(again, done)
    assert [(row["step"], row["validation_loss"]) for row in again.history.rows] == [
        (row["step"], row["validation_loss"]) for row in done.history.rows
    ]
    assert (again.step, again.stale, again.best) == (steps, done.stale, done.best)
    more = resumed(net, tmp_path / "last.npz")
    more.fit(steps=steps + 3)
    done.fit(steps=steps + 3)
    assert_same_run(more, done)


def test_ctrl_c_saves_and_ends(net: Any, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    trainer = small_trainer(net, small_model(net, dropout=0.3), directory=tmp_path)
    trainer.batches = Struck(trainer.batches, 14)
    trainer.fit(steps=30)
    assert (trainer.step, trainer.interrupted) == (14, True)
    assert signal.getsignal(signal.SIGINT) is before
    whole, rest = small_trainer(net, small_model(net, dropout=0.3)), resumed(net, tmp_path / "last.npz")
    for run in (whole, rest):
        run.fit(steps=30)
    assert_same_run(rest, whole)
    trainer.fit(steps=14)
    assert (trainer.interrupted, trainer.history.rows[-1]["step"]) == (False, 14)


@pytest.mark.parametrize("total", [2, 30])
def test_ctrl_c_while_sampling_saves_and_ends(net: Any, total: int, tmp_path: Path) -> None:
    calls = itertools.count()

    def sample() -> str:
        if next(calls) == 0:
            signal.raise_signal(signal.SIGINT)
        return ""

    trainer = small_trainer(net, small_model(net), directory=tmp_path, sample=sample, progress=True)
    try:
        trainer.fit(steps=total)
    except KeyboardInterrupt:
        pytest.fail("Ctrl-C broke into a report")
    assert net.load_checkpoint(tmp_path / "last.npz").training["step"] == trainer.step == min(total, 11)


def test_a_second_ctrl_c_breaks_in(tmp_path: Path) -> None:
    trainer = small_trainer(numnet, small_model(numnet), directory=tmp_path)
    trainer.batches = Struck(trainer.batches, 14, times=2)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            trainer.fit(steps=30)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert numnet.load_checkpoint(tmp_path / "last.npz").training["step"] == 11
