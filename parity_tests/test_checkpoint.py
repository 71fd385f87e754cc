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
import torch

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


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_comes_back_to_the_last_bit(dtype: str, tmp_path: Path) -> None:
    path, made = tmp_path / "model.npz", small_model(torchnet, dtype)
    torchnet.save_checkpoint(path, made)
    again = torchnet.RNNModel.from_checkpoint(torchnet.load_checkpoint(path))
    assert {str(p.dtype) for p in again.params.values()} == {f"torch.{dtype}"}
    assert_same(weights(again), weights(made))
    checkpoint = numnet.load_checkpoint(path)
    if dtype == "bfloat16":
        with pytest.raises(numnet.CheckpointError, match=r"dtype is bfloat16, expected a dtype of numpy.*= 'float32'"):
            numnet.RNNModel.from_checkpoint(checkpoint)
        checkpoint.config["dtype"] = "float32"
    assert_same(weights(numnet.RNNModel.from_checkpoint(checkpoint)), weights(made))


def test_numbers_of_numpy_can_be_saved(net: Any, tmp_path: Path) -> None:
    size, path = np.int32(7), tmp_path / "model.npz"
    layers = [net.Embedding(size, np.int64(3)), net.Dropout(np.float32(0.25)), net.Dense(size)]
    model = net.RNNModel(layers, net.SoftmaxCrossEntropy(ignore_index=np.int8(-1)), input_size=size, seed=np.uint8(3))
    net.save_checkpoint(path, model, training={"step": np.int64(5), "rate": np.float32(0.5), "best": np.array(1.5)})
    assert net.load_checkpoint(path).training == {"step": 5, "rate": 0.5, "best": 1.5}
    assert net.RNNModel.from_checkpoint(net.load_checkpoint(path)).config() == model.config()


WRONG_FILES: list[tuple[Any, str]] = [
    (
        lambda net, path: net.load_checkpoint(path.parent),
        "path is .*a folder.*Its files: best.npz, last.npz",
    ),
    (lambda net, path: net.load_checkpoint(path.with_name("no.npz")), "load_checkpoint: .*no.npz' does not exist"),
    (lambda net, path: net.load_checkpoint(3), "load_checkpoint: path is 3, expected a path"),
    (lambda net, path: net.RNNModel.from_checkpoint(str(path)), r"RNNModel.from_checkpoint: .*load_checkpoint\(path\)"),
    (lambda net, path: net.RNNModel.from_checkpoint(np.load(path)), "checkpoint is NpzFile, expected a Checkpoint"),
    (lambda net, path: net.RNNModel.from_checkpoint({"W": 1}), "checkpoint is dict, .*load_state_dict"),
    (lambda net, path: net.save_checkpoint(path, None), "save_checkpoint: model is None, expected a model or a layer"),
    (lambda net, path: net.save_checkpoint(path, net.GRULayer), "save_checkpoint: model is the class GRULayer"),
    (lambda net, path: net.save_checkpoint(path, {"W": 1}), "save_checkpoint: model is dict, expected a model"),
    (lambda net, path: net.save_checkpoint(path, torch.nn.Linear(2, 2)), "model is Linear.*by torch.save"),
    (lambda net, path: net.save_checkpoint(path.parent, small_model(net)), "which is a folder, expected a file"),
    (lambda net, path: net.save_checkpoint(path / "x.npz", small_model(net)), "last.npz is a file, expected a folder"),
    (lambda net, path: net.save_checkpoint(path, small_model(net), optimizer="adam"), "optimizer is 'adam'"),
    (
        lambda net, path: net.save_checkpoint(path, small_model(net), training={"x": {1}}),
        "configuration contains set",
    ),
    (
        lambda net, path: net.save_checkpoint(path, small_model(net), arrays=[1]),
        r"arrays is \[1\], expected a dict",
    ),
]


@pytest.mark.parametrize(("bad", "words"), WRONG_FILES, ids=[words for _, words in WRONG_FILES])
def test_what_is_no_file_or_no_model_is_refused(net: Any, path: Path, bad: Any, words: str) -> None:
    before = path.read_bytes()
    with pytest.raises((TypeError, ValueError, FileNotFoundError), match=words):
        bad(net, path)
    assert path.read_bytes() == before
    assert sorted(each.name for each in path.parent.iterdir()) == ["best.npz", "history.csv", "last.npz"]


def test_a_file_of_torch_save_is_named(tmp_path: Path, net: Any) -> None:
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "model.npz")
    with pytest.raises(net.CheckpointError, match=r"data\.pkl is no array of numpy\. A file of torch\.save\?"):
        net.load_checkpoint(tmp_path / "model.npz")


def test_a_weight_beyond_the_dtype_is_refused(net: Any, tmp_path: Path) -> None:
    """1e300 would become inf, without a word; a weight that is infinite already is taken."""
    for dtype, value in (("float32", -1e300), ("float16", 1e5)):
        model = net.RNNModel([net.Dense(2)], input_size=3, dtype=dtype)
        before = weights(model)
        for bad in (np.array([0, value]), torch.tensor([0.0, value], dtype=torch.float64)):
            with pytest.raises(ValueError, match=rf"RNNModel: layers.0.b has .*e\+\d+, expected at most .* {dtype}"):
                model.load_state_dict({**before, "layers.0.b": bad})
        assert_same(weights(model), before)
        checkpoint = Checkpoint("run.npz", model.config(), {**before, "layers.0.b": np.array([0, value])})
        with pytest.raises(net.CheckpointError, match=r"layers.0.b has .*, expected at most"):
            net.RNNModel.from_checkpoint(checkpoint)
        model.load_state_dict({**before, "layers.0.b": np.array([0, np.inf])})
        assert weights(model)["layers.0.b"][1] == np.inf
