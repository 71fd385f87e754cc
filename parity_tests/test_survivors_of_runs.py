"""What mutation testing found untested in a run and its files: resuming, checkpoints, history, evaluation."""

from __future__ import annotations

import copy
import math
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import numnet
from numnet.training.resume import flatten_state, unflatten_state
from parity_tests.small import TRAIN, assert_same, small_model, small_trainer, weights


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
    assert str(caught.value) == f"{path}: not a usable checkpoint: its run had the optimizer Adam, this one has SGD"


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
    told = {**checkpoint.training, "masks": masks}
    with pytest.raises(numnet.CheckpointError, match=r"zip\(\)"):
        small_trainer(numnet, small_model(numnet)).resume(numnet.Checkpoint(**{**vars(checkpoint), "training": told}))


def test_a_run_of_an_older_file_without_seeds_of_masks_goes_on(tmp_path: Path) -> None:
    run_of(tmp_path)
    checkpoint = numnet.load_checkpoint(tmp_path / "last.npz")
    told = copy.deepcopy(checkpoint.training)
    del told["mask_seeds"]
    rest = small_trainer(numnet, small_model(numnet))
    seed = rest.model.layers[1].seed
    rest.resume(numnet.Checkpoint(**{**vars(checkpoint), "training": told}))
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
    with pytest.raises(numnet.CheckpointError, match=r"its run had the batches \{.*'batch_size': 3.*'batch_size': 2"):
        rest.resume(checkpoint)
    rest.batches = SimpleNamespace(epoch=None, carries_state=True)
    rest.resume(checkpoint)
    assert rest.step == 4


def test_an_evaluation_is_the_mean_over_all_targets_of_the_real_steps() -> None:
    rng = np.random.default_rng(0)
    model = numnet.RNNModel(
        [numnet.GRULayer(3), numnet.Dense(2)], numnet.MeanSquaredError(), input_size=4, dtype="float64"
    )
    x, y = ([rng.standard_normal((length, width)) for length in (1, 5, 2)] for width in (4, 2))
    found = numnet.evaluate(model, numnet.SequenceBatches(x, y, batch_size=2, shuffle=False))
    squares = [((model.predict(one[None])[0] - target) ** 2).sum() for one, target in zip(x, y)]
    assert found == pytest.approx(sum(squares) / 16, rel=1e-12)
    assert numnet.evaluate(model, SimpleNamespace(epoch=lambda number: (), carries_state=False)) == 0.0


def test_a_history_makes_its_folder(tmp_path: Path) -> None:
    for _ in range(2):
        numnet.History().to_csv(tmp_path / "new" / "deep" / "history.csv")
    assert (tmp_path / "new" / "deep" / "history.csv").read_text().startswith("step,epoch,")


def test_a_checkpoint_makes_its_folder_and_leaves_nothing_where_it_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError("no room")

    path = tmp_path / "new" / "deep" / "model.npz"
    numnet.save_checkpoint(path, numnet.Dense(2, input_size=3))
    monkeypatch.setattr("numnet.core.checkpoint.open", full, raising=False)
    with pytest.raises(OSError, match="no room"):
        numnet.save_checkpoint(path, numnet.Dense(2, input_size=3))
    assert list(path.parent.iterdir()) == [path]


def test_a_file_with_the_headers_of_numpys_second_version_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    numnet.save_checkpoint(path, numnet.RNNModel([numnet.Dense(2)], input_size=3))
    with np.load(path) as archive:
        entries = dict(archive)
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in entries.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, value, version=(2, 0))
    assert_same(numnet.load_checkpoint(path).weights, {k[8:]: v for k, v in entries.items() if k.startswith("weights")})


def test_a_loss_that_is_none_in_nats_has_no_perplexity_and_seconds_have_three_places() -> None:
    rng = np.random.default_rng(0)
    model = numnet.RNNModel([numnet.GRULayer(3), numnet.Dense(2)], numnet.MeanSquaredError(), input_size=4)
    batches = numnet.SequenceBatches(rng.standard_normal((6, 5, 4)), rng.standard_normal((6, 5, 2)), 2)
    trainer = numnet.Trainer(model, numnet.Adam(), batches, progress=False)
    trainer.seconds = 1.23456
    trainer.report()
    assert trainer.history.rows[-1]["seconds"] == 1.235
    row = trainer.fit(steps=2).rows[-1]
    assert (row["perplexity"], row["bits_per_character"]) == (None, None)


def test_no_seconds_are_no_step_and_a_step_takes_no_longer_than_the_run() -> None:
    trainer = small_trainer(numnet, small_model(numnet))
    trainer.fit(seconds=0)
    assert (trainer.step, trainer.optimizer.memory) == (0, [])
    trainer.fit(steps=3)
    assert 0 < trainer.busy <= trainer.seconds
