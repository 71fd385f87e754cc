"""The examples as a user runs them: the same numbers from either backend, one line for bad input, nothing lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from parity_tests.program import TINY, char_lm, stopped_run, write_text
from parity_tests.small import ROOT, python

SHAKESPEARE = ROOT / "examples" / "shakespeare.py"
BACKENDS = ["numnet", "torchnet"]
KEYS = ["backend", "steps", "losses", "train_loss", "validation_loss", "perplexity", "parameters", "sample"]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return write_text(tmp_path)


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def read(path: Path) -> Any:
    """A file of JSON as the standard has it: no NaN, no Infinity."""
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_both_backends_say_the_same_and_go_on_with_each_others_runs(text: Path, tmp_path: Path) -> None:
    found = {}
    for name in BACKENDS:
        run = tmp_path / name
        options = ["--backend", name, "--text", text, *TINY, "--dropout", 0.2, "--checkpoint", run / "new"]
        done = char_lm(*options, "--steps", 3, "--json", run / "3.json", "--plot", run / "plots" / "loss.png")
        found[name] = read(run / "3.json")
        assert {*KEYS, "characters_per_second"} <= set(found[name])
        assert (found[name]["backend"], found[name]["steps"], len(found[name]["losses"])) == (name, 3, 3)
        assert done.stdout == found[name]["sample"] + "\n"
        assert done.stdout.startswith("The ")
        assert (run / "plots" / "loss.png").read_bytes().startswith(b"\x89PNG")
        assert sorted(path.name for path in (run / "new").iterdir()) == ["best.npz", "history.csv", "last.npz"]
    ours, theirs = (found[name] for name in BACKENDS)
    for key in ("losses", "train_loss", "validation_loss", "perplexity", "bits_per_character"):
        assert ours[key] == pytest.approx(theirs[key], rel=1e-9)
    assert (ours["parameters"], ours["sample"]) == (theirs["parameters"], theirs["sample"])
    assert ours["losses"][2] < ours["losses"][0]
    for reader, writer in (BACKENDS, BACKENDS[::-1]):
        options = ["--backend", reader, "--checkpoint", tmp_path / writer / "new", "--text", text, *TINY[:4]]
        char_lm(*options, "--resume", "--steps", 6, "--json", tmp_path / "6.json")
        found[reader] = read(tmp_path / "6.json")
        assert found[reader]["losses"][:3] == found[writer]["losses"][:3]
    assert found["numnet"]["losses"] == pytest.approx(found["torchnet"]["losses"], rel=1e-9)
    assert len(found["numnet"]["losses"]) == 6


def test_resume_on_the_command_line(tmp_path: Path) -> None:
    trained = stopped_run(tmp_path)
    char_lm(*trained, "--resume", "--steps", 3, "--json", tmp_path / "again.json")
    char_lm(*trained, "--resume", "--steps", 5, "--json", tmp_path / "more.json")
    char_lm(*trained, "--steps", 5, "--json", tmp_path / "whole.json")
    three, again, more, whole = (read(tmp_path / f"{name}.json") for name in ("3", "again", "more", "whole"))
    assert [again[key] for key in KEYS] == [three[key] for key in KEYS]
    assert more["losses"] == whole["losses"]
    assert more["sample"] == whole["sample"]


def test_no_step_at_all_is_an_evaluation(text: Path, tmp_path: Path) -> None:
    char_lm("--text", text, *TINY, "--steps", 0, "--json", tmp_path / "0.json")
    found = read(tmp_path / "0.json")
    assert (found["steps"], found["losses"]) == (0, [])
    assert found["validation_loss"] > 1


def test_samples_of_the_command_line(text: Path) -> None:
    options = ["--text", text, *TINY, "--steps", 2, "--validation-fraction", 0, "--sampling", "random"]
    greedy = [char_lm(*options, "--temperature", 0, "--seed", 3) for _ in range(2)]
    assert greedy[0].stdout == greedy[1].stdout != char_lm(*options, "--seed", 3).stdout
    assert greedy[0].stdout == char_lm(*options, "--top-k", 1, "--seed", 3).stdout


@pytest.mark.parametrize("name", ["numnet", pytest.param("torchnet", marks=pytest.mark.long)])
def test_unknown_characters_of_the_prompt_are_said_once(name: str, text: Path) -> None:
    done = char_lm("--backend", name, "--text", text, *TINY, "--steps", 1, "--prompt", "T@x@")
    assert done.stdout.startswith("T@x@")
    assert done.stderr.count("<unk>: '@'") == 1


def test_every_option_of_training_counts(text: Path, tmp_path: Path) -> None:
    changes = {
        "sampling": "random",
        "clip-norm": 0.01,
        "dropout": 0.5,
        "optimizer": "sgd",
        "learning-rate": 0.1,
        "seed": 1,
    }
    changes |= {"batch-size": 5, "sequence-length": 9, "layers": "gru:8:6,rnn:8", "dtype": "float32"}
    losses = set()
    for name, value in [("steps", 3), *changes.items()]:
        char_lm("--text", text, *TINY, "--steps", 3, f"--{name}", value, "--json", tmp_path / "a.json")
        losses.add(str(read(tmp_path / "a.json")["losses"]))
    assert len(losses) == 1 + len(changes)


def test_the_default_text_and_another_optimizer(tmp_path: Path) -> None:
    options = [*TINY, "--batch-size", 512, "--optimizer", "rmsprop", "--prompt", "If"]
    char_lm(*options, "--epochs", 9, "--steps", 1, "--json", tmp_path / "a.json")
    assert read(tmp_path / "a.json")["losses"] == [pytest.approx(4.5, abs=0.5)]


@pytest.mark.parametrize("name", ["numnet", pytest.param("torchnet", marks=pytest.mark.long)])
def test_shakespeare_in_under_25_lines(name: str, text: Path, tmp_path: Path) -> None:
    script = SHAKESPEARE.read_text(encoding="utf-8")
    assert len(script.splitlines()) < 25
    assert script.count("import numnet as net") == 1
    script = script.replace("import numnet as net", f"import {name} as net")
    (tmp_path / "example.py").write_text(script, encoding="utf-8")
    text.write_text(text.read_text(encoding="utf-8") * 2, encoding="utf-8")
    done = python(tmp_path / "example.py", text, 1)
    assert done.returncode == 0, done.stderr
    assert "validation" in done.stderr
    assert done.stdout.startswith("The ")
    assert len(done.stdout) > 300


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_node_of_ones_own_trains_and_writes(backend: str, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("The quick brown fox jumps over 13 lazy dogs; why?\n" * 400, encoding="utf-8")
    done = python(ROOT / "examples" / "your_own_node.py", "--backend", backend, "--text", path, "--seconds", 0.5)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("step ")]
    assert rows
    assert all(float(row[3]) < 3.5 for row in rows)
    assert "\nThe " in done.stdout


def test_the_pictures_of_the_errata_are_drawn(tmp_path: Path) -> None:
    done = python(ROOT / "examples" / "errata.py", "--plot", tmp_path / "errata.png", "--steps", 12)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "errata.png").read_bytes().startswith(b"\x89PNG")
