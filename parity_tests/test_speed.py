"""The benchmark compares what it times before it times it, and the documents show its records; no time is asserted."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

import numnet
import torchnet
from parity_tests.speed import __main__ as speed
from parity_tests.speed import report, trees
from parity_tests.speed.device import PRECISIONS, device_runs, precision
from parity_tests.speed.goals import GOALS, LAYER_ALONE
from parity_tests.speed.growth import exponent, sizes
from parity_tests.speed.layers import KINDS, layer_runs
from parity_tests.speed.memory import must_keep
from parity_tests.speed.padding import drawn_batches, filled, padding_runs, sentence_lengths
from parity_tests.speed.plot import plot
from parity_tests.speed.step import generate_runs, step_runs
from parity_tests.speed.tape import KINDS as TAPE_KINDS
from parity_tests.speed.tape import tape_runs
from parity_tests.speed.timing import alternate, surroundings, threads

SMALL = (3, 2, 4, 5)


@pytest.mark.parametrize("K", [None, 2])
def test_trees_are_compared_before_they_are_timed(K: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    batch, sizes = trees.pairs_of(None, 4), trees.Sizes(D=3, H=4, K=K, MLP=5)
    assert [len(part) for part in batch] == [8] * 3
    runs = {**trees.step_runs(batch, sizes), **trees.width_runs(batch, sizes), **trees.batched_runs(batch, sizes)}
    for stages in runs.values():
        for stage in stages:
            stage()
    _, weights = trees.columns_of(batch, sizes)
    reduces = int((batch.lengths - 1).sum())
    assert [sum(columns) for (rows, _), columns in weights if rows == 5 * 4] == [reduces] * (2 if K is None else 3)
    models = iter([trees.classifier(numnet, sizes), trees.classifier(torchnet, sizes._replace(MLP=6))])
    monkeypatch.setattr(trees, "classifier", lambda net, sizes: next(models))
    with pytest.raises(AssertionError, match="torchnet"):
        trees.step_runs(batch, sizes)


@pytest.mark.parametrize(("kind", "depth"), [*((kind, 1) for kind in KINDS), ("RNN", 2), ("GRU after", 2), ("LSTM", 2)])
def test_layers_are_compared_before_they_are_timed(kind: str, depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = layer_runs(kind, SMALL, depth)
    assert list(runs) == ["numnet", "torchnet", "torch", "products"]
    monkeypatch.setattr(
        "parity_tests.speed.layers.raw", lambda kind, D, H, layers: torch.nn.LSTM(D, H, batch_first=True)
    )
    with pytest.raises(AssertionError, match="differs"):
        layer_runs(kind, SMALL, depth)


@pytest.mark.parametrize("kind", KINDS)
def test_steps_and_tokens_are_the_same_for_all(kind: str) -> None:
    names = ["numnet", "torchnet", "torch"]
    assert list(step_runs(kind, T=5, B=2, V=6, H=4)) == names + ["book"] * (kind == "LSTM")
    assert list(generate_runs(kind, V=6, H=4)) == [*names, LAYER_ALONE]


@pytest.mark.parametrize("kind", TAPE_KINDS)
def test_calls_on_a_tape_are_compared_before_they_are_timed(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(tape_runs(kind, (2, 3))) == ["numnet", "torchnet", "torch"]
    monkeypatch.setattr("parity_tests.speed.tape.expected", lambda kind, module: [*module.parameters()])
    with pytest.raises((AssertionError, ValueError)):
        tape_runs(kind, (2, 3))


def test_padding_is_timed_on_the_same_function_over_real_sentences(tmp_path: Path) -> None:
    path = tmp_path / "some.conllu"
    path.write_text("# text\n1\tI\n2-3\tcan't\n2\tca\n3\tn't\n3.1\tgo\n\n1\tYes\n\n", encoding="utf-8")
    assert sentence_lengths(path).tolist() == [3, 1]
    batches = [lengths // 20 + 1 for lengths in drawn_batches(sentence_lengths(None))[:2]]
    assert 0 < filled(batches) < 1
    assert list(padding_runs(batches, 3, 4)) == ["numnet", "padded", "torch", "torch padded"]


@pytest.mark.parametrize("name", PRECISIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_runs_on_a_gpu_runs_here_too(kind: str, name: str) -> None:
    with precision(name):
        assert list(device_runs(kind, SMALL, "cpu", name)) == ["torchnet", "torch"]
    assert not torch.backends.cuda.matmul.allow_tf32


def test_turns_are_taken_and_stages_added_up() -> None:
    calls: list[str] = []
    ticks = iter(range(10**6))
    runs = {name: [partial(calls.append, name), partial(calls.append, name.upper())] for name in "ab"}
    first, both = alternate(runs, turns=30, pause=0, clock=lambda: float(next(ticks)))
    assert calls[:4] == list("aAbB")
    assert first == dict.fromkeys("ab", (1000, 1000))
    assert both == dict.fromkeys("ab", (2000, 2000))


def test_threads_are_set_and_given_back() -> None:
    before = torch.get_num_threads()
    with threads(2):
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == before
    assert {"numpy", "BLAS kernel", "OPENBLAS_CORETYPE", "torch", "processor"} <= {*surroundings()}


def test_growth_is_the_exponent() -> None:
    assert exponent([3.0 * 4**k for k in range(5)]) == pytest.approx(2)
    assert [size[0] for size in sizes("T")] == [16, 32, 64, 128, 256]
    assert must_keep("LSTM", SMALL) == 4 * 3 * 2 * (4 + 7 * 5)


def test_a_run_prints_and_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    path = tmp_path / "record.json"
    monkeypatch.setattr(speed, "SIZES", [SMALL])
    monkeypatch.setattr(speed, "STACKED", [])
    monkeypatch.setattr(speed, "alternate", lambda runs: alternate(runs, turns=3, pause=0))
    monkeypatch.setattr("sys.argv", ["speed", "layers", "--threads", "1", "--json", str(path)])
    speed.main()
    assert "LSTM (3, 2, 4, 5)" in capsys.readouterr().out
    speed.main()  # once more: its rows take the place of the first run's
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    assert [row["name"] for row in rows if row["pass"] == "forward"] == [f"{kind} {SMALL}" for kind in KINDS]


def test_a_record_made_elsewhere_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text('{"surroundings": {"torch": "0"}, "rows": []}', encoding="utf-8")
    with pytest.raises(SystemExit, match="recorded elsewhere"):
        speed.begun(path, surroundings())


@pytest.mark.parametrize(
    "words", [["nothing"], ["--device", "cuda"], ["layers", "--device", "cuda"], ["--threads", "0"]]
)
def test_what_cannot_be_run_is_said(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    if words == ["--device", "cuda"] and torch.cuda.is_available():
        pytest.skip("PyTorch finds a CUDA device here: there is nothing to refuse")
    monkeypatch.setattr("sys.argv", ["speed", *words])
    with pytest.raises(SystemExit):
        speed.main()
    assert {"nothing": "no table is called", "--device": "CUDA", "layers": "one table", "--threads": "above 0"}[
        words[0]
    ] in capsys.readouterr().err


def test_documents_show_the_kept_records(tmp_path: Path) -> None:
    for path, text in report.documents().items():
        assert path.read_text(encoding="utf-8") == text, "run python -m parity_tests.speed --write"
    record = report.recorded()[0]
    measured = {row["table"] for row in record["rows"]}
    goals = [goal for goal in GOALS if goal.table in measured]
    assert all(goal.found(record, n) for goal in goals for n in goal.limits), "a goal without figures"
    plot(record, tmp_path / "ratios.png")
    assert (tmp_path / "ratios.png").stat().st_size > 10_000
