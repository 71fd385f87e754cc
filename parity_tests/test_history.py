"""The record of a run: its columns, and measures that are exactly what their names say."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import pytest

from numnet import History
from parity_tests.small import small_model, small_trainer

COLUMNS = (
    "step,epoch,seconds,learning_rate,gradient_norm,train_loss,validation_loss,perplexity,bits_per_character,"
    "characters_per_second"
)


@pytest.mark.parametrize("validated", [True, False])
def test_history_csv(net: Any, validated: bool, tmp_path: Path) -> None:
    options: dict[str, Any] = {} if validated else {"validation": None}
    halving = net.Adam(net.StepSchedule(0.01, every=4, factor=0.5))
    options = {"directory": tmp_path, "evaluate_every": 4, "optimizer": halving, **options}
    trainer = small_trainer(net, small_model(net), **options)
    history = trainer.fit(steps=10)
    with (tmp_path / "history.csv").open(newline="", encoding="utf-8") as file:
        assert file.readline().rstrip() == COLUMNS
        rows = list(csv.DictReader(file, COLUMNS.split(",")))
    assert [row["step"] for row in rows] == ["4", "8", "10"]
    assert [float(row["learning_rate"]) for row in rows] == [0.01, 0.005, 0.0025]
    for row, (since, to) in zip(rows, [(0, 4), (4, 8), (8, 10)]):
        assert float(row["train_loss"]) == math.fsum(history.losses[since:to]) / (to - since)
        assert (row["validation_loss"] != "") == validated
        loss = float(row["validation_loss"] or row["train_loss"])
        assert float(row["perplexity"]) == math.exp(loss)
        assert float(row["bits_per_character"]) == loss / math.log(2)
        assert float(row["gradient_norm"]) > 0
        assert float(row["characters_per_second"]) > 0


def test_a_row_of_the_same_step_replaces_it() -> None:
    history = History([2.0, 1.0, 4.0])
    for validation, step in ((1.0, 1), (2.0, 3), (0.5, 3)):
        history.add(validation, step=step)
    assert [(row["step"], row["train_loss"], row["perplexity"]) for row in history.rows] == [
        (1, pytest.approx(7 / 3), math.exp(1.0)),
        (3, 2.5, math.exp(0.5)),
    ]


def test_a_loss_too_large_for_exp_has_an_infinite_perplexity() -> None:
    assert History([800.0]).add(None, step=1)["perplexity"] == math.inf


def test_the_curve_is_a_picture(tmp_path: Path) -> None:
    history = History([3.0, 2.0])
    history.add(2.5, step=2)
    history.plot(tmp_path / "new" / "loss.png", "title")
    assert (tmp_path / "new" / "loss.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_the_curve_is_drawn_on_axes_of_ones_own() -> None:
    from matplotlib.figure import Figure

    history, (left, right) = History([3.0, 2.0]), Figure().subplots(1, 2)
    history.add(2.5, step=2)
    history.draw(left, "title", "nats a sentence")
    assert (left.get_title(), left.get_ylabel(), len(left.lines), len(right.lines)) == (
        "title",
        "loss (nats a sentence)",
        3,
        0,
    )
