"""Whatever is wrong with the command line is reported on one line, with exit status 2 and without a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from numnet import RNNModel, load_checkpoint, save_checkpoint
from parity_tests.program import CHAR_LM, STACK, TINY, stopped_run, write_text
from parity_tests.small import python


@pytest.fixture
def trained(tmp_path: Path) -> list[Any]:
    return stopped_run(tmp_path)


def refused(*arguments: Any, causes: list[str]) -> None:
    """Exit status 2 and one line that says why."""
    done = python(CHAR_LM, *arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.endswith("\n")
    assert done.stderr.count("\n") == 1, done.stderr
    for cause in causes:
        assert cause in done.stderr


@pytest.mark.parametrize(
    ("options", "causes"),
    [
        (["--layers", "lstm:9"], ["lstm:9", STACK]),
        (["--dtype", "float32"], ["float32", "float64"]),
        (["--optimizer", "sgd"], ["SGD"]),
        (["--batch-size", "3"], ["batch"]),
        (["--dropout", "0.5"], ["dropout 0.5", STACK]),
    ],
)
def test_a_run_that_cannot_be_gone_on_with(options: list[str], causes: list[str], trained: list[Any]) -> None:
    refused(*trained, "--resume", "--steps", 9, *options, causes=causes)


def test_a_run_that_is_not_there_makes_no_folder(trained: list[Any], tmp_path: Path) -> None:
    refused(*trained, "--resume", "--checkpoint", tmp_path / "nowhere", causes=["last.npz"])
    assert not (tmp_path / "nowhere").exists()


def test_another_text_is_another_run(trained: list[Any], tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text(write_text(tmp_path).read_text(encoding="utf-8").replace("fox", "cat"), encoding="utf-8")
    refused(*trained, "--text", other, "--resume", causes=["checksum"])


def test_a_spoilt_checkpoint_is_one_line(trained: list[Any], tmp_path: Path) -> None:
    path = tmp_path / "run" / "last.npz"
    path.write_bytes(path.read_bytes()[:-99])
    refused(*trained, "--resume", "--steps", 9, causes=[str(path), "zip"])


def test_a_run_without_a_vocabulary_is_one_line(trained: list[Any], tmp_path: Path) -> None:
    path = tmp_path / "run" / "last.npz"
    save_checkpoint(path, RNNModel.from_checkpoint(load_checkpoint(path)))
    refused(*trained, "--resume", "--steps", 9, causes=[str(path), "vocabulary"])


@pytest.mark.parametrize(
    ("options", "causes"),
    [
        ("--text {tmp}/missing.txt", ["missing.txt"]),
        ("--text {tmp}", ["this is a folder"]),
        ("--text {tmp}/latin.txt", ["latin.txt", "byte 3"]),
        ("--text {tmp}/empty.txt", ["empty.txt", "empty"]),
        ("--text {tmp}/short.txt", ["28 tokens", "33"]),
        ("--layers lstm:8,foo:3", ["'foo:3'", "rnn|gru|lstm"]),
        ("--layers lstm:0", ["hidden_size"]),
        ("--layers lstm:1000000000000000", ["allocate"]),
        ("--device cuda", ["cuda", "torchnet"]),
        ("--prompt=", ["prompt is empty"]),
        ("--temperature -1", ["temperature"]),
        ("--top-k 0", ["top_k"]),
        ("--batch-size 0", ["--batch-size"]),
        ("--dropout 1", ["1.0"]),
        ("--learning-rate 0", ["--learning-rate"]),
        ("--learning-rate nan", ["--learning-rate"]),
        ("--validation-fraction 1", ["validation_fraction"]),
        ("--sample-length -1", ["sample"]),
        ("--steps -1", ["steps"]),
        ("--seconds -1", ["--seconds"]),
        ("--seconds nan", ["--seconds"]),
        ("--seed -1", ["--seed"]),
        ("--layers=", ["--layers"]),
        ("--layers lstm:²", ["lstm:²"]),
        ("--steps three", ["--steps", "three"]),
        ("--backend keras", ["--backend", "keras"]),
        ("--resume", ["--checkpoint"]),
        ("--json {tmp}", ["{tmp}"]),
        ("--checkpoint {tmp}/short.txt", ["short.txt"]),
        ("--plot {tmp}/loss.nonsense", ["nonsense"]),
    ],
)
def test_bad_input_is_one_line_and_exit_2(options: str, causes: list[str], tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "short.txt").write_text("the text is short, very short..", encoding="utf-8")
    given, expected = ([part.format(tmp=tmp_path) for part in parts] for parts in (options.split(), causes))
    refused("--text", write_text(tmp_path), *TINY, "--steps", 2, *given, causes=expected)


@pytest.mark.parametrize("device", ["cuda", "nonsense"])
def test_a_device_that_is_not_there(device: str, tmp_path: Path) -> None:
    options = ["--backend", "torchnet", "--device", device, "--text", write_text(tmp_path), *TINY]
    done = python(CHAR_LM, *options, CUDA_VISIBLE_DEVICES="")
    assert (done.returncode, done.stderr.count("\n"), device in done.stderr) == (2, 1, True), done.stderr
