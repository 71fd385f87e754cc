"""The example as a user runs it: both backends say the same, and the loss is held against the grammar's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from numnet.data import English
from parity_tests.small import ROOT, python


def run(backend: str, folder: Path) -> dict[str, Any]:
    files = ["--json", folder / f"{backend}.json", "--plot", folder / f"{backend}.png"]
    options = ["--backend", backend, "--sentences", 640, "--epochs", 2, "--seed", 3]
    done = python(ROOT / "examples" / "small_english.py", *options, *files)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads((folder / f"{backend}.json").read_text(encoding="utf-8"))
    assert f"validation_loss {result['validation_loss']:.4f}  floor" in done.stdout
    assert (folder / f"{backend}.png").read_bytes().startswith(b"\x89PNG")
    return result


def test_both_backends_say_the_same(tmp_path: Path) -> None:
    ours, theirs = (run(backend, tmp_path) for backend in ("numnet", "torchnet"))
    assert len(ours["losses"]) == ours["steps"] == 40
    assert ours["losses"] == pytest.approx(theirs["losses"], rel=1e-4)
    assert ours["validation_loss"] == pytest.approx(theirs["validation_loss"], rel=1e-4)
    assert ours["floor"] == theirs["floor"]
    assert ours["entropy"] == English().entropy_rate
    assert ours["losses"][-1] < ours["losses"][0] - 1
    assert 0.98 * ours["entropy"] < ours["floor"] < 1.02 * ours["entropy"] < ours["validation_loss"]
    assert ours["loss_by_floor"] == ours["validation_loss"] / ours["floor"]
    assert 0 <= ours["right"] < 1
