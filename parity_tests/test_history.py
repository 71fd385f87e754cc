"""The record of a run: its columns, and measures that are exactly what their names say."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import pytest
from matplotlib import figure

import numnet
from numnet import History
from numnet.training.history import perplexity
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


def test_a_picture_has_the_numbers_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(figure.Figure, "savefig", lambda self, *_, **__: drawn.append(self.axes[0]))
    history = numnet.History([3.0])
    history.add(2.5, step=1)
    history.losses += [2.0, 4.0, 1.0]
    history.add(1.5, step=4)
    for _ in range(2):
        history.plot(tmp_path / "new" / "deep" / "loss.png")
    every, means, validation = ([line.get_xdata().tolist(), line.get_ydata().tolist()] for line in drawn[1].lines)
    assert every == [[1, 2, 3, 4], [3, 2, 4, 1]]
    assert means == [[0.5, 2.5], [3.0, 7 / 3]]
    assert validation == [[1, 4], [2.5, 1.5]]
    assert drawn[1].get_title() == ""
    history.rows[0]["validation_loss"] = history.rows[1]["validation_loss"] = None
    history.plot(tmp_path / "loss.png", "a title")
    assert (len(drawn[2].lines), drawn[2].get_title()) == (2, "a title")


def test_a_row_without_steps_of_its_own_has_the_last_loss_and_too_large_a_loss_no_finite_perplexity() -> None:
    history = numnet.History([3.0, 2.0, 1.5])
    assert [history.add(None, step=step)["train_loss"] for step in (7, 9)] == [6.5 / 3, 1.5]
    assert numnet.History([800.0]).add(None, step=1)["perplexity"] == math.inf
    assert [perplexity(loss) for loss in (1.0, 699.5, 700.0, 700.5)] == [math.e, math.exp(699.5), math.inf, math.inf]


def test_a_history_makes_its_folder(tmp_path: Path) -> None:
    for _ in range(2):
        numnet.History().to_csv(tmp_path / "new" / "deep" / "history.csv")
    assert (tmp_path / "new" / "deep" / "history.csv").read_text().startswith("step,epoch,")


def test_the_axis_says_what_the_loss_is(tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    for unit, label in (
        ("nats a word", "loss (nats a word)"),
        ("MeanSquaredError", "loss (MeanSquaredError)"),
        ("", "loss"),
    ):
        axes = Figure().subplots()
        history = History([3.0, 2.0], token="word", unit=unit)
        history.draw(axes)
        assert axes.get_ylabel() == (label or "loss")
    history.add(1.0, step=2, speed=5.0)
    history.rows.insert(0, {"step": 1, "bits_per_character": 3.0})  # of a file that an older version wrote
    history.to_csv(tmp_path / "history.csv")
    header, first, _ = (tmp_path / "history.csv").read_text().splitlines()
    assert header.endswith(",bits_per_word,words_per_second,bits_per_character")
    assert first == "1,,,,,,,,,,3.0"


made: Any = History
WRONG: list[tuple[Any, str]] = [
    (lambda: made("abc"), "History: losses is 'abc', expected a list of numbers"),
    (lambda: made([None]), "History: losses is list, expected a list of numbers"),
    (lambda: made([1.0], [3]), "History: rows is list, expected a list of dictionaries"),
    (lambda: made([1.0], None, [1, 2]), "History: counts has 2 entries, expected 1"),
    (lambda: made().add("low", step=1), "History.add: validation_loss is 'low'"),
    (lambda: made().add(1.0), "History.add: step is None"),
    (lambda: made().draw("loss.png"), r"History.draw: axes is 'loss.png'.*Call plot\(path\)"),
    (lambda: made().plot(None), "History.plot: path is None, expected a path"),
    (lambda: numnet.require_plot("loss.xyz"), "require_plot: path is 'loss.xyz', expected a name that ends in"),
]


@pytest.mark.parametrize(("bad", "words"), WRONG, ids=[words for _, words in WRONG])
def test_what_is_no_history_is_refused(bad: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        bad()
