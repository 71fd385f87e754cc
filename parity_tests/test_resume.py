"""A run stopped and resumed is the run never stopped, on either backend and across them; Ctrl-C loses nothing."""

from __future__ import annotations

import copy
import itertools
import math
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from numnet.training.resume import flatten_state, unflatten_state
from parity_tests.small import TRAIN, VOCABULARY, assert_same, assert_same_run, small_model, small_trainer, weights

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


def run_of(folder: Path, steps: int = 4, **options: Any) -> Any:
    """A run of a few steps with a checkpoint."""
    trainer = small_trainer(numnet, small_model(numnet), directory=folder, **options)
    trainer.fit(steps=steps)
    return trainer


@pytest.mark.parametrize("validated", [True, False])
def test_the_best_loss_is_gone_on_with(validated: bool, tmp_path: Path) -> None:
    options: dict[str, Any] = {} if validated else {"validation": None}
    first = run_of(tmp_path, **options)
    rest = small_trainer(numnet, small_model(numnet), **options)
    rest.resume(numnet.load_checkpoint(tmp_path / "last.npz"))
    assert rest.best == first.best
    assert math.isinf(rest.best) != validated


def test_a_run_of_another_optimizer_is_refused_with_its_path_and_leaves_the_model(tmp_path: Path) -> None:
    run_of(tmp_path)
    checkpoint, path = numnet.load_checkpoint(tmp_path / "last.npz"), tmp_path / "last.npz"
    other = small_trainer(numnet, small_model(numnet), optimizer=numnet.SGD(0.1))
    with pytest.raises(numnet.CheckpointError) as caught:
        other.resume(checkpoint)
    assert str(caught.value) == (
        f"Trainer.resume: optimizer is SGD, expected Adam, as in the run of {path}. Pass that optimizer, or start a "
        "new run from its weights: model.load_state_dict(checkpoint.weights)."
    )


def test_what_the_optimizer_refuses_leaves_the_weights_as_they_were(tmp_path: Path) -> None:
    run_of(tmp_path)
    checkpoint = numnet.load_checkpoint(tmp_path / "last.npz")
    rest = small_trainer(numnet, small_model(numnet, seed=5))
    before = weights(rest.model)
    with pytest.raises(numnet.CheckpointError, match="m is"):
        rest.resume(numnet.Checkpoint(**{**vars(checkpoint), "optimizer": {**checkpoint.optimizer, "m": np.zeros(3)}}))
    assert_same(weights(rest.model), before)


@pytest.mark.parametrize("masks", [[], [3, 3]])
def test_masks_of_another_number_of_layers_are_refused(masks: list[int], tmp_path: Path) -> None:
    run_of(tmp_path)
    checkpoint = numnet.load_checkpoint(tmp_path / "last.npz")
    record = {**checkpoint.training, "masks": masks}
    with pytest.raises(numnet.CheckpointError, match=f"masks of {len(masks)} layers, the model has 1"):
        small_trainer(numnet, small_model(numnet)).resume(numnet.Checkpoint(**{**vars(checkpoint), "training": record}))


def test_the_masks_of_attention_go_on_in_a_model_of_another_seed(net: Any, tmp_path: Path) -> None:
    def trainer(seed: int, **options: Any) -> Any:
        layers = [net.Embedding(len(VOCABULARY), 4), net.SelfAttention(2, dropout=0.5), net.Dense(len(VOCABULARY))]
        model = net.RNNModel(layers, loss=net.SoftmaxCrossEntropy(), input_size=len(VOCABULARY), seed=seed)
        return small_trainer(net, model, **options)

    whole, rest = trainer(1, directory=tmp_path), trainer(2)
    whole.fit(steps=2)
    checkpoint = net.load_checkpoint(tmp_path / "last.npz")
    whole.fit(steps=4)
    rest.resume(checkpoint)
    rest.fit(steps=4)
    assert_same_run(rest, whole)


def test_a_run_of_an_older_file_without_seeds_of_masks_goes_on(tmp_path: Path) -> None:
    run_of(tmp_path)
    checkpoint = numnet.load_checkpoint(tmp_path / "last.npz")
    record = copy.deepcopy(checkpoint.training)
    del record["mask_seeds"]
    rest = small_trainer(numnet, small_model(numnet))
    seed = rest.model.layers[1].seed
    rest.resume(numnet.Checkpoint(**{**vars(checkpoint), "training": record}))
    assert (rest.step, rest.model.layers[1].seed) == (4, seed)


def test_a_state_of_nothing_is_none_and_any_other_comes_back() -> None:
    h, c = np.ones((2, 3)), np.zeros((2, 3))
    assert unflatten_state(flatten_state([None, None]), 2) is None
    assert unflatten_state(flatten_state(None), 2) is None
    named = flatten_state([h, None, (h, c), ((h, c), (c, h))])
    assert " ".join(named) == "state/0/0 state/2/0 state/2/1 state/3/0/0 state/3/0/1 state/3/1/0 state/3/1/1"
    found = unflatten_state(named, 4)
    assert found is not None
    assert (found[0] is h, found[1], found[2]) == (True, None, (h, c))
    assert found[3] == ((h, c), (c, h))


def test_a_run_on_other_batches_is_refused_and_batches_that_say_nothing_are_taken(tmp_path: Path) -> None:
    run_of(tmp_path)
    checkpoint = numnet.load_checkpoint(tmp_path / "last.npz")
    rest = small_trainer(numnet, small_model(numnet))
    rest.batches = numnet.SequentialBatches(TRAIN, 2, 7, seed=4)
    with pytest.raises(
        numnet.CheckpointError, match=r"batch_size of the batches is 2, expected 3, .* Pass batch_size=3 as in that run"
    ):
        rest.resume(checkpoint)
    rest.batches = SimpleNamespace(epoch=None, carries_state=True)
    rest.resume(checkpoint)
    assert rest.step == 4


def test_an_interrupted_run_is_saved_where_it_stands(tmp_path: Path) -> None:
    trainer = small_trainer(numnet, small_model(numnet), directory=tmp_path)
    trainer.batches = Struck(trainer.batches, 3)
    trainer.fit(steps=30)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.csv", "last.npz"]
    assert numnet.load_checkpoint(tmp_path / "last.npz").training["step"] == 3


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


def test_a_changed_text_is_named(net: Any, tmp_path: Path) -> None:
    small_trainer(net, small_model(net), directory=tmp_path).fit(steps=2)
    rest = small_trainer(net, small_model(net, seed=7))
    rest.batches, before = net.SequentialBatches(TRAIN[::-1].copy(), 3, 7, seed=4), weights(rest.model)
    with pytest.raises(net.CheckpointError, match=r"tokens of the batches is .*The data is another: pass the text"):
        rest.resume(net.load_checkpoint(tmp_path / "last.npz"))
    assert_same(weights(rest.model), before)
    wrong: Any
    for wrong in (tmp_path / "last.npz", None, {}):
        with pytest.raises(TypeError, match=r"Trainer.resume: checkpoint is .*, expected a Checkpoint"):
            rest.resume(wrong)


class Told:
    """Batches of a user's own, with a config."""

    carries_state = False

    def __init__(self, **config: Any) -> None:
        self.told = config

    def config(self) -> dict[str, Any]:
        return self.told

    def __len__(self) -> int:
        return 1

    def epoch(self, number: int) -> Any:
        return iter([(np.array([[1, 2]]), np.array([[2, 3]]))])


def test_a_config_of_ones_own_is_compared_as_it_was_saved(net: Any, tmp_path: Path) -> None:
    def start(**config: Any) -> Any:
        model = net.RNNModel([net.GRULayer(2), net.Dense(6)], net.SoftmaxCrossEntropy(), input_size=6)
        return net.Trainer(model, net.SGD(0.1), Told(**config), progress=False, directory=tmp_path)

    config = {"sizes": (3, 4), "rows": np.int64(7), "rate": np.float32(0.5), "cuts": np.arange(2), "folds": {1: (2,)}}
    start(**config).fit(epochs=1)
    start(**config).resume(net.load_checkpoint(tmp_path / "last.npz"))
    with pytest.raises(numnet.CheckpointError, match=r"sizes of the batches is \[3, 5\], expected \[3, 4\]"):
        start(**{**config, "sizes": (3, 5)}).resume(net.load_checkpoint(tmp_path / "last.npz"))
    with pytest.raises(TypeError, match=r"Trainer: config\(\) of the batches contains object, expected numbers"):
        start(thing=object()).fit(epochs=1)
