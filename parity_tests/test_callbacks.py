"""Callbacks see a run and may end it; whatever they raise, the work is saved first."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from parity_tests.small import assert_same_run, small_model, small_trainer

STEPS = 11  # in an epoch of small_trainer


def told(net: Any, **options: Any) -> tuple[list[Any], Any]:
    """A run that stores its events."""
    events: list[Any] = []
    callback = net.Callback(
        on_step=lambda run: events.append(("step", run.step)),
        on_evaluation=lambda run, row: events.append(("evaluation", row["step"])),
        on_epoch=lambda run: events.append(("epoch", run.step)),
        on_exception=lambda run, error: events.append((type(error).__name__, run.step)),
    )
    options = {"callbacks": [callback], **options}
    return events, small_trainer(net, small_model(net), **options)


def test_events_come_in_order(net: Any) -> None:
    events, run = told(net, evaluate_every=8)
    run.fit(steps=13)
    expected = [("step", k) for k in range(1, 14)]
    expected.insert(8, ("evaluation", 8))
    expected.insert(12, ("epoch", STEPS))
    assert events == [*expected, ("evaluation", 13)]
    events, run = told(net)
    run.fit(epochs=1)
    assert events[-3:] == [("step", STEPS), ("evaluation", STEPS), ("epoch", STEPS)]


def test_an_object_with_some_of_the_methods_is_a_callback(net: Any) -> None:
    class Mine:
        steps = 0

        def on_step(self, trainer: Any) -> None:
            self.steps += 1

    class Other(net.Callback):
        def on_epoch(self, trainer: Any) -> None:
            mine.steps += 100

    mine = Mine()
    small_trainer(net, small_model(net), callbacks=(mine, Other())).fit(steps=12)
    assert mine.steps == 112


@pytest.mark.parametrize("event", ["on_step", "on_evaluation", "on_epoch"])
def test_a_callback_ends_the_run(net: Any, event: str, tmp_path: Path) -> None:
    """A last report follows, the other callbacks of the event are called, and fit may be called again."""
    after: list[int] = []

    def stop(run: Any, *row: Any) -> None:
        if run.step > 5:
            raise net.StopTraining

    callbacks = [net.Callback(**{event: stop}), net.Callback(on_step=lambda run: after.append(run.step))]
    run = small_trainer(net, small_model(net), callbacks=callbacks, evaluate_every=7, directory=tmp_path)
    history = run.fit(steps=30)
    steps = {"on_step": 6, "on_evaluation": 7, "on_epoch": STEPS}[event]
    assert (run.step, after[-1], history.rows[-1]["step"]) == (steps, steps, steps)
    assert not run.interrupted
    assert net.load_checkpoint(tmp_path / "last.npz").training["step"] == steps
    plain = small_trainer(net, small_model(net))
    plain.fit(steps=steps)
    assert_same_run(run, plain)
    run.events.of_event = {name: [] for name in run.events.of_event}
    assert len(run.fit(steps=20).losses) == 20


@pytest.mark.parametrize("event", ["on_step", "on_evaluation", "on_epoch", "sample", "batches"])
def test_an_exception_loses_no_work(net: Any, event: str, tmp_path: Path) -> None:
    def start(callbacks: Any = (), **options: Any) -> Any:
        return small_trainer(net, small_model(net, dropout=0.3), callbacks=callbacks, evaluate_every=7, **options)

    def bad(*arguments: Any) -> Any:
        if run.step > 5:
            raise KeyError("my own mistake")
        return ""

    seen: list[Any] = []
    last = net.Callback(on_exception=lambda run, error: seen.append((run.step, str(error))))
    callbacks = [net.Callback(**({event: bad} if event.startswith("on") else {"on_step": lambda run: None})), last]
    options = {"directory": tmp_path, **({"sample": bad, "progress": True} if event == "sample" else {})}
    run = start(callbacks, **options)
    if event == "batches":
        epoch = run.batches.epoch
        run.batches.epoch = lambda number: (batch for batch in epoch(number) if bad() is not None)
    with pytest.raises(KeyError, match="my own mistake"):
        run.fit(steps=30)
    assert seen == [(run.step, "'my own mistake'")]
    whole, rest = start(), start()
    rest.resume(net.load_checkpoint(tmp_path / "last.npz"))
    assert rest.step == run.step == {"on_step": 6, "batches": 6, "on_epoch": STEPS}.get(event, 7)
    for each in (whole, rest):
        each.fit(steps=30)
    assert_same_run(rest, whole)


def test_a_step_that_fails_changes_no_file(net: Any, tmp_path: Path) -> None:
    events, run = told(net, directory=tmp_path)
    run.fit(steps=3)
    file = (tmp_path / "last.npz").read_bytes()
    run.optimizer.step = lambda model: 1 / 0
    with pytest.raises(ZeroDivisionError):
        run.fit(steps=9)
    assert (tmp_path / "last.npz").read_bytes() == file
    assert events[-1] == ("ZeroDivisionError", 3)


def test_an_exception_before_the_first_step_is_itself(net: Any, tmp_path: Path) -> None:
    model = net.RNNModel([net.GRULayer(3), net.Dense(2)], net.MeanSquaredError())

    def batches() -> Any:
        raise KeyError("no file")

    with pytest.raises(KeyError, match="no file"):
        net.Trainer(model, net.SGD(0.1), batches, directory=tmp_path, progress=False).fit(steps=1)


def lines(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_csv_of_steps_and_of_reports(net: Any, tmp_path: Path) -> None:
    def start(folder: str) -> Any:
        logs = [
            net.CSVLogger(tmp_path / folder / "steps.csv", every=2),
            net.CSVLogger(tmp_path / folder / "reports.csv"),
        ]
        return small_trainer(net, small_model(net), callbacks=logs, evaluate_every=5, directory=tmp_path / folder)

    whole = start("whole")
    whole.fit(steps=12)
    rows = lines(tmp_path / "whole" / "steps.csv")
    assert [int(row["step"]) for row in rows] == [2, 4, 6, 8, 10, 12]
    assert [float(row["loss"]) for row in rows] == whole.history.losses[1::2]
    assert {float(row["learning_rate"]) for row in rows} == {0.01}
    assert float(rows[-1]["gradient_norm"]) == whole.gradient_norm
    assert lines(tmp_path / "whole" / "reports.csv") == lines(tmp_path / "whole" / "history.csv")
    assert [int(row["step"]) for row in lines(tmp_path / "whole" / "reports.csv")] == [5, 10, 12]
    first = start("parts")
    first.fit(steps=5)
    checkpoint = net.load_checkpoint(tmp_path / "parts" / "last.npz")
    first.fit(steps=9)  # lost: the run is resumed from step 5
    rest = start("parts")
    rest.resume(checkpoint)
    rest.fit(steps=12)
    again = lines(tmp_path / "parts" / "steps.csv")
    assert [[row[name] for name in ("step", "epoch", "loss")] for row in again] == [
        [row[name] for name in ("step", "epoch", "loss")] for row in rows
    ]
    start("parts").fit(steps=3)
    assert [row["step"] for row in lines(tmp_path / "parts" / "steps.csv")] == ["2"]
    (tmp_path / "parts" / "steps.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    rest = start("parts")
    rest.resume(checkpoint)
    with pytest.raises(ValueError, match=r"^CSVLogger: .*steps.csv has other columns, expected step, epoch, seconds"):
        rest.fit(steps=9)


def test_the_rate_of_a_step_is_that_of_a_schedule_that_was_set_during_the_run(net: Any, tmp_path: Path) -> None:
    run = small_trainer(net, small_model(net), callbacks=[net.CSVLogger(tmp_path / "steps.csv", every=1)])
    run.fit(steps=2)
    run.optimizer.schedule = net.StepSchedule(0.04, every=1, factor=0.5)  # begins with its step 0
    run.fit(steps=4)
    assert [float(row["learning_rate"]) for row in lines(tmp_path / "steps.csv")] == [0.01, 0.01, 0.04, 0.02]


class Writer:
    """What tensorboardX has as SummaryWriter."""

    def __init__(self, folder: str) -> None:
        self.folder, self.scalars, self.flushed = folder, [], 0  # type: ignore[var-annotated]

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.scalars.append((name, float(value), step))

    def flush(self) -> None:
        self.flushed += 1


def test_tensorboard(net: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = ModuleType("tensorboardX")
    package.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    monkeypatch.setitem(sys.modules, "tensorboardX", package)
    board = net.TensorBoard(tmp_path, every=2)
    run = small_trainer(net, small_model(net), callbacks=[board], evaluate_every=3, metrics="accuracy")
    run.fit(steps=6)
    writer = board.writer
    assert (writer.folder, writer.flushed) == (str(tmp_path), 2)
    losses = [(value, step) for name, value, step in writer.scalars if name == "step/loss"]
    assert losses == [(run.history.losses[step - 1], step) for step in (2, 4, 6)]
    for name in ("validation_loss", "train_accuracy", "validation_accuracy", "perplexity"):
        found = [(value, step) for each, value, step in writer.scalars if each == f"report/{name}"]
        assert found == [(row[name], row["step"]) for row in run.history.rows], name


def test_tensorboard_is_an_extra(net: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for package in ("torch.utils.tensorboard", "tensorboardX"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=r"TensorBoard needs tensorboardX: pip install 'numnet\[tensorboard\]'"):
        net.TensorBoard(tmp_path)


def test_tensorboard_writes_its_files(net: Any, tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    small_trainer(net, small_model(net), callbacks=[net.TensorBoard(tmp_path)]).fit(steps=2)
    assert [path.stat().st_size > 0 for path in tmp_path.glob("events.out.tfevents.*")] == [True]


WRONG: list[tuple[Any, str]] = [
    (len, "callbacks is builtin_function_or_method, expected a list"),
    ([len], r"callbacks has .*, expected an object with on_step, .* Pass Callback\(on_step=function\)"),
    ([None], "callbacks has None, expected an object with on_step, on_evaluation, on_epoch or on_exception"),
    ([np.zeros(3)], "callbacks has <float64 array"),
]


@pytest.mark.parametrize(("callbacks", "words"), WRONG, ids=[words for _, words in WRONG])
def test_a_wrong_callback_is_refused(net: Any, callbacks: Any, words: str) -> None:
    with pytest.raises(TypeError, match=f"^Trainer: {words}"):
        small_trainer(net, small_model(net), callbacks=callbacks)


def test_wrong_parts_of_callbacks_are_refused(net: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"Trainer: callbacks has the class Callback.*Make an object of the class"):
        small_trainer(net, small_model(net), callbacks=[net.Callback])
    with pytest.raises(TypeError, match="Trainer: callbacks has Callback, expected an object with on_step"):
        small_trainer(net, small_model(net), callbacks=[net.Callback()])
    with pytest.raises(TypeError, match="Callback: on_step is 3, expected a function, or None"):
        net.Callback(on_step=3)
    with pytest.raises(ValueError, match="CSVLogger: every is 0, expected a whole number above 0"):
        net.CSVLogger(tmp_path / "a.csv", every=0)
    with pytest.raises(ValueError, match=r"CSVLogger: path is .*, which is a folder"):
        net.CSVLogger(tmp_path)
