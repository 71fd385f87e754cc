"""What mutation testing found untested in the trainer: what it counts, shows, saves, and goes on with."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import numnet
from parity_tests.small import VOCABULARY, assert_same_run, small_model, small_trainer
from parity_tests.test_resume import Struck


def ragged() -> tuple[Any, Any]:
    """A model, and batches of sequences of 1, 5, 2 and 4 steps."""
    rng = np.random.default_rng(0)
    model = numnet.RNNModel(
        [numnet.GRULayer(3), numnet.Dense(2)], numnet.MeanSquaredError(), input_size=4, dtype="float64"
    )
    x, y = ([rng.standard_normal((length, width)) for length in (1, 5, 2, 4)] for width in (4, 2))
    return model, numnet.SequenceBatches(x, y, batch_size=2, shuffle=False)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by a second each time that it is looked at."""
    monkeypatch.setattr("numnet.training.trainer.time", SimpleNamespace(perf_counter=itertools.count(100).__next__))


@pytest.mark.usefixtures("clock")
def test_a_row_has_the_rate_of_its_step_and_the_tokens_of_a_second() -> None:
    trainer = small_trainer(numnet, small_model(numnet), optimizer=numnet.SGD(numnet.StepSchedule(1.0, 1, 0.5)))
    assert trainer.interrupted is False
    first = trainer.fit(steps=0).rows[-1]
    assert (first["learning_rate"], first["gradient_norm"], first["characters_per_second"]) == (1.0, None, None)
    assert (trainer.interrupted, trainer.seconds) == (False, 0.0)
    for steps, rate in ((1, 1.0), (3, 0.25)):
        row = trainer.fit(steps=steps).rows[-1]
        assert (row["learning_rate"], row["characters_per_second"], row["seconds"]) == (rate, 3 * 7, 3 * steps)
    assert trainer.tokens == 3 * 3 * 7


@pytest.mark.usefixtures("clock")
def test_steps_behind_the_end_of_a_sequence_are_neither_trained_on_nor_counted() -> None:
    model, batches = ragged()
    x, y, lengths = next(batches.epoch())
    expected = model.evaluate(x, y, lengths=lengths)
    trainer = numnet.Trainer(model, numnet.SGD(0.1), batches, progress=False)
    row = trainer.fit(steps=2).rows[-1]
    assert trainer.history.losses[0] == pytest.approx(expected, rel=1e-12)
    assert (trainer.tokens, row["characters_per_second"]) == (1 + 5 + 2 + 4, 6)


def test_a_trainer_shows_how_far_it_is_unless_told_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    said: list[str] = []

    @contextmanager
    def bar(*arguments: Any) -> Iterator[Any]:
        asked.append(arguments)
        yield lambda trainer: None, said.append

    monkeypatch.setattr("numnet.training.trainer.progress_bar", bar)
    model, batches = ragged()
    numnet.Trainer(model, numnet.SGD(0.1), batches).fit(steps=2, seconds=1e9)
    assert (asked, len(said)) == ([(True, 2, 1e9)], 1)
    numnet.Trainer(model, numnet.SGD(0.1), batches, progress=False).fit(steps=2)
    assert (asked[1:], len(said)) == ([(False, 2, None)], 1)


def test_an_interrupted_run_is_saved_where_it_stands(tmp_path: Path) -> None:
    trainer = small_trainer(numnet, small_model(numnet), directory=tmp_path)
    trainer.batches = Struck(trainer.batches, 3)
    trainer.fit(steps=30)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.csv", "last.npz"]
    assert numnet.load_checkpoint(tmp_path / "last.npz").training["step"] == 3


def test_what_a_run_writes_down_is_json_for_every_reader(tmp_path: Path) -> None:
    small_trainer(numnet, small_model(numnet), validation=None, directory=tmp_path).fit(steps=1)
    told = np.load(tmp_path / "last.npz")["training"].tobytes()
    assert json.loads(told, parse_constant=pytest.fail)["best"] is None


def test_a_run_goes_on_with_the_masks_of_its_seeds_whatever_the_seed_of_the_model(tmp_path: Path) -> None:
    def start(seed: int, **options: Any) -> Any:
        layers = [numnet.GRULayer(6, state_dropout=0.3), numnet.Dropout(0.3), numnet.Dense(len(VOCABULARY))]
        model = numnet.RNNModel(layers, numnet.SoftmaxCrossEntropy(), input_size=len(VOCABULARY), seed=seed)
        return small_trainer(numnet, model, **options)

    whole, rest = start(2, directory=tmp_path), start(9)
    whole.fit(steps=2)
    rest.resume(numnet.load_checkpoint(tmp_path / "last.npz"))
    for run in (whole, rest):
        run.fit(steps=4)
    assert_same_run(rest, whole)


def test_an_evaluation_may_leave_targets_out() -> None:
    model, batches = ragged()
    x, y, _ = next(batches.epoch())
    mask = np.arange(5) >= np.array([[3], [1]])
    assert model.evaluate(x, y, mask=mask) == model.loss(model.predict(x), y, mask)
    assert model.evaluate(x, y, mask=mask) != model.evaluate(x, y)
