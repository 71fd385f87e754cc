"""A checkpoint is read by either backend as either wrote it, and a save that fails leaves the one before."""

from __future__ import annotations

import json
import os
import zipfile
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from numnet.models.checkpoint import Checkpoint, save_checkpoint
from parity_tests.small import (
    TOKENS,
    VOCABULARY,
    assert_same,
    python,
    small_checkpoint,
    small_model,
    small_trainer,
    weights,
)

BACKENDS = [numnet, torchnet]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A checkpoint in a folder of its own."""
    return small_checkpoint(tmp_path / "run")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("writer", "reader"), [*product(BACKENDS, BACKENDS)])
def test_either_backend_reads_what_either_wrote(writer: Any, reader: Any, dtype: str, tmp_path: Path) -> None:
    model = small_model(writer, dtype, dropout=0.2)
    writer.save_checkpoint(tmp_path / "a" / "b.npz", model, VOCABULARY)
    checkpoint = reader.load_checkpoint(str(tmp_path / "a" / "b.npz"))
    again = reader.RNNModel.from_checkpoint(checkpoint)
    assert type(again) is reader.RNNModel
    assert again.config() == model.config()
    assert checkpoint.vocabulary.config() == VOCABULARY.config()
    assert_same(weights(again), weights(model))
    x = TOKENS[:60].reshape(4, 15)
    ours, theirs = again.predict(x), model.predict(x)
    assert ours.dtype == theirs.dtype == dtype
    allowed = 0 if reader is writer else {"float32": 1e-6, "float64": 1e-14}[dtype]
    assert np.linalg.norm(ours - theirs) <= allowed * np.linalg.norm(theirs)


def test_numpy_alone_reads_it(path: Path) -> None:
    with np.load(path, allow_pickle=False) as archive:
        names = {"config", "vocabulary", "training", "weights/layers.0.W_h", "optimizer/m", "arrays/losses"}
        assert names <= set(archive.files)
        assert json.loads(archive["vocabulary"].tobytes()) == VOCABULARY.config()


@pytest.mark.parametrize("stop", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failing_save_leaves_the_one_before(
    net: Any, stop: BaseException, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(file: Any, **entries: Any) -> None:
        file.write(path.read_bytes()[:999])
        raise stop

    before, files = path.read_bytes(), sorted(path.parent.iterdir())
    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(type(stop)):
        net.save_checkpoint(path, small_model(net, seed=8))
    assert path.read_bytes() == before
    assert sorted(path.parent.iterdir()) == files


def test_a_process_killed_while_saving_leaves_the_one_before(path: Path) -> None:
    script = """if True:
        import os, sys, numpy, numnet
        numpy.savez = lambda file, **entries: (file.write(b"PK half"), file.flush(), os._exit(9))
        checkpoint = numnet.load_checkpoint(sys.argv[1])
        numnet.save_checkpoint(sys.argv[1], numnet.RNNModel.from_checkpoint(checkpoint))
    """
    before = path.read_bytes()
    assert python("-c", script, path).returncode == 9
    assert path.read_bytes() == before


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_file_has_the_mode_that_open_gives(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        save_checkpoint(tmp_path / "x.npz", small_model(numnet))
        (tmp_path / "plain").open("w").close()
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert (tmp_path / "x.npz").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_model_without_weights_is_kept_with_its_dtype(tmp_path: Path) -> None:
    model = numnet.RNNModel([numnet.Tanh()], dtype="float64")
    model(np.ones((2, 3)))
    assert model.config()["dtype"] == "float64"
    numnet.save_checkpoint(tmp_path / "model.npz", model)
    again = numnet.RNNModel.from_checkpoint(numnet.load_checkpoint(tmp_path / "model.npz"))
    assert again.config() == model.config()


@pytest.mark.parametrize("name", ["hidden_size", "output_size", "input_size", "proj_size"])
def test_no_size_may_be_larger_than_the_weights(name: str) -> None:
    config = {"layers": [{"type": "LSTMLayer", name: 5}], "loss": None, "input_size": 4, "seed": 0, "dtype": "float32"}
    with pytest.raises(numnet.CheckpointError, match=f"{name} of LSTMLayer is 5, larger than any axis of the weights"):
        numnet.RNNModel.from_checkpoint(Checkpoint("run.npz", config, {"W": np.zeros((2, 4))}))


def test_no_size_is_allowed_where_there_are_no_weights() -> None:
    config = {"layers": [{"type": "Dense", "output_size": 1}], "loss": None, "input_size": 1}
    with pytest.raises(numnet.CheckpointError, match="output_size of Dense is 1, larger than any axis of the weights"):
        numnet.RNNModel.from_checkpoint(Checkpoint("run.npz", config, {}))


def test_a_checkpoints_model_is_made_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numnet.RNNModel, "usable_device", classmethod(lambda cls, device: device))
    model = numnet.RNNModel([numnet.Dense(2)], input_size=3)
    checkpoint = Checkpoint("run.npz", model.config(), model.state_dict())
    assert numnet.RNNModel.from_checkpoint(checkpoint, "elsewhere").device == "elsewhere"


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


def test_what_a_run_writes_down_is_json_for_every_reader(tmp_path: Path) -> None:
    small_trainer(numnet, small_model(numnet), validation=None, directory=tmp_path).fit(steps=1)
    record = np.load(tmp_path / "last.npz")["training"].tobytes()
    assert json.loads(record, parse_constant=pytest.fail)["best"] is None
