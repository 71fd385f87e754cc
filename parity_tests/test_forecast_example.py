"""examples/forecast.py and examples/leak.py: the same on both backends, on any CSV, with errors of one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity_tests.small import ROOT, python

FORECAST, LEAK = (ROOT / "examples" / name for name in ("forecast.py", "leak.py"))
SMALL = ["--column", "load", "--period", 12, "--length", 12, "--horizon", 6, "--hidden-size", 8, "--epochs", 2]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A season of 12 steps and a trend, with a gap."""
    rng, t = np.random.default_rng(0), np.arange(400)
    values = 5 + t / 100 + 3 * np.sin(2 * np.pi * t / 12) + rng.standard_normal(400)
    lines = [f"{k},{'' if k == 50 else round(value, 3)}" for k, value in enumerate(values)]
    (tmp_path / "load.csv").write_text("\n".join(["step,load", *lines]), encoding="utf-8")
    return tmp_path / "load.csv"


def run(script: Path, *options: Any) -> Any:
    done = python(script, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_both_backends_forecast_a_csv_alike(table: Path, tmp_path: Path) -> None:
    """1e-4: float32, two short trainings."""
    found = {}
    for backend in ("numnet", "torchnet"):
        files = ["--json", tmp_path / f"{backend}.json"]
        files += ["--plot", tmp_path / "a.png"] if backend == "numnet" else []
        printed = run(FORECAST, "--backend", backend, "--csv", table, *SMALL, *files)
        assert [line.split()[0] for line in printed.splitlines() if line.strip()] == ["naive", "direct", "closed"]
        found[backend] = json.loads((tmp_path / f"{backend}.json").read_text(encoding="utf-8"))["scores"]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    ours, theirs = found.values()
    for name, scores in ours.items():
        assert scores == pytest.approx(theirs[name], rel=1e-4)
        assert {*scores} == {"mae", "mase", "pinball", "coverage", "width"}


def test_the_default_series_is_forecast_better_than_by_the_season(tmp_path: Path) -> None:
    run(FORECAST, "--loop", "direct", "--epochs", 4, "--json", tmp_path / "a.json")
    scores = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["scores"]
    assert scores["floor"]["mae"] < scores["direct"]["mae"] < 0.8 * scores["naive"]["mae"]
    assert scores["direct"]["pinball"] < 0.8 * scores["naive"]["pinball"]
    assert len(FORECAST.read_text(encoding="utf-8").splitlines()) < 130


WRONG: list[tuple[list[Any], str]] = [
    (["--csv", "TABLE"], "--csv and --column: one of them is missing, expected both or none."),
    (["--csv", "TABLE", "--column", "lode"], "load.csv:1: no column 'lode' in 'step', 'load', expected one."),
    (["--csv", "nowhere", "--column", "load"], "nowhere"),
    (["--horizon", 5000], "WindowBatches: series 0 has no window of the part 'test'"),
    (["--period", 5000], "WindowBatches.seasonal_naive: period is 5000, expected"),
    (["--dropout", 1], "Dropout: p is 1.0, expected"),
    (["--length", 0], "0 is less than 1"),
]


@pytest.mark.parametrize(("options", "said"), WRONG, ids=str)
def test_bad_input_is_one_line(options: list[Any], said: str, table: Path) -> None:
    done = python(FORECAST, *(table if option == "TABLE" else option for option in options))
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert said in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


TINY = ["--walks", 1, "--steps", 150, "--epochs", 2, "--hidden-size", 4]


def test_the_leak_is_measured(tmp_path: Path) -> None:
    assert run(LEAK, *TINY, "--plot", tmp_path / "a.png").count("\n") == 5
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.long
def test_both_backends_measure_the_same_leak(tmp_path: Path) -> None:
    """1e-4: float32, a short training."""
    found = []
    for backend in ("numnet", "torchnet"):
        run(LEAK, *TINY, "--backend", backend, "--json", tmp_path / "a.json")
        found.append(json.loads((tmp_path / "a.json").read_text(encoding="utf-8")))
    ours, theirs = found
    for name in ours.keys() - {"backend"}:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4)
