"""The loop ends when it should, reports what is so, changes nothing by reporting, and stops at what is no number."""

from __future__ import annotations

import itertools
import math
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import numnet
import torchnet
from numnet.core.arrays import to_numpy
from numnet.training.diagnosis import first_nonfinite
from parity_tests.small import (
    TRAIN,
    VALIDATION,
    assert_same,
    assert_same_run,
    ragged_run,
    small_model,
    small_trainer,
    weights,
)


@pytest.mark.parametrize(
    ("totals", "steps"),
    [({"steps": 7}, 7), ({"epochs": 2}, 22), ({"steps": 30, "epochs": 1}, 11), ({"steps": 5, "epochs": 1}, 5)],
)
def test_totals_are_exact(net: Any, totals: dict[str, int], steps: int) -> None:
    trainer, before = small_trainer(net, small_model(net)), signal.getsignal(signal.SIGINT)
    trainer.fit(steps=3)
    history = trainer.fit(**totals)
    assert signal.getsignal(signal.SIGINT) is before
    assert (trainer.step, trainer.optimizer.steps, len(history.losses)) == (steps, steps, steps)
    assert history.rows[-1]["step"] == steps
    assert history.rows[-1]["epoch"] == round(steps / 11, 3)


def test_an_infinite_loss_stops_the_run(net: Any) -> None:
    """Its gradients are finite, so only the loss itself tells."""
    model = net.RNNModel([net.Dense(1)], net.MeanSquaredError(), input_size=1)
    before = weights(model)

    class Far:
        carries_state = False

        def __len__(self) -> int:
            return 1

        def epoch(self, number: int) -> Any:
            return iter([(np.ones((1, 1), np.float32), np.full((1, 1), 1e25, np.float32))])

    with np.errstate(over="ignore"), pytest.raises(net.TrainingDiverged, match="step 1: the loss is inf"):
        net.Trainer(model, net.SGD(1e-30), Far(), progress=False).fit(steps=2)
    assert_same(weights(model), before)


def test_nan_in_the_data_is_named_as_the_cause(net: Any) -> None:
    model = net.RNNModel([net.Dense(1)], net.MeanSquaredError(), input_size=1)
    for x, y, remedy in (
        ([np.nan], [0.0], r"x\[0, 0, 0\] is nan: clean the data"),
        ([1.0], [-np.inf], r"target\[0, 0, 0\] is -inf: clean the data"),
        ([1e30], [1.0], r"No step was taken yet: scale the data, as the largest value of x is 1e\+30"),
    ):
        batches = net.SequenceBatches([np.full((1, 1), x, np.float32)], [np.array([y], np.float32)], 1)
        with np.errstate(over="ignore"), pytest.raises(net.TrainingDiverged, match=remedy):
            net.Trainer(model, net.SGD(0.1), batches, progress=False).fit(steps=1)


def test_no_patience_is_refused(net: Any) -> None:
    with pytest.raises(ValueError, match="Trainer: patience is 0"):
        small_trainer(net, small_model(net), patience=0)


def test_seconds_are_a_total_too(net: Any) -> None:
    trainer = small_trainer(net, small_model(net))
    trainer.fit(seconds=1e-9)
    assert trainer.step == 1
    trainer.fit(seconds=1e-9)
    assert trainer.step == 1
    with pytest.raises(ValueError, match="no end"):
        trainer.fit()


@pytest.mark.parametrize("sampling", ["sequential", "random"])
def test_the_loop_is_the_plain_loop(net: Any, sampling: str) -> None:
    trainer = small_trainer(net, small_model(net), sampling)
    model, optimizer, losses = small_model(net), net.Adam(0.01, clip_norm=1.0), []
    for epoch in range(3):
        state = None
        for x, y in trainer.batches.epoch(epoch):
            model.zero_grad()
            losses.append(float(model.loss_and_grads(x, y, state)))
            optimizer.step(model)
            state = model.last_state if sampling == "sequential" else None
    assert trainer.fit(epochs=3).losses == losses
    assert_same(weights(trainer.model), weights(model))


def test_reports_change_nothing(net: Any) -> None:
    def run(**options: Any) -> Any:
        model = small_model(net, dropout=0.3)
        trainer = small_trainer(net, model, sample=lambda: str(model.predict(TRAIN[None, :7])), **options)
        trainer.fit(steps=15)
        return trainer

    busy = run(evaluate_every=1, progress=True, validation=net.SequentialBatches(TRAIN, 3, 7))
    assert len(busy.history.rows) == 15
    assert busy.model.training
    assert_same_run(busy, run())


def test_early_stopping(net: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    losses = [3.0, 2.0, 2.5, 1.5, 1.5, 1.6, 1.7, 0.1]
    left = iter(losses)
    monkeypatch.setattr("numnet.training.report.mean_loss", lambda *_: next(left))
    trainer = small_trainer(net, small_model(net), directory=tmp_path, evaluate_every=2, patience=3)
    trainer.fit(steps=99)
    assert [row["validation_loss"] for row in trainer.history.rows] == losses[:7]
    assert (trainer.step, trainer.best) == (14, 1.5)
    assert net.load_checkpoint(tmp_path / "best.npz").training["step"] == 8
    assert net.load_checkpoint(tmp_path / "last.npz").training["step"] == 14


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_gradient_that_is_no_number_ends_the_run(net: Any, bad: float, tmp_path: Path) -> None:
    trainer = small_trainer(net, small_model(net), directory=tmp_path)
    trainer.fit(steps=4)
    before, file = weights(trainer.model), (tmp_path / "last.npz").read_bytes()
    right = trainer.model.loss_and_grads

    def wrong(*batch: Any, **lengths: Any) -> Any:
        loss = right(*batch, **lengths)
        trainer.model.grads["layers.2.W_h"][3, 1] = bad
        return loss

    trainer.model.loss_and_grads = wrong
    with pytest.raises(net.TrainingDiverged, match=r"step 5\b.*layers\.2\.W_h"):
        trainer.fit(steps=9)
    assert_same(weights(trainer.model), before)
    assert (tmp_path / "last.npz").read_bytes() == file
    assert (trainer.step, trainer.optimizer.steps, len(trainer.history.losses)) == (4, 4, 4)


def test_a_loss_that_is_no_number_ends_the_run(net: Any) -> None:
    trainer = small_trainer(net, small_model(net))
    trainer.model.load_state_dict({**weights(trainer.model), "layers.3.b": np.full(len(trainer.vocabulary), np.nan)})
    before = weights(trainer.model)
    with pytest.raises(net.TrainingDiverged, match=r"step 1\b.*loss is nan"):
        trainer.fit(steps=1)
    assert_same(weights(trainer.model), before)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("length", [5, 7, 99])
def test_evaluate_is_the_mean_over_all_targets(net: Any, length: int) -> None:
    model = small_model(net, "float64", dropout=0.5)
    rows = (len(VALIDATION) - 1) // 3
    x, y = (VALIDATION[k : k + 3 * rows].reshape(3, rows) for k in (0, 1))
    expected = -np.take_along_axis(log_softmax(model.predict(x)), y[..., None], axis=-1).mean()
    found = net.evaluate(model, net.SequentialBatches(VALIDATION, 3, length, whole=True))
    assert found == pytest.approx(expected, rel=1e-12)


def test_evaluate_with_a_fresh_state_for_each_window(net: Any) -> None:
    model, batches = small_model(net, "float64"), net.RandomBatches(TRAIN, 3, 7)
    x, y = (np.concatenate(part) for part in zip(*batches.epoch(0)))
    expected = -np.take_along_axis(log_softmax(model.predict(x)), y[..., None], axis=-1).mean()
    assert net.evaluate(model, batches) == pytest.approx(expected, rel=1e-12)


def test_evaluation_weighs_by_what_is_counted(net: Any) -> None:
    """Windows with many ignored targets weigh less: one window over all and many give the same mean."""
    model = net.RNNModel([net.GRULayer(5), net.Dense(4)], net.SoftmaxCrossEntropy(0), input_size=4, dtype="float64")
    tokens = np.minimum(np.random.default_rng(0).integers(0, 4, 101), np.arange(101) // 20)
    few, one = (net.SequentialBatches(tokens, 3, length, whole=True) for length in (7, 33))
    assert len(few) == 5
    assert len(one) == 1
    assert net.evaluate(model, few) == pytest.approx(net.evaluate(model, one), rel=1e-12)


@pytest.mark.parametrize("what", ["params", "grads"])
def test_the_first_number_that_is_none_is_named(what: str) -> None:
    model = numnet.RNNModel([numnet.Dense(2)], numnet.MeanSquaredError(), input_size=3)
    assert first_nonfinite(model) == "Every parameter and gradient is finite."
    getattr(model, what)["layers.0.b"][1] = np.inf
    said = {"params": "The parameter layers.0.b is not finite.", "grads": "The gradient of layers.0.b is not finite."}
    assert first_nonfinite(model) == said[what]


def test_an_evaluation_is_the_mean_over_all_targets_of_the_real_steps() -> None:
    rng = np.random.default_rng(0)
    model = numnet.RNNModel(
        [numnet.GRULayer(3), numnet.Dense(2)], numnet.MeanSquaredError(), input_size=4, dtype="float64"
    )
    x, y = ([rng.standard_normal((length, width)) for length in (1, 5, 2)] for width in (4, 2))
    found = numnet.evaluate(model, numnet.SequenceBatches(x, y, batch_size=2, shuffle=False))
    squares = [((model.predict(one[None])[0] - target) ** 2).sum() for one, target in zip(x, y)]
    assert found == pytest.approx(sum(squares) / 16, rel=1e-12)


def test_a_loss_that_is_none_in_nats_has_no_perplexity_and_seconds_have_three_places() -> None:
    rng = np.random.default_rng(0)
    model = numnet.RNNModel([numnet.GRULayer(3), numnet.Dense(2)], numnet.MeanSquaredError(), input_size=4)
    batches = numnet.SequenceBatches(rng.standard_normal((6, 5, 4)), rng.standard_normal((6, 5, 2)), 2)
    trainer = numnet.Trainer(model, numnet.Adam(), batches, progress=False)
    trainer.seconds = 1.23456
    trainer.report()
    assert trainer.history.rows[-1]["seconds"] == 1.235
    row = trainer.fit(steps=2).rows[-1]
    assert (row["perplexity"], row["bits_per_target"]) == (None, None)


def test_no_seconds_are_no_step_and_a_step_takes_no_longer_than_the_run() -> None:
    trainer = small_trainer(numnet, small_model(numnet))
    trainer.fit(seconds=0)
    assert (trainer.step, trainer.optimizer.buffers) == (0, {})
    trainer.fit(steps=3)
    assert 0 < trainer.busy <= trainer.seconds


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
    model, batches = ragged_run()
    x, y, lengths = next(batches.epoch())
    expected = model.evaluate(x, y, lengths=lengths)
    trainer = numnet.Trainer(model, numnet.SGD(0.1), batches, progress=False)
    row = trainer.fit(steps=2).rows[-1]
    assert trainer.history.losses[0] == pytest.approx(expected, rel=1e-12)
    assert (trainer.tokens, row["time_steps_per_second"]) == (1 + 5 + 2 + 4, 6)


def test_an_evaluation_may_leave_targets_out() -> None:
    model, batches = ragged_run()
    x, y, _ = next(batches.epoch())
    mask = np.arange(5) >= np.array([[3], [1]])
    assert model.evaluate(x, y, mask=mask) == model.loss(model.predict(x), y, mask)
    assert model.evaluate(x, y, mask=mask) != model.evaluate(x, y)


class Given:
    """Batches of one's own: the same ones in each epoch, or from an iterator that is used up."""

    carries_state = False

    def __init__(self, items: Any, length: int = 2) -> None:
        self.items, self.length = items, length

    def __len__(self) -> int:
        return self.length

    def epoch(self, number: int) -> Any:
        return self.items


IDS = np.array([[1, 2, 0]])


def tagger(net: Any, loss: Any = None) -> Any:
    return net.RNNModel([net.GRULayer(3), net.Dense(4)], loss or net.SoftmaxCrossEntropy(-1), input_size=4, seed=0)


@pytest.mark.parametrize(
    ("items", "words"),
    [
        (lambda: [], r"batches.epoch\(0\) has no batch.*must return a new one each time"),
        (lambda: (each for each in [(IDS, IDS)] * 2), r"batches.epoch\(1\) has no batch"),
        (lambda: [(IDS, IDS - IDS - 1)] * 2, r"no target of batches.epoch\(0\) counts.*ignore_index"),
        (lambda: [(IDS, IDS, [0])] * 2, r"no target of batches.epoch\(0\) counts.*lengths of 0"),
        (lambda: None, r"batches.epoch\(0\) returns None, expected an iterator of batches"),
        (lambda: [IDS], r"a batch of batches is a ndarray, expected \(x, target\)"),
        (lambda: [{"x": IDS}], r"a batch of batches is a dict, expected \(x, target\)"),
        (lambda: [(IDS, IDS, [3], 1)], r"a batch of batches is a tuple of 4, expected \(x, target\)"),
    ],
)
@pytest.mark.filterwarnings("ignore:SoftmaxCrossEntropy. no target")
def test_data_that_run_out_end_the_run(net: Any, items: Any, words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^Trainer: {words}"):
        net.Trainer(tagger(net), net.SGD(0.1), Given(items()), progress=False).fit(epochs=3)


@pytest.mark.filterwarnings("ignore:SoftmaxCrossEntropy. no target")
def test_a_validation_of_nothing_is_no_loss_of_0(net: Any) -> None:
    for items, words in ((iter([(IDS, IDS)]), "has no batch"), ([(IDS, IDS - IDS - 1)], "counts, expected")):
        if words == "has no batch":
            assert net.evaluate(tagger(net), Given(items)) > 0
        with pytest.raises(ValueError, match=f"evaluate: .*batches.epoch.0. {words}"):
            net.evaluate(tagger(net), Given(items))
        run = net.Trainer(
            tagger(net), net.SGD(0.1), Given([(IDS, IDS)]), Given(items), evaluate_every=1, progress=False
        )
        with pytest.raises(ValueError, match=f"Trainer: .*validation.epoch.0. {words}"):
            run.fit(steps=3)
        assert not run.best < 0.1


@pytest.mark.parametrize("kind", [list, torch.tensor, np.asarray])
def test_batches_may_give_lists_and_tensors(net: Any, kind: Any) -> None:
    x, y = kind([[1, 2, 0], [3, 0, 0]]), kind([[2, 0, 0], [0, 0, 0]])
    trainer = net.Trainer(tagger(net), net.SGD(0.1), Given([(x, y), (x, y, kind([3, 1]))]), progress=False)
    plain = net.Trainer(
        tagger(net),
        net.SGD(0.1),
        Given([(to_numpy(x), to_numpy(y)), (to_numpy(x), to_numpy(y), [3, 1])]),
        progress=False,
    )
    assert trainer.fit(epochs=2).losses == plain.fit(epochs=2).losses
    assert trainer.tokens == 2 * (6 + 4)


LOADER = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(2)))
WRONG_PARTS: list[tuple[dict[str, Any], str]] = [
    ({"model": None}, "model is None, expected a model with a loss"),
    ({"model": "RNNModel"}, "model is 'RNNModel', expected a model with a loss"),
    ({"model": numnet.RNNModel}, r"model is the class RNNModel.*Make an object of the class: RNNModel\(...\)"),
    ({"model": numnet.LSTMLayer(3)}, "model is LSTMLayer, expected a model with a loss.*Put the layers in one"),
    ({"model": torch.nn.Linear(2, 2)}, "model is Linear.*A module of PyTorch needs a training loop of its own"),
    ({"optimizer": "sgd"}, r"optimizer is 'sgd', expected an optimizer of NET. Pass NET.Adam\(0.001\)"),
    ({"optimizer": None}, "optimizer is None, expected an optimizer of NET"),
    ({"optimizer": numnet.AdamW}, r"optimizer is the class AdamW.*Make an object of the class: AdamW\(0.001\)"),
    ({"optimizer": numnet.CosineSchedule(0.1, 9)}, "optimizer is CosineSchedule"),
    ({"optimizer": torch.optim.Adam([torch.zeros(2)])}, "optimizer is Adam of torch, expected an optimizer of NET"),
    ({"batches": torch.ones(2, 3)}, "batches is <float32 tensor .* Arrays"),
    ({"batches": LOADER}, r"a batch of batches is a list of 1, expected \(x, target\)"),
    ({"batches": numnet.RandomBatches}, r"batches is the class RandomBatches.*RandomBatches\(...\)"),
    ({"batches": SimpleNamespace(epoch=iter, carries_state=False)}, "batches is SimpleNamespace.*It has no __len__"),
    ({"batches": Given([], 0)}, r"len\(batches\) is 0, expected at least one batch"),
    ({"validation": iter([(IDS, IDS)])}, "validation is list_iterator, expected data that each report can read"),
    ({"validation": SimpleNamespace(epoch=3, carries_state=False)}, r"It has no method epoch\(k\)"),
    ({"vocabulary": {"a": 0}}, "vocabulary is {'a': 0}, expected a Vocabulary"),
    ({"directory": __file__ + "/run"}, "the folder is .*test_trainer.py is a file, expected a folder"),
]


@pytest.mark.parametrize(("wrong", "words"), WRONG_PARTS, ids=[words for _, words in WRONG_PARTS])
def test_a_wrong_part_is_refused_before_the_first_step(net: Any, wrong: dict[str, Any], words: str) -> None:
    model = tagger(net)
    good = {"model": model, "optimizer": net.SGD(0.1), "batches": Given([(IDS, IDS)]), "progress": False}
    before = weights(model)
    with pytest.raises((TypeError, ValueError), match=f"^Trainer: .*{words.replace('NET', net.__name__)}"):
        net.Trainer(**{**good, **wrong}).fit(steps=1)
    assert_same(weights(model), before)


def test_an_optimizer_of_the_other_backend_is_refused(net: Any) -> None:
    other = torchnet if net is numnet else numnet
    with pytest.raises(TypeError, match=rf"optimizer is Adam of {other.__name__}.*Pass {net.__name__}\.Adam"):
        net.Trainer(tagger(net), other.Adam(), Given([(IDS, IDS)]))


@pytest.mark.parametrize("total", [{"steps": -1}, {"epochs": -2}, {"seconds": -0.5}, {"seconds": math.inf}])
def test_totals_out_of_range_are_refused(net: Any, total: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=rf"Trainer.fit: {next(iter(total))} is .*, expected a .*number, 0 or"):
        small_trainer(net, small_model(net)).fit(**total)


def test_a_loss_that_is_not_finite_has_the_remedy_for_its_cause(net: Any) -> None:
    def said(trainer: Any) -> str:
        with np.errstate(all="ignore"), pytest.raises(net.TrainingDiverged) as caught:
            trainer.fit(steps=9)
        return str(caught.value)

    def run(x: Any, y: Any, lengths: Any, model: Any, rate: float = 0.1) -> Any:
        return net.Trainer(model, net.SGD(rate), Given([(x, y, lengths)]), progress=False)

    x = np.ones((2, 3, 4), np.float32)
    padded, hole = np.array(x), np.array(x)
    padded[1, 2], hole[1, 1, 3] = np.nan, np.inf
    ids = np.zeros((2, 3), int)
    assert "x[1, 1, 3] is inf: clean the data" in said(run(hole, ids, [3, 2], tagger(net)))
    model = tagger(net)
    model.load_state_dict({**weights(model), "layers.1.b": np.array([0, np.nan, 0, 0])})
    found = said(run(padded, ids, [3, 2], model))  # NaN at padding is no cause
    assert "The parameter layers.1.b is not finite." in found
    assert "No step was taken yet: load weights that are finite." in found
    dense = net.RNNModel([net.Dense(4)], net.MeanSquaredError(), input_size=4, seed=0)
    assert "Lower the learning rate" in said(run(x, x, None, dense, 1e9))


def test_the_loss_of_a_report_is_the_mean_over_all_targets(net: Any, tmp_path: Path) -> None:
    """Batches of 7, 2 and 3 targets: the mean of their means is another number."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 4, (6, 5)), rng.integers(0, 4, (6, 5))
    items = [(x[:2], y[:2], [5, 2]), (x[2:4], y[2:4], [1, 1]), (x[4:], y[4:], [3, 0])]
    model = tagger(net)
    trainer = net.Trainer(model, net.SGD(1e-30), Given(items, 3), progress=False, directory=tmp_path)
    row = trainer.fit(epochs=1).rows[-1]
    assert trainer.history.counts == [7, 2, 3]
    assert row["train_loss"] == pytest.approx(net.evaluate(model, Given(items)), rel=1e-5)
    assert row["train_loss"] != pytest.approx(np.mean(trainer.history.losses), rel=1e-3)
    again = net.Trainer(tagger(net), net.SGD(1e-30), Given(items, 3), progress=False)
    again.resume(net.load_checkpoint(tmp_path / "last.npz"))
    assert again.history.counts == [7, 2, 3]


WORDS = numnet.Vocabulary.from_text("a b c d e", unit="word")
FEATURES = np.ones((2, 3, 4), np.float32)
COUNTED: list[tuple[Any, Any, dict[str, Any], str, str, str]] = [
    (IDS, IDS, {"vocabulary": WORDS}, "bits_per_word", "words_per_second", "nats a word"),
    (IDS, IDS, {"token": "letter"}, "bits_per_letter", "letters_per_second", "nats a letter"),
    (IDS, IDS, {}, "bits_per_time_step", "time_steps_per_second", "nats a time step"),
    (FEATURES, np.eye(4)[np.zeros((2, 3), int)], {}, "bits_per_time_step", "time_steps_per_second", "nats a time step"),
    (FEATURES, FEATURES, {}, "bits_per_target", "time_steps_per_second", "MeanSquaredError"),
]


@pytest.mark.parametrize(("x", "y", "options", "bits", "speed", "unit"), COUNTED)
def test_a_report_says_what_it_has_counted(
    net: Any, x: Any, y: Any, options: dict[str, Any], bits: str, speed: str, unit: str
) -> None:
    loss = net.MeanSquaredError() if unit == "MeanSquaredError" else None
    trainer = net.Trainer(tagger(net, loss), net.SGD(0.1), Given([(x, y)]), progress=False, **options)
    history = trainer.fit(steps=1)
    assert history.columns[-2:] == [bits, speed]
    assert {bits, speed} <= set(history.rows[-1])
    assert (history.rows[-1][bits] is None) == (loss is not None)
    assert history.unit == unit
    assert trainer.tokens == x.shape[0] * x.shape[1]


def test_a_classifier_has_a_loss_of_each_sequence(net: Any) -> None:
    model = net.RNNModel(
        [net.Embedding(4, 3), net.GRULayer(3, return_sequences=False), net.Dense(2)], net.SoftmaxCrossEntropy()
    )
    batches = net.SequenceBatches([[1, 2, 3], [1, 2]], [0, 1], 2)
    history = net.Trainer(model, net.SGD(0.1), batches, progress=False).fit(steps=1)
    assert history.columns[-2:] == ["bits_per_sequence", "tokens_per_second"]
    assert history.unit == "nats a sequence"
