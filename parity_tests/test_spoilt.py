"""A checkpoint that is not as it was written is refused, with its path and the cause, and changes nothing."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import numnet
from numnet.core.checkpoint import CheckpointError
from numnet.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from parity_tests.small import assert_same, small_checkpoint, small_model, small_trainer, weights
from parity_tests.spoilt import FAULTS, WEIGHT_FAULTS, rewrite


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint of a short run, within the working folder."""
    monkeypatch.chdir(tmp_path)
    return small_checkpoint(tmp_path / "run")


def contents(checkpoint: Checkpoint) -> str:
    """All that it holds, as one text."""
    groups = (checkpoint.weights, checkpoint.optimizer, checkpoint.arrays)
    arrays = [{name: (value.dtype.str, value.tolist()) for name, value in group.items()} for group in groups]
    vocabulary = checkpoint.vocabulary and checkpoint.vocabulary.config()
    return json.dumps([checkpoint.config, checkpoint.training, vocabulary, arrays])


@pytest.mark.parametrize("fault", FAULTS)
def test_a_spoilt_file_is_refused_with_path_and_cause(net: Any, fault: str, path: Path) -> None:
    spoil, cause = FAULTS[fault]
    spoil(path)
    with pytest.raises(ValueError, match=cause) as error:
        net.RNNModel.from_checkpoint(net.load_checkpoint(path))
    assert str(path) in str(error.value)
    assert not Path("trapped").exists()


@pytest.mark.parametrize("fault", WEIGHT_FAULTS)
def test_a_refused_file_leaves_the_model_unchanged(net: Any, fault: str, path: Path) -> None:
    model = small_model(net, seed=3)
    before = weights(model)
    FAULTS[fault][0](path)
    trainer = small_trainer(net, model)
    with pytest.raises(ValueError, match=FAULTS[fault][1]):
        trainer.resume(net.load_checkpoint(path))
    assert_same(weights(model), before)
    assert trainer.step == 0


@pytest.mark.parametrize("missing", ["optimizer/m", "arrays/losses"])
def test_a_run_without_a_part_of_it_changes_nothing(net: Any, missing: str, path: Path) -> None:
    rewrite(path, {missing: None})
    trainer = small_trainer(net, small_model(net, seed=3))
    before = weights(trainer.model)
    with pytest.raises(ValueError, match=rf"\b{missing.partition('/')[2]}\b"):
        trainer.resume(net.load_checkpoint(path))
    assert_same(weights(trainer.model), before)


def test_no_such_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        load_checkpoint(tmp_path / "nothing.npz")


def flip(path: Path, raw: bytes, place: int, bit: int) -> None:
    """The file with one bit turned over."""
    path.write_bytes(raw[:place] + bytes([raw[place] ^ 1 << bit]) + raw[place + 1 :])


def refused_or_the_same(path: Path, raw: bytes, place: int, bit: int, expected: str) -> None:
    """One bit flipped: refused, or, where the bit has no meaning, read as it was."""
    flip(path, raw, place, bit)
    try:
        found = contents(load_checkpoint(path))
    except CheckpointError as error:
        found = expected if str(path) in str(error) else str(error)
    assert found == expected, f"bit {bit} of byte {place}"


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed(place: float, bit: int, path: Path) -> None:
    other, raw = path.with_name("flipped.npz"), path.read_bytes()
    refused_or_the_same(other, raw, int(place * len(raw)), bit, contents(load_checkpoint(path)))


def test_every_bit_of_an_array_and_of_the_directory_counts(tmp_path: Path) -> None:
    model = numnet.RNNModel([numnet.Dense(2)], input_size=2)
    save_checkpoint(tmp_path / "x.npz", model)
    raw, expected = (tmp_path / "x.npz").read_bytes(), contents(load_checkpoint(tmp_path / "x.npz"))
    values = raw.index(model.params["layers.0.W"].tobytes())
    for place, bit in product(range(values, values + 16), range(8)):
        flip(tmp_path / "y.npz", raw, place, bit)
        with pytest.raises(CheckpointError, match="CRC"):
            load_checkpoint(tmp_path / "y.npz")
    for place, bit in product(range(raw.index(b"PK\1\2"), len(raw)), range(8)):
        refused_or_the_same(tmp_path / "y.npz", raw, place, bit, expected)
